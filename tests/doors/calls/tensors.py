"""Rows of `fos_ref`: values to bytes and back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

import fos_ref
from fos_ref.errors import FosError
from tests.doors.calls.values import (
    NO_AMAX,
    NO_ARRAY,
    NO_CHOICE,
    NO_INPUT,
    NO_RECIPE,
    NO_TENSOR_SCALE,
    Q,
    ROWS_Q,
    VALUES,
    without,
    X,
)
from tests.doors.row import Call, wrong

_SCALES = Q.block_scales
_AMAXES = without(NO_AMAX, "many numbers", "two numbers", "no numbers", "a matrix")
#: No quantized tensor.
NO_TENSOR: dict[str, Any] = {
    **NO_ARRAY,
    "an array": X,
    "a pair of arrays": (Q.codes, Q.block_scales),
    "the class": fos_ref.QuantizedTensor,
}
#: Quantized tensors whose parts do not belong together.
LIES: dict[str, Any] = {
    "codes None": replace(Q, codes=None),
    "codes a list": replace(Q, codes=[[1, 2]]),
    "codes of floats": replace(Q, codes=Q.codes.astype(np.float32)),
    "codes of another shape": replace(Q, codes=Q.codes[:, :8]),
    "codes without an axis": replace(Q, codes=np.uint8(1)),
    "scales None": replace(Q, block_scales=None),
    "scales of floats": replace(Q, block_scales=_SCALES.astype(np.float32)),
    "scales of another shape": replace(Q, block_scales=_SCALES[:1]),
    "scales swizzled": replace(Q, block_scales=fos_ref.swizzle(_SCALES)),
    "a tensor scale of None": replace(Q, decode_scale=None, encode_scale=None, tensor_amax=None),
    "two tensor scales": replace(Q, tensor_amax=np.ones(2, np.float32), decode_scale=np.ones(2, np.float32)),
    "three tensor scales for rows": replace(ROWS_Q, decode_scale=np.ones(3, np.float32)),
    "a recipe of None": replace(Q, recipe=None),
    "a recipe's name": replace(Q, recipe="nvfp4"),
    "a shape of None": replace(Q, shape=None),
    "a larger shape": replace(Q, shape=(64, 64)),
    "a shape of texts": replace(Q, shape=("a", "b")),
    "a negative shape": replace(Q, shape=(-1, 64)),
}
NO_DTYPE: dict[str, Any] = {
    **without(NO_CHOICE, "a number"),
    "a number": 5,
    "float64": np.float64,
    "int32": np.int32,
    "complex": np.complex64,
    "objects": object,
    "a structure": [("a", "f4")],
    "the other byte order": ">f4",
    "a shape in it": "4f4",
    "another name": "float31",
}
NO_SIZE: dict[str, Any] = {
    "negative": -1,
    "a fraction": 4.5,
    "a whole float": 32.0,
    "a text": "32",
    "None": None,
    "another number": 33,
    "a huge number": 10**30,
    "a list": [32],
    "a boolean": True,
    "nan": float("nan"),
}
BYTES: dict[str, Any] = {
    **without(NO_INPUT, "bytes of an array", "bytes"),
    "floats": X,
    "signed bytes": _SCALES.view(np.int8),
    "bytes of Python": _SCALES.tobytes(),
}
_STOCHASTIC = "te-train-gradient-byte-lane"
#: For a plain recipe, which takes none.
_BITS: dict[str, Any] = {f"{k}, for nvfp4": v for k, v in without(NO_ARRAY, "None").items()}
_WORDS = np.arange(X.size // 4, dtype=np.uint32).reshape(X.shape[0], -1)
#: What gives no words to a stochastic recipe.
NO_BITS: dict[str, Any] = {
    "nothing": None,
    "too few words": _WORDS[:, 1:],
    "words in columns": _WORDS.T.copy(),
    "negative words": -_WORDS.astype(np.int64) - 1,
    "words of 64 bits": _WORDS.astype(np.uint64) << np.uint64(32),
    "uniform numbers": _WORDS.astype(np.float32) / 2**32,
    "the name of a map": "te-tuned-row",
    "a map without an offset": ("te-tuned-row", 1),
    "an unknown map": ("te-tuned", 1, 0),
    "a map of another program": ("quartet2-simulator", 1, 0),
    "a map of larger tensors": ("te-fused-row", 1, 0),
    "a negative seed": ("fouroversix-triton", -1, 0),
    "a seed of another kind": ("fouroversix-triton", "1", 0),
    "a fraction for an offset": ("fouroversix-triton", 1, 0.5),
    "options that are none": ("te-tuned-row", 1, 0, "row"),
    "an unknown option": ("te-tuned-row", 1, 0, {"copy": "row"}),
}


def _both(door: str, function: Any, **more: Any) -> list[Call]:
    """Return the rows that quantize and trace share."""
    return [
        *wrong(door, function, "x", {**NO_INPUT, **VALUES}, recipe="nvfp4", **more),
        *wrong(door, function, "recipe", NO_RECIPE, X, **more),
        *wrong(door, function, "amax", NO_AMAX, X, "nvfp4", **more),
        *wrong(door, function, "tensor_scale", NO_TENSOR_SCALE, X, "nvfp4", **more),
        *wrong(door, function, "encode_scale", NO_TENSOR_SCALE, X, "nvfp4", **more),
        *wrong(door, function, "encode_scale", {"and an amax": 1.0}, X, "nvfp4", amax=1.0, **more),
        *wrong(
            door, function, "encode_scale", {"and a tensor scale": 1.0}, X, "nvfp4", tensor_scale=1.0, **more
        ),
        *wrong(door, function, "padding", NO_CHOICE, X, "nvfp4", **more),
        *wrong(door, function, "random_bits", {"words": _WORDS, **_BITS}, X, "nvfp4", **more),
        *wrong(door, function, "random_bits", {**NO_ARRAY, **NO_BITS}, X, _STOCHASTIC, **more),
        *wrong(
            door, function, "random_bits", {"for the hardware": _WORDS}, X, "te-train-gradient-cvt-rs", **more
        ),
        *wrong(door, function, "random_bits", {"one of two": _WORDS}, X, "fouroversix-sr-4over6", **more),
        *wrong(door, function, "amax", {"and a tensor scale": 1.0}, X, "nvfp4", tensor_scale=1.0, **more),
        *wrong(
            door,
            function,
            "amax",
            {
                "one for all rows": 1.0,
                "too few rows": np.ones(31, np.float32),
                "rows in a matrix": np.ones((32, 1), np.float32),
                "one row negative": -np.ones(32, np.float32),
                "one row nan": np.full(32, np.nan, np.float32),
            },
            X,
            "te-nvfp4-row",
            **more,
        ),
        *wrong(door, function, "tensor_scale", {"of rows": 1.0}, X, "te-nvfp4-row", **more),
        *wrong(
            door,
            function,
            "x",
            {"rows of no tile": np.ones((8, 32), np.float32), "nan under a tile": VALUES["nan"]},
            recipe="4over6-16x16",
            **more,
        ),
        *wrong(
            door, function, "x", {"columns of no MX": X[:, :48]}, recipe="fouroversix-mxfp4-static6", **more
        ),
    ]


_NO_SHAPE: dict[str, Any] = {
    "a number": 5,
    "a text": "ab",
    "negative": (-32, -64),
    "a fraction": (32.5, 64),
    "texts": ("32", "64"),
    "booleans": (True, True),
    "a set": {32, 64},
    "beyond int64": (10**30, 64),
}


_NO_CODES = {**without(BYTES, "float4"), "of another shape": Q.codes[:3]}


ONE_A_BYTE = np.zeros(X.shape, np.uint8)
ONE_A_BYTE[3, 5] = 16
_ONE: dict[str, Any] = {"block_scales": _SCALES, "shape": X.shape}


def _from_bytes(codes: Any, block_scales: Any, *, amax: Any = 1.0, **more: Any) -> Any:
    return fos_ref.from_bytes(codes, block_scales, "nvfp4", amax=amax, **more)


ROWS = [
    *_both("quantize", fos_ref.quantize, engine="numpy"),
    *wrong("quantize", fos_ref.quantize, "engine", NO_CHOICE, X, "nvfp4"),
    *_both("trace", fos_ref.trace),
    *wrong(
        "from_bytes",
        _from_bytes,
        "codes",
        {**without(BYTES, "float4"), "other": Q.codes[:3]},
        block_scales=_SCALES,
    ),
    *wrong("from_bytes", _from_bytes, "codes", {"one a byte, one above 15": ONE_A_BYTE}, **_ONE),
    *wrong("from_bytes", _from_bytes, "block_scales", {**BYTES, "other": _SCALES[:3]}, Q.codes),
    *wrong("from_bytes", fos_ref.from_bytes, "recipe", NO_RECIPE, Q.codes, _SCALES, amax=1.0),
    *wrong("from_bytes", _from_bytes, "amax", {**NO_AMAX, "left out": None}, Q.codes, _SCALES),
    *wrong("from_bytes", _from_bytes, "tensor_scale", NO_TENSOR_SCALE, Q.codes, _SCALES, amax=None),
    *wrong("from_bytes", _from_bytes, "encode_scale", NO_TENSOR_SCALE, Q.codes, _SCALES, amax=None),
    *wrong("from_bytes", _from_bytes, "encode_scale", {"and an amax": 1.0}, Q.codes, _SCALES),
    *wrong("from_bytes", _from_bytes, "shape", {**_NO_SHAPE, "larger": (64, 64)}, Q.codes, _SCALES),
    *wrong("from_bytes", _from_bytes, "scale_layout", NO_CHOICE, Q.codes, _SCALES),
    *wrong("dequantize", fos_ref.dequantize, "q", {**NO_TENSOR, **LIES}),
    *wrong("dequantize", fos_ref.dequantize, "dtype", NO_DTYPE, Q),
    *wrong("exact_error", fos_ref.exact_error, "x", NO_INPUT, q=Q),
    *wrong("exact_error", fos_ref.exact_error, "x", {"of another shape": X[:16], **VALUES}, q=Q),
    *wrong("exact_error", fos_ref.exact_error, "q", {**NO_TENSOR, **LIES}, X),
    *wrong("swizzle", fos_ref.swizzle, "scales", BYTES),
    *wrong(
        "swizzle",
        fos_ref.swizzle,
        "scales",
        {"of one axis": _SCALES[0], "of three": _SCALES.reshape(2, 16, 4)},
    ),
    *wrong("unswizzle", fos_ref.unswizzle, "scales", BYTES, rows=32, cols=4),
    *wrong(
        "unswizzle",
        fos_ref.unswizzle,
        "rows",
        without(NO_SIZE, "another number"),
        np.zeros(512, np.uint8),
        cols=4,
    ),
    *wrong("unswizzle", fos_ref.unswizzle, "rows", {"too many": 129}, np.zeros(512, np.uint8), cols=4),
    *wrong("unswizzle", fos_ref.unswizzle, "cols", NO_SIZE, np.zeros(512, np.uint8), 32),
    *wrong(
        "unswizzle", fos_ref.unswizzle, "rows", {"below 0, and no bytes": -1}, np.zeros(0, np.uint8), cols=4
    ),
    Call(
        "QuantizedTensor", "without anything", fos_ref.QuantizedTensor, (), {}, errors=(FosError, TypeError)
    ),
    Call(
        "picked_int",
        "of a recipe without INT4",
        lambda q: q.picked_int,
        (Q,),
        {},
        ("nvfp4",),
    ),
]
