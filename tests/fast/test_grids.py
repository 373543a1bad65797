"""The loops for other grids than E2M1's: boundaries of every kind of format, and the choice of IF formats."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

import fos_ref
from fos_ref.engines.registry import load_engine
from fos_ref.inputs.distributions import make
from fos_ref.model.elements import ELEMENT_FORMAT, midpoints
from fos_ref.model.quantize import tensor_scales
from fos_ref.model.trace import Scales
from fos_ref.recipes.axes import ElementFormat, ErrorMetric, TensorScale
from fos_ref.recipes.recipe import Recipe
from tests.fast.chunk import LANES, see

DTYPES = (np.dtype(np.float32), np.dtype(ml_dtypes.bfloat16), np.dtype(np.float16))
#: One preset of each kind of rounding, of codes and of scale, that the loops have.
KINDS = (
    "fouroversix-nvint4",
    "fouroversix-if4-mse",
    "fouroversix-mxfp4-static6",
    "ocp-mxfp4",
    "microxcaling-mxfp4-nearest",
    "compressed-tensors-mxfp4",
    "modelopt-mxfp4",
    "mlx-mxfp4",
    "fouroversix-nvfp3",
    "fouroversix-nvint6",
    "fouroversix-nvfp6-e3m2",
    "fouroversix-if3-mse",
    "fouroversix-if6-e2m3-mae",
    "fouroversix-if4-mse-16x16",
    "auto-round-nvfp4-e5m3",
    "ocp-mxfp8-e5m2",
    "ocp-mxint8",
)
CHOICES = [r.name for r in fos_ref.PRESETS.values() if r.element.second is not None and r.block_cols > 8]


def scales_of(r: Recipe) -> Scales:
    """Return usual tensor scales; 1 where the recipe has none."""
    return tensor_scales(np.float32(1 if r.tensor_scale is TensorScale.NONE else 5.5), r)


def crossing(r: Recipe, dtype: np.dtype) -> np.ndarray:
    """Return blocks (1, C) of values at and around what the scaled value of a boundary comes from.

    One value a block is its amax; zeros of both signs and the smallest subnormals are there too.
    """
    g = np.random.default_rng(len(r.name))
    grids = ELEMENT_FORMAT[r.element_format]
    edges = np.concatenate([midpoints(grid.format) * grid.unit for grid in grids])
    n, blocks = r.block_cols, 20 * LANES * r.block_rows
    x = g.choice(edges, (blocks, n)) * g.choice((1.0, -1.0), (blocks, n))
    x[:, 0] = r.element.maximum * g.choice((1.0, 1.0625, 0.97), blocks)
    tiny = np.array([0.0, -0.0, 2.0**-149, -(2.0**-149), 2.0**-133, -(2.0**-30), 2.0**-24])
    x[:, 1] = g.choice(tiny, blocks)
    if r.tensor_scale is TensorScale.NONE:
        x *= 2.0 ** (g.integers(-3, 5, (blocks, 1)) - r.element.exponent)
    else:  # under a block scale of few bits, so that most boundaries are met exactly
        x *= g.choice((1.0, 1.25, 1.5), (blocks, 1)) * float(scales_of(r).decode) * 32
    bits = x.astype(np.float32).view(np.int32)
    ulps = g.integers(-2, 3, bits.shape, dtype=np.int32)
    ulps[:, :2] = 0
    x = (bits + ulps).view(np.float32).astype(dtype)
    return x.reshape(r.block_rows, -1)


@pytest.mark.parametrize("name", KINDS)
def test_codes_on_every_boundary_are_the_model_s(name):
    r = fos_ref.PRESETS[name]
    for dtype in DTYPES:
        x, scales = crossing(r, dtype), tensor_scales(scales_of(r).amax, r, dtype)
        if not r.chooses:  # a choice may leave a block open
            assert see(x, scales, r).decided.mean() > 0.9
        got = load_engine("numba").quantize(x, scales, r)
        want = load_engine("numpy").quantize(x, scales, r)
        assert [int(np.count_nonzero(a != b)) for a, b in zip(got, want, strict=True)] == [0, 0, 0]


def test_a_block_whose_scale_has_no_reciprocal_is_left_open():
    r = fos_ref.PRESETS["mlx-mxfp4"]
    x = np.full((1, 32 * LANES), 2.0**-131, np.float32)
    assert not see(x, scales_of(r), r).decided.any()
    assert see(x * np.float32(2.0**100), scales_of(r), r).decided.all()


@pytest.mark.parametrize("name", CHOICES)
def test_the_recipe_s_errors_lie_within_the_bound(name):
    r = fos_ref.PRESETS[name]
    families = ("normal", "coarse", "worst-case", "near-max", "heavy-tailed")
    shares, decided = [], []
    for seed, family in enumerate(families):
        x = make(family, (r.block_rows, 16 * LANES * r.block_cols), seed, "float32")
        seen = see(x, tensor_scales(np.abs(x).max(), r), r)
        assert np.array_equal(seen.choices[seen.decided], seen.trace.picked4[0][seen.decided])
        with np.errstate(all="ignore"):
            share = seen.shares[:, seen.decided]
        shares.append(float(share.max()))
        decided.append(seen.decided.mean())
    assert 0.01 < max(shares) <= 1
    assert decided[0] > 0.75  # by ABS_MAX both errors are often that of the largest value


def test_each_choice_and_metric_is_met():
    met = {(fos_ref.PRESETS[n].element_format, fos_ref.PRESETS[n].error_metric) for n in CHOICES}
    assert {f for f, _ in met} >= {ElementFormat.E2M1_OR_INT4}
    assert {m for _, m in met} == {ErrorMetric.MSE, ErrorMetric.MAE, ErrorMetric.ABS_MAX}
