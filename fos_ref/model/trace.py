"""Every intermediate of a quantization, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from fos_ref.formats import decode
from fos_ref.formats.arrays import Bool, F32, F64, U8, U32
from fos_ref.model.random_bits import places, RandomBits, went_up
from fos_ref.notebook import grids, markup
from fos_ref.recipes.recipe import Recipe

#: (scaled values, random numbers, recipe) -> (codes, the values they count as). N9.
Cast: TypeAlias = Callable[[F32, U32, Recipe], tuple[U8, F32]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scales:
    """What one tensor (or one row) contributes: () or (R, 1) each, float32."""

    amax: F32  #: A
    encode: F32  #: S
    decode: F32  #: D
    range_max: np.float32  #: C, the magnitude A maps to
    dtype: np.dtype[Any]  #: of the input, for the recipes that round in it
    ulps: tuple[int, int, int] = (0, 0, 0)  #: added to the reciprocals of m, of S or D, and of s*D (N5, N8)

    def per_element(self) -> Scales:
        """Return the scales with a trailing axis, to meet blocks (T, B, n)."""
        return self._map(lambda v: v[..., None])

    def per_row(self) -> Scales:
        """Return the scales as (1, 1, 1) or (R, 1, 1), to meet codes of blocks in rows (R, B, n)."""
        return self._map(lambda v: v.reshape(-1, 1, 1))

    def rows(self, chunk: slice) -> Scales:
        """Return the part that belongs to the rows `chunk`; per-tensor scales are for all rows."""
        return self._map(lambda v: v[chunk]) if self.amax.ndim else self

    def _map(self, f: Callable[[F32], F32]) -> Scales:
        return replace(self, amax=f(self.amax), encode=f(self.encode), decode=f(self.decode))


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """What the candidates of a block start from."""

    x: F32  #: (T, B, n)
    amax: F32  #: (T, B) block amax; map-to-4 sees it times 1.5
    scales: Scales
    random: U32 | None = None  #: (T, B, n) of each value, or (T, B) of each block scale
    cast: Cast | None = None  #: who rounds elements stochastically; None: the model


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One candidate of every block, map-to-6 or map-to-4, step by step.

    T = R / block rows, B = C / block columns, n = values of a block.
    """

    base: F32  #: (T, B) block scale before rounding
    scale_code: U8  #: (T, B) E4M3 byte
    scale: F32  #: (T, B) its value
    multiplier: F32  #: (T, B) what x is multiplied by, or divided by in the N8b and N8c forms
    scaled: F32  #: (T, B, n) x over its scales
    codes: U8  #: (T, B, n) E2M1 codes
    values: F32  #: (T, B, n) what the codes count as in the error
    error: F32 | None  #: (T, B) float32 error, None when there is nothing to choose
    random: U32 | None = None  #: (T, B, n) random numbers of the values, or (T, B) of the block scales

    @property
    def nu(self) -> F64:
        """(T, B, n): how far each scaled value is on its way between its two E2M1 neighbours, exact."""
        return places(self.scaled)

    @property
    def up(self) -> Bool:
        """(T, B, n): whether a code has the upper neighbour's magnitude."""
        return went_up(self.scaled, self.codes)


INTEGERS = "integers"  #: the second candidate of a recipe that has floats or integers


def grid(name: str, c: Candidate, t: Scales, r: Recipe, *, kept: bool) -> grids.Grid:
    """Return the first block of a candidate for a drawing, in float64, without roundings."""
    codes = r.element.second if name == INTEGERS else r.element.first
    assert codes is not None
    step = float(np.uint32(codes.unit_bits).view(np.float32))  # of an integer, in units of floats
    unit = step * float(c.scale[0, 0]) * float(t.decode.flat[0])
    values = decode(np.arange(1 << codes.format.bits, dtype=np.uint8), codes.format)
    points = sorted({abs(float(v)) * unit for v in values if np.isfinite(v)})
    back = [abs(float(v)) * unit for v in c.values[0, 0]]
    return grids.Grid(name, tuple(points), tuple(back), kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Every intermediate of one quantization, by name: the result of `fos_ref.trace`.

    R, C are the rows and columns of the input, T = R / block rows, B = C / block columns, n the values of a
    block. Arrays of blocks are (T, B) or (T, B, n); picked4, codes and block_scales are per row.
    """

    recipe: Recipe
    scales: Scales
    x: F32  #: (T, B, n) the input, in blocks
    block_amax: F32  #: (T, B)
    base: F32  #: (T, B) the map-to-6 block scale before rounding
    map6: Candidate | None  #: to 6 (INT4: to 7)
    map4: Candidate | None  #: to 4; in a choice between E2M1 and INT4 the INT4 candidate
    picked4: Bool  #: (R, B) True where map4 was kept
    codes: U8  #: (R, C) one code per byte, not packed
    block_scales: U8  #: (R, B) E4M3 bytes
    random_bits: RandomBits | None = None  #: the words, where the recipe takes any

    def _repr_html_(self) -> str:
        """Return the trace for a notebook: the first block on the grids of its candidates."""
        about = f"{self.recipe.name}: {len(self.x)} x {self.x.shape[1]} blocks of {self.x.shape[2]}"
        if not self.x.size:
            return markup.text(about)
        four = bool(self.picked4.flat[0])
        second = "map-to-4" if self.recipe.element.second is None else INTEGERS
        candidates = (("map-to-6", self.map6, not four), (second, self.map4, four))
        found = [grid(n, c, self.scales, self.recipe, kept=k) for n, c, k in candidates if c is not None]
        return f"<div><p>{markup.text(about)}</p>{grids.drawn(self.x[0, 0].tolist(), found, about)}</div>"

    @property
    def tensor_amax(self) -> F32:
        """A, () or (R,)."""
        return self.scales.amax.reshape(self.scales.amax.shape[:1])

    @property
    def encode_scale(self) -> F32:
        """S, () or (R,)."""
        return self.scales.encode.reshape(self.scales.encode.shape[:1])

    @property
    def decode_scale(self) -> F32:
        """D, () or (R,)."""
        return self.scales.decode.reshape(self.scales.decode.shape[:1])
