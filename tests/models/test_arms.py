"""Arms, draws, and that a recipe by row with one amax has the bits of the recipe on the tensor."""

from __future__ import annotations

import numpy as np
import pytest

import fos_ref
from fos_ref.errors import InputError, RecipeError
from fos_ref.models.arms import Arm, arm_of, by_row, FULL
from fos_ref.models.draws import MOST, PHASES, phases
from fos_ref.models.matrix.plan import plan, RECIPES
from tests.every import every


@every([*RECIPES, "te-nvfp4-row", "modelopt-nvfp4", "torchao-mse-448"])
def test_by_row_given_the_tensor_s_amax_is_the_recipe(name):
    r = fos_ref.recipe(name)
    x = np.random.default_rng(3).normal(size=(6, 64)).astype(np.float32)
    x[2] *= 40
    whole = fos_ref.quantize(x, r, engine="numpy")
    amax = None if by_row(r) is r else np.full(6, np.abs(x).max())
    rows = fos_ref.quantize(x, by_row(r), amax=amax, engine="numpy")
    assert rows.codes.tobytes() == whole.codes.tobytes()
    assert rows.block_scales.tobytes() == whole.block_scales.tobytes()
    assert fos_ref.dequantize(rows).tobytes() == fos_ref.dequantize(whole).tobytes()
    own = fos_ref.quantize(x, by_row(r), engine="numpy")
    each = [fos_ref.quantize(x[i : i + 1], r, engine="numpy") for i in range(6)]
    assert own.codes.tobytes() == b"".join(q.codes.tobytes() for q in each)
    assert fos_ref.dequantize(own).tobytes() == b"".join(fos_ref.dequantize(q).tobytes() for q in each)


def test_a_tile_has_no_amax_by_row():
    with pytest.raises(RecipeError, match="16x16"):
        arm_of("4over6-16x16", "same", "same", "row", "dynamic")


def test_names_of_arms():
    assert Arm().name == FULL
    assert arm_of("4over6", "same", "same", "tensor", "dynamic").name == "4over6"
    assert arm_of("4over6", "same", "none", "tensor", "dynamic").name == "W 4over6 A none"
    assert arm_of("4over6", "none", "nvfp4", "tensor", "dynamic").name == "W none A nvfp4"
    with pytest.raises(InputError, match="neither"):
        arm_of("4over6", "none", "none", "tensor", "dynamic")
    with pytest.raises(InputError, match="random bits"):
        arm_of("te-train-gradient", "same", "same", "tensor", "dynamic")


def test_phases_are_different_and_stay_in_an_octave():
    found = phases(MOST)
    assert found[:10] == PHASES == phases(10)
    assert len(set(found)) == MOST
    assert all(1 <= p < 2 for p in found)
    for wrong in (0, MOST + 1):
        with pytest.raises(InputError, match="draws"):
            phases(wrong)


def test_the_plan_of_the_matrix_has_every_draw_of_every_cell():
    made = plan(draws=10)
    names = [(cell.name, draw) for cell, draw, _ in made]
    assert len(set(names)) == len(names)
    assert names[0] == (FULL, 0)
    draws = {c: [d for n, d in names if n == c] for c, _ in names}
    assert (
        draws["4over6 W4A4 tensor"] == draws["nvfp4 W4A4 row"] == draws["4over6 weights"] == list(range(10))
    )
    assert draws["ocp-mxfp4 weights"] == list(range(10))
    assert draws["ocp-mxfp4 W4A4 tensor"] == [0, 1, 2]
    assert {a.phase for c, d, a in made if d == 3} == {1.12}
