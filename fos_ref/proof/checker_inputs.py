"""Input families for the checker: tensors as they come, and tensors aimed at one boundary each."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fos_ref.formats.arrays import AnyArray, F32
from fos_ref.recipes.axes import AmaxScope
from fos_ref.recipes.recipe import BLOCK, Recipe
from fos_ref.verify.aims import Aim, AIMS, block_at, bytes_for
from fos_ref.verify.choice_edges import AMAX, choice_edges
from fos_ref.verify.distributions import make

SHAPE = (128, 256)
PLAIN = ("normal", "coarse", "subnormal-scale", "signed-zero", "heavy-tailed")
_TINY = np.float32(3e-37)  #: times N(0, 1): below 2^-126 / C, where D is subnormal
_AIMED_SHAPE = (32, 64)
_EDGES = 400


def families(r: Recipe, seed: int) -> Iterator[tuple[str, F32]]:
    """Yield (name, float32 tensor): distributions, tiny values, edges of the choice, one tensor per aim."""
    for name in PLAIN:
        yield name, make(name, SHAPE, seed)
    yield "tiny", make("normal", SHAPE, seed) * _TINY
    if r.chooses:
        yield "choice edges", _with_amax(_wide(choice_edges(r, _EDGES, seed)), r)
    for aim in AIMS:
        if aim.suits(r) and aim is not Aim.CHOICE_EDGE:
            yield f"aimed at {aim.value}", _with_amax(_aimed(aim, r, seed), r)


def _wide(blocks: F32) -> F32:
    """Return single blocks (N, 16) as rows of 4, a multiple of 16 rows."""
    rows = len(blocks) // (4 * BLOCK) * BLOCK
    return blocks[: 4 * rows].reshape(rows, 4 * BLOCK).copy()


def _aimed(aim: Aim, r: Recipe, seed: int) -> F32:
    rng = np.random.Generator(np.random.Philox(key=np.array([seed, AIMS.index(aim)], dtype=np.uint64)))
    rows, cols = _AIMED_SHAPE
    size = bytes_for(aim, r)
    made: list[AnyArray] = [
        block_at(aim, r, np.float32(AMAX), "float32", rng.bytes(size)) for _ in range(rows * cols // BLOCK)
    ]
    return np.concatenate(made).reshape(rows, cols).astype(np.float32)


def _with_amax(x: F32, r: Recipe) -> F32:
    """Return x with the amax it was built for: in one place, or once a row."""
    x = x.copy()
    x[slice(None) if r.amax_scope is AmaxScope.ROW else slice(1), 0] = AMAX
    return x
