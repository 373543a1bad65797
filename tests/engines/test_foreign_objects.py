"""Objects of other libraries at every door: what they raise is one line, what they hide is not taken."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

import fos_ref
from fos_ref.dialects.disagreement import disagreement
from fos_ref.dialects.hardware import hardware_decides
from fos_ref.errors import DtypeError, ToolchainError
from fos_ref.exactness.near_tie import near_ties
from fos_ref.verify import assert_bits_equal, assert_quantized_equal, check, conformance
from tests.every import every
from tests.float_environments import state
from tests.foreign_objects import JaxLike, Q, raising, Rude, said, X

P = fos_ref.PRESETS

VALUES = {
    "quantize": fos_ref.quantize,
    "trace": fos_ref.trace,
    "exact_error": lambda x: fos_ref.exact_error(x, Q),
    "check": lambda x: check(x, Q.codes, Q.block_scales),
    "assert_quantized_equal": lambda x: assert_quantized_equal(x, Q.codes, Q.block_scales),
    "assert_bits_equal": lambda x: assert_bits_equal((Q.codes ^ 1, Q.block_scales), Q, x=x),
    "near_ties": near_ties,
    "disagreement": lambda x: disagreement(x, P["4over6"], P["nvfp4"]),
    "hardware_decides": lambda x: hardware_decides(x, P["flashinfer-default-mse-448"]),
}
BYTES = {
    "check, codes": lambda a: check(X, a, Q.block_scales),
    "check, scales": lambda a: check(X, Q.codes, a),
    "assert_bits_equal, got": lambda a: assert_bits_equal(a, Q.codes),
    "assert_bits_equal, want": lambda a: assert_bits_equal(Q.codes, a),
    "assert_bits_equal, pair": lambda a: assert_bits_equal((Q.codes, a), Q),
    "swizzle": fos_ref.swizzle,
    "unswizzle": lambda a: fos_ref.unswizzle(a, 4, 2),
}
NUMBERS = {
    "amax": lambda a: fos_ref.quantize(X, amax=a),
    "amax per row": lambda a: fos_ref.quantize(X, "te-nvfp4-row", amax=a),
    "trace, amax": lambda a: fos_ref.trace(X, amax=a),
    "check, amax": lambda a: check(X, Q.codes, Q.block_scales, amax=a),
    "tensor scale": lambda a: fos_ref.quantize(X, tensor_scale=a),
}
DOORS = VALUES | BYTES | NUMBERS


def showing(name: str, value: object) -> object:
    """Return an object with an attribute or method `name`, and no more."""
    return type("Foreign", (), {name: value})()


ERRORS = (
    KeyError("a"),
    ValueError("two\nlines"),
    RuntimeError("\x1b]0;pwn\x07\u202e"),
    MemoryError(),
    RecursionError("deep"),
    AttributeError("x" * 10_000),
    OSError(5, "gone"),
)
OBJECTS = [
    *(raising(e, "__dlpack__", "__dlpack_device__") for e in ERRORS),
    *(raising(e, "__dlpack__", "__dlpack_device__", "__array__") for e in ERRORS),
    *(raising(e, "__array__") for e in ERRORS),
    raising(KeyError("len"), "__len__", "__iter__", "__float__", "__index__", "__repr__"),
    Rude(),
    type("Cuda", (), {"__cuda_array_interface__": {}, "get": lambda _: (_ for _ in ()).throw(KeyError())})(),
    type("Cuda", (), {"__cuda_array_interface__": {}, "get": lambda _: "no array"})(),
    showing("__dlpack__", 3),
    showing("__dlpack__", lambda _, **__: "no capsule"),
    showing("__array__", lambda _, *__, **___: "no array"),
    showing("__array_interface__", {"shape": (4, 32), "typestr": "<f4", "data": (0, False), "version": 3}),
    np.ma.masked_array(X, mask=X > 0),
    np.ma.masked_array(Q.codes, mask=Q.codes > 7),
    np.ma.masked,
    np.ma.masked_array(1.0, mask=True),
    np.zeros((4, 32), [("\x1b[31m", "f4"), ("b", "u1")]),
    np.full((4, 32), None),
    np.full((4, 32), "a"),
    X.astype(complex),
    X.astype(">f4") if np.little_endian else X.astype("<f4"),
    memoryview(b"abc"),
    b"",
    "text" * 10_000,
    {"a": 1},
    lambda: 1,
    float,
    range(4),
]


@every(DOORS)
def test_whatever_an_object_does_is_one_line(door):
    for argument in OBJECTS:
        assert said(DOORS[door], argument), type(argument)


@every(DOORS)
def test_what_is_no_exception_passes(door):
    for error in (KeyboardInterrupt(), SystemExit(3)):
        with pytest.raises(type(error)):
            DOORS[door](raising(error, "__dlpack__", "__dlpack_device__"))


def test_a_line_says_what_was_given_what_was_wrong_and_what_is_allowed():
    for door, call in (VALUES | BYTES).items():
        words = said(call, raising(KeyError("pieces"), "__dlpack__", "__dlpack_device__"))
        assert "of type Foreign: KeyError ('pieces'): " in words, door
        assert "is allowed" in words, door


# --- as JAX does: DLPack without bfloat16, __array__ of its own dtype ---------------------------------


@every([np.float32, np.float16, ml_dtypes.bfloat16], name=lambda t: np.dtype(t).name)
def test_an_array_that_dlpack_does_not_carry_comes_in_by_its_own_dtype(dtype):
    x = X.astype(dtype)
    q = fos_ref.quantize(JaxLike(x))
    want = fos_ref.quantize(x)
    assert q.codes.tobytes() == want.codes.tobytes()
    assert check(JaxLike(x), JaxLike(q.codes), JaxLike(q.block_scales)).equal


def test_an_object_that_casts_on_the_way_is_refused():
    with pytest.raises(DtypeError, match="Unsupported dtype"):
        fos_ref.quantize(JaxLike(X, ml_dtypes.bfloat16))


def test_a_mask_behind_a_protocol_is_seen():
    masked = np.ma.masked_array(X, mask=X > 0)
    with pytest.raises(DtypeError, match="x is a masked array"):
        fos_ref.quantize(JaxLike(masked))


@every(OBJECTS[:20], name=lambda o: type(o).__name__)
def test_what_a_kernel_returns_is_a_finding_and_no_traceback(returned):
    for answer in (returned, (returned, Q.block_scales), [Q.codes, returned]):
        kernel = _returning(answer)
        assert not conformance(kernel, groups=("tensors",), shapes=((4, 32),), dtypes="float32").equal


def _returning(answer):
    return lambda _: answer


def test_an_object_that_changes_the_environment_is_noticed():
    """Its methods run inside the call, so the environment is asked for after them."""
    left = state("upward")

    class Changing(JaxLike):
        def __array__(self, dtype=None, copy=None):
            left.__enter__()
            return self.a

    for call in (
        lambda: fos_ref.quantize(Changing(X)),
        lambda: fos_ref.quantize(X, amax=Changing(np.array(1, np.float32))),
        lambda: fos_ref.exact_error(Changing(X), Q),
    ):
        try:
            with pytest.raises(ToolchainError, match="rounds floats upward"):
                call()
        finally:
            left.__exit__(None, None, None)
        left = state("upward")
