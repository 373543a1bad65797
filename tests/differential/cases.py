"""The inputs of the peers' suite: seven families and "near-tie", two dtypes, over 100,000 blocks a preset."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from fos_ref.recipes import Recipe
from fos_ref.verify.distributions import DTYPES, make

from .near_ties import near_ties

FAMILIES = ("normal", "heavy-tailed", "student-t3", "coarse", "zero-laden", "subnormal-scale", "signed-zero")
PEER_DTYPES = ("float32", "bfloat16")
SEEDS = (1, 2)
BLOCKS_PER_TENSOR = 4096  # times 7 families, 2 dtypes and 2 seeds: 114,688 blocks
SHAPES = {1: (256, 256), 16: (1024, 1024)}  #: rows under one block scale -> 4096 blocks
BLOCK = 16


@dataclass(frozen=True)
class Case:
    family: str
    dtype: str
    seed: int
    x: np.ndarray

    @property
    def label(self) -> str:
        return f"{self.family}, {self.dtype}, seed {self.seed}, shape {self.x.shape}"


def cases(recipe: Recipe, seeds: tuple[int, ...] = SEEDS) -> Iterator[Case]:
    """Yield every tensor of the suite: 4096 blocks of `recipe` each, fewer in the family "near-tie"."""
    for dtype in PEER_DTYPES:
        for seed in seeds:
            for family in FAMILIES:
                yield Case(family, dtype, seed, tensor(family, recipe.block_rows, seed, dtype))
            for x in near_ties(recipe, seed):
                yield Case("near-tie", dtype, seed, x.astype(DTYPES[dtype]))


@cache
def tensor(family: str, block_rows: int, seed: int, dtype: str) -> np.ndarray:
    """Return one tensor; for 16x16 every second one has the spread between blocks moved to tiles."""
    x = make(family, SHAPES[block_rows], seed)
    if block_rows > 1 and seed % 2 == 0:
        x = spread_by_tile(x)
    x = x.astype(DTYPES[dtype])
    x.flags.writeable = False
    return x


def spread_by_tile(x: np.ndarray) -> np.ndarray:
    """Give each 16x16 tile the amax of its first block: the other 15 come to the same binade, or one below.

    A family draws each 1x16 block's magnitude apart, so a tile of 16 is hardly ever small or zero as a whole.
    Multiplying by powers of two keeps every significand; tiles whose first block is zero become zero.
    """
    rows, cols = x.shape
    tiles = x.reshape(rows // BLOCK, BLOCK, cols // BLOCK, BLOCK)
    significand, binade = np.frexp(np.abs(tiles).max(axis=-1, keepdims=True))
    moved = np.ldexp(tiles, binade[:, :1] - binade - (significand > significand[:, :1]))
    return np.where(significand[:, :1] == 0, tiles * np.float32(0), moved).reshape(rows, cols)
