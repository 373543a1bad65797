"""How many thread blocks the fast kernel gets, and how many of them share a run of blocks of 16."""

from __future__ import annotations

from typing import NamedTuple

from fos_ref.recipes.axes import AmaxScope
from fos_ref.recipes.recipe import BLOCK, Recipe

THREADS = 256  #: of a thread block of the fast kernel, FOS_THREADS in fos_fast.cuh
RESIDENT = 4  #: thread blocks that an SM holds, FOS_RESIDENT in fos_fast.cuh
WAVES = 1  #: how often the SMs are filled: more even out the SMs, fewer make fewer tables
MOST_BLOCKS = 1 << 31  #: blocks of 16 must be fewer: the kernel counts in 32 bits


class Grid(NamedTuple):
    """A launch: thread blocks in all, and how many share a run (the tensor, a row, a line of tiles)."""

    groups: int
    parts: int


def fast_grid(
    r: Recipe, shape: tuple[int, int], sms: int, *, waves: int = WAVES, threads: int = THREADS
) -> Grid:
    """Return the fast kernel's launch for a tensor (R, C) on a device of `sms` multiprocessors."""
    rows, across = shape[0], shape[1] // BLOCK
    if r.amax_scope is AmaxScope.ROW:
        runs, work = rows, across
    elif r.block_rows == 1:
        runs, work = 1, rows * across
    else:
        runs, work = rows // r.block_rows, across * r.block_rows
    most = max(1, sms * (RESIDENT * THREADS // threads) * waves)
    parts = min(-(-work // threads), max(1, most // runs))
    return Grid(parts * min(runs, max(1, most // parts)), parts)
