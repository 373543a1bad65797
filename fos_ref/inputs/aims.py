"""Blocks built to hit a boundary exactly or by a step: what the Hypothesis strategies draw from bytes.

A block is a function of its aim, the recipe, the tensor amax, the dtype and some bytes, so that Hypothesis
can shrink it, and others can do without Hypothesis.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import cache

import numpy as np

from fos_ref.formats import decode, UE4M3
from fos_ref.formats.arrays import AnyArray, F32, F64, U8
from fos_ref.inputs.aim_values import anything, limited, nudged, SIGN
from fos_ref.inputs.choice_edges import choice_edges
from fos_ref.inputs.distributions import DTYPES
from fos_ref.model.elements import ELEMENT_FORMAT, midpoints
from fos_ref.model.quantize import tensor_scales
from fos_ref.recipes.axes import ElementFormat, ScaleFormat
from fos_ref.recipes.recipe import Recipe

_MIDPOINTS = (0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0)
_GRID = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
#: In units of the map-to-6 scale: E2M1 midpoints and values for map-to-6, then midpoints for map-to-4.
_E2M1 = (*_MIDPOINTS, *_GRID, *(1.5 * v for v in _MIDPOINTS[:-1]), 2.25, 4.5, 2.0**-8, 2.0**-30)
_INT4 = tuple(n / 2 for n in range(15))
_SEVENTHS = tuple(n * 6 / 14 for n in range(15))
#: Values that both candidates of a full block hold equally well.
_ALIKE = (0.0, 1.5, 3.0, 3.5, 6.0, 0.0, 3.5, 6.0)
_UE4M3: F64 = decode(np.arange(127), UE4M3)
_UNMOVED = 0x80  #: in the second byte: no value of the block is moved by steps
_HEAD = 3  #: bytes that decide about the block as a whole


class Aim(Enum):
    """What a block is built to hit."""

    ELEMENT_MIDPOINTS = "element-midpoints"
    SCALE_MIDPOINT = "scale-midpoint"
    SUBNORMAL_SCALE = "subnormal-scale"
    SATURATED_SCALE = "saturated-scale"
    CANDIDATE_TIE = "candidate-tie"
    CHOICE_EDGE = "choice-edge"
    ZEROS = "zeros"
    ANYTHING = "anything"

    def suits(self, r: Recipe) -> bool:
        """Return whether a recipe has what is aimed at."""
        if self in (Aim.CANDIDATE_TIE, Aim.CHOICE_EDGE):
            return r.chooses
        return self is not Aim.SUBNORMAL_SCALE or r.scale_format is ScaleFormat.E4M3


AIMS = tuple(Aim)


def bytes_for(aim: Aim, r: Recipe) -> int:
    """Return how many bytes `block_at` takes: some for the block, one (for ANYTHING four) for each value."""
    return _HEAD + r.block_rows * r.block_cols * (4 if aim is Aim.ANYTHING else 1)


def block_at(aim: Aim, r: Recipe, amax: np.float32, dtype: str, data: bytes) -> AnyArray:
    """Return the block that `data` describes, under the tensor amax `amax`: no magnitude is above it.

    Shapes:   (block rows, block columns)
    Rounding: the intended float64 value to `dtype`, to nearest even, then whole steps of the dtype.
    """
    given = np.frombuffer(data, dtype=np.uint8)
    head, body = given[:_HEAD], given[_HEAD:]
    if aim is Aim.CHOICE_EDGE:
        edge = _edge(r, float(amax), int(head[0]), int(head[1]))
        if edge is not None:
            return limited(edge.astype(DTYPES[dtype]), amax)
        aim = Aim.CANDIDATE_TIE
    if aim is Aim.ANYTHING:
        x = anything(data[_HEAD:], amax, dtype)
    else:
        top, unit, palette = _PLANS[aim](r, _decode_scale(r, amax, dtype), head)
        bits = (body // len(palette)) & (SIGN if head[1] & _UNMOVED else 0xFF)
        x = nudged(np.asarray(palette)[body % len(palette)] * unit, bits, dtype)
        if top is not None:
            x[int(head[2]) % x.size] = nudged(np.array([top]), head[2:] >> 4, dtype)[0]
    return limited(x, amax).reshape(r.block_rows, r.block_cols)


# --- plans: (recipe, D, bytes) -> (block amax or None, unit, values in that unit) ----------------------

Plan = tuple[float | None, float, tuple[float, ...]]


def _element_midpoints(r: Recipe, d: float, head: U8) -> Plan:
    """Plan values on midpoints of the cast, under a scale that is a value of its format and stays one."""
    unit = _scale(r, int(head[0])) * d
    return r.element_max * unit, unit, _palette(r)


def _scale_midpoint(r: Recipe, d: float, head: U8) -> Plan:
    """Plan a block amax whose scale, mapped to 6 or to 4, is halfway between two values of its format."""
    if r.scale_format.is_power:
        top = r.element_max * _scale(r, int(head[0])) * d
        return top, top / r.element_max, _palette(r)
    code = int(head[0]) % (_UE4M3.size - 1)
    maximum = 4 if head[1] & 1 and r.chooses else r.element_max
    top = (_UE4M3[code] + _UE4M3[code + 1]) / 2 * maximum * d
    return float(top), float(top) / r.element_max, _palette(r)


def _subnormal_scale(r: Recipe, d: float, head: U8) -> Plan:
    """Plan a block amax whose scale is subnormal or zero, on values and midpoints and between them."""
    steps = int(head[0]) % 34  # of half a midpoint: 2^-11
    top = steps * 2.0**-11 * r.element_max * d
    return top, max(top, 2.0**-11 * d) / r.element_max, _palette(r)


def _saturated_scale(r: Recipe, d: float, head: U8) -> Plan:
    """Plan a block amax at the tensor amax or below: the largest scales, and map-to-4 scales above 448."""
    top = r.range_max * d * (1 - int(head[0] & 7) / 16)
    return top, top / r.element_max, _palette(r)


def _candidate_tie(r: Recipe, d: float, head: U8) -> Plan:
    """Plan a scale that is a value of E4M3 also when expanded, and values that both candidates hold alike."""
    code = int(head[0]) % 112
    unit = float(_UE4M3[code & ~7 | (0, 2, 4)[code % 3]]) * d
    return r.element_max * unit, unit, _ALIKE


def _zeros(_: Recipe, d: float, head: U8) -> Plan:
    """Plan zeros of both signs, alone or beside values that round to zero."""
    tiny = (0.0, 0.0, 2.0**-149 / d if d else 0.0, 0.2)
    return None, d, tiny if head[0] & 1 else (0.0,)


_PLANS: dict[Aim, Callable[[Recipe, float, U8], Plan]] = {
    Aim.ELEMENT_MIDPOINTS: _element_midpoints,
    Aim.SCALE_MIDPOINT: _scale_midpoint,
    Aim.SUBNORMAL_SCALE: _subnormal_scale,
    Aim.SATURATED_SCALE: _saturated_scale,
    Aim.CANDIDATE_TIE: _candidate_tie,
    Aim.ZEROS: _zeros,
}


_BY_FORMAT: dict[ElementFormat, tuple[float, ...]] = {
    ElementFormat.E2M1: _E2M1,
    ElementFormat.INT4: _INT4,
    ElementFormat.E2M1_OR_INT4: (*_SEVENTHS, *_MIDPOINTS, *_GRID),
}


def _palette(r: Recipe) -> tuple[float, ...]:
    known = _BY_FORMAT.get(r.element_format) or _of_grids(r.element_format)
    return tuple(v for v in known if v <= r.element_max)


@cache
def _of_grids(fmt: ElementFormat) -> tuple[float, ...]:
    """Return the midpoints and the values of every grid of a format, in units of the first one's scale."""
    found = [
        float(v) * float(g.unit)
        for g in dict.fromkeys(ELEMENT_FORMAT[fmt])
        for v in (*midpoints(g.format), *g.values[: g.format.max_code + 1])
    ]
    return tuple(found)


def _scale(r: Recipe, choice: int) -> float:
    """Return a block scale that a full block may have: any code up to the bound, or a power of two."""
    if r.scale_format.is_power:
        return 2.0 ** -(choice % 60)
    allowed = int(np.searchsorted(_UE4M3, r.scale_max, side="right"))
    return float(_UE4M3[1 + choice % (allowed - 1)])


def _decode_scale(r: Recipe, amax: np.float32, dtype: str) -> float:
    """Return D of the recipe, or A/C where that is no use (zero, infinite); MX: the largest power of two."""
    if r.scale_format.is_power:
        return float(2.0 ** np.floor(np.log2(float(amax) / r.element_max)))
    d = float(tensor_scales(np.asarray(amax), r, DTYPES[dtype]).decode)
    return d if 0 < d < float("inf") else float(amax) / r.range_max


def _edge(r: Recipe, amax: float, start: int, pick: int) -> F32 | None:
    """Return a block at most two steps from the edge of a choice; None where no value moves the choice."""
    found = choice_edges(r, 1, start, amax)
    at = pick % max(1, len(found) // r.block_rows) * r.block_rows
    return found[at : at + r.block_rows] if len(found) else None
