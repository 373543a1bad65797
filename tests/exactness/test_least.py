"""The least squared error over all block scales, against rational numbers and against what recipes reach."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import fos_ref
from fos_ref.exactness import least
from fos_ref.exactness.least import least_squared, SCALES, VALUES
from fos_ref.inputs.distributions import make


def test_there_are_126_scales_from_the_smallest_subnormal_to_448():
    assert (SCALES.size, SCALES[0], SCALES[-1]) == (126, 2.0**-9, 448)
    assert (np.diff(SCALES) > 0).all()


def rational(block, amax, bound) -> Fraction:
    """Return the least error of one block, every value tried for every element."""
    decode_scale = Fraction(float(amax)) / (6 * bound)
    best = None
    for s in SCALES:
        values = [Fraction(float(v)) * Fraction(float(s)) * decode_scale for v in VALUES]
        error = sum(min((v - abs(Fraction(float(x)))) ** 2 for v in values) for x in block)
        best = error if best is None else min(best, error)
    return best


@pytest.mark.sample(1)
@pytest.mark.parametrize("bound", [256, 448])
@pytest.mark.parametrize("name", ["normal", "worst-case"])
def test_it_is_the_rational_one(name, bound):
    x = make(name, (1, 32), 0)
    amax = np.max(np.abs(x))
    got = least_squared(x, amax, bound)
    for block, error in zip(x.reshape(-1, 16), got[0], strict=True):
        assert f"{error:.12g}" == f"{float(rational(block, amax, bound)):.12g}"


def test_a_block_that_a_scale_represents_costs_nothing():
    x = np.zeros((1, 16), np.float32)
    x[0, :4] = [10, 20, 30, 40]
    assert least_squared(x, np.float32(6 * 256), 256).tolist() == [[0.0]]


@pytest.mark.parametrize(("preset", "bound"), [("nvfp4", 448), ("4over6", 256), ("te-mae-448", 448)])
def test_no_recipe_errs_less_in_any_block(preset, bound):
    """To six digits: a recipe's values are rounded to float32."""
    x = make("student-t3", (64, 64), 0)
    error = np.square(fos_ref.dequantize(fos_ref.quantize(x, preset)).astype(np.float64) - x)
    got = error.reshape(64, -1, 16).sum(axis=-1)
    least = least_squared(x, np.max(np.abs(x)), bound)
    assert (got * (1 + 1e-6) >= least).all()
    assert (got > least * 1.01).any()


@pytest.mark.parametrize("bound", [256, 448])
def test_the_optimum_as_a_recipe_reaches_it(bound):
    """To five digits, which float32 leaves: the recipe and this share no line."""
    x = make("normal", (16, 64), 0)
    r = replace(fos_ref.recipe("scale-optimum"), name="bound", scale_max=bound)
    error = np.square(fos_ref.dequantize(fos_ref.quantize(x, r)).astype(np.float64) - x)
    least = least_squared(x, np.max(np.abs(x)), bound)
    assert [f"{v:.5g}" for v in error.reshape(-1, 16).sum(axis=-1)] == [f"{v:.5g}" for v in least.ravel()]


def test_the_place_of_a_value_is_that_of_a_binary_search():
    """At every midpoint, beside it, beyond all of them."""
    at = np.concatenate([least._MIDPOINTS, [0, 1e300]])
    y = np.concatenate([at, np.nextafter(at, -np.inf), np.nextafter(at, np.inf)])
    assert (least._place(y) == np.searchsorted(least._MIDPOINTS, y)).all()
