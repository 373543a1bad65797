"""What an approximate reciprocal may change, and what it cannot."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

import fos_ref
from fos_ref.dialects.hardware import encode_scales, hardware_decides, is_approximate, ULPS, undecided_blocks
from fos_ref.errors import RecipeError
from fos_ref.formats.bits import widen
from fos_ref.inputs.distributions import FAMILIES, make
from fos_ref.model.quantize import quantize_matrix, tensor_amax, tensor_scales
from fos_ref.model.rounding import moved
from fos_ref.recipes.axes import TensorScale

APPROXIMATE = ("flashinfer-default-mae-448", "flashinfer-default-mse-256-row", "quartet2-4over6")


@pytest.mark.parametrize("name", APPROXIMATE)
def test_some_blocks_are_the_hardwares_and_most_are_not(name: str) -> None:
    undecided = hardware_decides(make("normal", (128, 512), 0, "bfloat16"), fos_ref.PRESETS[name])
    assert undecided.shape == (128, 32)
    assert 0 < undecided.sum() < undecided.size // 2


def test_a_block_far_from_every_boundary_is_decided() -> None:
    x = np.zeros((1, 32), np.float32)
    x[0, :4] = 6, 4, 2, 1
    x[0, 16] = 6
    assert not hardware_decides(x, fos_ref.PRESETS["flashinfer-default-mse-256"]).any()


def test_exact_recipes_leave_nothing_to_decide() -> None:
    with pytest.raises(RecipeError, match="rounds its reciprocals exactly"):
        hardware_decides(np.zeros((1, 16), np.float32), fos_ref.PRESETS["4over6"])


def by_every_combination(x, r):
    """The definition: all 27 combinations of offsets on every block."""
    matrix = widen(x)
    scales = tensor_scales(tensor_amax(matrix, r), r, x.dtype)
    shape = (x.shape[0], x.shape[1] // r.block_cols)
    supplied = r.tensor_scale is TensorScale.DECODE_RECIPROCALS
    traces = []
    middle = quantize_matrix(matrix, scales, r)
    for own, u in product([scales, *encode_scales(scales, r)], product(ULPS, ULPS, ULPS)):
        decode = own.decode if supplied else moved(own.decode, u[1])
        traces.append(quantize_matrix(matrix, replace(own, decode=decode, ulps=u), r))
    found = np.zeros(shape, dtype=bool)
    for t in traces:
        found |= (t.codes != middle.codes).reshape(*shape, -1).any(axis=-1)
        found |= t.block_scales != middle.block_scales
    return found


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    "name", [r.name for r in dict.fromkeys(fos_ref.PRESETS.values()) if is_approximate(r)]
)
def test_the_blocks_are_those_of_all_27_combinations(name):
    r = fos_ref.PRESETS[name]
    for family in ("normal", *list(FAMILIES)[-5:]):
        x = make(family, (16, 128), 7, "bfloat16")
        assert np.array_equal(hardware_decides(x, r), by_every_combination(x, r)), family


def test_rows_are_worked_on_in_parts_with_scales_of_their_own(monkeypatch):
    x = make("coarse", (48, 64), 3, "bfloat16") * np.arange(1, 49, dtype=np.float32)[:, None]
    for name in ("flashinfer-default-mse-256-row", "quartet2-triton-4over6-16x16"):
        whole = hardware_decides(x, fos_ref.PRESETS[name])
        monkeypatch.setattr("fos_ref.dialects.hardware._ROWS", 16)
        assert np.array_equal(hardware_decides(x, fos_ref.PRESETS[name]), whole)
        monkeypatch.undo()


def test_an_exact_recipe_has_no_undecided_block():
    x = make("coarse", (16, 64), 0)
    assert not undecided_blocks(x, fos_ref.PRESETS["4over6"]).any()
    r = fos_ref.PRESETS["quartet2-4over6"]
    assert np.array_equal(undecided_blocks(x, r), hardware_decides(x, r))
