"""Vectors of the scales: every E4M3 byte as the chosen one, midpoints, both ends of E4M3 and of float32."""

from __future__ import annotations

from collections.abc import Iterator

from fos_ref.inputs.aim_values import amax_values
from fos_ref.inputs.distributions import DTYPES
from fos_ref.recipes.axes import ScaleFormat
from fos_ref.recipes.recipe import Recipe
from fos_ref.vectors.blocks import block, neighbour, ramp, UE4M3_VALUES, unit_amax
from fos_ref.vectors.case import Case, plain

_FOUR = 4.0
_EXPANDED = 1.5  #: a map-to-4 scale is that many times the map-to-6 one
_HALF = 64  #: scale codes in the first of two files
#: Codes below the midpoints that are tried: subnormals, the first normals, some across the range, the top.
_BELOW = (0, 1, 2, 6, 7, 8, 55, 111, 119, 125)
_SUBNORMAL = (0.4, 0.5, 0.51, 1.0, 1.5, 1.51, 2.5, 3.5, 6.5, 7.0, 7.5, 7.51, 8.5)  #: in units of 2^-9
_ABOVE = (1.0, 1.01, 1.1667, 1.5, 2.0, 100.0, 1e30)  #: block amax over tensor amax


def low_codes(r: Recipe) -> Iterator[Case]:
    """Yield blocks whose chosen scale byte is 00 to 3F, in order."""
    return _codes(r, range(_HALF))


def high_codes(r: Recipe) -> Iterator[Case]:
    """Yield blocks whose chosen scale byte is 40 to 7E, in order."""
    return _codes(r, range(_HALF, UE4M3_VALUES.size))


def _codes(r: Recipe, codes: range) -> Iterator[Case]:
    for code in codes:
        value = float(UE4M3_VALUES[code])
        expanded = r.map4_scale is not None and r.scale_max < value <= r.scale_max * _EXPANDED
        top = _FOUR if expanded else float(r.element_max)
        fill = (0.75 * top, -0.75 * top) if expanded else (_FOUR, -_FOUR, 2.0, 1.0, -0.5)
        unit = value if code else 2.0**-11
        how = "by map-to-4" if expanded else "by the block amax"
        over = ", a tensor amax that is too small" if top * unit > r.range_max else ""
        x = block(r, [top * unit], [f * unit for f in fill if abs(f) <= top])
        yield plain(x, f"scale byte {code:02X} = {value!r}, {how}{over}", unit_amax(r))


def midpoints(r: Recipe) -> Iterator[Case]:
    """Yield block amaxes whose scale is on a midpoint of E4M3, and one step below and above."""
    for low in _BELOW:
        middle = float(UE4M3_VALUES[low] + UE4M3_VALUES[low + 1]) / 2
        for m in (r.element_max, _FOUR) if r.map4_scale is not None else (r.element_max,):
            for steps in (-1, 0, 1):
                amax = neighbour(middle * m, steps, "float32")
                where = f"{steps:+d} steps from the midpoint above scale byte {low:02X}"
                at = amax / m
                x = block(r, [amax], [3 * at, -3 * at, at, -0.5 * at])
                yield plain(x, f"mapped to {m:g}: {where}", unit_amax(r))


def extremes(r: Recipe) -> Iterator[Case]:
    """Yield ordinary values under subnormal and zero scales, and above the caller's tensor amax."""
    top, given = float(r.element_max), unit_amax(r)
    if r.scale_format is ScaleFormat.E4M3:
        for n in _SUBNORMAL:
            yield plain(ramp(r, n * top * 2.0**-9), f"a block scale of {n:g} times 2^-9", given)
        for n in (1e-3, 1e-10, 1e-30, 1e-44):
            yield plain(ramp(r, n * 2.0**-9), f"a block amax of {n:g} times 2^-9: a scale of zero", given)
    amax = 1.0 if given is None else float(given)
    for factor in _ABOVE:
        yield plain(ramp(r, amax * factor), f"a block amax of {factor:g} times the tensor amax", given)


def amaxes(r: Recipe) -> Iterator[Case]:
    """Yield tensors of ordinary values whose amax is tiny, huge, or a power of two times C."""
    for dtype in ("float32", "bfloat16"):
        exact, ends = amax_values(r, dtype)
        for amax in (*ends, *exact):
            x = ramp(r, float(amax))
            yield plain(x.astype(DTYPES[dtype]), f"a tensor amax of {float(amax):.6g}, {dtype}")
