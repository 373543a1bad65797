"""The scale steps N3 to N8, one function at a time, in bits.

The expected bits are exact results rounded once an operation, as fos_ref.model.exact gives them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import fos_ref
from fos_ref.formats.bits import f32_hex, from_f32_hex
from fos_ref.model.quantize import given_tensor_scale, tensor_amax, tensor_scales
from fos_ref.model.scales import (
    cast_scale,
    clamped,
    clamped_zero_is_one,
    divide_then_multiply,
    expand_before_rounding,
    folded_reciprocal,
    multiplier,
    zero_scales,
)
from fos_ref.recipes.axes import ReciprocalOverflow, ScaleNan

C256, C448 = np.float32(1536), np.float32(2688)
BOTH = fos_ref.PRESETS["4over6"]
ROW = fos_ref.PRESETS["te-mse-256-row"]


@pytest.fixture(autouse=True)
def _quiet():
    """The steps overflow and divide by zero on purpose; their caller says so, as here."""
    with np.errstate(all="ignore"):
        yield


def hexes(*values) -> list[str]:
    return [f32_hex(v) for v in values]


def h(text: str) -> np.ndarray:
    return np.asarray(from_f32_hex(text))


# amax, C, S, D
EVERYWHERE = [
    ("40400000", C256, "44000000", "3B000000"),  # 3 -> 512
    ("40400000", C448, "44600000", "3A924925"),
    ("3F330000", C256, "45094BCD", "39EEAAAA"),
    ("40A10000", C448, "440590B2", "3AF55555"),
    ("7F61B1E6", C256, "04D9C7DD", "7A167699"),  # 3e38
]
# amax, then S of each form
PARTING = [
    ("00000001", "7F7FFFFF", "7F7FFFFF", "7F800000"),  # 1e-45: C/A overflows
    ("006CE3EE", "7F7FFFFF", "7F7FFFFF", "7F800000"),  # 1e-38
    ("04BB27C2", "7F7FFFFF", "7F7FFFFF", "7F800000"),  # 4.4e-36, just below C / FLT_MAX
    ("00000000", "7F7FFFFF", "3F800000", "00000000"),
    ("7F800000", "3F800000", "3F800000", "00000000"),
]


@pytest.mark.parametrize("step", [clamped, clamped_zero_is_one, zero_scales])
@pytest.mark.parametrize(("amax", "c", "s", "d"), EVERYWHERE)
def test_n3_every_form_divides_twice(step, amax, c, s, d):
    assert hexes(*step(h(amax), c)) == [s, d]


@pytest.mark.parametrize(("amax", "s", "s_zero_is_one", "s_zero_scales"), PARTING)
def test_n3_the_forms_part_at_the_ends(amax, s, s_zero_is_one, s_zero_scales):
    steps = (clamped, clamped_zero_is_one, zero_scales)
    assert hexes(*(step(h(amax), C256)[0] for step in steps)) == [s, s_zero_is_one, s_zero_scales]


def test_n3_decode_scales_at_the_ends():
    assert hexes(clamped(h("00000001"), C256)[1]) == ["00200000"]  # 1 / FLT_MAX, subnormal
    assert hexes(zero_scales(h("00000001"), C256)[1]) == ["00000000"]
    assert hexes(zero_scales(h("00000000"), C256)[1]) == ["7F800000"]


@pytest.mark.parametrize("step", [clamped, clamped_zero_is_one, zero_scales])
def test_n3_nan_stays_nan(step):
    assert np.isnan(step(np.asarray(np.float32(np.nan)), C256)).all()


def test_n2_amax_per_tensor_and_per_row():
    x = np.array([[1, -5, 2], [0, -0.0, 0.5]], np.float32)
    assert tensor_amax(x, BOTH).shape == ()
    assert tensor_amax(x, BOTH) == 5
    assert tensor_amax(x, ROW).tolist() == [5, 0.5]
    assert tensor_amax(x, ROW).dtype == np.float32


def test_n2_amax_of_nothing_is_zero():
    assert tensor_amax(np.zeros((0, 16), np.float32), BOTH) == 0
    assert tensor_amax(np.zeros((3, 0), np.float32), ROW).tolist() == [0, 0, 0]


def test_n2_amax_carries_nan_and_minus_zero_is_zero():
    assert np.isnan(tensor_amax(np.array([[1, np.nan, np.inf]], np.float32), BOTH))
    assert hexes(tensor_amax(np.array([[-0.0]], np.float32), BOTH)) == ["00000000"]


def test_n3_shapes_of_row_scales():
    scales = tensor_scales(np.array([3, 6, 0], np.float32), ROW)
    assert scales.amax.shape == scales.encode.shape == scales.decode.shape == (3, 1)
    assert scales.encode[:, 0].tolist() == [512, 256, np.finfo(np.float32).max]


def test_n3_a_given_decode_scale_fixes_all_three():
    scales = given_tensor_scale(np.float32(0.75), BOTH)
    assert hexes(scales.amax, scales.encode, scales.decode) == ["44900000", "3FAAAAAB", "3F400000"]
    assert scales.range_max == C256


@pytest.mark.parametrize(
    ("b", "s", "divided", "folded"),
    [
        ("3EE10000", "43AAAAAB", "41C80000", "41C80001"),
        ("3F642A35", "43D56836", "427D9AA9", "427D9AAB"),  # once rounded it were 427D9AAA
        ("3F64C371", "43C1EDE5", "42670FE7", "42670FE9"),
        ("3D600000", "43C00000", "40600000", "40600000"),
        ("00000001", "3F800000", "00000000", "00000000"),
        ("7F7FFFFF", "43C00000", "7F800000", "7F7FFFFF"),  # the folded form is clamped
    ],
)
def test_n5_two_roundings_or_a_folded_reciprocal(b, s, divided, folded):
    assert hexes(divide_then_multiply(h(b), h(s), np.float32(6))) == [divided]
    assert hexes(folded_reciprocal(h(b), h(s), np.float32(6))) == [folded]


def test_n5_four_divides_by_four():
    assert hexes(divide_then_multiply(h("3F642A35"), h("43D56836"), np.float32(4))) == ["42BE33FF"]


def test_n5_a_zero_block_under_an_infinite_scale_is_nan():
    assert np.isnan(divide_then_multiply(h("00000000"), h("7F800000"), np.float32(6)))
    assert np.isnan(folded_reciprocal(h("00000000"), h("7F800000"), np.float32(6)))


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
    assert hexes(expand_before_rounding(h(base))) == [expanded]


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
    codes, values = cast_scale(np.array([from_f32_hex(base)]), BOTH)
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
def test_n8_the_multiplier_is_the_reciprocal_of_a_product(scale, d, m):
    assert hexes(multiplier(h(scale), h(d), BOTH)) == [m]


@pytest.mark.parametrize(
    ("axis", "m"), [(ReciprocalOverflow.CLAMP_TO_MAX, "7F7FFFFF"), (ReciprocalOverflow.INFINITY, "7F800000")]
)
def test_n8_an_overflowing_reciprocal(axis, m):
    r = replace(BOTH, reciprocal_overflow=axis)
    assert hexes(multiplier(h("00000000"), h("3F800000"), r)) == [m]
    assert hexes(multiplier(h("3B000000"), h("00200000"), r)) == [m]  # 2**-9 / FLT_MAX is subnormal
    assert np.isnan(multiplier(h("7FC00000"), h("3F800000"), r))
