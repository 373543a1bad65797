"""Rows of `fos_gpu`: what is no array on a device, whether there is one or not."""

from __future__ import annotations

from typing import Any

import fos_gpu
from tests.doors.calls.values import NO_ARRAY, NO_CHOICE, NO_RECIPE, Q, without, X
from tests.doors.row import Call, wrong

_ON_HOST: dict[str, Any] = {**NO_ARRAY, "an array of the host": X}
_BYTES: dict[str, Any] = {**NO_ARRAY, "bytes of the host": Q.codes}


def _of(door: str, function: Any, values: dict[str, Any], *names: str) -> list[Call]:
    """Return rows that give each of the arguments a wrong value, and a host array for x."""
    return [row for name in names for row in wrong(door, function, name, values, X)]


def _products(name: str) -> list[Call]:
    """Return rows that give one side of a product a wrong value: a tensor of the host for the other."""
    values, other = {**_ON_HOST, "a tensor of the host": Q}, {("b" if name == "a" else "a"): Q}
    return [
        *wrong("fos_gpu.exact", fos_gpu.exact, name, values, **other),
        *wrong("fos_gpu.certificate", fos_gpu.certificate, name, values, **other),
        *wrong("fos_gpu.check_matmul", fos_gpu.check_matmul, name, values, out=X, **other),
    ]


_FIVE: dict[str, Any] = {"a text": "1", "a number": 5}
_PREPARED: dict[str, dict[str, Any]] = {
    "recipe": NO_RECIPE,
    "shape": {"a number": 16, "a text": "16", "a negative axis": (-1, 16), "a float": (16.0, 16)},
    "dtype": without(NO_CHOICE, "None"),
    "like": _ON_HOST,
    "amax": without(NO_CHOICE, "None", "a boolean"),
    "tensor_scale": _FIVE,
    "encode_scale": _FIVE,
    "scale_layout": without(NO_CHOICE, "None", "a boolean"),
}


def _prepared(name: str, values: dict[str, Any]) -> list[Call]:
    """Return rows that give one argument of `prepare` a wrong value, and a host array for `like`."""
    good = {"recipe": "nvfp4", "shape": (1, 16), "dtype": "float32", "like": X}
    rest = {k: v for k, v in good.items() if k != name}
    return wrong("fos_gpu.prepare", fos_gpu.prepare, name, values, **rest)


ROWS = [
    *wrong("fos_gpu.quantize", fos_gpu.quantize, "x", _ON_HOST),
    *wrong("fos_gpu.quantize", fos_gpu.quantize, "recipe", NO_RECIPE, X),
    *_of(
        "fos_gpu.quantize", fos_gpu.quantize, without(NO_CHOICE, "None", "a boolean"), "scale_layout", "amax"
    ),
    *_of(
        "fos_gpu.quantize",
        fos_gpu.quantize,
        {"a text": "1", "a number": 5},
        "tensor_scale",
        "out",
        "encode_scale",
    ),
    *wrong("fos_gpu.amax", fos_gpu.amax, "x", _ON_HOST),
    *wrong("fos_gpu.amax", fos_gpu.amax, "recipe", NO_RECIPE, X),
    *wrong("fos_gpu.amax", fos_gpu.amax, "out", {"an array of the host": X}, X),
    *wrong("fos_gpu.dequantize", fos_gpu.dequantize, "q", {**_ON_HOST, "a tensor of the host": Q}),
    *wrong("fos_gpu.dequantize", fos_gpu.dequantize, "dtype", NO_CHOICE, Q),
    *wrong("fos_gpu.dequantize", fos_gpu.dequantize, "out", {"an array of the host": X}, Q),
    *wrong("fos_gpu.errors", fos_gpu.errors, "x", _ON_HOST, q=Q),
    *wrong("fos_gpu.errors", fos_gpu.errors, "q", {**_ON_HOST, "a tensor of the host": Q}, X),
    *wrong("fos_gpu.swizzle", fos_gpu.swizzle, "scales", _BYTES),
    *wrong("fos_gpu.swizzle", fos_gpu.swizzle, "out", {"an array of the host": X}, Q.block_scales),
    *wrong("fos_gpu.unswizzle", fos_gpu.unswizzle, "scales", _BYTES, rows=1, cols=1),
    *wrong("fos_gpu.unswizzle", fos_gpu.unswizzle, "rows", {"negative": -1, "a text": "1"}, Q.codes, cols=1),
    *wrong("fos_gpu.unswizzle", fos_gpu.unswizzle, "cols", {"negative": -1, "a text": "1"}, Q.codes, rows=1),
    *(row for name in ("a", "b") for row in _products(name)),
    *wrong("fos_gpu.certificate", fos_gpu.certificate, "level", NO_CHOICE, Q, Q),
    *wrong("fos_gpu.check_matmul", fos_gpu.check_matmul, "out", _ON_HOST, a=Q, b=Q),
    *wrong("fos_gpu.check_matmul", fos_gpu.check_matmul, "model", without(NO_CHOICE, "None"), X, Q, Q),
    *wrong("fos_gpu.check_matmul", fos_gpu.check_matmul, "alpha", _FIVE, X, Q, Q),
    *(row for name, values in _PREPARED.items() for row in _prepared(name, values)),
    *wrong("fos_gpu.to_device", fos_gpu.to_device, "q", _ON_HOST, like=X),
    *wrong("fos_gpu.to_device", fos_gpu.to_device, "like", _ON_HOST, Q),
]
