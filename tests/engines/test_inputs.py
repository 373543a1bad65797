"""The door for arrays: which kinds and dtypes come in, that no value changes, and what the refusals say."""

from __future__ import annotations

import sys
import types

import ml_dtypes
import numpy as np
import pytest

import fos_ref
from fos_ref.engines.inputs import as_numpy
from fos_ref.errors import DtypeError, FosError, ShapeError, ToolchainError


def normal(shape=(4, 32), dtype=np.float32) -> np.ndarray:
    return np.random.Generator(np.random.Philox(1)).standard_normal(shape).astype(dtype)


def bits_of(q) -> tuple:
    return q.codes.tobytes(), q.block_scales.tobytes(), q.tensor_amax.tobytes(), q.picked4.tobytes()


# --- dtypes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("name", ["4over6", "te-mse-448", "fouroversix-mae"])
def test_16_bit_floats_widen_exactly(dtype, name):
    x = normal(dtype=dtype)
    assert as_numpy(x) is not None
    assert bits_of(fos_ref.quantize(x, name)) == bits_of(fos_ref.quantize(x.astype(np.float32), name))


def test_a_bfloat16_signalling_nan_raises_no_warning():
    x = normal(dtype=ml_dtypes.bfloat16)
    x.view(np.uint16)[0, 0] = 0x7F81
    assert fos_ref.quantize(x, "te-mse-256").block_scales[0, 0] == 0x7F


NUMPY_DTYPES = (
    np.float64,
    np.longdouble,
    np.int8,
    np.int32,
    np.uint8,
    np.bool_,
    np.complex64,
    "O",
    "U4",
    "M8[s]",
)
SMALL_DTYPES = (ml_dtypes.float8_e4m3fn, ml_dtypes.float4_e2m1fn, ml_dtypes.int4)


@pytest.mark.parametrize("dtype", [*NUMPY_DTYPES, *SMALL_DTYPES])
def test_every_other_dtype_is_refused_by_name(dtype):
    x = np.zeros((2, 16), dtype)
    with pytest.raises(DtypeError, match="float32, float16 or bfloat16 is allowed") as e:
        fos_ref.quantize(x)
    assert str(x.dtype) in str(e.value)


@pytest.mark.parametrize("dtype", [">f4", ">f2"])
def test_the_other_byte_order_is_refused(dtype):
    swapped = np.dtype(dtype).newbyteorder("S" if sys.byteorder == "big" else ">")
    with pytest.raises(DtypeError, match="has the other byte order: native order is allowed"):
        fos_ref.quantize(np.zeros((2, 16), swapped))


@pytest.mark.parametrize(
    "x", [[1.0] * 16, (1.0,) * 16, 1.0, None, "x", b"x", {}, object(), np.float32(1), range(16)]
)
def test_objects_that_are_no_arrays_are_refused(x):
    with pytest.raises(
        DtypeError,
        match=f"x is a {type(x).__name__}: a NumPy array, a torch, CuPy or JAX array, or a DLPack",
    ):
        fos_ref.quantize(x)


def test_a_masked_array_is_refused():
    with pytest.raises(DtypeError, match="a masked array: a plain array is allowed"):
        fos_ref.quantize(np.ma.masked_array(normal(), mask=False))


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_other_subclasses_count_as_arrays():
    x = normal()
    assert bits_of(fos_ref.quantize(np.matrix(x))) == bits_of(fos_ref.quantize(x))


# --- shapes and strides ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["4over6", "4over6-16x16", "te-mse-256-row"])
@pytest.mark.parametrize("lead", [(32,), (2, 16), (2, 2, 8), (1, 32, 1)])
def test_leading_axes_are_kept_and_mean_rows(name, lead):
    x = normal((32, 48))
    flat, q = fos_ref.quantize(x, name), fos_ref.quantize(x.reshape(*lead, 48), name)
    assert bits_of(q) == bits_of(flat)
    assert q.shape == (*lead, 48)
    assert q.codes.shape == (*lead, 24)
    assert q.block_scales.shape == q.picked4.shape == (*lead, 3)
    assert fos_ref.dequantize(q).shape == (*lead, 48)


def test_one_axis_is_one_row():
    x = normal((1, 32))
    q = fos_ref.quantize(x[0])
    assert q.codes.shape == (16,)
    assert bits_of(q) == bits_of(fos_ref.quantize(x))


VIEWS = {
    "transposed": lambda: normal((32, 16)).T,
    "every other row": lambda: normal((32, 32))[::2],
    "every other column": lambda: normal((16, 64))[:, ::2],
    "reversed": lambda: normal((16, 32))[::-1, ::-1],
    "broadcast": lambda: np.broadcast_to(normal((1, 32)), (16, 32)),
    "Fortran order": lambda: np.asfortranarray(normal((16, 32))),
    "unaligned": lambda: (
        np.frombuffer(b"\0" + normal((16, 32)).tobytes(), np.uint8)[1:].view(np.float32).reshape(16, 32)
    ),
    "bfloat16, transposed": lambda: normal((32, 16), ml_dtypes.bfloat16).T,
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("name", ["4over6", "4over6-16x16", "fouroversix-mse-16x16"])
def test_strides_do_not_matter(view, name):
    x = view()
    assert bits_of(fos_ref.quantize(x, name)) == bits_of(fos_ref.quantize(np.array(x, order="C"), name))


@pytest.mark.parametrize("name", ["4over6", "4over6-16x16", "te-nvfp4"])
def test_the_input_is_left_alone(name):
    x = normal((16, 32))
    before = x.tobytes()
    x.flags.writeable = False
    fos_ref.quantize(x, name)
    fos_ref.trace(x, name)
    assert x.tobytes() == before


@pytest.mark.parametrize(
    ("shape", "name", "says"),
    [
        ((), "4over6", r"x of shape \(\): at least one axis is needed"),
        ((4, 40), "4over6", r"x of shape \(4, 40\): the last axis must be a multiple of 16"),
        ((15,), "4over6", "multiple of 16"),
        ((4, 32), "4over6-16x16", r"x of shape \(4, 32\): 4 rows are not a multiple of 16"),
        ((3, 8, 32), "4over6-16x16", "24 rows are not a multiple of 16"),
        ((0,), "4over6-16x16", "1 rows are not a multiple of 16"),
    ],
)
@pytest.mark.parametrize("call", [fos_ref.quantize, fos_ref.trace])
def test_shapes_that_do_not_fit_are_refused(call, shape, name, says):
    with pytest.raises(ShapeError, match=says):
        call(np.zeros(shape, np.float32), name)


# --- other libraries' arrays -------------------------------------------------------------------------


class Producer:
    """A DLPack producer that is no NumPy array."""

    def __init__(self, x):
        self.x = x

    def __dlpack__(self, **arguments):
        return self.x.__dlpack__(**arguments)

    def __dlpack_device__(self):
        return self.x.__dlpack_device__()


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_a_dlpack_producer_comes_in(dtype):
    x = normal(dtype=dtype)
    assert bits_of(fos_ref.quantize(Producer(x))) == bits_of(fos_ref.quantize(x))


def test_a_dlpack_producer_of_another_dtype_is_refused():
    with pytest.raises(DtypeError, match="dtype float64: float32"):
        fos_ref.quantize(Producer(normal(dtype=np.float64)))


@pytest.mark.parametrize(
    "error", [BufferError("not on this device"), RuntimeError("no bfloat16"), TypeError("no")]
)
def test_a_failing_dlpack_hand_over_is_one_error(error):
    class Failing(Producer):
        def __dlpack__(self, **arguments):
            raise error

    with pytest.raises(DtypeError, match=rf"x of type Failing: {type(error).__name__} \({error}\): a NumPy"):
        fos_ref.quantize(Failing(normal()))


class FakeCupyArray:
    """As much of cupy.ndarray as the door may touch: it is handed over by cupy.asnumpy alone."""

    def __init__(self, x):
        self.hidden = x


@pytest.fixture
def cupy(monkeypatch):
    module = types.ModuleType("cupy")
    module.ndarray = FakeCupyArray
    module.asnumpy = lambda x: x.hidden
    monkeypatch.setitem(sys.modules, "cupy", module)
    return module


@pytest.mark.parametrize("dtype", [np.float32, np.float16, ml_dtypes.bfloat16])
def test_a_cupy_array_comes_in_through_asnumpy(cupy, dtype):
    x = normal(dtype=dtype)
    assert bits_of(fos_ref.quantize(cupy.ndarray(x))) == bits_of(fos_ref.quantize(x))
    assert bits_of(fos_ref.quantize(x)) == bits_of(fos_ref.quantize(x.astype(np.float32)))


@pytest.mark.usefixtures("cupy")
def test_a_cupy_array_of_another_dtype_is_refused():
    with pytest.raises(DtypeError, match="dtype float64: float32"):
        fos_ref.quantize(FakeCupyArray(normal(dtype=np.float64)))


def test_without_cupy_its_array_is_an_unknown_object(monkeypatch):
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    with pytest.raises(DtypeError, match="FakeCupyArray: a NumPy array"):
        fos_ref.quantize(FakeCupyArray(normal()))


def test_every_refusal_is_the_package_s_own_error():
    for kind in (DtypeError, ShapeError, ToolchainError):
        assert issubclass(kind, FosError)
