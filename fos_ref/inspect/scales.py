"""The tensor scales under which a weight may be quantized: by its own amax, by another's, as stored."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from fos_ref.errors import InputError
from fos_ref.inspect.reading import usable
from fos_ref.model.quantize import given_tensor_scale, tensor_scales
from fos_ref.model.trace import Scales
from fos_ref.recipes.axes import TensorScale
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.conventions import (
    amax_of,
    Convention,
    decode_scale_of,
    encode_scale_of,
    MODELOPT,
    stored_tensor_scale,
    TensorScaleForm,
)

_NEAR = 1e-5  #: relative: further off, an amax does not make a stored tensor scale


@dataclass(slots=True)
class Amaxes:
    """The amax of each weight of the original, taken when it is first asked for."""

    take: Callable[[str], np.float32]
    names: tuple[str, ...]
    _known: dict[str, np.float32] = field(default_factory=dict)
    _sorted: list[tuple[float, str]] | None = None

    def __getitem__(self, name: str) -> np.float32:
        if name not in self._known:
            self._known[name] = self.take(name)
        return self._known[name]

    def near(self, value: float) -> list[tuple[np.float32, str]]:
        """Return the amaxes of all weights that are within a few ulps of a value, each once, with a name."""
        if self._sorted is None:
            first = {float(self[name]): name for name in reversed(self.names)}
            self._sorted = sorted((a, n) for a, n in first.items() if np.isfinite(a))
        at = bisect_left(self._sorted, (value * (1 - _NEAR), ""))
        found = []
        while at < len(self._sorted) and self._sorted[at][0] <= value * (1 + _NEAR):
            found.append((np.float32(self._sorted[at][0]), self._sorted[at][1]))
            at += 1
        return found

    def largest(self) -> tuple[np.float32, str] | None:
        """Return the largest finite amax, and whose it is."""
        self.near(0.0)
        return (np.float32(self._sorted[-1][0]), self._sorted[-1][1]) if self._sorted else None


@dataclass(frozen=True, slots=True)
class WeightScales:
    """What is known of one weight's tensor scale."""

    name: str
    stored: np.float32 | None
    form: TensorScaleForm
    dtype: np.dtype[Any]
    amaxes: Amaxes

    @property
    def convention(self) -> Convention:
        """A convention whose tensor scale does what this one does."""
        return replace(MODELOPT, form=self.form)

    def own(self, r: Recipe) -> Scales:
        """Return the scales that a recipe makes of the weight's own amax."""
        return tensor_scales(np.asarray(self.amaxes[self.name]), r, self.dtype)

    def expected(self, r: Recipe) -> np.float32 | None:
        """Return what a file should hold by the weight's own amax; None where a recipe has nothing for it."""
        return self._made(self.amaxes[self.name], r)

    def as_stored(self, r: Recipe) -> tuple[Scales, str | None]:
        """Return the scales that the stored tensor scale stands for, and whose amax made it, if any's."""
        if r.tensor_scale is TensorScale.NONE:
            return self.own(r), self.name
        if not usable(self.stored):
            return self.own(r), None
        if self.stored is None:
            return given_tensor_scale(np.float32(1), r, self.dtype), None
        if self.expected(r) == self.stored:
            return self.own(r), self.name
        with np.errstate(all="ignore"):
            wanted = float(amax_of(self.stored, r, self.convention))
        for amax, name in self.amaxes.near(wanted):
            if self._made(amax, r) == self.stored:
                return tensor_scales(np.asarray(amax), r, self.dtype), name
        return self._read(r, self.stored), None

    def _made(self, amax: np.float32, r: Recipe) -> np.float32 | None:
        try:
            return stored_tensor_scale(amax, r, self.convention, self.dtype)
        except InputError:
            return None

    def _read(self, r: Recipe, stored: np.float32) -> Scales:
        with np.errstate(all="ignore"):
            return replace(
                given_tensor_scale(np.float32(1), r, self.dtype),
                amax=np.asarray(amax_of(stored, r, self.convention)),
                encode=np.asarray(encode_scale_of(stored, self.convention)),
                decode=np.asarray(decode_scale_of(stored, self.convention)),
            )


def makes_one(r: Recipe, stored: np.float32 | None) -> bool:
    """Return whether a recipe can have made a stored tensor scale: one that has none is read as 1."""
    return r.tensor_scale is not TensorScale.NONE or stored is None or bool(stored == 1)
