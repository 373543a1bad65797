"""Recipes that take random bits: which combinations are legal, how JSON tells them, what the page lists."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

import fos_ref
from fos_ref.errors import RecipeError
from fos_ref.recipes.axes import (
    BlockShape,
    Candidates,
    ElementCast,
    ElementFormat,
    ElementRounding,
    Map4Scale,
    RandomDraws,
    RandomFeed,
    RangeFactor,
    ScaleFormat,
    ScaleRounding,
    TensorScale,
    ZeroSign,
)
from fos_ref.recipes.dialect import YOUNGER
from fos_ref.recipes.file import changed
from tests.docs.document import matching, read_tables, text_of

LANE = fos_ref.recipe("te-train-gradient-byte-lane")
UNKNOWN = fos_ref.recipe("te-train-gradient-cvt-rs")
TWO = fos_ref.recipe("fouroversix-sr-4over6")
EDEN, SIMULATED = fos_ref.recipe("quartet2-eden"), fos_ref.recipe("quartet2-simulator-eden")
PLAIN = fos_ref.recipe("nvfp4")
QUARTET = fos_ref.recipe("quartet2-4over6")

ILLEGAL = [
    (LANE, {"random_width": 0}, "random_width = 0: 1 to 8 is allowed for 'sr-a' fed 'byte-lane'"),
    (LANE, {"random_width": 9}, "random_width = 9: 1 to 8 is allowed"),
    (UNKNOWN, {"random_width": 8}, "random_width = 8: 0 is allowed for 'sr-a' fed 'hardware-decides'"),
    (PLAIN, {"random_width": 8}, "random_width = 8: 0 is allowed for 'rne'"),
    (LANE, {"random_feed": None}, "random_feed is not set: set exactly for stochastic elements (byte-lane,"),
    (PLAIN, {"random_feed": RandomFeed.WORD}, "random_feed = 'word': set exactly for stochastic elements"),
    (LANE, {"element_rounding": ElementRounding.FOUROVERSIX_TORCH}, "24 is allowed for 'fouroversix-torch'"),
    (
        LANE,
        {"element_rounding": ElementRounding.FOUROVERSIX_TORCH, "random_width": 24},
        "random_feed = 'byte-lane' gives 8 bits, and 'fouroversix-torch' takes 24",
    ),
    (LANE, {"random_draws": RandomDraws.OWN}, "set exactly for two stochastic candidates (shared, own)"),
    (TWO, {"random_draws": None}, "random_draws is not set: set exactly for two stochastic candidates"),
    (
        LANE,
        {"element_format": ElementFormat.INT4, "candidates": Candidates.SEVEN},
        "rounds to E2M1, so element_format has to be E2M1",
    ),
    (LANE, {"element_cast": ElementCast.TIES_AWAY}, "so element_cast has to be 'saturate'"),
    (TWO, {"zero_sign": ZeroSign.NEGATIVE_VALUES}, "zero_sign has to be 'sign-bit'"),
    (
        LANE,
        {"scale_rounding": ScaleRounding.QUARTET2_SCALES},
        "either block scales or elements are rounded stochastically",
    ),
    (EDEN, {"scale_rounding": ScaleRounding.NEAREST, "random_width": 0}, "has to be stochastic"),
    (EDEN, {"scale_format": ScaleFormat.E5M3}, "rounds to E4M3, so scale_format has to be E4M3"),
    (EDEN, {"block_shape": BlockShape.TILE_16X16}, "so block_shape has to be 1x16"),
    (EDEN, {"tensor_scale": TensorScale.CLAMPED}, "goes with candidates 'eden-16' and they with it"),
    (LANE, {"tensor_scale": TensorScale.OF_SCALES}, "goes with candidates 'eden-16' and they with it"),
    (SIMULATED, {"tensor_scale": TensorScale.CLAMPED}, "tensor_scale has to be 'D=(A/M)/6;A=0:1'"),
    (
        QUARTET,
        {"range_factor": RangeFactor.SIXTEEN_SEVENTEENTHS},
        "range_factor '16/17': map4_scale = 'base(m=4)' has no place for it",
    ),
    (
        fos_ref.recipe("modelopt-4over6"),
        {"range_factor": RangeFactor.EDEN},
        "with a 6 of their own leave no place for it",
    ),
    (QUARTET, {"map4_scale": Map4Scale.EXPAND_QUOTIENT}, "goes with block_scale '(b/6)/D'"),
]


@pytest.mark.parametrize(("legal", "change", "says"), ILLEGAL, ids=lambda v: str(v)[:40])
def test_each_row_of_the_legality_table_refuses(legal, change, says):
    with pytest.raises(RecipeError) as e:
        dataclasses.replace(legal, name="broken", **change)
    assert str(e.value).startswith("recipe 'broken': ")
    assert says in str(e.value)


def test_json_leaves_younger_axes_out_where_they_have_their_default():
    assert set(YOUNGER).isdisjoint(PLAIN.to_dict())
    assert {k for k in YOUNGER if k in LANE.to_dict()} == {"element_rounding", "random_width", "random_feed"}
    for r in fos_ref.STOCHASTIC.values():
        again = fos_ref.Recipe.from_dict(json.loads(json.dumps(r.to_dict())))
        assert (again, again.fingerprint()) == (r, r.fingerprint())
    told = {**PLAIN.to_dict(), **{k: getattr(v, "value", v) for k, v in YOUNGER.items()}}
    assert fos_ref.Recipe.from_dict(told).fingerprint() == PLAIN.fingerprint()


def test_a_recipe_of_ones_own_rounds_stochastically():
    settings = ["element_rounding=sr-b", "random_feed=half", "random_width=13"]
    mine = changed(PLAIN, "mine", settings)
    assert set(mine.diff(PLAIN)) == {"element_rounding", "random_feed", "random_width"}
    assert mine.stochastic
    assert changed(mine, "plain", ["element_rounding=rne", "random_feed=-", "random_width=0"]).axes() == (
        PLAIN.axes()
    )


def test_the_range_factor_is_in_e_and_c():
    unbiased = fos_ref.recipe("fouroversix-sr-unbiased")
    assert (unbiased.element_max, unbiased.range_max) == (6 * 16 / 17, 6 * 16 / 17 * 448)
    assert EDEN.element_max == 9600 / 1581
    assert np.float32(EDEN.element_max) == np.float32(6 / (17 / 16 * 0.93))
    assert SIMULATED.bound == 255.99
    assert fos_ref.recipe("fouroversix-sr").range_max == 2688


def test_every_stochastic_preset_is_in_one_row_of_the_page():
    rows = read_tables(text_of("recipes.md"))["program that takes random bits"][1]
    listed = [n for row in rows for n in matching(row[-1], fos_ref.STOCHASTIC)]
    assert sorted(listed) == sorted(fos_ref.STOCHASTIC)
    maps = {w.strip("`") for row in rows for w in row[1].split() if w.startswith("`")}
    assert maps <= set(fos_ref.random.MAPS)
