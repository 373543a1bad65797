"""Arguments beside arrays: words, numbers, paths and sides of a shape; what is none of them is one line."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

import fos_ref
from fos_ref.dialects.disagreement import disagreement
from fos_ref.engines.convert import quantize_checkpoint
from fos_ref.errors import DtypeError, FosError, InputError
from fos_ref.exactness.near_tie import near_ties
from fos_ref.inputs import strategies
from fos_ref.inputs.distributions import make
from fos_ref.inspect.api import inspect
from fos_ref.storage.checkpoint import QuantizedCheckpoint
from fos_ref.storage.conventions import convention
from fos_ref.vectors import chain
from fos_ref.verify import check, conformance
from fos_ref.verify.mutants import mutant
from tests.every import every
from tests.foreign_objects import JaxLike, Q, raising, Rude, said, X

P = fos_ref.PRESETS

# --- the other arguments ------------------------------------------------------------------------------

ONE = 1
NO_WORDS = (
    np.array(["zero", "error"]),
    None,
    ONE,
    True,
    b"zero",
    ["zero"],
    {},
    Rude(),
    "z" * 200_000,
    "\x1b[2J",
)
WORDS = {
    "padding": lambda w: fos_ref.quantize(X, padding=w),
    "trace, padding": lambda w: fos_ref.trace(X, padding=w),
    "engine": lambda w: fos_ref.quantize(X, engine=w),
    "recipe": lambda w: fos_ref.quantize(X, w),
    "recipe()": fos_ref.recipe,
    "check, recipe": lambda w: check(X, Q.codes, Q.block_scales, recipe=w),
    "check, layout": lambda w: check(X, Q.codes, Q.block_scales, scale_layout=w),
    "conformance": lambda w: conformance(w, "4over6"),
    "conformance, recipe": lambda w: conformance(fos_ref.quantize, w),
    "conformance, layout": lambda w: conformance(fos_ref.quantize, scale_layout=w),
    "conformance, nan_blocks": lambda w: conformance(fos_ref.quantize, nan_blocks=w),
    "conformance, dtypes": lambda w: conformance(fos_ref.quantize, dtypes=(w,)),
    "conformance, shapes": lambda w: conformance(fos_ref.quantize, shapes=(w,)),
    "conformance, examples": lambda w: conformance(fos_ref.quantize, examples=-1 if w is ONE else w),
    "disagreement": lambda w: disagreement(X, w, "nvfp4"),
    "dequantize, dtype": lambda w: fos_ref.dequantize(Q, dtype=w),
    "dequantize": fos_ref.dequantize,
    "exact_error": lambda w: fos_ref.exact_error(X, w),
    "near_ties, ulps": lambda w: near_ties(X, ulps=-1 if w is ONE else w),
}


@every(WORDS)
def test_a_word_that_is_none_is_one_line(door):
    for word in NO_WORDS:
        assert said(WORDS[door], word), repr(word)[:80]


def test_a_very_long_recipe_is_cut_and_quick():
    assert len(said(fos_ref.recipe, fos_ref.PRESETS)) < 400
    assert len(said(fos_ref.recipe, "4over6" * 100_000)) < 400


@every([Q.codes, None, 3, "q", (Q.codes, Q.block_scales)], name=lambda v: type(v).__name__)
def test_what_is_no_quantized_tensor_is_refused(q):
    for call in (fos_ref.dequantize, lambda v: fos_ref.exact_error(X, v)):
        with pytest.raises(DtypeError, match=f"q is a {type(q).__name__}: a QuantizedTensor is allowed"):
            call(q)


@every([w for w in NO_WORDS if w is not None], name=lambda w: type(w).__name__)
def test_the_generators_name_what_is_allowed(word):
    digest = bytes(32)
    for call in (
        lambda: make("normal", (16, 16), 1, word),
        lambda: make(word, (16, 16), 1),
        lambda: make("normal", word, 1),
        lambda: make("normal", (16, 16), word if word is not ONE else -1),
        lambda: chain.step_input(digest, word),
        lambda: chain.step_input(word, "float32"),
        lambda: strategies.amaxes("4over6", dtype=word),
        lambda: strategies.blocks("4over6", 1.0, dtype=word),
        lambda: strategies.blocks("4over6", 1.0, aim=word),
        lambda: mutant(word),
        lambda: convention(word),
    ):
        assert said(lambda _, call=call: call(), None)


# --- nothing is cast ----------------------------------------------------------------------------------

LARGE = 2**53 + 1
NO_FLOAT32 = (
    2**24 + 1,
    LARGE,
    np.int64(LARGE),
    np.uint64(2**64 - 1),
    np.array(LARGE),
    np.array([LARGE]),
    [LARGE],
    [np.int64(LARGE)],
    (0.1,),
    np.float64(0.1),
    np.longdouble(1) + np.longdouble(2) ** -60,
    np.array(np.longdouble(1) + np.longdouble(2) ** -60),
    [np.longdouble(1) + np.longdouble(2) ** -60],
    2**128,
    10**400,
)
NO_NUMBERS = (
    True,
    np.True_,
    [True],
    np.array([True]),
    np.timedelta64(1, "s"),
    [np.timedelta64(1, "s")],
    1j,
    "1",
    [None],
)
SAME = (
    1,
    1.0,
    np.float32(1),
    np.float64(1),
    np.float16(1),
    ml_dtypes.bfloat16(1),
    np.longdouble(1),
    np.int8(1),
    np.uint64(1),
    np.array(1),
    np.array([1.0]),
    [1],
    (np.int32(1),),
    [np.float16(1)],
    np.array(1, ml_dtypes.bfloat16),
    JaxLike(np.array(1, np.float32)),
)


@every([*NO_FLOAT32, *NO_NUMBERS], name=repr)
def test_a_number_that_is_no_float32_is_refused(value):
    if isinstance(value, np.longdouble) and value == 1:
        return  # this machine's longdouble is float64: the sum was rounded before we saw it
    for argument in ("amax", "tensor_scale"):
        for call in (fos_ref.quantize, fos_ref.trace):
            with pytest.raises(InputError):
                call(X, **{argument: value})


@every(SAME, name=repr)
def test_a_number_that_is_one_is_taken_whatever_its_type(value):
    want = fos_ref.quantize(X, amax=np.float32(1))
    assert fos_ref.quantize(X, amax=value).codes.tobytes() == want.codes.tobytes()


def test_an_integer_beyond_2_to_the_24_that_is_a_float32_is_taken():
    for value in (2**24 + 2, 2**70, -0.0, np.uint64(2**63)):
        assert fos_ref.quantize(X, amax=value).tensor_amax == np.float32(abs(value))


# --- paths --------------------------------------------------------------------------------------------

NO_PATHS = (
    None,
    3,
    "",
    b"",
    "a\0b",
    "\x1b]0;pwn\x07\0",
    ["x"],
    Rude(),
    raising(OSError(5, "x"), "__fspath__"),
)


@every(NO_PATHS, name=lambda p: type(p).__name__)
def test_what_is_no_path_is_one_line(path):
    there = "no/such/file.safetensors"
    for call in (
        QuantizedCheckpoint,
        inspect,
        lambda p: quantize_checkpoint(p, there),
        lambda p: quantize_checkpoint(there, p),
        lambda p: conformance(fos_ref.quantize, golden=p if p is not None else 3),
    ):
        assert "the path of a file is allowed" in said(call, path)


# --- sides of a shape ---------------------------------------------------------------------------------

SIDES = (-1, 1.0, True, np.True_, "4", None, 1 << 63, np.float32(4), np.array([4]), 10**5000, Rude())


@every(SIDES, name=lambda v: type(v).__name__)
def test_a_side_that_is_no_whole_number_is_refused(side):
    for call in (
        lambda: fos_ref.unswizzle(np.zeros(0, np.uint8), side, 4),
        lambda: fos_ref.unswizzle(np.zeros(512, np.uint8), 128, side),
        lambda: fos_ref.unswizzle(b"", side, 4),
        lambda: make("normal", (side, 16), 1),
        lambda: make("normal", (16, side), 1),
        lambda: conformance(fos_ref.quantize, shapes=((side, 16),)),
    ):
        with pytest.raises(FosError) as e:
            call()
        assert len(str(e.value)) < 500


def test_numpy_integers_are_sides():
    scales = np.arange(12, dtype=np.uint8).reshape(3, 4)
    back = fos_ref.unswizzle(fos_ref.swizzle(scales), np.int8(3), np.uint16(4))
    assert back.tobytes() == scales.tobytes()
