"""The inputs of the peers' suite: seven families and "near-tie", in every dtype that the peer takes.

Each preset meets over 100,000 blocks, and each peer over a million in all: a peer of one preset meets them in
wide tensors.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from fos_ref.inputs.distributions import DTYPES, make
from fos_ref.recipes import Recipe

from .near_ties import near_ties

FAMILIES = ("normal", "heavy-tailed", "student-t3", "coarse", "zero-laden", "subnormal-scale", "signed-zero")
PEER_DTYPES = ("float32", "bfloat16")
#: Of a tensor that is not wide; float16 comes once.
SEEDS = {"float32": (1, 2), "bfloat16": (1, 2), "float16": (1,)}
#: Rows and columns under one block scale -> 4096 blocks; by 7 families, 2 dtypes and 2 seeds 114,688.
SHAPES = {(1, 8): (256, 128), (1, 16): (256, 256), (1, 32): (256, 512), (16, 16): (1024, 1024)}
WIDE_SEEDS = (1,)
#: Rows of all dtypes together, and blocks of a row: by 7 families 1,032,192 blocks, however many dtypes.
WIDE_ROWS, WIDE_BLOCKS = 2304, 64
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


def cases(
    recipe: Recipe, dtypes: tuple[str, ...] = PEER_DTYPES, *, wide: bool = False, few: bool = False
) -> Iterator[Case]:
    """Yield every tensor of the suite: 4096 blocks of `recipe` each, or wide; fewer in "near-tie".

    few: half as many blocks, by one seed, for a search.
    """
    by_tile = recipe.block_rows > 1
    shape = SHAPES[recipe.block_rows, recipe.block_cols]
    if wide:
        shape = WIDE_ROWS // len(dtypes), WIDE_BLOCKS * recipe.block_cols
    elif few:
        shape = shape[0] // 2, shape[1]
    for dtype in dtypes:
        for seed in WIDE_SEEDS if wide or few else SEEDS[dtype]:
            for family in FAMILIES:
                yield Case(family, dtype, seed, tensor(family, shape, seed, dtype, by_tile=by_tile))
            for x in near_ties(recipe, seed):
                yield Case("near-tie", dtype, seed, x.astype(DTYPES[dtype]))


@cache
def tensor(family: str, shape: tuple[int, int], seed: int, dtype: str, *, by_tile: bool) -> np.ndarray:
    """Return one tensor; for 16x16 every second one has the spread between blocks moved to tiles."""
    x = make(family, shape, seed)
    if by_tile and seed % 2 == 0:
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
