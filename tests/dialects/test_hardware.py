"""What an approximate reciprocal may change, and what it cannot."""

from __future__ import annotations

import numpy as np
import pytest

import fos_ref
from fos_ref.dialects.hardware import hardware_decides
from fos_ref.errors import RecipeError
from fos_ref.inputs.distributions import make

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
