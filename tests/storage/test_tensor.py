"""QuantizedTensor: the second name of the choice."""

from __future__ import annotations

import numpy as np
import pytest

import fos_ref
from fos_ref.errors import RecipeError


def test_picked_int_is_the_choice_of_an_if4_recipe():
    x = np.linspace(-3, 3, 64, dtype=np.float32).reshape(2, 32)
    q = fos_ref.quantize(x, "fouroversix-if4-mse")
    assert q.picked_int is q.picked4
    assert q.picked_int.any()


def test_picked_int_of_another_recipe_is_an_error_that_names_picked4():
    q = fos_ref.quantize(np.ones((1, 16), np.float32), "4over6")
    with pytest.raises(RecipeError, match="'4over6' has no integer candidate; picked4"):
        _ = q.picked_int
