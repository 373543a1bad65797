"""The scale steps N2, N3 and N5, one function at a time, in bits.

The expected bits are exact results rounded once an operation, as fos_ref.oracle.exact gives them.
"""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

import fos_ref
from fos_ref.model.quantize import given_tensor_scale, tensor_amax, tensor_scales
from fos_ref.model.scales import (
    BLOCK_SCALE,
    clamped,
    clamped_zero_is_one,
    decode_quotient,
    decode_reciprocals,
    divide_then_multiply,
    folded_reciprocal,
    none,
    normalised,
    quotient_zero_is_one,
    reciprocal_in_input_dtype,
    zero_scales,
)
from fos_ref.recipes.axes import BlockScale
from tests.model.steps import F32, h, hexes, under

BOTH, PLAIN = fos_ref.PRESETS["4over6"], fos_ref.PRESETS["nvfp4"]
ROW, DROPS = fos_ref.PRESETS["te-mse-256-row"], fos_ref.PRESETS["te-cuda-mse-256"]
SIX, FOUR = np.float32(6), np.float32(4)
BF16, F16 = np.dtype(ml_dtypes.bfloat16), np.dtype(np.float16)


@pytest.fixture(autouse=True)
def _quiet():
    """The steps overflow and divide by zero on purpose; their caller says so, as here."""
    with np.errstate(all="ignore"):
        yield


# amax, recipe of C, S, D
EVERYWHERE = [
    ("40400000", BOTH, "44000000", "3B000000"),  # 3 -> 512
    ("40400000", PLAIN, "44600000", "3A924925"),
    ("3F330000", BOTH, "45094BCD", "39EEAAAA"),
    ("40A10000", PLAIN, "440590B2", "3AF55555"),
    ("7F61B1E6", BOTH, "04D9C7DD", "7A167699"),  # 3e38
]
# amax, then S of each form
PARTING = [
    ("00000001", "7F7FFFFF", "7F7FFFFF", "7F800000", "7F800000"),  # 1e-45: C/A overflows
    ("006CE3EE", "7F7FFFFF", "7F7FFFFF", "7F800000", "7F800000"),  # 1e-38
    ("04BB27C2", "7F7FFFFF", "7F7FFFFF", "7F800000", "7F800000"),  # 4.4e-36, just below C / FLT_MAX
    ("00000000", "7F7FFFFF", "3F800000", "00000000", "3F800000"),
    ("7F800000", "3F800000", "3F800000", "00000000", "00000000"),
]
BY_QUOTIENT = (clamped, clamped_zero_is_one, zero_scales, quotient_zero_is_one)


@pytest.mark.parametrize("step", BY_QUOTIENT)
@pytest.mark.parametrize(("amax", "r", "s", "d"), EVERYWHERE)
def test_n3_every_form_divides_twice(step, amax, r, s, d):
    assert hexes(*step(h(amax), r, F32)) == [s, d]


@pytest.mark.parametrize(("amax", "want"), [(amax, want) for amax, *want in PARTING])
def test_n3_the_forms_part_at_the_ends(amax, want):
    assert hexes(*(step(h(amax), BOTH, F32)[0] for step in BY_QUOTIENT)) == want


def test_n3_decode_scales_at_the_ends():
    assert hexes(clamped(h("00000001"), BOTH, F32)[1]) == ["00200000"]  # 1 / FLT_MAX, subnormal
    assert hexes(zero_scales(h("00000001"), BOTH, F32)[1]) == ["00000000"]
    assert hexes(zero_scales(h("00000000"), BOTH, F32)[1]) == ["7F800000"]


@pytest.mark.parametrize("step", BY_QUOTIENT)
def test_n3_nan_stays_nan(step):
    assert np.isnan(step(np.asarray(np.float32(np.nan)), BOTH, F32)).all()


# amax, S and D by one division, S and D by two reciprocals; min(C/A) would give the S of the comment
DECODE_FIRST = [
    ("3E1132D9", "46294200", "38C19921", "462941FF", "38C19922"),  # 462941FF
    ("4120A61A", "4318FACA", "3BD632CD", "4318FAC9", "3BD632CE"),  # 4318FAC9
    ("40D7DEB4", "4363B153", "3B8FE9CD", "4363B151", "3B8FE9CE"),  # 4363B152
    ("00800000", "7F800000", "00001555", "7F800000", "00001555"),
    ("7F7FFFFF", "04C00001", "7A2AAAAA", "04C00001", "7A2AAAAA"),
    ("7F800000", "00000000", "7F800000", "00000000", "7F800000"),
    ("00000000", "7F800000", "00000000", "3F800000", "3F800000"),
]


@pytest.mark.parametrize(("amax", "s", "d", "s_reciprocals", "d_reciprocals"), DECODE_FIRST)
def test_n3_decode_scale_first(amax, s, d, s_reciprocals, d_reciprocals):
    assert hexes(*decode_quotient(h(amax), BOTH, F32)) == [s, d]
    assert hexes(*decode_reciprocals(h(amax), BOTH, F32)) == [s_reciprocals, d_reciprocals]


# amax, S for a float32, a bfloat16 and a float16 input, C = 2688
IN_DTYPE = [
    ("40A10000", "440590B2", "44060000", "44058000"),
    ("3F330000", "457044A5", "45700000", "45704000"),
    ("40400000", "44600000", "44600000", "44600000"),
    ("358637BD", "4F2037A0", "4F200000", "3F800000"),  # past 65504: 1
    ("4788B800", "3D1D4952", "3D1E0000", "3D1D8000"),
    ("00000000", "3F800000", "3F800000", "3F800000"),  # 2688 / 2**-126 overflows
    ("7F800000", "00000000", "00000000", "00000000"),
    ("7FC00000", "3F800000", "3F800000", "3F800000"),
]


@pytest.mark.parametrize("row", IN_DTYPE, ids=lambda row: row[0])
def test_n3e_two_roundings_in_the_dtype_of_the_input(row):
    for dtype, s in zip((F32, BF16, F16), row[1:], strict=True):
        encode, decode = reciprocal_in_input_dtype(h(row[0]), PLAIN, dtype)
        assert hexes(encode) == [s]
        with np.errstate(divide="ignore"):
            assert hexes(decode) == hexes(np.float32(1) / h(s))


def test_n3g_no_tensor_scale():
    amax = np.array([[0], [5], [np.nan]], np.float32)
    for scale in none(amax, fos_ref.PRESETS["fouroversix-mxfp4-static6"], F32):
        assert scale.tolist() == [[1], [1], [1]]
        assert scale.dtype == np.float32


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


def test_n2_amax_may_skip_nan():
    x = np.array([[1, np.nan, -3], [np.nan, np.nan, -0.0]], np.float32)
    assert hexes(tensor_amax(x, DROPS)) == ["40400000"]
    assert hexes(tensor_amax(x[1:], DROPS)) == ["00000000"]
    assert hexes(tensor_amax(np.array([[np.nan, -np.inf]], np.float32), DROPS)) == ["7F800000"]


def test_n3_shapes_of_row_scales():
    scales = tensor_scales(np.array([3, 6, 0], np.float32), ROW)
    assert scales.amax.shape == scales.encode.shape == scales.decode.shape == (3, 1)
    assert scales.encode[:, 0].tolist() == [512, 256, np.finfo(np.float32).max]


def test_n3_a_given_decode_scale_fixes_all_three():
    scales = given_tensor_scale(np.float32(0.75), BOTH)
    assert hexes(scales.amax, scales.encode, scales.decode) == ["44900000", "3FAAAAAB", "3F400000"]
    assert scales.range_max == 1536
    assert scales.dtype == F32


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
    assert hexes(divide_then_multiply(h(b), under(s=s), SIX, PLAIN)) == [divided]
    assert hexes(folded_reciprocal(h(b), under(s=s), SIX, PLAIN)) == [folded]


def test_n5_four_divides_by_four():
    assert hexes(divide_then_multiply(h("3F642A35"), under(s="43D56836"), FOUR, PLAIN)) == ["42BE33FF"]


def test_n5_a_zero_block_under_an_infinite_scale_is_nan():
    assert np.isnan(divide_then_multiply(h("00000000"), under(s="7F800000"), SIX, PLAIN))
    assert np.isnan(folded_reciprocal(h("00000000"), under(s="7F800000"), SIX, PLAIN))


FORMS = (
    BlockScale.DIVIDE_THEN_MULTIPLY,
    BlockScale.FOLDED_RECIPROCAL,
    BlockScale.RECIPROCAL_THEN_MULTIPLY,
    BlockScale.DIVIDE_BY_DECODE,
    BlockScale.DIVIDE_THEN_DIVIDE,
    BlockScale.DIVIDE_IN_INPUT_DTYPE,
    BlockScale.RECIPROCAL_PER_MAXIMUM,
    BlockScale.NORMALISED,
)
# (A, S, D, b), then the block scale in each form, M = 256, a bfloat16 input
EIGHT_FORMS = [
    (
        ("4055B992", "43E5FA58", "3B0E7BB6", "4052AAA2"),
        "437C5632 437C5633 437C5634 437C5633 437C5633 437B89D0 437C5635 437C5631",
    ),
    (
        ("3F449918", "44FA0340", "3A0310BA", "3DC13928"),
        "41FB9B06 41FB9B08 41FB9B08 41FB9B07 41FB9B07 41FBF746 41FB9B09 41FB9B05",
    ),
    (
        ("404912B8", "43F472CA", "3B060C7A", "3F42247B"),
        "42772D18 42772D1A 42772D1A 42772D1A 42772D19 42765BB0 42772D1B 42772D17",
    ),
]


@pytest.mark.parametrize(("operands", "scales"), EIGHT_FORMS)
def test_n5_eight_forms_of_one_quotient(operands, scales):
    a, s, d, b = operands
    t = under(a=a, s=s, d=d, dtype=BF16)
    assert hexes(*(BLOCK_SCALE[form](h(b), t, SIX, BOTH) for form in FORMS)) == scales.split()


def test_n5h_a_zero_block_counts_as_one():
    t = under(a="40C00000", s="43800000", d="3B800000")  # 6: A/6 = 1
    assert hexes(normalised(h("00000000"), t, SIX, BOTH)) == ["43800000"]
    assert hexes(normalised(h("00000001"), t, SIX, BOTH)) == ["43800000"]  # 1e-45 / 6 is 0
    assert hexes(normalised(h("00000004"), t, SIX, BOTH)) == ["00000100"]


def test_n5f_the_quotient_is_rounded_to_the_input_s_dtype():
    b, form = h("3F2B0000"), BLOCK_SCALE[BlockScale.DIVIDE_IN_INPUT_DTYPE]  # b/6 = 3DE40000
    assert hexes(form(b, under(), SIX, PLAIN)) == ["3DE40000"]
    b = h("3F2A0000")  # b/6 = 3DE2AAAB
    assert hexes(*(form(b, under(dtype=t), SIX, PLAIN) for t in (F32, F16, BF16))) == [
        "3DE2AAAB",
        "3DE2A000",
        "3DE30000",
    ]
