"""A recipe as a value: types, legality, JSON both ways, diff, fingerprint, look-up by near name."""

from __future__ import annotations

import dataclasses
import json
from itertools import product

import pytest

import fos_ref
from fos_ref.errors import RecipeError
from fos_ref.recipes.axes import (
    AmaxScope,
    BlockScale,
    BlockShape,
    Candidates,
    ElementCast,
    ElementFormat,
    ElementNan,
    ElementScaling,
    ErrorDomain,
    ErrorMetric,
    Map4Scale,
    Reduction,
    ScaleFloor,
    ScaleFormat,
    TensorScale,
    Tie,
    ZeroScale,
    ZeroSign,
)
from fos_ref.recipes.recipe import DESCRIPTIVE
from tests.every import every

BOTH = fos_ref.PRESETS["4over6"]
PLAIN = fos_ref.PRESETS["nvfp4"]
MAE = fos_ref.PRESETS["4over6-mae"]
IF4, MX = fos_ref.PRESETS["fouroversix-if4-mse"], fos_ref.PRESETS["fouroversix-mxfp4-static6"]
OCP = fos_ref.PRESETS["ocp-mxfp4"]
FP6, FP3 = fos_ref.PRESETS["fouroversix-nvfp6-e2m3"], fos_ref.PRESETS["fouroversix-nvfp3"]
IF6, MX6 = fos_ref.PRESETS["fouroversix-if6-e2m3-mse"], fos_ref.PRESETS["ocp-mxfp6-e2m3"]
GGML = fos_ref.PRESETS["ggml-nvfp4"]
ALL = list(fos_ref.PRESETS.values())

#: One broken row of the legality table each: the recipe that is legal, the change, what the error says.
ILLEGAL = [
    (PLAIN, {"scale_max": 449}, "scale_max = 449: 2 to 448 is allowed"),
    (PLAIN, {"scale_max": 1}, "scale_max = 1: 2 to 448 is allowed"),
    (
        BOTH,
        {"map4_scale": None},
        "map4_scale is not set: set exactly for the candidates 4/6 (E4M3(1.5*base),",
    ),
    (BOTH, {"error_domain": None}, "error_domain not set"),
    (BOTH, {"error_metric": None}, "error_metric not set"),
    (BOTH, {"tie": None}, "it is made: tie not set, one of six, four is allowed"),
    (PLAIN, {"candidates": Candidates.FOUR_OVER_SIX}, "a choice has to say how it is made"),
    (PLAIN, {"map4_scale": Map4Scale.EXPAND_BEFORE_ROUNDING}, "set exactly for the candidates 4/6"),
    (PLAIN, {"error_domain": ErrorDomain.SCALED}, "error_domain must not be set"),
    (PLAIN, {"error_metric": ErrorMetric.ABS_MAX}, "error_metric must not be set"),
    (PLAIN, {"reduction": Reduction.SEQUENTIAL}, "reduction must not be set"),
    (PLAIN, {"tie": Tie.SIX}, "tie must not be set"),
    (BOTH, {"candidates": Candidates.SIX}, "one candidate leaves nothing to choose"),
    (BOTH, {"reduction": None}, "reduction is not set: one of sequential, "),
    (BOTH, {"error_metric": ErrorMetric.ABS_MAX}, "none for absmax"),
    (
        BOTH,
        {"block_shape": BlockShape.TILE_16X16, "amax_scope": AmaxScope.ROW},
        "a 16x16 tile spans 16 rows, so amax_scope has to be tensor",
    ),
    (BOTH, {"element_cast": ElementCast.UNSATURATED}, "'wraps' exactly when"),
    (PLAIN, {"candidates": Candidates.SEVEN}, "candidates '7' go with element_format 'INT4'"),
    (PLAIN, {"element_format": ElementFormat.INT4}, "candidates '6' go with element_format 'E2M1'"),
    (BOTH, {"element_format": ElementFormat.E2M1_OR_INT4}, "candidates '4/6' go with element_format 'E2M1'"),
    (IF4, {"element_format": ElementFormat.E2M1}, "go with element_format 'E2M1|INT4'"),
    (IF4, {"map4_scale": Map4Scale.EXPAND_BEFORE_ROUNDING}, "set exactly for the candidates 4/6"),
    (IF4, {"tie": None}, "tie not set"),
    (MX, {"scale_max": 448}, "scale_max = 448: 1, where there is no tensor scale, is allowed"),
    (MX, {"scale_floor": ScaleFloor.ZERO_IS_EIGHTH}, "is an E4M3 code, so scale_format has to be E4M3"),
    (PLAIN, {"block_scale": BlockScale.AMAX}, "block_scale 'b' goes with E8M0-floor, E8M0-even, E8M0-ceil"),
    (MX, {"scale_format": ScaleFormat.E8M0_FLOOR}, "scale_format 'E8M0-floor': block_scale 'b' goes with"),
    (OCP, {"scale_format": ScaleFormat.E8M0_UP}, "and they with it"),
    (
        OCP,
        {"scale_max": 448, "tensor_scale": TensorScale.ZERO_SCALES},
        "block_scale 'b' takes no tensor scale, so tensor_scale has to be '1'",
    ),
    (PLAIN, {"block_scale": BlockScale.LOGARITHM}, "takes no tensor scale"),
    (PLAIN, {"tensor_scale": TensorScale.NONE}, "scale_max = 448: 1, where there is no tensor scale"),
    (MAE, {"reduction": Reduction.FUSED_SEQUENTIAL}, "squares inside the sum: mse only"),
    (MAE, {"reduction": Reduction.FUSED_EVEN_ODD}, "squares inside the sum: mse only"),
    (BOTH, {"block_shape": BlockShape.ROW_32}, "no order is known for the errors of a block of 32"),
    (BOTH, {"element_nan": ElementNan.WRAPS}, "'wraps' exactly when"),
    (FP6, {"candidates": Candidates.SIX}, "candidates '6' go with element_format 'E2M1'"),
    (FP6, {"element_cast": ElementCast.TIES_AWAY}, "of E2M3: one of saturate is allowed"),
    (FP6, {"element_nan": ElementNan.CODE_B}, "element_nan 'B' is a code of E2M1"),
    (FP3, {"element_cast": ElementCast.SATURATE}, "of E2M0: one of ties-to-smaller is allowed"),
    (IF6, {"error_domain": ErrorDomain.TRIAL}, "error_domain 'trial' is a quantizer to E2M1"),
    (IF4, {"scale_format": ScaleFormat.E5M3}, "has no sign bit to say which format a block has"),
    (MX6, {"scale_format": ScaleFormat.E8M0_EVEN}, "rounds as E2M1 does"),
    (BOTH, {"block_shape": BlockShape.ROW_8, "reduction": Reduction.HALVES}, "no two halves of 8"),
    (GGML, {"zero_sign": ZeroSign.SIGN_BIT}, "gives no code 8"),
    (GGML, {"element_scaling": ElementScaling.RECIPROCAL_OF_PRODUCT}, "has to be 'x/(s*D)'"),
    (PLAIN, {"zero_scale": ZeroScale.DIVISOR_ZERO}, "goes with element_scaling 'x/(s*D)'"),
]


@pytest.mark.parametrize(("legal", "change", "says"), ILLEGAL, ids=lambda v: str(v)[:40])
def test_each_row_of_the_legality_table_refuses(legal, change, says):
    with pytest.raises(RecipeError) as e:
        dataclasses.replace(legal, name="broken", **change)
    assert str(e.value).startswith("recipe 'broken': ")
    assert says in str(e.value)


WRONG_TYPES = [
    ("name", 5, "a text is allowed"),
    ("name", None, "a text is allowed"),
    ("scale_max", "448", "a whole number is allowed"),
    ("scale_max", 448.0, "a whole number is allowed"),
    ("scale_max", True, "a whole number is allowed"),
    ("tie", "six", r"a Tie \(six, four\) is allowed"),
    ("block_shape", AmaxScope.ROW, r"a BlockShape \(1x16, 1x8, 1x32, 16x16\) is allowed"),
    ("zero_scale", None, r"a ZeroScale \(codes=0, "),
]


@pytest.mark.parametrize(("name", "value", "says"), WRONG_TYPES)
def test_a_field_of_the_wrong_type_is_refused(name, value, says):
    with pytest.raises(RecipeError, match=f"{name} (= .*|is not set): {says}"):
        dataclasses.replace(BOTH, **{name: value})


def test_a_recipe_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        BOTH.scale_max = 448


@every(ALL, lambda r: r.name)
def test_json_both_ways(r):
    again = fos_ref.Recipe.from_dict(json.loads(json.dumps(r.to_dict())))
    assert again == r
    assert again.fingerprint() == r.fingerprint()


BAD_JSON = [
    (None, "not an object: exactly"),
    ([], "not an object: exactly"),
    ({}, "missing name, element_format, scale_format, and 24 more: exactly"),
    (BOTH.to_dict() | {"colour": "red"}, "colour"),
    ({k: v for k, v in BOTH.to_dict().items() if k != "tie"}, "exactly"),
    (BOTH.to_dict() | {"tie": "five"}, r"tie = 'five': one of six, four is allowed"),
    (BOTH.to_dict() | {"tie": ["six"]}, "tie = "),
    (BOTH.to_dict() | {"block_shape": None}, "block_shape is not set: one of"),
    (BOTH.to_dict() | {"scale_max": "448"}, "scale_max = '448'"),
    (BOTH.to_dict() | {"scale_max": 1000}, "scale_max = 1000"),
    (BOTH.to_dict() | {"tie": None}, "tie not set"),
]


@pytest.mark.parametrize(("data", "says"), BAD_JSON, ids=lambda v: str(v)[:20])
def test_bad_json_is_refused(data, says):
    with pytest.raises(RecipeError, match=says):
        fos_ref.Recipe.from_dict(data)


def test_diff_is_the_whole_difference():
    other = dataclasses.replace(BOTH, name="x", scale_max=448, zero_scale=ZeroScale.NO_SPECIAL_CASE)
    assert BOTH.diff(other) == {
        "scale_max": (256, 448),
        "zero_scale": (ZeroScale.ZERO_CODES, ZeroScale.NO_SPECIAL_CASE),
    }
    assert other.diff(BOTH) == {k: (b, a) for k, (a, b) in BOTH.diff(other).items()}
    assert BOTH.diff(BOTH) == {}


def test_descriptions_change_neither_diff_nor_fingerprint():
    for name in DESCRIPTIVE:
        other = dataclasses.replace(BOTH, **{name: "something else"})
        assert BOTH.diff(other) == {}
        assert BOTH.fingerprint() == other.fingerprint()


@pytest.mark.long
def test_every_axis_changes_the_fingerprint():
    fingerprints = [(r, r.fingerprint()) for r in ALL]
    for (r, own), (other, another) in product(fingerprints, repeat=2):
        assert (own == another) == (r.diff(other) == {})


NUMBERED = ("nvfp4", "4over6-16x16", "fouroversix-static4", "fouroversix-nvint4")
NUMBERED += ("fouroversix-mxfp4-static6", "fouroversix-mxfp4-static4", "fouroversix-if6-e2m3-mse")
NUMBERED += ("ocp-mxint8", "fouroversix-nvfp4-bs8")


def test_derived_numbers():
    numbers = {name: fos_ref.PRESETS[name] for name in NUMBERED}
    assert [r.range_max for r in numbers.values()] == [
        *(6 * 448, 6 * 256, 4 * 448, 7 * 448, 6, 4, 3360, 127 / 64, 6 * 448)
    ]
    assert [r.element_max for r in numbers.values()] == [6, 6, 4, 7, 6, 4, 7.5, 127 / 64, 6]
    assert [r.block_rows for r in numbers.values()] == [1, 16, 1, 1, 1, 1, 1, 1, 1]
    assert [r.block_cols for r in numbers.values()] == [16, 16, 16, 16, 32, 32, 16, 32, 8]
    assert [r.chooses for r in numbers.values()] == [i in (1, 6) for i in range(9)]
    assert IF4.chooses


def test_look_up_returns_the_preset_and_passes_recipes_through():
    assert fos_ref.recipe("te-mse-256") is fos_ref.PRESETS["te-mse-256"]
    assert fos_ref.recipe(BOTH) is BOTH
    assert fos_ref.recipe("4over6-mse") is BOTH


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("4over5", "no recipe is called '4over5': did you mean 4over6, "),
        ("te-mse-265", "did you mean te-mse-256, "),
        ("fouroversix-ms", "did you mean fouroversix-mse, "),
        ("NVFP4", "no recipe is called 'NVFP4'"),
        ("xyzzy", "`fos recipes` lists all"),
        ("", "`fos recipes` lists all"),
        (5, "no recipe is called 5"),
        (None, "no recipe is called None"),
    ],
)
def test_an_unknown_name_lists_near_names(name, says):
    with pytest.raises(RecipeError) as e:
        fos_ref.recipe(name)
    assert says in str(e.value)


def test_equal_recipes_are_one_key():
    r = fos_ref.PRESETS["4over6"]
    assert len({r, dataclasses.replace(r)}) == 1
    assert len({r, dataclasses.replace(r, tie=Tie.FOUR)}) == 2
