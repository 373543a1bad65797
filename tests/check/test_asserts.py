"""The assertions for a user's own tests: whose arrays they take, and what they say."""

from __future__ import annotations

import numpy as np
import pytest

import fos_ref
from fos_ref.errors import BitMismatch, DtypeError, InputError, ShapeError
from fos_ref.inputs.distributions import make
from fos_ref.storage.bytes_door import as_bytes
from fos_ref.verify import assert_bits_equal, assert_quantized_equal

X = make("normal", (16, 64), 8)
Q = fos_ref.quantize(X, "nvfp4")


class Array:
    """An array that can only make a host array of itself, as JAX's can."""

    def __init__(self, a):
        self.a = a

    def __array__(self, dtype=None, copy=None):
        return self.a


class Device:
    """A CUDA array that copies itself to the host by `method`, as CuPy's and Numba's do."""

    __cuda_array_interface__ = {"typestr": "|u1"}  # noqa: RUF012 -- the protocol's own form

    def __init__(self, a, method):
        setattr(self, method, lambda: a)


class Capsule:
    """A producer of DLPack capsules."""

    def __init__(self, a):
        self.a = a

    def __dlpack__(self, **given):
        return self.a.__dlpack__(**given)

    def __dlpack_device__(self):
        return self.a.__dlpack_device__()


@pytest.mark.parametrize(
    "wrap",
    [Array, lambda a: Device(a, "get"), lambda a: Device(a, "copy_to_host"), Capsule, np.asfortranarray],
    ids=["array", "cupy", "numba", "dlpack", "fortran"],
)
def test_arrays_of_other_libraries_are_taken(wrap):
    assert_bits_equal(wrap(Q.codes), Q.codes)
    assert_quantized_equal(X, wrap(Q.codes), wrap(Q.block_scales), recipe="nvfp4")
    with pytest.raises(BitMismatch):
        assert_bits_equal(wrap(Q.codes ^ np.uint8(1)), Q.codes)


def test_torch_tensors_are_taken():
    torch = pytest.importorskip("torch")
    codes = torch.from_numpy(Q.codes.copy())
    scales = torch.from_numpy(Q.block_scales.copy()).view(torch.float8_e4m3fn)
    assert_quantized_equal(torch.from_numpy(X), codes, scales, recipe="nvfp4")
    assert_bits_equal((codes, scales), Q)
    with pytest.raises(DtypeError, match=r"torch\.float32"):
        as_bytes(torch.zeros(3), "codes")


def test_the_first_difference_is_shown():
    codes = Q.codes.copy()
    codes[2, 5] ^= 0xFF
    with pytest.raises(BitMismatch) as e:
        assert_bits_equal(codes, Q.codes, name="my codes")
    got, want = codes[2, 5], Q.codes[2, 5]
    assert f"my codes: 1 of 512 differ, the first at (2, 5): got {got:02X}, want {want:02X}" in str(e.value)


def test_with_x_the_message_has_the_diagnosis_and_the_line():
    swapped = (Q.codes << 4) | (Q.codes >> 4)
    with pytest.raises(BitMismatch) as e:
        assert_bits_equal((swapped, Q.block_scales), Q, x=X)
    assert "codes: " in str(e.value)
    assert "NibbleOrder: 64 blocks" in str(e.value)
    assert "reproduce: fos_ref.quantize(" in str(e.value)
    with pytest.raises(BitMismatch, match="NibbleOrder"):
        assert_quantized_equal(X, swapped, Q.block_scales, recipe="nvfp4")


def test_equal_tensors_pass_in_every_form():
    assert_bits_equal(Q, Q)
    assert_bits_equal(Q, fos_ref.quantize(X, "nvfp4"), x=X)
    assert_bits_equal((Q.codes, Q.block_scales), (Q.codes, Q.block_scales))


@pytest.mark.parametrize(
    ("got", "want", "given", "error"),
    [
        (Q.codes[:2], Q.codes, {}, ShapeError),
        (X, Q.codes, {}, DtypeError),
        (None, Q.codes, {}, DtypeError),
        (np.ma.masked_array(Q.codes), Q.codes, {}, DtypeError),
        (Q.codes, Q, {}, InputError),
        (Q.codes, Q.codes, {"x": X}, InputError),
    ],
)
def test_what_cannot_be_compared_is_an_error(got, want, given, error):
    with pytest.raises(error):
        assert_bits_equal(got, want, **given)
