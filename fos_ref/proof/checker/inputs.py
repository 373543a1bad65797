"""Input families for the checker: tensors as they come, and tensors aimed at one boundary each."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fos_ref.engines.front import trace
from fos_ref.formats.arrays import AnyArray, Bool, F32
from fos_ref.inputs.aims import Aim, AIMS, block_at, bytes_for
from fos_ref.inputs.choice_edges import AMAX, choice_edges
from fos_ref.inputs.distributions import make
from fos_ref.recipes.axes import AmaxScope
from fos_ref.recipes.recipe import BLOCK, Recipe

SHAPE = (128, 256)
#: Tensors of decode batches and of tests: (rows, columns).
SMALL = ((8, 64), (16, 64), (8, 256), (16, 128), (64, 64), (48, 96))
OF_EACH_SIZE = ("normal", "coarse")
LARGE = (("normal", (512, 1024)), ("heavy-tailed", (1024, 4096)), ("normal", (4096, 4096)))
PLAIN = ("normal", "coarse", "subnormal-scale", "signed-zero", "heavy-tailed")
#: A family: what it draws from, times what. Below 2^-126 * C the scale D is subnormal, below 2^-63 a square.
FAINT = {
    "tiny": ("normal", 3e-37),
    "tiny coarse": ("coarse", 1e-37),
    "tiny heavy-tailed": ("heavy-tailed", 1e-36),
    "tiny squares": ("normal", 1e-19),
    "subnormal": ("normal", 4e-39),
}
STALE = ("normal", "coarse", "heavy-tailed")
BETWEEN = ("normal", "laplace", "student-t3", "uniform", "lognormal")
_STALE_SHAPE = (64, 128)
_STALE_BY = np.float32(4)  #: how many times the tensor has outgrown the amax that the caller gives
_AIMED_SHAPE = (32, 64)
_EDGES = 400
_PAIRS = 512
_MEAN = np.float32(AMAX * 0.05)  #: what a value of 1 becomes, so that few reach the amax


def families(r: Recipe, seed: int) -> Iterator[tuple[str, F32]]:
    """Yield (name, float32 tensor): distributions, tiny values, boundaries of the choice, each aim.

    `caller_amax` says which of them come with an amax of their own.
    """
    for name in PLAIN:
        yield name, make(name, SHAPE, seed)
    for name in OF_EACH_SIZE:
        for rows, cols in SMALL:
            yield f"{name} {rows}x{cols}", make(name, (rows, cols), seed)
    for name, (of, factor) in FAINT.items():
        yield name, make(of, SHAPE, seed) * np.float32(factor)
    for name in STALE:
        yield f"{name}, stale amax", make(name, _STALE_SHAPE, seed)
    yield "zeros", make("signed-zero", _AIMED_SHAPE, seed) * np.float32(0)
    if r.chooses:
        yield "choice edges", _with_amax(_wide(choice_edges(r, _EDGES, seed)), r)
        for name in BETWEEN:
            yield f"between blocks, {name}", _with_amax(_wide(_between(name, r, seed)), r)
    for aim in AIMS:
        if aim.suits(r) and aim is not Aim.CHOICE_EDGE:
            yield f"aimed at {aim.value}", _with_amax(_aimed(aim, r, seed), r)


def as_view(x: F32) -> F32:
    """Return x as the left part of a wider buffer; beside it stand its rows from the last to the first."""
    buffer = np.concatenate([x, x[::-1, : x.shape[1] // 2]], axis=1)
    return buffer[:, : x.shape[1]]


def caller_amax(family: str, x: F32, r: Recipe) -> F32 | None:
    """Return the amax that the caller gives: one that the values have outgrown, or None."""
    if not family.endswith("stale amax"):
        return None
    return np.asarray(np.abs(x).max(axis=1 if r.amax_scope is AmaxScope.ROW else None) / _STALE_BY)


def _wide(blocks: F32) -> F32:
    """Return single blocks (N, 16) as rows of 4, a multiple of 16 rows."""
    rows = len(blocks) // (4 * BLOCK) * BLOCK
    return blocks[: 4 * rows].reshape(rows, 4 * BLOCK).copy()


def _between(name: str, r: Recipe, seed: int) -> F32:
    """Return blocks of a distribution drawn together until they are float32 neighbours, by two that part.

    Of two blocks one maps to 4 and one to 6. The middle replaces the one that it agrees with, until no middle
    is left: the choice then hangs on the last bits, of the errors or of a scale before it is rounded.
    """
    x = make(name, (_PAIRS, 4 * BLOCK), seed).reshape(-1, BLOCK) * _MEAN
    x = np.clip(x, np.float32(-AMAX), np.float32(AMAX))
    four = _maps_to_4(x, r)
    pairs = min(_PAIRS, int(four.sum()), int((~four).sum()))
    low, high = x[four][:pairs], x[~four][:pairs]
    while True:
        middle = ((low.astype(np.float64) + high) / 2).astype(np.float32)
        if not ((middle != low) & (middle != high)).any():
            return np.concatenate([low, high])
        four = _maps_to_4(middle, r)
        low[four], high[~four] = middle[four], middle[~four]


def _maps_to_4(blocks: F32, r: Recipe) -> Bool:
    given = np.full(len(blocks), AMAX, np.float32) if r.amax_scope is AmaxScope.ROW else np.float32(AMAX)
    picked: Bool = trace(blocks, r, amax=given).picked4[:, 0]
    return picked


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
