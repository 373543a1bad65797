"""The element and error steps N9 to N14, one function at a time, in bits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import fos_ref
from fos_ref.formats.bits import f32_hex, from_f32_hex
from fos_ref.model.dequantize import amax_divide, amax_reciprocal, decode_scaled, dequantize_matrix
from fos_ref.model.elements import cast_elements, saturate, unsaturated
from fos_ref.model.errors import block_error, input_amax, input_decode, PICK_4, scaled, square
from fos_ref.model.trace import Scales
from fos_ref.recipes.axes import ElementNan, ErrorMetric, Tie, ZeroSign

BOTH = fos_ref.PRESETS["4over6"]
REFERENCE = fos_ref.PRESETS["fouroversix-mse"]
INF, NAN = np.inf, np.nan


def f32(*values) -> np.ndarray:
    return np.array(values, np.float32)


def h(text: str) -> np.ndarray:
    return np.asarray(from_f32_hex(text))


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
    with np.errstate(over="ignore"):
        codes, values = cast_elements(f32(2.0**127, -INF, NAN, 3e38), REFERENCE)
    assert codes.tolist() == [0xB] * 4
    assert np.isnan(values).all()


@pytest.mark.parametrize(("axis", "code", "value"), [(ElementNan.CODE_7, 7, 6), (ElementNan.CODE_0, 0, 0)])
def test_n9_nan_has_the_recipe_s_code(axis, code, value):
    codes, values = cast_elements(f32(NAN, -NAN, -3), replace(BOTH, element_nan=axis))
    assert codes.tolist() == [code, code, 0xD]
    assert values.tolist() == [value, value, -3]


@pytest.mark.parametrize(
    ("axis", "codes"), [(ZeroSign.SIGN_BIT, [0, 8, 0, 8]), (ZeroSign.NEGATIVE_VALUES, [0, 0, 0, 8])]
)
def test_n9_which_zeros_keep_a_sign(axis, codes):
    got, values = cast_elements(f32(0.0, -0.0, 0.1, -0.1), replace(BOTH, zero_sign=axis))
    assert got.tolist() == codes
    assert np.abs(values).tolist() == [0, 0, 0, 0]


#: A, S, D, q*s, x, then the difference in each domain
DIFFERENCES = [
    ("404A3012", "4454B692", "3A9A0C3E", "43400000", "3E67A250", "BA0FF200", "BA0FF300", "BEEF3800"),
    ("40D1D46F", "43CCF752", "3B1FDECF", "42B00000", "3E582F43", "3B68C600", "3B68C680", "3FBA5F00"),
    ("3FC41ACE", "44DB4FB9", "3A1569C1", "40A00000", "3B3ECCD2", "B8811400", "B8811420", "BDDD28C0"),
]


@pytest.mark.parametrize("row", DIFFERENCES)
def test_n10_the_three_differences(row):
    a, s, d, product, x, by_amax, by_decode, in_scaled = row
    t = Scales(amax=h(a), encode=h(s), decode=h(d), range_max=np.float32(2688))
    assert f32_hex(input_amax(h(product), h(x), t)) == by_amax
    assert f32_hex(input_decode(h(product), h(x), t)) == by_decode
    assert f32_hex(scaled(h(product), h(x), t)) == in_scaled


def test_n11_a_square_is_rounded_and_may_be_subnormal():
    assert [f32_hex(square(h(d))) for d in ("BDCCCCCD", "1E3CE508", "0D000000")] == [
        "3C23D70B",
        "000116C2",
        "00000000",
    ]


def test_n11_n12_metrics_of_a_block():
    d = f32(*[-3, 1, 2] + [0] * 13)
    by_metric = {
        ErrorMetric.MSE: ("4over6", 14),
        ErrorMetric.MAE: ("4over6-mae", 6),
        ErrorMetric.ABS_MAX: ("4over6-absmax", 3),
    }
    for metric, (name, want) in by_metric.items():
        assert fos_ref.PRESETS[name].error_metric is metric
        assert block_error(d, fos_ref.PRESETS[name]) == want


def test_n12_absmax_carries_nan():
    assert np.isnan(block_error(f32(*[NAN] + [1] * 15), fos_ref.PRESETS["4over6-absmax"]))


def test_n13_ties_and_nan():
    err4, err6 = f32(1, 2, 1, NAN, 1, NAN, INF), f32(2, 1, 1, 1, NAN, NAN, INF)
    assert PICK_4[Tie.SIX](err4, err6).tolist() == [True, False, False, False, False, False, False]
    assert PICK_4[Tie.FOUR](err4, err6).tolist() == [True, False, True, False, False, False, True]


#: A, D, q, s, then the value in each form; C = 2688
VALUES = [
    ("404A3012", "3A9A0C3E", "40800000", "42400000", "3E67125E", "3E67125F", "3E67125D"),
    ("40D1D46F", "3B1FDECF", "40800000", "41B00000", "3E5BD25B", "3E5BD25C", "3E5BD25D"),
    ("3FC41ACE", "3A1569C1", "3F800000", "40A00000", "3B3AC432", "3B3AC433", "3B3AC431"),
]


@pytest.mark.parametrize("row", VALUES)
def test_n14_three_expressions_for_one_value(row):
    a, d, q, s, divided, reciprocal, decoded = row
    operands = (h(q), h(s), h(a), h(d), np.float32(2688))
    assert f32_hex(amax_divide(*operands)) == divided
    assert f32_hex(amax_reciprocal(*operands)) == reciprocal
    assert f32_hex(decode_scaled(*operands)) == decoded


def test_n14_nan_scales_signs_and_spilled_bits():
    codes = np.zeros((2, 16), np.uint8)
    codes[0, :3] = 0x8, 0xF, 0x1F  # -0, -6, and a code wider than a nibble: its low bits count
    scales = np.array([[0xB8], [0xFF]], np.uint8)  # 1.0 with a sign bit, and NaN
    got = dequantize_matrix(codes, scales, f32(1536), f32(1), BOTH)
    assert got[0, :3].tolist() == [0, -6, -6]
    assert np.signbit(got[0, :3]).tolist() == [True, True, True]
    assert np.isnan(got[1]).all()
    assert not np.isnan(got[0]).any()
