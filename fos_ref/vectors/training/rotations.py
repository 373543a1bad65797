"""Rotations of 16 bfloat16 values, and which outputs no order of summation changes."""

from __future__ import annotations

from collections.abc import Iterator

import ml_dtypes
import numpy as np

from fos_ref.formats.arrays import AnyArray
from fos_ref.rotate import hadamard, SIGNS_H16
from fos_ref.vectors.bits import Json
from fos_ref.vectors.training.text import differing, f32_line, line, numbers, values

STEP = "rotation"
_BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
_MASKS = (SIGNS_H16, 0, 0x8001)


def given() -> Iterator[Json]:
    """Yield the inputs."""
    for name, says, block in _blocks():
        for signs in _MASKS if name in ("random-1", "one", "wide-1") else _MASKS[:1]:
            yield {
                "step": STEP,
                "id": f"training/{STEP}/{name}-{signs:04x}",
                "comment": says,
                "signs": f"{signs:04X}",
                "x_bits": line(block.astype(_BFLOAT16).view(np.uint16), 4),
            }


def _blocks() -> Iterator[tuple[str, str, AnyArray]]:
    for i in range(4):
        yield f"random-{i + 1}", "values of similar size", values(300 + i, (16,), 4)
    for i in range(4):
        yield f"wide-{i + 1}", "values of many sizes: orders of summation differ", values(320 + i, (16,), 48)
    unit = np.zeros(16, np.float32)
    unit[3] = 1
    yield "one", "a single value: the matrix's row", unit
    yield "zeros", "zeros of both signs", np.array([0.0, -0.0] * 8, np.float32)
    yield "negative-zeros", "zeros alone, all negative", np.full(16, -0.0, np.float32)
    few = np.zeros(16, np.float32)
    few[:3] = 1, 2.0**-8, 2.0**-30
    yield "far", "a sum that a float32 cannot hold", few
    tiny = np.full(16, 2.0**-133, np.float32) * np.arange(1, 17, dtype=np.float32)
    yield "subnormal", "subnormal values", tiny
    yield "large", "values near the largest", np.full(16, 2.0**123, np.float32)


def computed(v: Json) -> Json:
    """Return outputs and decided mask; mistakes as float32, since one of them does not round."""
    x, signs = numbers(v["x_bits"]).view(_BFLOAT16), int(v["signs"], 16)
    y, decided = hadamard(x, signs=signs)
    other = SIGNS_H16 if signs != SIGNS_H16 else 0
    wrong = {
        "RhtSigns": lambda: f32_line(hadamard(x, signs=other).y),
        "RhtSigns-after": lambda: f32_line(hadamard(x, signs=signs, inverse=True).y),
        "RhtNoRound": lambda: f32_line(hadamard(x, signs=signs, out="float32").y),
        "RhtMissing": lambda: f32_line(x),
    }
    return {
        "y_bits": line(y.view(np.uint16), 4),
        "decided": line(decided.astype(np.uint8), 2),
        "wrong": differing(f32_line(y), wrong),
    }
