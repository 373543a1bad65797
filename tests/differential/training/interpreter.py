"""Triton's interpreter, for kernels that no CPU compiles: in a process of its own, with TRITON_INTERPRET=1.

A kernel runs as it stands in its file. Some things stand in for the chip, because the interpreter has them
wrong or not at all: conversions to E4M3 and to bfloat16 (it rounds halves up and cuts), products of bfloat16
(it takes the bits for whole numbers), and `cvt` to E2M1, which is inline assembly. They share nothing with
fos_ref. Division is exact here and `div.full` on a chip; a sum goes in order here, and there as the compiler
likes.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import ml_dtypes
import numpy as np
import triton
import triton.language as tl
from triton.runtime import interpreter

VALUES = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6])
#: Feed -> of each of four elements, the bytes of the word that it gets, the highest first. "-" reads them
#: from the lowest bit of the last to the highest of the first.
FEEDS = {
    "byte-lane": ("0", "2", "1", "3"),
    "byte-natural": ("0", "1", "2", "3"),
    "pair-bit-reversed": ("20", "-20", "31", "-31"),
}
_handle = interpreter.TensorHandle
_convert = interpreter.InterpreterBuilder.create_fp_to_fp
_cast = interpreter.InterpreterBuilder.cast_impl


def _fp_to_fp(self: Any, source: Any, target: Any, rounding: Any) -> Any:
    """Return a conversion: to E4M3 to nearest even, saturating, as cvt.rn.satfinite.e4m3x2 is."""
    if target.scalar == tl.float8e4nv:
        values = np.clip(source.data, -448, 448).astype(ml_dtypes.float8_e4m3fn)
        return _handle(values.view(np.uint8), target.scalar)
    if source.dtype.scalar == tl.float8e4nv and target.scalar == tl.float32:
        return _handle(source.data.view(ml_dtypes.float8_e4m3fn).astype(np.float32), target.scalar)
    return _convert(self, source, target, rounding)


def _cast_impl(self: Any, source: Any, target: Any) -> Any:
    """Return a cast: from float32 to bfloat16 to nearest even, as cvt.rn.bf16x2 is."""
    if (source.dtype.scalar, target.scalar) == (tl.float32, tl.bfloat16):
        return _handle(source.data.astype(ml_dtypes.bfloat16).view(np.uint16), target.scalar)
    return _cast(self, source, target)


def _dot(self: Any, a: Any, b: Any, d: Any, *_: Any) -> Any:
    """Return a product of bfloat16 or float32 operands, summed by NumPy in float32."""
    del self
    x, y = (v.data.view(ml_dtypes.bfloat16) if v.dtype.scalar == tl.bfloat16 else v.data for v in (a, b))
    return _handle(np.matmul(x.astype(np.float32), y.astype(np.float32)) + d.data, d.dtype.scalar)


def _sum(self: Any, source: Any) -> Any:
    """Return a sum of float32 from the first to the last; NumPy's own adds pairs, a compiler as it likes."""
    totals = np.add.accumulate(source.handle.data, axis=self.axis).take([-1], axis=self.axis)
    return self.to_tensor(totals if self.keep_dims else totals.squeeze(self.axis), source.dtype)


class Assembly:
    """The instructions to E2M1 of an inline assembly, on groups of four bytes as a thread has them."""

    feed = "byte-natural"

    def __init__(self, text: str, values: list[Any]) -> None:
        self.text, self.values = text, values

    def get_result(self, number: int) -> Any:
        codes = self.codes()
        if number == 0:
            packed = (codes[..., 1] << 4 | codes[..., 0]).astype(np.uint8)
            return _handle(packed.reshape(self.values[0].data.shape), tl.uint8)
        assert "cvt.rn.f16x2.e2m1x2" in self.text
        halves = np.copysign(VALUES[codes & 7], -(codes >> 3) + 0.5).astype(np.float16).view(np.uint16)
        pair = halves[..., 1].astype(np.uint32) << 16 | halves[..., 0]
        return _handle(pair.reshape(self.values[0].data.shape), tl.uint32)

    def codes(self) -> np.ndarray:
        """Return the codes of the values, (n, 4 bytes, 2 elements)."""
        even, odd = (v.data.astype(np.float64).reshape(-1, 4) for v in self.values[:2])
        pairs = np.stack([even, odd], axis=-1)  # four bytes of two elements each
        if "cvt.rs.satfinite.e2m1x4.f32" in self.text:
            words = self.values[2].data.reshape(-1, 4).astype(np.int64) & 0xFFFFFFFF
            noise = np.stack([dealt(words[:, i], told) for i in (0, 1) for told in FEEDS[self.feed]], axis=1)
            bits = 8 * len(FEEDS[self.feed][0])
            return stochastic(pairs.reshape(-1, 8), noise, bits).reshape(pairs.shape)
        if "cvt.rn.satfinite.e2m1x2.f32" in self.text:
            return nearest(pairs)
        raise NotImplementedError(self.text)


def dealt(words: np.ndarray, told: str) -> np.ndarray:
    """Return the random numbers that one element gets of its words."""
    numbers = [int(c) for c in told.lstrip("-")]
    text = [format(int(w), "032b") for w in words]
    bits = ["".join(t[24 - 8 * n : 32 - 8 * n] for n in numbers) for t in text]
    return np.array([int(b[::-1] if told.startswith("-") else b, 2) for b in bits], dtype=np.int64)


def stochastic(y: np.ndarray, noise: np.ndarray, bits: int) -> np.ndarray:
    """Return codes of float64 values: up where the first bits of the place and the noise carry."""
    a = np.minimum(np.abs(y), 6)
    low = np.searchsorted(VALUES, a, side="right") - 1
    high = np.minimum(low + 1, 7)
    step = np.where(high > low, VALUES[high] - VALUES[low], 1)
    up = np.floor((a - VALUES[low]) / step * 2.0**bits) + noise >= 2.0**bits
    return np.where(up, high, low) | np.signbit(y) << 3


def nearest(y: np.ndarray) -> np.ndarray:
    """Return codes of float64 values, ties to even codes."""
    a = np.minimum(np.abs(y), 6)
    low = np.searchsorted(VALUES, a, side="right") - 1
    high = np.minimum(low + 1, 7)
    below, above = a - VALUES[low], VALUES[high] - a
    up = (above < below) | ((above == below) & (low % 2 == 1))
    return np.where(up, high, low) | np.signbit(y) << 3


interpreter.InterpreterBuilder.create_fp_to_fp = _fp_to_fp
interpreter.InterpreterBuilder.cast_impl = _cast_impl
interpreter.InterpreterBuilder.create_dot = _dot
interpreter.ReduceOps.sum = _sum
interpreter.InterpreterBuilder.create_inline_asm = lambda _self, text, _c, values, *_: Assembly(text, values)


def module(name: str, path: Path) -> ModuleType:
    """Import the file `path` as the module `name`."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules[name] = found
    spec.loader.exec_module(found)
    return found


def stand_in(name: str, path: str = "", **attributes: Any) -> None:
    """Put a package without a file where `name` would be imported; its modules are looked for in `path`."""
    empty = ModuleType(name)
    empty.__path__ = [path] if path else []
    vars(empty).update(attributes)
    sys.modules[name] = empty


def settle(kernel: Any, **constants: int) -> Any:
    """Return an autotuned kernel with one configuration: its first that has these constants."""
    fitting = [c for c in kernel.configs if all(c.kwargs[k] == v for k, v in constants.items())]
    assert fitting, f"no configuration of the kernel has {constants}"
    kernel.configs = fitting[:1]
    return kernel


def recorded(module_: ModuleType, names: Iterable[str]) -> dict[str, list[tuple[Any, Any]]]:
    """Return a list that fills as kernels call these functions of a module: arguments and result."""
    calls: dict[str, list[tuple[Any, Any]]] = {name: [] for name in names}
    for name in calls:
        inner = getattr(module_, name)

        def outer(*arguments: Any, _inner: Any = inner, _name: str = name, **named: Any) -> Any:
            result = _inner(*arguments, **named)
            calls[_name].append((arguments, result))
            return result

        setattr(module_, name, outer)
    return calls


def data(tensor: Any) -> np.ndarray:
    """Return the numbers of a tensor of the interpreter."""
    found: np.ndarray = tensor.handle.data
    return found


assert triton.knobs.runtime.interpret
