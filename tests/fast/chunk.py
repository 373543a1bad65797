"""What the error filter sees of chunks of 64 blocks: its sums, its choices, which blocks it decides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from fos_ref.fast import config as k
from fos_ref.fast import lanes
from fos_ref.fast.config import constants
from fos_ref.fast.engine import configuration
from fos_ref.fast.filter import BOUNDS16, BOUNDS256
from fos_ref.fast.hot import read_whole
from fos_ref.fast.kernel import _stamp, fast_chunk
from fos_ref.fast.literal import chooses
from fos_ref.fast.scales import tensor_scales as store_scales
from fos_ref.fast.vector.table import MAXIMUM, STEEP, table
from fos_ref.model.quantize import quantize_matrix
from fos_ref.model.trace import Scales, Trace
from fos_ref.recipes.axes import Candidates, ErrorDomain, ErrorMetric

LANES = lanes.LANES
ROW = 16
SUMS = (lanes.SUM6, lanes.SUM4)
CHOICE, OPEN = lanes.CHOICE, lanes.OPEN


def _compiled(stamp: str):
    """Return the walk over whole chunks; the stamp makes the cached code belong to the engine's files."""

    @njit(error_model="numpy", cache=True)
    def walk(x, recipe, scales, layout, out):
        assert stamp
        c, f = recipe
        stride, shape = layout[0], layout[1:]
        sums, choices, decided = out
        w = np.zeros(lanes.WORDS, np.uint32)
        store_scales(w, scales[0], scales[1], scales[2])
        two, values = chooses(c), (x.view(np.uint32), x.view(np.uint16))
        for chunk in range(decided.size // LANES):
            read_whole(w, values, c[k.DTYPE_AT], chunk * LANES * shape[1], stride, shape)
            left = fast_chunk(w, c, f, two)
            count = 0
            for i in range(LANES):
                sums[0, chunk * LANES + i] = w[SUMS[0] + i]
                sums[1, chunk * LANES + i] = w[SUMS[1] + i]
                choices[chunk * LANES + i] = w[CHOICE + i]
                decided[chunk * LANES + i] = w[OPEN + i] == 0
                count += w[OPEN + i]
            assert (count != 0) == (left != 0)

    return walk


_walk = _compiled(_stamp())


@dataclass
class Seen:
    """Chunks as the filter and the model see them; arrays of one value a block."""

    trace: Trace
    sums: np.ndarray  #: (2, blocks) float32: to 6, to 4
    choices: np.ndarray  #: bool; meaningful where decided
    decided: np.ndarray  #: bool

    @property
    def scales(self) -> np.ndarray:
        """Block scales (2, blocks) float64."""
        return np.array([c.scale.reshape(-1) for c in (self.trace.map6, self.trace.map4)], np.float64)

    @property
    def errors(self) -> np.ndarray:
        """The recipe's float32 errors (2, blocks), in units of V^2 or V, as float64."""
        found = np.array([c.error.reshape(-1) for c in (self.trace.map6, self.trace.map4)], np.float64)
        return found / unit(self.trace) ** self.power

    @property
    def power(self) -> int:
        return 2 if self.trace.recipe.error_metric is ErrorMetric.MSE else 1

    @property
    def weighted(self) -> np.ndarray:
        """The filter's errors (2, blocks): s^2 g, or s g."""
        return self.scales**self.power * self.sums

    @property
    def bounds(self) -> np.ndarray:
        """How far each of them may be from the recipe's error, as the filter's constants say (2, blocks)."""
        return bound(self.trace.recipe, self.scales, self.sums)

    @property
    def shares(self) -> np.ndarray:
        """How much of its bound the difference of filter and recipe takes (2, blocks)."""
        return np.abs(self.weighted - self.errors) / self.bounds


def bound(r, s: np.ndarray, g: np.ndarray) -> np.ndarray:
    """Return the filter's bound for block scales s and sums g, in float64."""
    constants_ = BOUNDS16 if r.block_rows == 1 else BOUNDS256
    if r.candidates is Candidates.FLOAT_OR_INT:
        constants_ = table(r, np.dtype(np.float32))[STEEP : MAXIMUM + 1].view(np.float32)
    steep, squares, slope, magnitudes, maximum = map(float, constants_)
    g = g.astype(np.float64)
    if r.error_metric is ErrorMetric.MSE:
        return s**2 * (steep * g + squares)
    return s * (slope * g + (magnitudes if r.error_metric is ErrorMetric.MAE else maximum))


def worth(t: Trace) -> float:
    """Return F of the filter's proof: what one unit of code times block scale is worth in the input."""
    amax, encode, decode = (float(np.ravel(v)[0]) for v in (t.scales.amax, t.scales.encode, t.scales.decode))
    if t.recipe.error_domain is ErrorDomain.INPUT_AMAX:
        return amax / t.recipe.range_max
    if t.recipe.error_domain in (ErrorDomain.INPUT_QUOTIENT, ErrorDomain.SCALED):
        return 1 / encode
    return decode


def unit(t: Trace) -> float:
    """Return V of the filter's proof: F, or 1 where the recipe compares scaled values."""
    return 1.0 if t.recipe.error_domain is ErrorDomain.SCALED else worth(t)


def see(x: np.ndarray, scales: Scales, r) -> Seen:
    """Return what filter and model make of x: (rows of one block, C), C a multiple of 64 blocks."""
    blocks = x.shape[1] // r.block_cols
    assert x.shape[0] == r.block_rows
    assert blocks % LANES == 0
    sums, choices = np.zeros((2, blocks), np.uint32), np.zeros(blocks, np.uint32)
    decided = np.zeros(blocks, np.bool_)
    three = tuple(np.float32(v) for v in (scales.amax, scales.encode, scales.decode))
    bits = np.ascontiguousarray(x).reshape(-1).view(np.uint8)
    c, held = configuration(r, x.dtype, [np.reshape(v, 1) for v in three])
    assert held.all()
    recipe, layout = (c, constants(r)), (x.shape[1], r.block_rows, r.block_cols)
    _walk(bits, recipe, three, layout, (sums, choices, decided))
    trace = quantize_matrix(x.astype(np.float32), scales, r)
    return Seen(trace, sums.view(np.float32), choices != 0, decided)


def irregular(t: Trace) -> np.ndarray:
    """Return which blocks the filter leaves to the literal path, by the model's own intermediates."""
    bad = np.zeros(t.map6.scale.size, np.bool_)
    for c in (t.map6, t.map4):
        with np.errstate(invalid="ignore"):
            most = np.abs(c.scaled).max(axis=-1).reshape(-1)
            bad |= ~((most < 7) & (c.scale.reshape(-1) > 0))
    return bad
