"""Blocks on the edge of a choice: one float32 step of a value decides which candidate a recipe keeps.

In a tile 16 equal values move by that step. The edge is found by narrowing with the recipe itself, so it
works for every metric, error domain and order. There the two errors are equal or nearly so, and another
order, a fused operation or another domain tips the balance.
"""

from __future__ import annotations

import numpy as np

from fos_ref.engines.front import trace
from fos_ref.errors import InputError
from fos_ref.formats.arrays import Bool, F32, I64
from fos_ref.model.blocks import from_blocks
from fos_ref.recipes.axes import AmaxScope
from fos_ref.recipes.recipe import BLOCK, Recipe

#: Fractions of the block amax that one value is set to, in search of two that differ in the choice.
_PROBES = np.linspace(-0.95, 0.95, 20).astype(np.float32)
_PARTS = np.arange(17)  #: of the way between two values, for one step of the search
_NEAREST = np.arange(-2, 3)  #: float32 steps from the edge
_F32_MIN = -(1 << 31)
AMAX = 1777.0  #: of no recipe a power of two times C, so that every product of a scale rounds


def choice_edges(r: Recipe, blocks: int, seed: int, amax: float = AMAX) -> F32:
    """Return blocks on the edge, five for each that was found: 2 steps below it to 2 above, under `amax`.

    Shapes:   (5 * k * block rows, block columns), k at most `blocks`: some have no edge to be found
    Dtypes:   float32; the same seed gives the same bits
    Raises:   InputError for a recipe that has nothing to choose.
    """
    if not r.chooses:
        msg = f"choice_edges: recipe {r.name!r} keeps its one candidate: a recipe with a choice is allowed"
        raise InputError(msg)
    rng = np.random.Generator(np.random.Philox(key=np.array([seed, 0x7E1], dtype=np.uint64)))
    x = _start(rng, blocks, r.block_rows * r.block_cols, amax)
    place = 1 + rng.integers(0, x.shape[1] - 1, (blocks, x.shape[1] // BLOCK))
    low, high, found = _change(x, place, order(_PROBES * x[:, :1]), r, amax)
    x, place, low, high = x[found], place[found], low[found], high[found]
    while np.any(high - low > 1):
        between = low[:, None] + (high - low)[:, None] * _PARTS // _PARTS[-1]
        low, high, _ = _change(x, place, between, r, amax)
    around = _with(x, place, low[:, None] + _NEAREST)
    matrix: F32 = from_blocks(around.reshape(-1, 1, x.shape[1]), r.block_rows, r.block_cols)
    return matrix


def _start(rng: np.random.Generator, blocks: int, n: int, amax: float) -> F32:
    """Return normal blocks (blocks, n), the largest value first and far enough from the ends of the range."""
    x = rng.standard_normal((blocks, n)).clip(-2.5, 2.5)
    x[:, 0] = rng.uniform(2.6, 3.5, blocks)
    scale = amax * rng.uniform(0.02, 0.28, (blocks, 1))
    return np.asarray(x * scale, dtype=np.float32)


def _change(x: F32, place: I64, levels: I64, r: Recipe, amax: float) -> tuple[I64, I64, Bool]:
    """Return the first neighbouring levels (k, L) between which a block's choice changes, and where any."""
    picks = _picks(_with(x, place, levels).reshape(-1, x.shape[1]), r, amax).reshape(levels.shape)
    changes = picks[:, 1:] != picks[:, :-1]
    at = np.argmax(changes, axis=1)
    block = np.arange(len(x))
    return levels[block, at], levels[block, at + 1], changes.any(axis=1)


def _with(x: F32, place: I64, levels: I64) -> F32:
    """Return blocks (k, L, n): x (k, n) with its values at `place` (k, p) set to ordered integers (k, L)."""
    changed = np.repeat(x[:, None, :], levels.shape[1], axis=1)
    changed[np.arange(len(x))[:, None], :, place] = from_order(levels)[:, None, :]
    return changed


def _picks(x: F32, r: Recipe, amax: float) -> Bool:
    """Return which blocks (k, n) keep map-to-4 (or INT4)."""
    matrix = from_blocks(x[:, None, :], r.block_rows, r.block_cols)
    given = np.float32(amax)
    row_scaled = r.amax_scope is AmaxScope.ROW
    t = trace(matrix, r, amax=np.full(len(matrix), given) if row_scaled else given)
    picked: Bool = t.picked4[:: r.block_rows, 0]
    return picked


def order(x: F32) -> I64:
    """Return integers that count float32 values in order: neighbours differ by 1, -0 and +0 are both 0."""
    bits = np.asarray(x, dtype=np.float32).view(np.int32).astype(np.int64)
    return np.where(bits < 0, _F32_MIN - bits, bits)


def from_order(n: I64) -> F32:
    """Return the float32 values that `order` counts."""
    bits = np.where(n < 0, _F32_MIN - n, n).astype(np.int32)
    return bits.view(np.float32)
