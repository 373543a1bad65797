"""The inputs on which the choice between map-to-4 and map-to-6 is judged, by name.

Most are families of `distributions.make`. Two are made here: N(0, 1) so small that squared errors underflow
in float32, and "near-tie", blocks on which both candidates err alike to within the last bits of the inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType

import numpy as np

from fos_ref.exactness.choice import frame, in_float64
from fos_ref.formats.arrays import AnyArray, Bool, F32, F64
from fos_ref.inputs.distributions import make
from fos_ref.model.blocks import from_blocks
from fos_ref.model.quantize import quantize_matrix, tensor_scales
from fos_ref.model.trace import Scales
from fos_ref.recipes.axes import ErrorMetric, Reduction
from fos_ref.recipes.catalog import PRESETS
from fos_ref.recipes.recipe import BLOCK, Recipe

Shape = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Input:
    """Tensors to choose on: `make(shape, seed, the recipe that will choose)`."""

    make: Callable[[Shape, int, Recipe], AnyArray]
    judged: bool = False  #: made for the metric of the recipe that will choose
    part: int = 1  #: how many times fewer rows than asked for: it is dear to make

    def shape(self, asked: Shape) -> Shape:
        """Return the shape to make: whole tiles, at least one row of them."""
        return max(BLOCK, asked[0] // self.part // BLOCK * BLOCK), asked[1]


TINY = 2.0**-70  #: errors near 2^-73: their squares are subnormal in float32
_AMAX = (4.5, 9.0)  #: the tensor amax of near ties is drawn from here: S and D are no round numbers
_BLOCK_AMAX = (1.0, 4.0)  #: the largest value of their blocks
_STEPS = 24  #: halvings between two blocks: to float32 neighbours
_SPARE = 8  #: blocks drawn for each block that is kept


def near_tie(shape: Shape, seed: int, chooser: Recipe) -> F32:
    """Return a float32 tensor on whose blocks map-to-4 and map-to-6 err alike, for one metric and bound.

    Shapes:   (R, C), multiples of 16. The first value of every row, or of the tensor where tiles choose, is
              the tensor amax; the blocks it stands in are no near ties.
    Rounding: each value to float32, once. That moves the errors apart by a few of the inputs' last bits.
    Spec:     a block that chooses 6 and one that chooses 4, of equal amax, are mixed: both exact errors
              change steadily, so that halving the way between them ends where they meet. The judge has the
              metric, the bound and the blocks of `chooser`, one tensor amax, and compares in float64.
    """
    return _near_tie(shape, seed, _judge(chooser)).copy()


def _judge(chooser: Recipe) -> Recipe:
    metric = chooser.error_metric
    return replace(
        PRESETS["4over6"],
        error_metric=metric,
        reduction=None if metric is ErrorMetric.ABS_MAX else Reduction.SEQUENTIAL,
        scale_max=chooser.scale_max,
        block_shape=chooser.block_shape,
    )


@lru_cache(maxsize=16)
def _near_tie(shape: Shape, seed: int, judge: Recipe) -> F32:
    assert judge.error_metric is not None
    n = judge.block_rows * BLOCK
    metrics = list(ErrorMetric)
    stream = [seed, metrics.index(judge.error_metric), judge.scale_max, n]
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence(stream)))
    blocks = shape[0] * shape[1] // n
    amax = np.float32(rng.uniform(*_AMAX))
    scales = tensor_scales(np.asarray(amax), judge)
    six, four = _ends(rng, blocks, scales, judge)
    for _ in range(_STEPS):
        middle = (six + four) / 2
        is_four = _exact_4(middle, scales, judge)[:, None]
        six, four = np.where(is_four, six, middle), np.where(is_four, middle, four)
    kept = np.where(rng.integers(0, 2, (blocks, 1)) == 1, four, six).astype(np.float32)
    x: F32 = from_blocks(kept.reshape(-1, shape[1] // BLOCK, n), judge.block_rows, BLOCK)
    x[:: 1 if n == BLOCK else shape[0], 0] = amax
    return x


def _ends(rng: np.random.Generator, count: int, scales: Scales, judge: Recipe) -> tuple[F64, F64]:
    """Return `count` pairs of blocks, (count, n) each, of equal amax: the first chooses 6, the second 4.

    Drawn are N(0, 1) and U(-1, 1) blocks with the largest value at the same place; few pairs that fit are
    repeated in order.
    """
    n = judge.block_rows * BLOCK
    amax = rng.uniform(*_BLOCK_AMAX, (_SPARE * count, 1)).astype(np.float32).astype(np.float64)
    shape = (_SPARE * count, n)
    first, second = rng.standard_normal(shape), rng.uniform(-1.0, 1.0, shape)
    first *= amax / np.max(np.abs(first), axis=1, keepdims=True)
    second *= amax
    top = np.abs(first) >= amax * (1 - 2.0**-40)
    first, second = (np.where(top, np.copysign(amax, first), v) for v in (first, second))
    picks = _exact_4(first, scales, judge), _exact_4(second, scales, judge)
    turned = (picks[0] & ~picks[1])[:, None]
    fits = np.flatnonzero(picks[0] != picks[1])
    pairs = np.where(turned, second, first), np.where(turned, first, second)
    six, four = (np.resize(v[fits], (count, n)) for v in pairs)
    return six, four


def _exact_4(blocks: F64, scales: Scales, judge: Recipe) -> Bool:
    """Return (K,): whether map-to-4 has the smaller error, in float64, over blocks (K, n) cast to float32."""
    assert judge.error_metric is not None
    found = []
    step = max(1, (1 << 16) // blocks.shape[1])
    for i in range(0, len(blocks), step):
        x = blocks[i : i + step].astype(np.float32)
        rows = from_blocks(x[:, None, :], judge.block_rows, BLOCK)
        err4, err6 = in_float64(frame(quantize_matrix(rows, scales, judge), judge), judge.error_metric)
        found.append(err4 < err6)
    return np.concatenate(found)


def tiny(shape: Shape, seed: int, _: Recipe) -> F32:
    """Return N(0, 1) times 2^-70: exact products with a power of two."""
    x: F32 = make("normal", shape, seed) * np.float32(TINY)
    return x


def _family(name: str, dtype: str = "float32") -> Input:
    return Input(lambda shape, seed, _: make(name, shape, seed, dtype))


INPUTS: Mapping[str, Input] = MappingProxyType(
    {
        "normal": _family("normal"),
        "normal-bfloat16": _family("normal", "bfloat16"),
        "student-t3": _family("student-t3"),
        "uniform": _family("uniform"),
        "heavy-tailed": _family("heavy-tailed"),
        "coarse": _family("coarse"),
        "subnormal-scale": _family("subnormal-scale"),
        "near-tie": Input(near_tie, judged=True, part=8),
        "tiny": Input(tiny),
    }
)
