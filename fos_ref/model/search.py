"""The walk of a search: candidate after candidate, and the first of the least errors is kept (N6, N13)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

import ml_dtypes
import numpy as np

from fos_ref.formats import decode, UE4M3
from fos_ref.formats.arrays import Bool, F32
from fos_ref.model.candidates import unrounded
from fos_ref.model.errors import block_error
from fos_ref.model.rounding import to_dtype
from fos_ref.model.trace import Blocks, Candidate
from fos_ref.model.unscaled import unscaled_difference
from fos_ref.recipes.recipe import Recipe
from fos_ref.recipes.searches import Tried

#: (blocks, unrounded block scales) -> the candidate
Make = Callable[[Blocks, F32], Candidate]
_LARGEST = {
    np.dtype(np.float32): np.float32(2.0**128 - 2.0**104),
    np.dtype(np.float16): np.float32(65504),
    np.dtype(ml_dtypes.bfloat16): np.float32(2.0**128 - 2.0**120),
}


def searched(blocks: Blocks, r: Recipe, make: Make) -> Candidate:
    """Return for each block the first candidate of the least error; a NaN error replaces none. N6e, N6g."""
    found = tried(blocks, r, make)
    kept = next(found)
    for c in found:
        assert c.error is not None
        assert kept.error is not None
        kept = _merged(kept, c, c.error < kept.error)
    return kept


def tried(blocks: Blocks, r: Recipe, make: Make) -> Iterator[Candidate]:
    """Yield the candidates of a search that comes after the tensor scale, in order."""
    assert r.search is not None
    for (factor,) in r.search.factors:
        amax = blocks.amax * np.float32(factor)
        yield make(replace(blocks, amax=amax), unrounded(amax, blocks.scales, r))
    for value in decode(np.array(r.search.codes, dtype=np.uint8), UE4M3).astype(np.float32):
        yield make(blocks, np.full(blocks.amax.shape, value, dtype=np.float32))


def _merged(kept: Candidate, other: Candidate, better: Bool) -> Candidate:
    """Return the candidate with the other's steps where that is better."""
    names = [f.name for f in fields(Candidate) if f.name != "random"]  # no search takes random bits
    pairs = {name: (getattr(other, name), getattr(kept, name)) for name in names}
    wide = {name: better[..., None] if new.ndim > better.ndim else better for name, (new, _) in pairs.items()}
    return Candidate(**{name: np.where(wide[name], new, old) for name, (new, old) in pairs.items()})


def kept_ranges(x: F32, b: F32, r: Recipe, dtype: np.dtype[Any]) -> F32:
    """Return the range that each block keeps, (T, B), of blocks x (T, B, n) with block amax b. N6f.

    Rounding: each product to the dtype of the input; the error is N10k's.
    Specials: an error that is not below the largest finite number of the dtype replaces none, the first
              included, whose range is kept where none replaces it.
    Source:   llm-compressor observers/mse_quant.py::_grid_search_mse.
    """
    assert r.search is not None
    least = np.full(b.shape, _LARGEST[dtype], dtype=np.float32)
    kept: F32 | None = None
    for factors in r.search.factors:
        reach = b
        for f in factors:
            reach = to_dtype(reach * np.float32(f), dtype)
        error = block_error(unscaled_difference(x, reach, dtype), r, dtype)
        better = error < least
        kept = reach if kept is None else np.where(better, reach, kept)
        least = np.where(better, error, least)
    assert kept is not None
    return kept


def widened(x: F32, b: F32, r: Recipe, dtype: np.dtype[Any]) -> F32:
    """Return what counts as the block amax in N3 and N5: b, or the range that a search keeps."""
    if r.search is None or r.search.tried is not Tried.RANGE:
        return b
    return kept_ranges(x, b, r, dtype)
