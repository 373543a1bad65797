"""Where implementations part: our model gives each side's bytes. Needs no peer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import fos_ref
from fos_ref.recipes import Recipe
from fos_ref.recipes.axes import AmaxScope, BlockScale, Tie

from .divergences import ASSOCIATION_PICK, Divergence, DIVERGENCES, EXACT_TIE

ROWS = [pytest.param(d, preset, id=f"item {d.item}: {preset}") for d in DIVERGENCES for preset in d.outputs]


def amax_for(recipe: Recipe, amax: float) -> np.ndarray:
    return np.full(1 if recipe.amax_scope is AmaxScope.ROW else (), amax, dtype=np.float32)


def text(q: fos_ref.QuantizedTensor) -> str:
    """Return "scale codes" of a tensor of one block."""
    return f"{q.block_scales.tobytes().hex()} {q.codes.tobytes().hex()}"


@pytest.mark.parametrize(("divergence", "preset"), ROWS)
def test_the_bytes_of_each_side(divergence: Divergence, preset: str) -> None:
    amax = amax_for(fos_ref.recipe(preset), divergence.amax)
    q = fos_ref.quantize(divergence.x, preset, amax=amax, engine="numpy")
    assert text(q) == divergence.outputs[preset]


@pytest.mark.parametrize("divergence", DIVERGENCES, ids=lambda d: f"item {d.item}")
def test_values_are_float32_exactly_or_said_to_be_decimal(divergence: Divergence) -> None:
    decimal = {1e-7, -1e-7, -0.0001}
    assert all(np.float32(v) == v for v in divergence.values.values() if v not in decimal)


def test_item_8_the_tie_rule_decides_an_exact_tie() -> None:
    x = Divergence("8", 4.5, EXACT_TIE, {}).x
    four_wins = replace(fos_ref.recipe("te-mae-256"), tie=Tie.FOUR)
    t = fos_ref.trace(x, "te-mae-256", amax=np.float32(4.5))
    assert t.map4.error == t.map6.error
    assert text(fos_ref.quantize(x, "te-mae-256", amax=4.5, engine="numpy")) == "6b 324ca96845f0d299"
    assert text(fos_ref.quantize(x, four_wins, amax=4.5, engine="numpy")) == "70 213ba95834e0c289"


def test_item_9_the_folded_reciprocal_picks_the_other_candidate() -> None:
    x = Divergence("9", 4.5, ASSOCIATION_PICK, {}).x
    folded = replace(fos_ref.recipe("te-mse-256"), block_scale=BlockScale.FOLDED_RECIPROCAL)
    assert text(fos_ref.quantize(x, folded, amax=4.5, engine="numpy")) == "61 990000e0002e000c"


@pytest.mark.parametrize("preset", ["te-mse-256", "fouroversix-mse", "flashinfer-mse-256", "4over6"])
def test_item_10_the_expansion_stands_before_the_rounding(preset: str) -> None:
    """A = 6, b = 2.6875: scales 112 and 176; expanding the rounded 112 would give 160."""
    t = fos_ref.trace(Divergence("10", 6.0, {0: 2.6875}, {}).x, preset, amax=np.float32(6))
    assert t.map6.scale == 112
    assert t.map4.scale == 176


@pytest.mark.parametrize(
    ("preset", "scales", "codes"),
    [
        ("fouroversix-mse", "7eff", "bb" * 16),
        ("te-mse-256", "4b00", "07" + "00" * 15),
        ("te-nvfp4", "4b00", "07" + "00" * 15),
        ("flashinfer-mse-256", "4b00", "07" + "00" * 15),
        ("4over6", "4b00", "07" + "00" * 15),
    ],
)
def test_item_15_a_tiny_tensor(preset: str, scales: str, codes: str) -> None:
    """A = 1e-37, where C/A overflows, and a block of zeros beside it: NaN scales in fouroversix only."""
    x = np.zeros((1, 32), dtype=np.float32)
    x[0, 0] = 1e-37
    q = fos_ref.quantize(x, preset, engine="numpy")
    assert (q.block_scales.tobytes().hex(), q.codes.tobytes().hex()) == (scales, codes)
