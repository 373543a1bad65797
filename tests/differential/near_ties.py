"""The family "near-tie": blocks on which a last bit decides, chosen out of many sparse coarse ones.

Random data hardly ever show the order of a sum or the association of a product: the two candidates' errors
are far apart, and no block scale stands on the edge between two E4M3 codes. Chosen, in this order:

* split:     the judge, one dialect of our model, and its relatives disagree on the scale that is kept;
* near tie:  the two errors are not zero and equal within 2**-20 of their size;
* cliff:     moving the unrounded block scale (of map-to-6 or map-to-4) by 2**-22 changes its E4M3 code.

Who chooses the inputs decides no result: every dialect has to agree with its peer on all of them. The judge
is one for E2M1 and one for the choice between E2M1 and INT4; MX formats have neither sums nor a bound.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

import fos_ref
from fos_ref.formats import encode, UE4M3
from fos_ref.recipes import Recipe
from fos_ref.recipes.axes import BlockScale, Candidates, ErrorDomain, ErrorMetric, Reduction, ScaleFormat
from fos_ref.recipes.recipe import SCALE_BOUNDS

AMAXES = (4.0, 4.5, 5.0, 6.0, 7.0)
CANDIDATES = 1 << 17  #: sparse blocks drawn per tensor amax
KEPT = {1: 1024, 16: 4096}  #: blocks kept per tensor amax: 1024 blocks, or 256 tiles
COLS = {1: 256, 16: 64}
BLOCK = 16
TIE, CLIFF = 2.0**-20, 2.0**-22
METRICS = (ErrorMetric.MSE, ErrorMetric.MAE, ErrorMetric.ABS_MAX)  #: of a judge
ORDERS = ({"reduction": Reduction.TORCH_CPU},)
RELATIVES = (
    {"error_domain": ErrorDomain.INPUT_DECODE},
    {"error_domain": ErrorDomain.SCALED},
    {"block_scale": BlockScale.FOLDED_RECIPROCAL},
)


def near_ties(recipe: Recipe, seed: int) -> tuple[np.ndarray, ...]:
    """Return a float32 tensor of 1024 blocks (1x16) or 256 tiles (16x16) per amax; exact in bfloat16."""
    if recipe.scale_format is not ScaleFormat.E4M3:
        return ()
    return _tensors(_judge(recipe), recipe.block_rows, seed)


def _judge(recipe: Recipe) -> Recipe:
    """Return the dialect that chooses for `recipe`: its metric, bound and formats, summed in order."""
    int4 = recipe.candidates is Candidates.FLOAT_OR_INT
    metric = recipe.error_metric if recipe.error_metric in METRICS else ErrorMetric.MSE
    return replace(
        fos_ref.recipe("fouroversix-if4-mse" if int4 else "te-mse-256"),
        error_metric=metric,
        scale_max=max(recipe.scale_max, min(SCALE_BOUNDS)),
        reduction=None if metric is ErrorMetric.ABS_MAX else Reduction.SEQUENTIAL,
    )


@cache
def _tensors(judge: Recipe, block_rows: int, seed: int) -> tuple[np.ndarray, ...]:
    pools = (_pool(judge, amax, seed)[: KEPT[block_rows]] for amax in AMAXES)
    return tuple(_arrange(p, amax, block_rows) for p, amax in zip(pools, AMAXES, strict=True))


@cache
def _pool(judge: Recipe, amax: float, seed: int) -> np.ndarray:
    """Return the chosen blocks (4096, 16), splits first; few choices are repeated in order."""
    relatives = RELATIVES if judge.reduction is None else [*ORDERS, *RELATIVES]
    blocks = _sparse(np.random.default_rng([seed, int(amax * 2)]), amax)
    near, cliff = _near_and_cliff(blocks, amax, judge)
    hard = blocks[near | cliff]
    split = np.zeros(len(hard), dtype=bool)
    kept = fos_ref.trace(hard, judge, amax=np.float32(amax)).block_scales[:, 0]
    for axes in relatives:
        split |= fos_ref.trace(hard, replace(judge, **axes), amax=np.float32(amax)).block_scales[:, 0] != kept
    first = np.argsort(~split * 2 + ~near[near | cliff], kind="stable")
    return np.resize(hard[first], (max(KEPT.values()), BLOCK))


def _sparse(rng: np.random.Generator, amax: float) -> np.ndarray:
    """Return blocks with 2 to 8 values n * 2**-e, n below 24, e shared by the block or each value's own.

    In half of the blocks the largest value has 8 significant bits.
    """
    shape = (CANDIDATES, BLOCK)
    shared, own = rng.integers(4, 10, (CANDIDATES, 1)), rng.integers(4, 12, shape)
    n = np.where(rng.integers(0, 2, (CANDIDATES, 1)), rng.integers(1, 24, shape), rng.integers(1, 12, shape))
    values = np.ldexp(n.astype(np.float64), -np.where(rng.integers(0, 2, (CANDIDATES, 1)), shared, own))
    order = rng.permuted(np.broadcast_to(np.arange(BLOCK), shape), axis=1)
    kept = order < rng.integers(2, 9, (CANDIDATES, 1))
    values = np.where(kept, values, 0) * rng.choice([-1, 1], shape)
    largest = np.arange(BLOCK) == np.abs(values).argmax(axis=1, keepdims=True)
    exponent = np.frexp(np.abs(values).max(axis=1, keepdims=True))[1]
    full = np.ldexp(rng.integers(128, 256, (CANDIDATES, 1)).astype(np.float64), exponent - 8)
    values = np.where(largest & rng.integers(0, 2, (CANDIDATES, 1)).astype(bool), full, values)
    return (np.clip(values, -amax, amax) + 0.0).astype(np.float32)  # no -0 here


def _near_and_cliff(blocks: np.ndarray, amax: float, judge: Recipe) -> tuple[np.ndarray, np.ndarray]:
    """Return two masks (N,) over `blocks` (N, 16)."""
    t = fos_ref.trace(blocks, judge, amax=np.float32(amax))
    e4, e6 = (c.error[:, 0].astype(np.float64) for c in (t.map4, t.map6))
    near = (np.abs(e4 - e6) <= TIE * np.maximum(e4, e6)) & (e4 > 0)
    base = t.base[:, 0].astype(np.float64)
    cliff = np.zeros_like(near)
    for factor in (1.0, 1.5):
        below, above = (encode(base * factor * (1 + d), UE4M3) for d in (-CLIFF, CLIFF))
        cliff |= below != above
    return near, cliff


def _arrange(pool: np.ndarray, amax: float, block_rows: int) -> np.ndarray:
    """Lay the blocks out as a tensor; the first value of each row (of the tensor) is the tensor amax.

    Blocks of a tile are neighbours in the order of block amax, so that all its rows matter to its errors.
    """
    cols = COLS[block_rows]
    if block_rows == 1:
        x = pool.reshape(-1, cols).copy()
        x[:, 0] = amax
        return x
    tiles = pool[np.argsort(np.abs(pool).max(axis=1), kind="stable")].reshape(-1, cols // BLOCK, BLOCK, BLOCK)
    x = np.ascontiguousarray(tiles.transpose(0, 2, 1, 3)).reshape(-1, cols)
    x[0, 0] = amax
    return x
