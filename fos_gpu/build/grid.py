"""How the fast kernel is compiled and launched: threads, thread blocks, how many of them share a run."""

from __future__ import annotations

from typing import NamedTuple

from fos_ref.recipes.axes import AmaxScope, ErrorMetric
from fos_ref.recipes.recipe import BLOCK, Recipe

MOST_BLOCKS = 1 << 31  #: blocks of 16 must be fewer: the kernel counts in 32 bits


class Tuning(NamedTuple):
    """What decides no bit: threads of a thread block, thread blocks of an SM, how often the SMs are filled.

    More waves even out the SMs, fewer make fewer tables.
    """

    threads: int
    resident: int
    waves: int

    @property
    def definitions(self) -> tuple[str, ...]:
        """The -D options of fos_fast.cuh."""
        return (f"-DFOS_THREADS={self.threads}", f"-DFOS_RESIDENT={self.resident}")


def tuning(r: Recipe, dtype: str) -> Tuning:
    """Return what was fastest for a recipe and an input dtype by name: `python -m benchmarks.gpu.tunings`.

    On an H200; float32 on an H100. 1024 threads of an SM have 64 registers each; a choice among float32
    values wants 80.
    """
    if r.amax_scope is AmaxScope.ROW and r.chooses:
        return Tuning(threads=128, resident=8, waves=4)
    if dtype == "float32":
        return Tuning(threads=256, resident=3 if r.chooses else 4, waves=16 if r.block_rows > 1 else 1)
    if r.block_rows > 1:
        return Tuning(threads=128, resident=8, waves=4)
    largest = r.error_metric is ErrorMetric.ABS_MAX
    return Tuning(threads=256, resident=4, waves=(16 if largest else 2) if r.chooses else 1)


class Grid(NamedTuple):
    """A launch: thread blocks in all, and how many share a run (the tensor, a row, a line of tiles)."""

    groups: int
    parts: int


def fast_grid(r: Recipe, shape: tuple[int, int], sms: int, tuned: Tuning) -> Grid:
    """Return the fast kernel's launch for a tensor (R, C) on a device of `sms` multiprocessors."""
    rows, across = shape[0], shape[1] // BLOCK
    if r.amax_scope is AmaxScope.ROW:
        runs, work = rows, across
    elif r.block_rows == 1:
        runs, work = 1, rows * across
    else:
        runs, work = rows // r.block_rows, across * r.block_rows
    most = max(1, sms * tuned.resident * tuned.waves)
    parts = min(-(-work // tuned.threads), max(1, most // runs))
    return Grid(parts * min(runs, max(1, most // parts)), parts)
