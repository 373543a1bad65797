"""Blocks that try the error filter: plain, of aligned roundings, on the grid, and aimed at its bound."""

from __future__ import annotations

import numpy as np

from fos_ref.formats import decode, UE4M3
from fos_ref.model.quantize import quantize_matrix
from fos_ref.model.trace import Scales
from fos_ref.recipes.axes import ErrorMetric
from fos_ref.recipes.recipe import Recipe
from tests.fast.chunk import bound, irregular, LANES, ROW, worth

FAMILIES = ("normal", "coarse", "equal", "two-levels", "grid")
SAMPLES = 33
HALVINGS = 40
_GRID = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6, 8])


def random_blocks(family: str, scales: Scales, n: int, count: int, seed: int) -> np.ndarray:
    """Return (count, n) float32 blocks whose amaxes lie up to eight binades below the tensor amax."""
    g = np.random.default_rng([FAMILIES.index(family), seed])
    most = float(scales.amax) * 2 ** -g.uniform(0, 8, (count, 1))
    if family == "normal":
        x = g.standard_normal((count, n))
        x *= most / np.abs(x).max(axis=1, keepdims=True)
    elif family == "coarse":
        x = most * g.integers(-12, 13, (count, n)) / 12
    elif family == "equal":  # every value meets the same roundings
        x = most * g.choice((-1.0, 1.0), (count, n))
    elif family == "two-levels":
        x = most * np.where(g.random((count, n)) < 0.5, 1, g.uniform(0, 1, (count, 1)))
    else:  # a few ulps from what the codes stand for
        s = decode(g.integers(1, 0x7F, (count, 1)).astype(np.uint8), UE4M3)
        x = np.where(np.arange(n) == 1, 6, g.choice(_GRID[:-1], (count, n))) * s * float(scales.decode)
        return (x * (1 + 2.0**-23 * g.integers(-3, 4, (count, n)))).astype(np.float32)
    x[:, :1] = most
    return x.astype(np.float32)


def regular_blocks(x: np.ndarray, scales: Scales, r: Recipe) -> np.ndarray:
    """Return those blocks (count, n) that the filter takes."""
    return x[~irregular(quantize_matrix(as_matrix(x, r), scales, r))]


def as_matrix(x: np.ndarray, r: Recipe) -> np.ndarray:
    """Return blocks (count, n) side by side: (1 or 16 rows, 16 * count)."""
    return x.reshape(-1, r.block_rows, ROW).transpose(1, 0, 2).reshape(r.block_rows, -1)


def whole_chunks(x: np.ndarray) -> np.ndarray:
    """Return blocks repeated up to the next whole chunk of 64."""
    return np.resize(x, (-(-len(x) // LANES) * LANES, x.shape[1]))


def distance(z: np.ndarray) -> np.ndarray:
    """Return the distance of magnitudes up to 8 from the grid."""
    return np.abs(np.abs(z)[..., None] - _GRID).min(axis=-1)


def aimed(x: np.ndarray, scales: Scales, r: Recipe, offset: float) -> np.ndarray:
    """Return regular blocks with one value moved so that the exact errors differ by `offset` bounds.

    One value moves through the block's range; where the difference of the weighted errors passes the aim, the
    place is found by halving in float64. Blocks without such a place are left out.
    """
    t = quantize_matrix(as_matrix(x, r), scales, r)
    s = np.array([t.map6.scale.reshape(-1), t.map4.scale.reshape(-1)], np.float64)
    rows = np.arange(len(x))
    place = np.where(np.abs(x).argmax(axis=1) == 0, 1, 0)
    most = np.abs(x).max(axis=1).astype(np.float64)
    fixed = np.delete(x, 0, axis=1) if not place.any() else x[rows[:, None], _others(place, x.shape[1])]
    rest = distance(fixed / (s[..., None] * worth(t)))

    def surplus(v: np.ndarray) -> np.ndarray:
        """What the error to 4 exceeds that to 6 by, less the aim, for one value v a block (..., blocks)."""
        g = _joined(rest, distance(v / (s[:, None] * worth(t))), r)
        weighted = s[:, None] ** (2 if r.error_metric is ErrorMetric.MSE else 1) * g
        return weighted[1] - weighted[0] - offset * bound(r, s[:, None], g).sum(axis=0)

    low, high, found = _bracket(surplus, most)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        same = np.sign(surplus(middle[None])[0]) == np.sign(surplus(low[None])[0])
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    out = x.copy()
    out[rows, place] = low.astype(np.float32)
    return out[found]


def _others(place: np.ndarray, n: int) -> np.ndarray:
    """Return the indices of every value of a block but the one at `place` (blocks, n - 1)."""
    order = np.arange(n - 1)
    return order + (order >= place[:, None])


def _joined(rest: np.ndarray, e: np.ndarray, r: Recipe) -> np.ndarray:
    """Return g (2, values, blocks) of blocks whose one value has the distance e (2, values, blocks)."""
    if r.error_metric is ErrorMetric.MSE:
        return (rest**2).sum(axis=-1)[:, None] + e**2
    if r.error_metric is ErrorMetric.MAE:
        return rest.sum(axis=-1)[:, None] + e
    return np.maximum(rest.max(axis=-1)[:, None], e)


def _bracket(surplus, most: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (low, high, where there is one): neighbouring samples between which the surplus changes sign."""
    samples = np.linspace(-0.98, 0.98, SAMPLES)[:, None] * most
    positive = surplus(samples) > 0
    turns = positive[1:] != positive[:-1]
    first = turns.argmax(axis=0)
    columns = np.arange(most.size)
    return samples[first, columns], samples[first + 1, columns], turns.any(axis=0)
