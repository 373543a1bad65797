"""Vectors of the element cast: every midpoint with its neighbours, zeros of both signs, NaN and infinity."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fos_ref.formats.arrays import AnyArray
from fos_ref.inputs.distributions import DTYPES
from fos_ref.model.elements import code_values
from fos_ref.model.elements import midpoints as between
from fos_ref.recipes.recipe import Recipe
from fos_ref.vectors.blocks import block, neighbour, ramp, unit_amax
from fos_ref.vectors.case import Case, plain

_MOST = 7  #: midpoints of a format that are tried, the first and the last among them
_FOUR = 4  #: what the filler is at most
_EXPAND = 1.5  #: a map-to-4 scale beside the map-to-6 scale of the same block
_SPECIALS = {"NaN": 0x7FC00000, "-NaN": 0xFFC00000, "signalling NaN": 0x7F800001}
_INFINITIES = {"infinity": 0x7F800000, "-infinity": 0xFF800000}


def midpoints(r: Recipe) -> Iterator[Case]:
    """Yield a block for a midpoint, a sign and a dtype: one step below, the midpoint, one above.

    S = D = 1 and the block scale is 1 (1.5 for map-to-4), so that scaled values are exact. The filler is
    exact in the candidate that is meant and far off in the other one, which only absmax may keep.
    """
    top = float(r.element_max)
    fmt = r.element.first.format
    every = between(fmt).astype(np.float64).tolist()
    of_format = [every[i] for i in np.unique(np.linspace(0, len(every) - 1, _MOST).astype(int))]
    values = code_values(fmt)[: fmt.max_code + 1]
    fill = float(values[values <= _FOUR].max())
    for dtype in DTYPES:
        for m in (m for m in of_format if m < top):
            yield from _beside(r, m, 1.0, (fill, -fill), dtype)
    for m in of_format[:-1] if r.map4_scale is not None else ():
        yield from _beside(r, m, _EXPAND, (4.5, -4.5), "float32")


def _beside(r: Recipe, m: float, unit: float, fill: tuple[float, float], dtype: str) -> Iterator[Case]:
    for sign in (1, -1):
        values = [r.element_max, *(sign * neighbour(unit * m, k, dtype) for k in (-1, 0, 1))]
        at = f"map-to-4, scale {unit}" if unit != 1 else "scale 1"
        comment = f"scaled values one step below, on and above the midpoint {sign * m} ({at}), {dtype}"
        yield plain(block(r, values, fill, dtype), comment, unit_amax(r))


def zeros(r: Recipe) -> Iterator[Case]:
    """Yield zeros of both signs, alone, beside values, in a tensor of zeros; values that round to zero."""
    zero = np.zeros((r.block_rows, r.block_cols), dtype=np.float32)
    mixed = np.where(np.arange(r.block_cols) % 2 == 1, np.float32(-0.0), np.float32(0.0))
    signs = np.broadcast_to(mixed, zero.shape).copy()
    amax = unit_amax(r)
    for x, name in ((zero, "+0"), (-zero, "-0"), (signs, "+0 and -0")):
        yield plain(x, f"a tensor of {name}")
        yield plain(x, f"a block of {name} under a tensor amax that is not zero", amax)
        yield plain(x, f"a block of {name}, and a tensor amax of 0 from the caller", 0)
        yield plain(np.concatenate([x, ramp(r)], axis=1), f"a block of {name} beside an ordinary one")
    top = float(r.element_max)
    small = (-0.125, 0.125, -0.0, 0.0, -0.25, 0.25, -1e-30, 1e-30, -1e-45, 1e-45)
    yield plain(block(r, (top,), small), "zeros and small values of both signs: which codes are 8", amax)
    yield plain(block(r, (-top,), small), "the same beside a negative amax", amax)
    for dtype in ("bfloat16", "float16"):
        yield plain(block(r, (top,), small, dtype), f"the same as {dtype}", amax)


def nonfinite(r: Recipe) -> Iterator[Case]:
    """Yield NaN and infinity in a block, in a tensor beside an ordinary block, with the caller's amax."""
    for name, bits in (_SPECIALS | _INFINITIES).items():
        x = _with(ramp(r), bits)
        yield plain(x, f"{name} in a block, the tensor's own amax")
        yield plain(x, f"{name} in a block, the caller's amax", unit_amax(r))
        yield plain(np.concatenate([x, ramp(r)], axis=1), f"{name} in one block, none in the other")
    full = np.full((r.block_rows, r.block_cols), np.nan, dtype=np.float32)
    yield plain(full, "a block of NaN")
    yield plain(np.full_like(full, np.inf), "a block of infinities")
    for dtype in ("bfloat16", "float16"):
        x = ramp(r).astype(DTYPES[dtype])
        x[0, 1] = np.nan
        yield plain(x, f"NaN in a block of {dtype}")


def _with(x: AnyArray, bits: int) -> AnyArray:
    changed = x.copy()
    changed.view(np.uint32)[0, 1] = bits
    return changed
