"""How far apart two recipes are in values: of each dequantized tensor, not of its bytes."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from fos_ref.dialects.disagreement import taking
from fos_ref.engines.front import dequantize, quantize
from fos_ref.formats.arrays import AnyArray, Bool, F32, F64
from fos_ref.formats.bits import widen
from fos_ref.recipes.recipe import Recipe

_AXIS = "dequantize"
_AT_ONCE = 1 << 20  #: values summed up at once


@dataclass(frozen=True, slots=True)
class Sums:
    """What is counted and summed over values, so that tensors can be added up."""

    values: int
    differing: int  #: other values; NaN is NaN, and zeros of both signs are one value
    nonfinite: int  #: not finite in the input or in either result: they are in no sum
    dequantize_alone: int  #: values of A's bytes that change when only the axis `dequantize` is B's
    largest: float  #: the largest difference
    difference: float  #: sum of (A - B)^2
    norm: float  #: sum of A^2
    error_a: float  #: sum of (A - x)^2
    error_b: float  #: sum of (B - x)^2

    def __add__(self, other: Sums) -> Sums:
        """Return the sums over the values of both."""
        added = {f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)}
        return Sums(**added | {"largest": max(self.largest, other.largest)})

    @property
    def relative(self) -> float | None:
        """||A - B|| / ||A||, Euclidean norms over all values; None where A is zero and B is not."""
        if self.norm == 0:
            return 0.0 if self.difference == 0 else None
        return math.sqrt(self.difference / self.norm)

    @property
    def mse(self) -> tuple[float | None, float | None]:
        """The mean squared error of each recipe against the input."""
        n = self.values - self.nonfinite
        return (self.error_a / n, self.error_b / n) if n else (None, None)

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        of = {k: getattr(self, k) for k in ("values", "differing", "nonfinite", "dequantize_alone")}
        mse_a, mse_b = self.mse
        return of | {
            "largest_difference": self.largest,
            "relative_error": self.relative,
            "mse_a": mse_a,
            "mse_b": mse_b,
        }


_NOTHING = Sums(0, 0, 0, 0, 0.0, 0.0, 0.0, 0.0, 0.0)


def value_sums(x: AnyArray, a: Recipe, b: Recipe) -> Sums:
    """Quantize x by both recipes, dequantize to float32, and compare the values.

    Shapes:   x (R, C) as `quantize` takes it for both recipes
    Dtypes:   as for `quantize`; the sums are float64
    Rounding: none but those of `dequantize` and of the float64 sums.
    Specials: a value that is not finite in x or in a result is counted and left out of the sums.
    """
    qa, qb = quantize(x, a), quantize(x, b)
    va, vb, alone = dequantize(qa), dequantize(qb), _with_dequantize_of(a, b)
    changed = 0 if alone is None else _differing(va, dequantize(replace(qa, recipe=alone)))
    rows = max(1, _AT_ONCE // max(1, x.shape[1]))
    starts = range(0, len(x), rows) if x.size else ()  # rows without values may be very many
    parts = [_sums(*(v[at : at + rows] for v in (va, vb, x))) for at in starts]
    return replace(reduce(add, parts, _NOTHING), dequantize_alone=changed)


def _sums(va: F32, vb: F32, x: AnyArray) -> Sums:
    """Return the sums over some rows."""
    wide = widen(x)
    finite: Bool = np.isfinite(va) & np.isfinite(vb) & np.isfinite(wide)
    exact = [np.where(finite, v, 0).astype(np.float64) for v in (va, vb, wide)]
    apart = exact[0] - exact[1]
    return Sums(
        values=int(va.size),
        differing=_differing(va, vb),
        nonfinite=int(va.size - np.count_nonzero(finite)),
        dequantize_alone=0,
        largest=float(np.abs(apart).max(initial=0.0)),
        difference=_squares(apart),
        norm=_squares(exact[0]),
        error_a=_squares(exact[0] - exact[2]),
        error_b=_squares(exact[1] - exact[2]),
    )


def _with_dequantize_of(a: Recipe, b: Recipe) -> Recipe | None:
    """Return A with B's way back to values; None where it is A's."""
    return taking(a, b, (_AXIS,)) if _AXIS in a.diff(b) else None


def _differing(a: F32, b: F32) -> int:
    return int(np.count_nonzero((a != b) & ~(np.isnan(a) & np.isnan(b))))


def _squares(v: F64) -> float:
    return float(np.square(v).sum())
