"""The dialect of the published GPTQ rows, restated from its formulas beside the presets fpquant-4over6-*.

Bound 448; the scale of the 4 is clamped there, so the block of the largest value cannot use it; a scale of 0
is 1; an error is that of the dequantized block; 4 is taken iff its error is smaller.
"""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

import fos_ref

GRID = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6], np.float32)
ERRORS = {
    "mae": lambda e: np.abs(e).sum(-1, dtype=np.float64),
    "mse": lambda e: np.square(e, dtype=np.float64).sum(-1),
    "absmax": lambda e: np.abs(e).max(-1),
}


def e2m1(y):
    """Return the nearest values, of two the one of the even code."""
    middle = (GRID[1:] + GRID[:-1]) / 2
    low, high = (np.searchsorted(middle, np.abs(y), side=s) for s in ("left", "right"))
    return np.copysign(GRID[np.where(low % 2 == 0, low, high)], y)


def published(w, rule):
    """Return scale bytes, values and how clearly one error is below the other, of w (N, K)."""
    g = np.float32(448 * 6) * (np.float32(1) / np.abs(w).max())
    blocks = w.reshape(len(w), -1, 16)
    amax = np.abs(blocks).max(-1)
    made = []
    for most in (6, 4):
        rounded = np.minimum(amax / np.float32(most) * g, np.float32(448)).astype(ml_dtypes.float8_e4m3fn)
        s = rounded.astype(np.float32) * (np.float32(1) / g)
        s = np.where(s == 0, np.float32(1), s)[..., None]
        values = e2m1(blocks / s) * s
        made.append((rounded.view(np.uint8), values, ERRORS[rule](values - blocks)))
    (b6, v6, e6), (b4, v4, e4) = made
    four = e4 < e6
    clear = np.abs(e4 - e6) > 1e-5 * (e4 + e6)
    return np.where(four, b4, b6), np.where(four[..., None], v4, v6).reshape(w.shape), clear | (b4 == b6)


def weight(kind):
    """Return a weight (64, 256) of rows of many sizes."""
    rng = np.random.default_rng(7)
    drawn = {"normal": rng.standard_normal, "uniform": lambda n: rng.uniform(-1, 1, n)}[kind]((64, 256))
    drawn *= np.exp2(rng.integers(-12, 3, (64, 1)))
    drawn[5, :32] = 0
    return drawn.astype(np.float32)


@pytest.mark.parametrize("rule", ERRORS)
def test_the_presets_are_these_formulas(rule):
    for kind in ("normal", "uniform"):
        w = weight(kind)
        scales, values, clear = published(w, rule)
        q = fos_ref.quantize(w, f"fpquant-4over6-{rule}")
        assert np.mean(clear) > 0.9
        assert np.array_equal(q.block_scales[clear], scales[clear])
        each = np.repeat(clear, 16, axis=1)
        assert np.array_equal(fos_ref.dequantize(q)[each], values[each])
        assert 0.1 < np.mean(q.picked4[clear]) < 0.9  # both are there


@pytest.mark.parametrize("rule", ERRORS)
def test_the_block_of_the_largest_value_cannot_be_scaled_to_4(rule):
    """4 would give (6, 4.5, ...) without an error under a scale of 672; clamped to 448 it cannot."""
    w = np.zeros((1, 32), np.float32)
    w[0, :2], w[0, 16:18] = (6, 4.5), (2, 1.5)
    mine, ours = (fos_ref.quantize(w, name) for name in (f"fpquant-4over6-{rule}", f"4over6-{rule}"))
    assert mine.picked4.tolist() == [[False, True]]
    assert ours.picked4.tolist() == [[True, True]]
    assert mine.block_scales.max() == 0x7E
