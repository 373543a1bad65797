"""The error steps N10 to N13 and the values of codes, N14, one function at a time, in bits."""

from __future__ import annotations

import numpy as np
import pytest

import fos_ref
from fos_ref.model.dequantize import DEQUANTIZE, dequantize_matrix
from fos_ref.model.errors import block_error, ERROR_DOMAIN, PICK_4, square
from fos_ref.model.trace import Blocks
from fos_ref.model.trial import trial_difference
from fos_ref.recipes.axes import Dequantize, ErrorDomain, ErrorMetric, Tie
from tests.model.steps import f32, h, hexes, under

BOTH = fos_ref.PRESETS["4over6"]
INF, NAN = np.inf, np.nan


DOMAINS = (
    ErrorDomain.INPUT_AMAX,
    ErrorDomain.INPUT_DECODE,
    ErrorDomain.SCALED,
    ErrorDomain.INPUT_QUOTIENT,
    ErrorDomain.INPUT_PRODUCT,
    ErrorDomain.FUSED_RESIDUAL,
)
#: (A, S, D, q, s, x), unit, then the difference in each domain; the last has the other sign. C = 2688
DIFFERENCES = [
    (
        ("405F5CF6", "44408C25", "3AAA2E73", "40400000", "40E00000", "3CCC46F3"),
        "3F800000",
        "3B18B010 3B18B020 3FE5AF50 3B18B018 3B18B028 BB18B024",
    ),
    (
        ("3F9F6F52", "4506E05D", "39F2F2C5", "40C00000", "3EB00000", "3A8890B8"),
        "3F800000",
        "B8B4B898 B8B4B8A8 BE3E6E10 B8B4B8A0 B8B4B8B0 38B4B8AC",
    ),
    (
        ("3F82E34E", "45244B12", "39C772C1", "40C00000", "43300000", "3EBEA49A"),
        "3F5B6DB7",
        "BCE58510 BCE584F0 C2934C80 BCE58500 BCE584E0 3CE584F2",
    ),
    (
        ("3F83574B", "4523B9FC", "39C8237E", "40C00000", "41700000", "3CE7D338"),
        "3F5B6DB7",
        "3A969D90 3A969DA0 4040A7A0 3A969D80 3A969D80 BA969D8A",
    ),
]


@pytest.mark.parametrize(("operands", "unit", "differences"), DIFFERENCES)
def test_n10_six_domains(operands, unit, differences):
    a, s_enc, d, q, s, x = operands
    t = under(a=a, s=s_enc, d=d)
    found = [ERROR_DOMAIN[domain](h(q), h(s), h(x), t, np.float32(h(unit))) for domain in DOMAINS]
    assert hexes(*found) == differences.split()


#: First six values of a block, A = 3.7, M = 256; block amax; their differences in the trial quantizer.
TRIALS = [
    (
        "40200000 3F384029 3F611B87 BE147B60 BECA61CD BE8F8314",
        ("40200000", "3D333340 BDAB9AE0 BD00A760 BD892B62 BCEAF440 3D8BEA2E"),
        ("40700000", "BD088880 BDD31258 3D3B1460 3E147B60 3DB20FBC BCE5ACA0"),
    ),
    (
        "40200000 3CB46063 3F906F88 400F2183 3F0A5A52 BF6C7A73",
        ("40200000", "3D333340 BCB46063 3E12EA28 3E9D5A50 3DC393D8 3D9B4B10"),
        ("40700000", "BD088880 BCB46063 3DD6E560 3E6BC5B0 3D9C1C60 BAA4B400"),
    ),
]


@pytest.mark.parametrize("row", TRIALS, ids=lambda row: row[0][9:17])
def test_n10g_the_trial_quantizer(row):
    values, *candidates = row
    x = np.stack([h(v) for v in values.split()])[None, None]
    for amax, want in candidates:
        blocks = Blocks(x=x, amax=h(amax).reshape(1, 1), scales=under(a="406CCCCD", c=1536))
        assert hexes(trial_difference(blocks, fos_ref.PRESETS["modelopt-4over6"])) == want.split()


def test_n10g_a_trial_scale_of_zero_gives_zeros():
    x = f32(1e-6, -1e-6, 0, -0.0)[None, None]
    blocks = Blocks(x=x, amax=f32(1e-6).reshape(1, 1), scales=under(a="406CCCCD", c=1536))
    with np.errstate(all="ignore"):
        d = trial_difference(blocks, fos_ref.PRESETS["modelopt-4over6"])
    assert d[0, 0].tolist() == (-x[0, 0]).tolist()


def test_n11_a_square_is_rounded_and_may_be_subnormal():
    squares = hexes(*(square(h(d)) for d in ("BDCCCCCD", "1E3CE508", "0D000000")))
    assert squares == ["3C23D70B", "000116C2", "00000000"]


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


def test_n12_a_fused_order_squares_the_differences_itself():
    d = f32(*[1] + [2.0**-12] * 15)  # each square is 2**-24, half an ulp of 1
    assert hexes(block_error(d, BOTH)) == ["3F800000"]
    d[1:] = h("39800001")  # 2**-12 and one ulp: the square rounds to 2**-24 * (1 + 2**-22)
    assert hexes(block_error(d, fos_ref.PRESETS["fouroversix-cuda-mse"])) == ["3F80000F"]
    assert hexes(block_error(d, fos_ref.PRESETS["quartet2-4over6"])) == ["3F800009"]


def test_n12_absmax_carries_nan():
    assert np.isnan(block_error(f32(*[NAN] + [1] * 15), fos_ref.PRESETS["4over6-absmax"]))


def test_n13_ties_and_nan():
    err4, err6 = f32(1, 2, 1, NAN, 1, NAN, INF), f32(2, 1, 1, 1, NAN, NAN, INF)
    assert PICK_4[Tie.SIX](err4, err6).tolist() == [True, False, False, False, False, False, False]
    assert PICK_4[Tie.FOUR](err4, err6).tolist() == [True, False, True, False, False, False, True]


FORMS = (
    Dequantize.AMAX_DIVIDE,
    Dequantize.AMAX_RECIPROCAL,
    Dequantize.DECODE,
    Dequantize.DECODE_PRODUCT,
    Dequantize.DECODE_QUOTIENT,
)
#: (A, D, q, s), then the value in each form; C = 2688
VALUES = [
    (("40C1735C", "3B136415", "40400000", "43100000"), "3F78B8E5 3F78B8E6 3F78B8E3 3F78B8E4 3F78B8E2"),
    (("3DCE1BC5", "381D08F7", "3FC00000", "3D700000"), "365CD49D 365CD49E 365CD49B 365CD49C 365CD49A"),
    (("3F0A9D7D", "3953391F", "3FC00000", "41C00000"), "3BEDA045 3BEDA046 3BEDA043 3BEDA042 3BEDA044"),
]


@pytest.mark.parametrize(("operands", "values"), VALUES)
def test_n14_five_expressions_for_one_value(operands, values):
    a, d, q, s = operands
    t = under(a=a, d=d, s=hexes(np.float32(1) / h(d))[0])
    assert hexes(*(DEQUANTIZE[form](h(q), h(s), t) for form in FORMS)) == values.split()


def test_n14_nan_scales_signs_and_spilled_bits():
    codes = np.zeros((2, 16), np.uint8)
    codes[0, :3] = 0x8, 0xF, 0x1F  # -0, -6, and a code wider than a nibble: its low bits count
    scales = np.array([[0xB8], [0xFF]], np.uint8)  # 1.0 with a sign bit, and NaN
    got = dequantize_matrix(codes, scales, under(a="44C00000", c=1536), BOTH)
    assert got[0, :3].tolist() == [0, -6, -6]
    assert np.signbit(got[0, :3]).tolist() == [True, True, True]
    assert np.isnan(got[1]).all()
    assert not np.isnan(got[0]).any()


def every_code(scale: int, r) -> list[float]:
    """Return the values of the codes 0..15 under one scale byte and D = A/C = 1."""
    codes = np.tile(np.arange(16, dtype=np.uint8), r.block_cols // 16)[None]
    t = under(a=hexes(r.range_max)[0], c=r.range_max)
    return dequantize_matrix(codes, np.array([[scale]], np.uint8), t, r)[0, :16].tolist()


def test_n14_integers_powers_of_two_and_the_flag():
    integers = [0, 1, 2, 3, 4, 5, 6, 7, -8, -7, -6, -5, -4, -3, -2, -1]
    floats = [0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6]
    assert every_code(0x40, fos_ref.PRESETS["fouroversix-nvint4"]) == [2 * v for v in integers]
    either = fos_ref.PRESETS["fouroversix-if4-mse"]
    assert every_code(0x40, either) == [2 * v for v in floats]
    unit = np.float32(6 / 7)
    assert every_code(0xC0, either) == [float(np.float32(2 * v) * unit) for v in integers]
    power = fos_ref.PRESETS["fouroversix-mxfp4-static6"]
    assert every_code(129, power) == [4 * v for v in floats]
    assert every_code(0, power) == [0] * 16
    assert np.isinf(every_code(255, power)[1:8]).all()
