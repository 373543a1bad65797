"""Any legal recipe, not the presets only: the compiled engine gives the model's bytes or refuses."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import fields, replace
from enum import Enum

import ml_dtypes
import numpy as np
import pytest

import fos_ref
from fos_ref.engines.registry import load_engine
from fos_ref.errors import RecipeError
from fos_ref.model.quantize import tensor_scales
from fos_ref.recipes.axes import AmaxScope, NonFinite, ScaleFloor, ZeroScale
from fos_ref.recipes.recipe import field_kind, Recipe

PRESETS = list({r.fingerprint(): r for r in fos_ref.PRESETS.values()}.values())
AXES = [f.name for f in fields(Recipe) if issubclass(field_kind(f.name), Enum)]
SHAPE = (16, 1056)  #: a whole chunk and a rest, for blocks of 32 too
CHANGES = 6


def legal_recipes(seed: int) -> Iterator[Recipe]:
    """Yield presets with a few axes changed at random."""
    g = random.Random(seed)  # noqa: S311 -- reproducible, not secret
    while True:
        r = g.choice(PRESETS)
        for _ in range(g.randint(1, CHANGES)):
            axis = g.choice(AXES)
            try:
                r = replace(r, **{axis: g.choice(list(field_kind(axis)))}, name="changed")
            except RecipeError:
                continue
        if not (r.scale_format.is_power and r.scale_floor is ScaleFloor.ZERO_IS_EIGHTH):
            yield r  # the model itself has no bits for the combination left out


def tensor(g: np.random.Generator, r: Recipe) -> np.ndarray:
    """Return values with zeros of both signs, small blocks, ties or, where they pass, NaN and infinity."""
    x = g.standard_normal(SHAPE).astype(np.float32) * np.float32(2.0 ** g.integers(-12, 10))
    kind = g.integers(0, 6)
    if kind == 0:
        x[g.random(SHAPE) < 0.02] = -0.0
    elif kind == 1:
        x[:, :64] = np.where(g.random((16, 64)) < 0.5, np.float32(0), np.float32(-0.0))
    elif kind == 2:
        x[:, ::16] *= np.float32(2.0**-12)
    elif kind == 3:
        x = np.rint(x * 32 / np.abs(x).max()).astype(np.float32) / 8
    elif kind == 4:
        x[:, 16:32] *= np.float32(1e-4)
        x[0, 16:32], x[1, 16:32] = 0, -0.0
    elif r.nonfinite is not NonFinite.RAISE:
        x[g.integers(0, 16, 4), g.integers(0, SHAPE[1], 4)] = np.nan, -np.nan, np.inf, -np.inf
    return x.astype(
        g.choice(np.array([np.float32, np.float32, ml_dtypes.bfloat16, np.float16], dtype=object))
    )


def assert_same(x: np.ndarray, r: Recipe) -> None:
    model, compiled = load_engine("numpy"), load_engine("numba")
    amax = model.amax(x, r)
    if not np.all(np.isfinite(amax)):
        amax = np.full(amax.shape, 3, np.float32)
    scales = tensor_scales(amax, r, x.dtype)
    for got, want in zip(compiled.quantize(x, scales, r), model.quantize(x, scales, r), strict=True):
        assert np.array_equal(got, want), (np.count_nonzero(got != want), r.axes())


def compare(seed: int, count: int) -> None:
    g = np.random.default_rng(seed)
    for r, _ in zip(legal_recipes(seed), range(count), strict=False):
        if load_engine("numba").refuses(r) is None:
            assert_same(tensor(g, r), r)


@pytest.mark.long
def test_any_legal_recipe_gives_the_model_s_bytes():
    compare(0, 300)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(1, 9))
def test_thousands_of_legal_recipes_give_the_model_s_bytes(seed):
    compare(seed, 5000)


@pytest.mark.parametrize("name", ["torchao-nvfp4", "modelopt-nvfp4", "4over6"])
@pytest.mark.parametrize("floor", ScaleFloor)
def test_a_block_of_negative_zeros_has_the_codes_that_the_recipe_forces(name, floor):
    r = replace(fos_ref.PRESETS[name], zero_scale=ZeroScale.ZERO_BLOCKS, scale_floor=floor)
    x = np.random.default_rng(0).standard_normal((1, 1024)).astype(np.float32)
    x[0, 160:176] = -0.0
    assert r.amax_scope is AmaxScope.TENSOR
    assert_same(x, r)
    assert not fos_ref.quantize(x, r, engine="numba").codes[0, 80:88].any()
