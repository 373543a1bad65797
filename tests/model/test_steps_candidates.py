"""The candidates' scales N6 and N7, one function at a time, in bits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import fos_ref
from fos_ref.model.candidates import (
    cast_scale,
    expand_after_rounding,
    expand_amax,
    expand_before_rounding,
    from_block_amax,
)
from fos_ref.recipes.axes import ScaleFloor, ScaleNan
from tests.model.steps import f32, h, hexes, under

BOTH = fos_ref.PRESETS["4over6"]
QUARTET, MX = fos_ref.PRESETS["quartet2-4over6"], fos_ref.PRESETS["fouroversix-mxfp4-static6"]
ONE = under()


@pytest.fixture(autouse=True)
def _quiet():
    """The steps overflow and divide by zero on purpose; their caller says so, as here."""
    with np.errstate(all="ignore"):
        yield


@pytest.mark.parametrize(
    ("base", "expanded"),
    [
        ("3F800000", "3FC00000"),
        ("3F800001", "3FC00002"),  # ties, to even
        ("3F800003", "3FC00004"),
        ("00000001", "00000002"),
        ("00000003", "00000004"),
        ("7F7FFFFF", "7F800000"),
    ],
)
def test_n6_expand_rounds_once_to_even(base, expanded):
    assert hexes(expand_before_rounding(h(base), h(base), ONE, BOTH)) == [expanded]


@pytest.mark.parametrize(
    ("base", "before", "after"),
    [
        ("3D0A0000", "3D4F0000", "3D580000"),
        ("40D55555", "41200000", "411C0000"),  # E4M3(40/6) = 6.5
        ("43800000", "43C00000", "43C00000"),
        ("3A800000", "3AC00000", "00000000"),  # 2**-10 is rounded to 0 first
        ("44000000", "44400000", "44280000"),  # 512 is 448 first
    ],
)
def test_n6b_the_expansion_may_come_after_the_cast(base, before, after):
    assert hexes(expand_before_rounding(h(base), h(base), ONE, BOTH)) == [before]
    assert hexes(expand_after_rounding(h(base).reshape(1), h(base), ONE, BOTH)) == [after]


def test_n6_three_forms_of_one_scale():
    """1.5 * base, base with 4 for 6, base of 1.5 * b: the expression (b * RN(1/m)) * RN(1/D)."""
    t = under(a="3DA4F3AC", s="4694FD2B", d="385BEF90")
    b, base = h("3A35D2D2"), h("400D1797")
    forms = (expand_before_rounding, from_block_amax, expand_amax)
    assert hexes(*(form(base, b, t, QUARTET) for form in forms)) == ["4053A362", "4053A363", "4053A364"]


SCALE_CASTS = [
    ("00000000", 0x00),
    ("3A800000", 0x00),  # 2**-10, the tie between 0 and the first subnormal
    ("3A800001", 0x01),
    ("3B400000", 0x02),  # 1.5 * 2**-9
    ("3C700000", 0x08),  # 7.5 * 2**-9, up into the normals
    ("3C6FFFFF", 0x07),
    ("3F880000", 0x38),  # 1.0625, a tie to even
    ("3F980000", 0x3A),  # 1.1875, a tie to even
    ("43E00000", 0x7E),
    ("43E80001", 0x7E),  # above 464
    ("7F800000", 0x7E),
]


@pytest.mark.parametrize(("base", "code"), SCALE_CASTS)
def test_n7_the_block_scale_rounds_to_even_and_saturates(base, code):
    codes, values = cast_scale(h(base).reshape(1), BOTH)
    assert codes.tolist() == [code]
    magnitude = code % 8 / 512 if code < 8 else (8 + code % 8) / 8 * 2.0 ** (code // 8 - 7)
    assert values.tolist() == [magnitude]
    assert codes.dtype == np.uint8
    assert values.dtype == np.float32


@pytest.mark.parametrize(("byte", "axis"), [(0x7F, ScaleNan.CODE_7F), (0xFF, ScaleNan.CODE_FF)])
def test_n7_a_nan_scale_has_the_recipe_s_byte(byte, axis):
    codes, values = cast_scale(np.array([np.nan, 1], np.float32), replace(BOTH, scale_nan=axis))
    assert codes.tolist() == [byte, 0x38]
    assert np.isnan(values).tolist() == [True, False]


FLOORS = [
    # base: 0, 2**-11, 2**-9, 2**-7, 2**-6, 1
    (ScaleFloor.NONE, [0x00, 0x00, 0x01, 0x04, 0x08, 0x38]),
    (ScaleFloor.MIN_NORMAL, [0x08, 0x08, 0x08, 0x08, 0x08, 0x38]),
    (ScaleFloor.ZERO_IS_ONE, [0x38, 0x01, 0x01, 0x04, 0x08, 0x38]),
    (ScaleFloor.ZERO_IS_EIGHTH, [0x20, 0x20, 0x01, 0x04, 0x08, 0x38]),
]


@pytest.mark.parametrize(("axis", "want"), FLOORS)
def test_n7_what_keeps_a_scale_from_zero(axis, want):
    r = replace(BOTH, scale_floor=axis)
    codes, values = cast_scale(f32(0, 2.0**-11, 2.0**-9, 2.0**-7, 2.0**-6, 1), r)
    assert codes.tolist() == want
    assert values.tolist() == [c / 512 if c < 8 else 2.0 ** (c // 8 - 7) for c in want]
    codes, values = cast_scale(f32(np.nan), r)
    assert codes.tolist() == [0x7F]
    assert np.isnan(values).all()


POWERS = [
    ("00000000", 0, "00000000"),
    ("00000001", 1, "00800000"),  # a subnormal goes up to 2**-126
    ("007FFFFF", 1, "00800000"),
    ("00800000", 1, "00800000"),
    ("00800001", 2, "01000000"),
    ("3F7FFFFF", 127, "3F800000"),
    ("3F800000", 127, "3F800000"),
    ("3F800001", 128, "40000000"),
    ("7F000000", 254, "7F000000"),
    ("7F000001", 255, "7F800000"),
    ("7F7FFFFF", 255, "7F800000"),
    ("7F800000", 255, "7F800000"),
    ("7FC00000", 0, "00000000"),  # 255 + 1 leaves the byte
]


@pytest.mark.parametrize(("base", "code", "value"), POWERS)
def test_n7b_up_to_the_next_power_of_two(base, code, value):
    codes, values = cast_scale(h(base).reshape(1), MX)
    assert codes.tolist() == [code]
    assert codes.dtype == np.uint8
    assert hexes(values) == [value]
