"""`python -m benchmarks.recipes`: a recipe is timed beside 4over6, its bytes compared in the same run."""

from __future__ import annotations

import time

import pytest

import fos_ref
from benchmarks import recipes
from benchmarks.clock import Rounds

SHORT = Rounds(1, 0.0, time.thread_time)


@pytest.mark.long
def test_a_recipe_is_timed_beside_4over6_and_compared():
    found = recipes.measure(["ocp-mxfp4"], (64, 2048), SHORT)
    row = found["recipes"]["ocp-mxfp4"]
    assert row["differing_bytes"] == 0
    assert row["times_as_long"]["median"] > 0
    page = recipes.markdown({"here": found, "there": found}, (64, 2048))
    assert "| `ocp-mxfp4` |" in page
    assert page.count(found["machine"]["processor"]) == 2


def test_a_byte_that_differs_is_counted(monkeypatch):
    class Wrong:
        def __init__(self, engine):
            self.amax, self.right = engine.amax, engine.quantize

        def quantize(self, x, scales, r):
            codes, block_scales, picked = self.right(x, scales, r)
            codes[0, :3] ^= 1
            return codes, block_scales, picked

    load = recipes.load_engine
    engines = {"numba": Wrong(load("numba")), "numpy": load("numpy")}
    monkeypatch.setattr(recipes, "load_engine", engines.get)
    x = recipes.tensor((64, 64), "float32")
    assert recipes.differing(x, "4over6") == 3


def test_every_set_of_bits_is_measured_once():
    names = recipes.names()
    prints = [fos_ref.recipe(n).fingerprint() for n in names]
    assert len(set(prints)) == len(prints) > 150
    assert recipes.BASE in names


def test_an_unknown_recipe_is_an_error():
    with pytest.raises(fos_ref.errors.RecipeError, match="4over7"):
        recipes.measure(["4over7"], (64, 64), SHORT)
