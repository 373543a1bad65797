"""A signalling NaN is a NaN like any other: skipped or passed on, whatever the CPU's maximum does with it."""

from __future__ import annotations

import numpy as np
import pytest

import fos_ref
from fos_ref.recipes.axes import NonFinite
from tests.every import every

SIGNALLING = 0x7F800001
DROPS = [n for n, r in fos_ref.PRESETS.items() if r.nonfinite is NonFinite.DROP_NAN]
PASSES_ON = [n for n, r in fos_ref.PRESETS.items() if r.nonfinite is NonFinite.PROPAGATE]


def tile(bits: int) -> np.ndarray:
    """Return 32 x 32 values; in the left half of each row, NaN of these bits follow the largest."""
    x = np.full((32, 32), 0.5, np.float32)
    x[:, 3] = 24
    x.view(np.uint32)[:, 4:16] = bits
    return x


@every(DROPS)
def test_a_skipped_one_leaves_the_amax_of_the_numbers(name):
    """Arm's maximum of a signalling NaN and a number is a quiet NaN: what came before would be lost."""
    seen = [fos_ref.trace(tile(bits), name) for bits in (SIGNALLING, SIGNALLING | 1 << 31, 0x7FC00000)]
    for t in seen:
        assert np.all(t.tensor_amax == 24)
        short = {0.0} if t.recipe.block_cols < 16 else set()  # a block of nothing but NaN
        assert set(t.block_amax.ravel().tolist()) <= {24.0, 0.5} | short
        assert np.array_equal(t.codes, seen[-1].codes)
        assert np.array_equal(t.block_scales, seen[-1].block_scales)


@every(PASSES_ON)
def test_a_passed_on_one_makes_the_amax_nan(name):
    t = fos_ref.trace(tile(SIGNALLING), name)
    assert np.all(np.isnan(t.tensor_amax))
    assert np.all(np.isnan(t.block_amax[:, 0]))


@pytest.mark.parametrize("name", ["te-mse-256", "te-cuda-mse-448-row", "fouroversix-mse", "quartet2-4over6"])
def test_the_engines_agree_on_it_and_warn_of_nothing(name):
    x = tile(SIGNALLING)
    got, want = (fos_ref.quantize(x, name, engine=e) for e in ("numba", "numpy"))
    assert np.array_equal(got.codes, want.codes)
    assert np.array_equal(got.block_scales, want.block_scales)
    assert np.array_equal(got.picked4, want.picked4)
