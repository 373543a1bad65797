"""The published worked block [10, 20, 30, 40] at tensor scale 1, both candidates step by step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fos_ref.engines.front import dequantize, quantize, trace
from fos_ref.formats.arrays import F32
from fos_ref.model.trace import Candidate
from fos_ref.recipes.recipe import BLOCK
from fos_ref.report.lineup import BASELINE, METHOD

VALUES = (10.0, 20.0, 30.0, 40.0)
TENSOR_SCALE = 1.0


@dataclass(frozen=True, slots=True)
class Step:
    """One value on its way through a candidate."""

    x: float
    scaled: float  #: x / block scale, in float32
    code: int
    element: float  #: the value of the code
    dequantized: float
    error: float


@dataclass(frozen=True, slots=True)
class Mapping:
    """One candidate of the worked block."""

    name: str  #: map-to-6 or map-to-4
    raw_scale: float  #: block scale before rounding
    scale_code: int  #: E4M3 byte
    scale: float
    steps: tuple[Step, ...]
    mse: float
    chosen: bool  #: by 4/6


@dataclass(frozen=True, slots=True)
class Worked:
    """Both candidates, and the MSE that each recipe ends with, over the four values."""

    mappings: tuple[Mapping, ...]
    mse: dict[str, float]  #: recipe -> MSE


def block() -> F32:
    """Return the worked block as a (1, 16) matrix; the twelve other values are 0."""
    x = np.zeros((1, BLOCK), dtype=np.float32)
    x[0, : len(VALUES)] = VALUES
    return x


def worked() -> Worked:
    """Quantize the worked block; nothing in the result is written down by hand."""
    x = block()
    t = trace(x, METHOD, tensor_scale=TENSOR_SCALE)
    assert t.map6 is not None
    assert t.map4 is not None
    four = bool(t.picked4[0, 0])
    return Worked(
        mappings=(_mapping("map-to-6", t.map6, chosen=not four), _mapping("map-to-4", t.map4, chosen=four)),
        mse={name: _mse(x, name) for name in (BASELINE, METHOD)},
    )


def _mse(x: F32, recipe: str) -> float:
    """Return the mean squared error of a recipe over the four values, in float64."""
    values = dequantize(quantize(x, recipe, tensor_scale=TENSOR_SCALE))
    error = (values.astype(np.float64) - x)[0, : len(VALUES)]
    return float(np.mean(error * error))


def _mapping(name: str, c: Candidate, *, chosen: bool) -> Mapping:
    scale = float(c.scale[0, 0])
    steps = tuple(
        Step(x, float(y), int(code), float(q), float(q) * scale, float(q) * scale - x)
        for x, y, code, q in zip(VALUES, c.scaled[0, 0], c.codes[0, 0], c.values[0, 0], strict=False)
    )
    return Mapping(
        name=name,
        raw_scale=float(c.base[0, 0]),
        scale_code=int(c.scale_code[0, 0]),
        scale=scale,
        steps=steps,
        mse=sum(s.error**2 for s in steps) / len(steps),
        chosen=chosen,
    )
