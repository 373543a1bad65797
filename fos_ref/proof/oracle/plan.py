"""Which presets the oracle checks on how much: families, and units of work with seeds of their own."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from fos_ref.proof.oracle.inputs import Case, cases, COLS, one_round, taken
from fos_ref.recipes.catalog import PRESETS
from fos_ref.recipes.recipe import Recipe

BLOCKS = 1_000_000  #: blocks of a row per family, at least
TILES = 2_000  #: 16x16 tiles per preset that has them, at least
ROWS = 64  #: of every case
#: Words that a preset's method begins with; what stands before them names the program.
_METHODS = (
    *("nvfp3", "nvfp4", "nvfp6", "nvint3", "nvint4", "nvint6", "mxfp4", "mxfp6", "mxfp8", "mxint8"),
    *("if3", "if4", "if6", "4over6", "mse", "mae", "absmax", "static6", "static4"),
    *("expanded", "scale"),
)
OWN = "own"


@dataclass(frozen=True, slots=True)
class Unit:
    """One round of inputs for one preset: what a worker does in one go."""

    preset: str
    number: int

    @property
    def recipe(self) -> Recipe:
        """The preset itself."""
        return PRESETS[self.preset]

    def cases(self, rows: int) -> list[Case]:
        """Return the inputs, the same on every machine; no other unit has them."""
        key = np.array([zlib.crc32(self.preset.encode()), self.number], dtype=np.uint64)
        return taken(
            self.recipe, one_round(np.random.Generator(np.random.Philox(key=key)), rows), widened=True
        )


def family(preset: str) -> str:
    """Return the program whose dialect a preset is: te-cuda of te-cuda-mse-256, own of nvfp4."""
    words = preset.split("-")
    methods = [i for i, word in enumerate(words) if word in _METHODS]
    return "-".join(words[: methods[0]]) or OWN


@cache
def families() -> Mapping[str, list[str]]:
    """Return {family: its presets}; a second name of a preset is not one more."""
    found: dict[str, list[str]] = {}
    for name in dict.fromkeys(r.name for r in PRESETS.values()):
        found.setdefault(family(name), []).append(name)
    return found


def plan(blocks: int = BLOCKS, tiles: int = TILES, rows: int = ROWS) -> list[Unit]:
    """Return the units that give each family `blocks` blocks of a row, shared by its presets, and the tiles.

    A 16x16 tile counts as one block but costs sixteen: tiles come on top, `tiles` for each preset.
    """
    units = []
    for names in families().values():
        in_rows = [n for n in names if PRESETS[n].block_rows == 1]
        for name in names:
            wanted = tiles if name not in in_rows else -(-blocks // len(in_rows))
            units += [Unit(name, i) for i in range(-(-wanted // size(name, rows)))]
    return units


@cache
def size(preset: str, rows: int) -> int:
    """Return how many blocks, or tiles, a unit of a preset has."""
    r = PRESETS[preset]
    return len(taken(r, cases(), widened=True)) * (rows // r.block_rows) * (COLS // r.block_cols)
