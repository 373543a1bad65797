"""The element steps N8 and N9, one function at a time, in bits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import fos_ref
from fos_ref.formats import E2M1, INT4
from fos_ref.model.elements import (
    cast_float,
    cast_integer,
    ELEMENT_FORMAT,
    saturate,
    ties_away,
    ties_to_smaller,
    unsaturated,
)
from fos_ref.model.scaling import ELEMENT_SCALING, scale_elements
from fos_ref.model.trace import Blocks
from fos_ref.recipes.axes import (
    ElementCast,
    ElementFormat,
    ElementNan,
    ElementScaling,
    ReciprocalOverflow,
    ZeroScale,
    ZeroSign,
)
from tests.model.steps import f32, h, hexes, under

BOTH = fos_ref.PRESETS["4over6"]
REFERENCE = fos_ref.PRESETS["fouroversix-mse"]
INF, NAN = np.inf, np.nan


@pytest.fixture(autouse=True)
def _quiet():
    """The steps overflow and divide by zero on purpose; their caller says so, as here."""
    with np.errstate(all="ignore"):
        yield


# --- N8 ----------------------------------------------------------------------------------------------


def scaled_by(s: str, d: str, r, x=(1.0,)) -> tuple[str, np.ndarray]:
    """Return (multiplier, scaled values) of one block under block scale s and decode scale d."""
    values = np.asarray(x, np.float32)[None, None]
    amax = np.fmax.reduce(np.abs(values), axis=-1, initial=np.float32(0))
    m, y = scale_elements(Blocks(x=values, amax=amax, scales=under(d=d)), h(s).reshape(1, 1), r)
    return hexes(m)[0], y[0, 0]


@pytest.mark.parametrize(
    ("scale", "d", "m"),
    [
        ("41D00000", "3B400000", "41520D21"),
        ("41100000", "3A9E06C7", "42B85163"),  # S / scale were 42B85164
        ("41200000", "3A786E64", "42D30A1E"),  # S / scale were 42D30A1D
        ("3B000000", "7A167699", "0959C7DD"),
        ("43E00000", "00200000", "7B124925"),
    ],
)
def test_n8a_the_multiplier_is_the_reciprocal_of_a_product(scale, d, m):
    assert scaled_by(scale, d, BOTH)[0] == m


@pytest.mark.parametrize(
    ("axis", "m"), [(ReciprocalOverflow.CLAMP_TO_MAX, "7F7FFFFF"), (ReciprocalOverflow.INFINITY, "7F800000")]
)
def test_n8a_an_overflowing_reciprocal(axis, m):
    r = replace(BOTH, reciprocal_overflow=axis)
    assert scaled_by("00000000", "3F800000", r)[0] == m
    assert scaled_by("3B000000", "00200000", r)[0] == m  # 2**-9 / FLT_MAX is subnormal
    assert scaled_by("7FC00000", "3F800000", r)[0] == "7FC00000"


SCALINGS = (
    ElementScaling.RECIPROCAL_OF_PRODUCT,
    ElementScaling.DIVIDE_BY_PRODUCT,
    ElementScaling.DIVIDE_BY_QUOTIENT,
    ElementScaling.RECIPROCAL_QUOTIENT,
)
# (s, S, D, x), the four multipliers or divisors, the four scaled values: one ulp apart
FOUR_SCALINGS = [
    (
        ("40200000", "457FC13B", "39801F6A", "40991754"),
        "44CC9A97 3A202744 3A202745 44CC9A96",
        "45F4B613 45F4B612 45F4B610 45F4B611",
    ),
    (
        ("3E100000", "45DB090D", "391599F7", "3EA3F0B0"),
        "4742B2B6 37A84D36 37A84D35 4742B2B5",
        "46795DAF 46795DAE 46795DB0 46795DAD",
    ),
    (
        ("3F100000", "428ECE66", "3C65752F", "3BFF239F"),
        "42FDE0B7 3C0111EA 3C0111EB 42FDE0B5",
        "3F7D062A 3F7D0629 3F7D0627 3F7D0628",
    ),
]


@pytest.mark.parametrize(("operands", "by", "values"), FOUR_SCALINGS)
def test_n8_four_forms_of_one_quotient(operands, by, values):
    s, encode, d, x = operands
    t = under(s=encode, d=d)
    found = [ELEMENT_SCALING[form](h(x).reshape(1, 1), h(s).reshape(1), t, BOTH) for form in SCALINGS]
    assert [hexes(m)[0] for m, _ in found] == by.split()
    assert [hexes(y)[0] for _, y in found] == values.split()


#: The scaled values of (2, -2, +0, -0) under a block scale of 0 and D = 1, unclamped.
UNDER_ZERO = [
    (ZeroScale.ZERO_CODES, ["00000000"] * 4),
    (ZeroScale.NO_SPECIAL_CASE, ["7F800000", "FF800000", "nan", "nan"]),
    (ZeroScale.ZERO_BLOCKS, ["7F800000", "FF800000", "nan", "nan"]),
    (ZeroScale.SCALE_ONE, ["40000000", "C0000000", "00000000", "80000000"]),
    (ZeroScale.SCALE_2_126, ["7F000000", "FF000000", "00000000", "80000000"]),
    (ZeroScale.SCALE_2_127, ["7F800000", "FF800000", "00000000", "80000000"]),
]


@pytest.mark.parametrize(("axis", "want"), UNDER_ZERO)
def test_n8_a_block_scale_of_zero(axis, want):
    r = replace(BOTH, zero_scale=axis, reciprocal_overflow=ReciprocalOverflow.INFINITY)
    _, y = scaled_by("00000000", "3F800000", r, (2, -2, 0.0, -0.0))
    assert ["nan" if np.isnan(v) else hexes(v)[0] for v in y] == want


def test_n8_a_block_of_zeros_alone():
    """Its scaled values are +0, whatever their signs; any value beside them makes it an ordinary block."""
    r = replace(BOTH, zero_scale=ZeroScale.ZERO_BLOCKS)
    assert hexes(scaled_by("3F800000", "3F800000", r, (0.0, -0.0))[1]) == ["00000000", "00000000"]
    assert hexes(scaled_by("3F800000", "3F800000", r, (1.0, -0.0))[1]) == ["3F800000", "80000000"]
    r = replace(BOTH, zero_scale=ZeroScale.ZERO_CODES)
    assert hexes(scaled_by("3F800000", "3F800000", r, (0.0, -0.0))[1]) == ["00000000", "80000000"]


# --- N9 ----------------------------------------------------------------------------------------------


def test_n9a_midpoints_to_even_and_saturation():
    y = f32(0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5, 6, 7, 8, 1e30, INF)
    codes, values = saturate(y)
    assert codes.tolist() == [0, 2, 2, 4, 4, 6, 6, 7, 7, 7, 7, 7]
    assert values.tolist() == [0, 1, 1, 2, 2, 4, 4, 6, 6, 6, 6, 6]
    assert saturate(-y)[0].tolist() == [c | 8 for c in codes]
    assert values.dtype == np.float32


def test_n9a_one_ulp_beside_each_midpoint():
    middle = f32(0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5)
    assert saturate(np.nextafter(middle, f32(0)))[0].tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert saturate(np.nextafter(middle, f32(9)))[0].tolist() == [1, 2, 3, 4, 5, 6, 7]


UNSATURATED = [
    (0.0, 0, 0),
    (0.25, 0, 0),
    (0.26, 1, 0.5),
    (0.75, 2, 1),
    (1.75, 4, 2),
    (3.5, 6, 4),
    (5, 6, 4),
    (6.9, 7, 6),
    (7, 8, 8),  # a tie between 6 and 8
    (8, 8, 8),
    (9, 8, 8),
    (10, 8, 10),  # the code's one fraction bit cuts 10 to 8
    (11, 9, 12),
    (12, 9, 12),
    (16, 10, 16),
    (24, 11, 24),
    (255, 18, 256),
    (511, 20, 512),  # 2 * rint(255.5) = 512
    (2.0**100, 202, 2.0**100),
    (2.0**126, 254, 2.0**126),
]


@pytest.mark.parametrize(("y", "code", "value"), UNSATURATED)
def test_n9b_the_unsaturated_cast_wraps(y, code, value):
    codes, values = unsaturated(f32(y, -y))
    assert codes.tolist() == [code, code | 8]
    assert np.abs(values).tolist() == [value, value]
    assert np.signbit(values).tolist() == [False, True]


def test_n9b_the_code_is_that_of_the_bfloat16():
    """1021.5 counts as 1022 in the error; as a bfloat16 that is 1024, one binade up."""
    codes, values = unsaturated(f32(1021.5, 509.5, 767))
    assert values.tolist() == [1022, 510, 768]
    assert codes.tolist() == [22, 19, 21]


def test_n9b_past_half_the_range_is_nan():
    codes, values = cast_float(f32(2.0**127, -INF, NAN, 3e38), REFERENCE, E2M1)
    assert codes.tolist() == [0xB] * 4
    assert np.isnan(values).all()


@pytest.mark.parametrize(
    ("axis", "code", "value"),
    [(ElementNan.CODE_7, 7, 6), (ElementNan.CODE_0, 0, 0), (ElementNan.CODE_B, 0xB, -1.5)],
)
def test_n9_nan_has_the_recipe_s_code(axis, code, value):
    codes, values = cast_float(f32(NAN, -NAN, -3), replace(BOTH, element_nan=axis), E2M1)
    assert codes.tolist() == [code, code, 0xD]
    assert values.tolist() == [value, value, -3]


@pytest.mark.parametrize(
    ("axis", "codes"),
    [
        (ZeroSign.SIGN_BIT, [0, 8, 0, 8]),
        (ZeroSign.NEGATIVE_VALUES, [0, 0, 0, 8]),
        (ZeroSign.NEVER, [0, 0, 0, 0]),
        (ZeroSign.NOT_POSITIVE, [8, 8, 0, 8]),
    ],
)
def test_n9_which_zeros_keep_a_sign(axis, codes):
    got, values = cast_float(f32(0.0, -0.0, 0.1, -0.1), replace(BOTH, zero_sign=axis), E2M1)
    assert got.tolist() == codes
    assert np.abs(values).tolist() == [0, 0, 0, 0]


def test_n9_an_unsaturated_8_is_no_zero():
    r = replace(REFERENCE, zero_sign=ZeroSign.NEVER)
    assert cast_float(f32(8, -8, -0.1), r, E2M1)[0].tolist() == [8, 8, 0]


def test_n9c_ties_go_away_from_zero():
    middle = f32(0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5)
    codes, values = ties_away(middle)
    assert codes.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert values.tolist() == [0.5, 1, 1.5, 2, 3, 4, 6]
    assert ties_away(-middle)[0].tolist() == [c | 8 for c in codes]
    assert ties_away(np.nextafter(middle, f32(0)))[0].tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert ties_away(f32(0.0, -0.0, -0.1, 7, 1e30, -INF))[0].tolist() == [0, 8, 8, 7, 7, 15]
    codes, values = cast_float(f32(NAN, 2.5), replace(BOTH, element_cast=ElementCast.TIES_AWAY), E2M1)
    assert (codes.tolist(), values.tolist()) == ([7, 5], [6, 3])


def test_n9e_ties_go_to_the_smaller_magnitude():
    middle = f32(0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5)
    codes, values = ties_to_smaller(middle)
    assert codes.tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert values.tolist() == [0, 0.5, 1, 1.5, 2, 3, 4]
    assert ties_to_smaller(-middle)[0].tolist() == [c | 8 for c in codes]
    assert ties_to_smaller(np.nextafter(middle, f32(9)))[0].tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert ties_to_smaller(f32(0.0, -0.0, -0.1, 7, 1e30, -INF))[0].tolist() == [0, 8, 8, 7, 7, 15]
    r = replace(BOTH, element_cast=ElementCast.TIES_TO_SMALLER, zero_sign=ZeroSign.NEVER)
    codes, values = cast_float(f32(NAN, 3.5, -0.25, -0.0), r, E2M1)
    assert (codes.tolist(), values.tolist()) == ([7, 5, 0, 0], [6, 3, 0, 0])


def test_n9d_int4_ties_to_even_clamps_and_has_no_minus_zero():
    y = f32(0, 0.5, 0.50000006, 1.5, 2.5, 3.4, 6.5, 7.5, 100, INF)
    codes, values = cast_integer(y, INT4)
    assert codes.tolist() == [0, 0, 1, 2, 2, 3, 6, 7, 7, 7]
    assert values.tolist() == codes.tolist()
    codes, values = cast_integer(-y, INT4)
    assert codes.tolist() == [0, 0, 0xF, 0xE, 0xE, 0xD, 0xA, 9, 9, 9]
    assert values.tolist() == [0, 0, -1, -2, -2, -3, -6, -7, -7, -7]
    assert cast_integer(f32(NAN, -NAN), INT4)[0].tolist() == [0, 0]
    assert values.dtype == np.float32


def test_n9d_the_constants_of_int4_beside_e2m1():
    floating, integer = ELEMENT_FORMAT[ElementFormat.E2M1_OR_INT4]
    assert hexes(floating.rescale, floating.unit) == ["3F800000", "3F800000"]
    assert hexes(integer.rescale, integer.unit) == ["3F955555", "3F5B6DB7"]
    alone = ELEMENT_FORMAT[ElementFormat.INT4][0]
    assert hexes(alone.rescale, alone.unit) == ["3F800000", "3F800000"]
