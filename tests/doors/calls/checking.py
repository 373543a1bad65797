"""Rows of `fos_ref.verify`: checking bytes, and testing a kernel."""

from __future__ import annotations

from typing import Any

import numpy as np

import fos_ref
from fos_ref.verify import (
    assert_bits_equal,
    assert_quantized_equal,
    check,
    check_stochastic,
    conformance,
    conformance_groups,
)
from tests.doors.calls.values import (
    NO_AMAX,
    NO_ARRAY,
    NO_CHOICE,
    NO_COUNT,
    NO_INPUT,
    NO_RECIPE,
    NO_TENSOR_SCALE,
    Q,
    VALUES,
    without,
    X,
)
from tests.doors.row import Call, HOSTILE, wrong

_CODES, _SCALES = Q.codes, Q.block_scales
#: `__array__` and bytes-like objects are taken here.
NO_BYTES: dict[str, Any] = {
    **without(NO_INPUT, "bytes of an array", "float4"),
    "floats": X,
    "signed bytes": _CODES.view(np.int8),
}
OTHER_SHAPES: dict[str, Any] = {
    "too few": _CODES[:3],
    "of no size": _CODES[:0],
    "of three axes": np.zeros((2, 3, 5), np.uint8),
}
ONE_A_BYTE = np.zeros(X.shape, np.uint8)
ONE_A_BYTE[3, 5] = 16
_GIVEN: dict[str, Any] = {"scales": _SCALES, "recipe": "nvfp4"}


def _checks(door: str, function: Any) -> list[Call]:
    return [
        *wrong(door, function, "x", {**NO_INPUT, **VALUES}, codes=_CODES, scales=_SCALES, recipe="nvfp4"),
        *wrong(door, function, "codes", {**NO_BYTES, **OTHER_SHAPES}, X, scales=_SCALES, recipe="nvfp4"),
        *wrong(door, function, "scales", {**NO_BYTES, **OTHER_SHAPES}, X, _CODES, recipe="nvfp4"),
        *wrong(door, function, "codes", {"one a byte, one above 15": ONE_A_BYTE}, X, **_GIVEN),
        *wrong(door, function, "recipe", NO_RECIPE, X, _CODES, _SCALES),
        *wrong(door, function, "amax", NO_AMAX, X, _CODES, _SCALES, recipe="nvfp4"),
        *wrong(door, function, "tensor_scale", NO_TENSOR_SCALE, X, _CODES, _SCALES, recipe="nvfp4"),
        *wrong(door, function, "encode_scale", NO_TENSOR_SCALE, X, _CODES, _SCALES, recipe="nvfp4"),
        *wrong(door, function, "scale_layout", NO_CHOICE, X, _CODES, _SCALES, recipe="nvfp4"),
    ]


def _draws(argument: str, values: dict[str, Any]) -> list[Call]:
    more = {"recipe": "te-train-gradient-byte-lane"}
    return wrong("check_stochastic", check_stochastic, argument, values, X, _CODES, _SCALES, **more)


def kernel(x: Any) -> tuple[Any, Any]:
    """Return what nvfp4 makes of x."""
    q = fos_ref.quantize(x, "nvfp4", engine="numpy")
    return q.codes, q.block_scales


def _conforms(argument: str, values: dict[str, Any], **more: Any) -> list[Call]:
    quick = {
        "recipe": "nvfp4",
        "groups": ["tensors"],
        "shapes": [(1, 16)],
        "dtypes": ["float32"],
        "examples": 0,
    }
    return wrong(
        "conformance", conformance, argument, values, *(() if argument == "f" else (kernel,)), **quick | more
    )


_NO_NAMES: dict[str, Any] = {
    "a number": 5,
    "another name": ["nope"],
    "one of numbers": [5],
    "one of lists": [["float32"]],
    "one of None": [None],
    "a text": "float32",
    "a class": np.float32,
    "a hostile name": ["\x1b]0;pwn\x07\u202e\n"],
    "a name of 100,000 letters": ["n" * 100_000],
    "100,000 names": ["nope"] * 100_000,
}
_NO_SHAPES: dict[str, Any] = {
    "a number": 5,
    "a text": "ab",
    "None": None,
    "numbers": [16],
    "of one axis": [(16,)],
    "of three axes": [(1, 2, 16)],
    "no rows": [(0, 16)],
    "negative": [(-1, 16)],
    "fractions": [(1.5, 16)],
    "texts": [("1", "16")],
    "booleans": [(True, 16)],
    "more than any memory holds": [(10**9, 10**9)],
    "beyond int64": [(10**30, 16)],
}
ROWS = [
    *_checks("check", check),
    *_checks("check_stochastic", check_stochastic),
    *_draws("random_bits", without(NO_ARRAY, "None")),
    *_draws("rotate", {"a text": "x", "a fraction": 1.5, "too large": 1 << 16, "fifteen": [1] * 15}),
    *_draws("false_alarm", {**NO_CHOICE, "one": 1.0, "zero": 0, "NaN": float("nan"), "None": None}),
    *_checks("assert_quantized_equal", assert_quantized_equal),
    *wrong("assert_bits_equal", assert_bits_equal, "got", NO_BYTES, want=_CODES),
    *wrong("assert_bits_equal", assert_bits_equal, "want", NO_BYTES, _CODES),
    *wrong(
        "assert_bits_equal",
        assert_bits_equal,
        "got",
        {**OTHER_SHAPES, "a pair": (_CODES, _SCALES)},
        want=_CODES,
    ),
    *wrong(
        "assert_bits_equal", assert_bits_equal, "want", {"no arrays": (), "a quantized tensor": Q}, _CODES
    ),
    *wrong("assert_bits_equal", assert_bits_equal, "x", {"with arrays": X}, _CODES, _CODES),
    *wrong(
        "assert_bits_equal", assert_bits_equal, "name", {"hostile": "\x1b]0;x\x07\n" * 100}, _CODES, _SCALES
    ),
    *_conforms("f", {k: v for k, v in NO_ARRAY.items() if not callable(v)}),
    *_conforms("recipe", NO_RECIPE),
    *_conforms("to", {"a text": "torch", "a number": 5, "a list": []}),
    *_conforms("takes_amax", {"a text": "yes", "a number": 5, "a list": []}),
    *_conforms("dtypes", {**without(_NO_NAMES, "a text"), "None": None}),
    *_conforms("scale_layout", NO_CHOICE),
    *_conforms("groups", _NO_NAMES),
    *_conforms("shapes", _NO_SHAPES),
    *_conforms("examples", {**NO_COUNT, "None": None}, groups=["strategies"]),
    *_conforms(
        "golden", {"a number": 5, "missing": "nowhere", "a file": "file", **HOSTILE}, groups=["worked"]
    ),
    *_conforms("nan_blocks", NO_CHOICE),
    *_conforms("diagnose", {**NO_COUNT, "None": None}),
    *wrong("conformance_groups", conformance_groups, "recipe", NO_RECIPE),
]
