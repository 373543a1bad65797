"""The oracle's own numbers against the processor's float32 and ml_dtypes' grids, and its errors by hand."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import ml_dtypes
import numpy as np
import pytest

import fos_ref
from fos_ref.errors import InputError
from fos_ref.oracle import exact
from fos_ref.oracle import quantize as oracle
from fos_ref.oracle.exact_error import (
    exact_block_error,
    exact_candidate_error,
    exact_decode_scale,
    exactly_picks_4,
)
from fos_ref.oracle.scales import given_tensor_scale, tensor_scales
from fos_ref.proof.oracle.inputs import cases
from fos_ref.proof.oracle.patterns import bits, FIELDS, FRACTIONS
from fos_ref.recipes.axes import ErrorDomain, ErrorMetric
from fos_ref.storage.layout import stored
from tests.oracle.words import bits_of, plain

OPERATIONS = {
    "add": (exact.add, np.add),
    "mul": (exact.mul, np.multiply),
    "div": (exact.div, np.divide),
    "least": (exact.least, np.minimum),
    "largest": (exact.largest, np.maximum),
}
SPECIAL = [0, 1, 0x007FFFFF, 0x00800000, 0x3F800000, 0x7F7FFFFF, 0x7F800000, 0x7FC00000]


def operands(seed: int, count: int) -> np.ndarray:
    """Return float32 of interesting exponents x significands, half of them near each other."""
    g = np.random.Generator(np.random.Philox(seed))
    field = g.choice(np.array(FIELDS, np.uint32), (2, count))
    field[1, ::2] = np.clip(field[0, ::2] + g.integers(-26, 27, field[0, ::2].shape), 0, 254)
    fraction = np.where(
        g.random((2, count)) < 0.7,
        g.choice(np.array(FRACTIONS, np.uint32), (2, count)),
        g.integers(0, 1 << 23, (2, count)),
    )
    sign = g.integers(0, 2, (2, count)).astype(np.uint32) << np.uint32(31)
    return bits(sign | field << 23 | fraction.astype(np.uint32))


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_operation_rounds_as_the_processor_does(name):
    ours, processor = OPERATIONS[name]
    special = bits(np.array(SPECIAL + [b | 1 << 31 for b in SPECIAL], np.uint32))
    a, b = np.concatenate(
        [operands(1, 20_000), np.stack(np.meshgrid(special, special)).reshape(2, -1)], axis=1
    )
    if name == "div":
        b = np.where(b == 0, np.float32(0), b)  # the oracle knows +0 only
    with np.errstate(all="ignore"):
        want = plain(processor(a, b))
    pairs = zip(bits_of(a), bits_of(b), strict=True)
    got = [exact.to_bits(ours(exact.from_bits(i), exact.from_bits(j))) for i, j in pairs]
    assert [i for i, (g, w) in enumerate(zip(got, want, strict=True)) if g != w] == []
    assert len(set(got)) > 5000


def test_bits_there_and_back():
    patterns = [int(b) for b in bits_of(operands(2, 5000))] + SPECIAL
    assert [exact.to_bits(exact.from_bits(b)) for b in patterns] == [
        b if b != 1 << 31 else 0 for b in patterns
    ]


@pytest.mark.parametrize(
    ("grid", "peer", "largest"),
    [(exact.E2M1, ml_dtypes.float4_e2m1fn, 6), (exact.E4M3, ml_dtypes.float8_e4m3fn, 448)],
    ids=["E2M1", "E4M3"],
)
def test_the_grids_and_their_rounding(grid, peer, largest):
    values = np.arange(len(grid), dtype=np.uint8).view(peer).astype(np.float32)
    assert list(grid) == [exact.from_bits(b) for b in bits_of(values)]
    x = np.arange(0x7F80, dtype=np.uint16).view(ml_dtypes.bfloat16).astype(np.float32)
    middle = ((values[1:].astype(np.float64) + values[:-1]) / 2).astype(np.float32)
    x = np.concatenate(
        [x, middle, np.nextafter(middle, np.float32(0)), np.nextafter(middle, np.float32(999))]
    )
    want = np.minimum(x, np.float32(largest)).astype(peer).view(np.uint8).tolist()
    assert [exact.nearest(exact.from_bits(b), grid) for b in bits_of(x)] == want
    assert exact.nearest(float("inf"), grid) == len(grid) - 1


@pytest.mark.parametrize(
    ("precision", "dtype"), [(exact.BFLOAT16, ml_dtypes.bfloat16), (exact.FLOAT16, np.float16)]
)
def test_rounding_to_a_short_precision_is_the_cast(precision, dtype):
    g = np.random.Generator(np.random.Philox(3))
    near = g.uniform(-1, 1, 4000) * 2.0 ** g.integers(-27, 18, 4000)  # the range of float16 and its ends
    x = np.concatenate([operands(3, 4000).ravel(), near.astype(np.float32), ties(dtype)])
    with np.errstate(over="ignore"):
        want = plain(x.astype(dtype).astype(np.float32))
    assert [exact.to_bits(exact.cast(exact.from_bits(b), precision)) for b in bits_of(x)] == want
    assert exact.cast(exact.inf, precision) == exact.inf
    assert exact.from_bits(bits_of(ml_dtypes.finfo(dtype).smallest_normal)[0]) == precision.smallest_normal


def ties(dtype) -> np.ndarray:
    """Return every midpoint between neighbours of a 16-bit format, and its neighbours in float32."""
    values = np.arange(0x7FFF, dtype=np.uint16).view(dtype)
    with np.errstate(invalid="ignore"):
        wide = values.astype(np.float64)
        middle = ((wide[1:] + wide[:-1]) / 2).astype(np.float32)
    middle = middle[np.isfinite(middle)][::37]
    return np.concatenate(
        [middle, np.nextafter(middle, np.float32(0)), np.nextafter(middle, np.float32(9e9))]
    )


def test_fma_rounds_the_exact_sum_once():
    """Against Fractions; the addend often cancels the product or lies half an ulp beside it."""
    a, b = operands(4, 3000)
    with np.errstate(all="ignore"):
        product = a * b
        c = np.where(np.arange(3000) % 3 == 0, -product, operands(5, 3000)[0])
        c = np.where(np.arange(3000) % 3 == 1, product * np.float32(2.0**-24), c)
    for i, j, k in zip(bits_of(a), bits_of(b), bits_of(c), strict=True):
        x, y, z = (exact.from_bits(v) for v in (i, j, k))
        if isinstance(z, float):
            assert exact.fma(x, y, z) == z
            continue
        total = exact.to_fraction(x) * exact.to_fraction(y) + exact.to_fraction(z)
        assert exact.fma(x, y, z) == exact.rounded(total.numerator * exact.ONE, total.denominator)


def test_fma_of_infinity_and_nan():
    assert exact.fma(exact.inf, exact.ONE, 0) == exact.inf
    assert exact.fma(exact.inf, -exact.ONE, 5) == -exact.inf
    assert exact.fma(exact.FLT_MAX, exact.FLT_MAX, -exact.inf) == -exact.inf  # the product is finite
    assert exact.fma(exact.FLT_MAX, exact.FLT_MAX, 0) == exact.inf
    for operands_ in ((exact.inf, 0, 0), (exact.inf, exact.ONE, -exact.inf), (1, 1, exact.nan)):
        assert exact.isnan(exact.fma(*operands_))


def test_ties_away_from_zero():
    middle = [(a + b) // 2 for a, b in pairwise(exact.E2M1)]
    assert [exact.nearest_away(m, exact.E2M1) for m in middle] == list(range(1, 8))
    assert [exact.nearest_away(m - 1, exact.E2M1) for m in middle] == list(range(7))
    assert [exact.nearest_away(v, exact.E2M1) for v in exact.E2M1] == list(range(8))
    assert exact.nearest_away(exact.inf, exact.E2M1) == 7


def test_ties_to_the_smaller():
    middle = [(a + b) // 2 for a, b in pairwise(exact.E2M1)]
    assert [exact.nearest_below(m, exact.E2M1) for m in middle] == list(range(7))
    assert [exact.nearest_below(m + 1, exact.E2M1) for m in middle] == list(range(1, 8))
    assert [exact.nearest_below(v, exact.E2M1) for v in exact.E2M1] == list(range(8))
    assert exact.nearest_below(exact.inf, exact.E2M1) == 7


def test_nothing_is_exact_about_infinity():
    for v in (exact.inf, -exact.inf, exact.nan):
        with pytest.raises(InputError, match="has no exact value"):
            exact.to_fraction(v)


# --- errors without rounding -------------------------------------------------------------------------

PLAIN = fos_ref.PRESETS["nvfp4"]
WORKED = bits_of(np.array([10, 20, 30, 40] + [0] * 12, np.float32))


def test_the_worked_block_s_exact_errors():
    six, four = [3, 5, 6, 7] + [0] * 12, [2, 4, 5, 6] + [0] * 12
    assert exact_block_error(WORKED, six, 0x4D, Fraction(1), PLAIN) == Fraction(277, 16)  # 4 * 4.328125
    assert exact_block_error(WORKED, four, 0x52, Fraction(1), PLAIN) == 0
    assert exact_block_error(WORKED, six, 0x4D, Fraction(1), PLAIN, metric=ErrorMetric.MAE) == Fraction(
        1 + 2 + 16 + 4, 4
    )
    assert exact_block_error(WORKED, six, 0x4D, Fraction(1), PLAIN, metric=ErrorMetric.ABS_MAX) == 4


def test_codes_and_scales_are_read_as_dequantize_reads_them():
    x = bits_of(np.array([-6, 0.5] + [0] * 14, np.float32))
    assert exact_block_error(x, [0xF, 0x1, 0x8] + [0] * 13, 0xB8, Fraction(1), PLAIN) == 0
    assert exact_block_error(x, [0x1F, 0x1] + [0] * 14, 0x38, Fraction(1), PLAIN) == 0
    assert exact_block_error(x, [0xF, 0x9] + [0] * 14, 0x38, Fraction(1), PLAIN) == 1


def test_int4_and_e8m0_are_read_as_dequantize_reads_them():
    x = bits_of(np.array([-7, 6, 8] + [0] * 13, np.float32))
    codes = [0x9, 0x6, 0x8] + [0] * 13
    assert exact_block_error(x, codes, 0x38, Fraction(1), fos_ref.PRESETS["fouroversix-nvint4"]) == 256
    either = fos_ref.PRESETS["fouroversix-if4-mse"]
    assert exact_block_error(x, codes, 0x38, Fraction(1), either) == (-0.5 + 7) ** 2 + 2**2 + 8**2
    unit = Fraction(0xDB6DB7, 1 << 24)  # float32(6/7)
    assert exact_block_error(x, codes, 0xB8, Fraction(1), either) == sum(
        (q * unit - v) ** 2 for q, v in ((-7, -7), (6, 6), (-8, 8))
    )
    power = fos_ref.PRESETS["fouroversix-mxfp4-static6"]
    assert exact_block_error(x, [0xF, 0x7, 0x0] + [0] * 13, 128, Fraction(1), power) == 5**2 + 6**2 + 8**2


def test_exact_errors_refuse_what_has_none():
    with pytest.raises(InputError, match="scale byte 0xff is NaN"):
        exact_block_error(WORKED, [0] * 16, 0xFF, Fraction(1), PLAIN)
    with pytest.raises(InputError, match="scale byte 0xff is infinite"):
        exact_block_error(WORKED, [0] * 16, 0xFF, Fraction(1), fos_ref.PRESETS["fouroversix-mxfp4-static6"])
    for bad in (0x7F800000, 0x7FC00000):
        with pytest.raises(InputError, match="has no exact value"):
            exact_block_error([bad, *WORKED[1:]], [0] * 16, 0x38, Fraction(1), PLAIN)
    with pytest.raises(ValueError, match="zip"):
        exact_block_error(WORKED, [0] * 15, 0x38, Fraction(1), PLAIN)


def test_the_decode_scale_is_a_over_c_or_d():
    amax = exact.from_bits(bits_of(np.float32(3.1))[0])
    for name, c in (
        ("4over6", 1536),
        ("nvfp4", 2688),
        ("fouroversix-static4", 1792),
        ("flashinfer-mse-256", None),
        ("modelopt-nvfp4", None),
    ):
        r = fos_ref.PRESETS[name]
        t = tensor_scales(amax, r)
        want = exact.to_fraction(amax) / c if c else exact.to_fraction(t.decode)
        assert exact_decode_scale(t, r) == want


def test_the_decode_scale_is_1_over_s_where_n14_divides_by_s():
    r = fos_ref.PRESETS["compressed-tensors-nvfp4"]
    t = tensor_scales(exact.from_bits(bits_of(np.float32(3.1))[0]), r)
    assert exact_decode_scale(t, r) == 1 / exact.to_fraction(t.encode) != exact.to_fraction(t.decode)
    with pytest.raises(InputError, match="inf has no exact value"):
        exact_decode_scale(replace(t, encode=0), r)


def coarse() -> np.ndarray:
    return next(c.x for c in cases() if c.name == "coarse")


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    "name", ["4over6", "4over6-mae", "4over6-absmax", "te-mse-448-fast", "flashinfer-mae-256"]
)
def test_where_nothing_rounds_the_rounded_error_is_exact(name):
    """Eighths under D = 1 fit float32 in every step, so both errors and both choices have to be equal."""
    r, x = fos_ref.PRESETS[name], coarse()
    t = given_tensor_scale(exact.ONE, r)
    for row in x.reshape(-1, 16):
        b = oracle.quantize_block(bits_of(row), t, r)
        for c in (b.map6, b.map4):
            assert exact_candidate_error(c, bits_of(row), t, r) == exact.to_fraction(c.error)
        assert exactly_picks_4(b, bits_of(row), t, r) == b.picked4
        codes, scale = b.codes, b.scale_code
        kept = b.map4 if b.picked4 else b.map6
        exact_error = exact_block_error(bits_of(row), codes, scale, Fraction(1), r, metric=r.error_metric)
        assert exact_error == exact.to_fraction(kept.error)


def by_hand(x, candidate, t, r) -> Fraction:
    """Return the exact error from Fractions of Python floats, apart from the function under test."""
    decode = {
        ErrorDomain.INPUT_AMAX: Fraction(as_float(t.amax)) / (6 * r.scale_max),
        ErrorDomain.INPUT_DECODE: Fraction(as_float(t.decode)),
        ErrorDomain.INPUT_PRODUCT: Fraction(as_float(t.decode)),
        ErrorDomain.FUSED_RESIDUAL: Fraction(as_float(t.decode)),
        ErrorDomain.SCALED: 1 / Fraction(as_float(t.encode)),
        ErrorDomain.INPUT_QUOTIENT: 1 / Fraction(as_float(t.encode)),
    }[r.error_domain]
    if candidate.grid.integer:
        decode *= Fraction(as_float(candidate.grid.unit))
    total = Fraction(0)
    for q, v in zip(candidate.values, x, strict=True):
        d = Fraction(as_float(q)) * Fraction(as_float(candidate.scale)) * decode - Fraction(float(v))
        total += d * d if r.error_metric is ErrorMetric.MSE else abs(d)
    return total


def as_float(v: int) -> float:
    return float(np.uint32(exact.to_bits(v)).view(np.float32))


BY_HAND = ["4over6", "te-mae-448", "flashinfer-mse-256", "te-mse-256-fast", "fouroversix-mse"]
BY_HAND += ["llmcompressor-4over6-mae", "quartet2-4over6", "quartet2-triton-4over6", "fouroversix-if4-mse"]


def test_a_trial_has_no_exact_error():
    r, x = fos_ref.PRESETS["modelopt-4over6"], WORKED
    t = tensor_scales(exact.ONE, r)
    b = oracle.quantize_block(x, t, r)
    with pytest.raises(InputError, match="error_domain 'trial': its own codes have no error to make exact"):
        exact_candidate_error(b.map6, x, t, r)


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", BY_HAND)
def test_the_exact_choice_is_that_of_fractions(name, record_property):
    r, x = fos_ref.PRESETS[name], coarse()
    t = tensor_scales(exact.from_bits(bits_of(np.float32(1.7))[0]), r)
    other = 0
    for row in x.reshape(-1, 16):
        b = oracle.quantize_block(bits_of(row), t, r)
        want = by_hand(row, b.map4, t, r), by_hand(row, b.map6, t, r)
        assert exact_candidate_error(b.map4, bits_of(row), t, r) == want[0]
        assert exactly_picks_4(b, bits_of(row), t, r) == (want[0] < want[1])
        other += b.picked4 != (want[0] < want[1])
    record_property("blocks where rounding changed the choice", other)


# --- dequantize --------------------------------------------------------------------------------------


#: One preset per expression and format, and the bound and divisor that parts of them share.
DEQUANTIZED = ["4over6", "te-nvfp4", "te-mse-256", "flashinfer-mse-448", "fouroversix-static4"]
DEQUANTIZED += ["modelopt-nvfp4", "compressed-tensors-nvfp4", "torchao-nvfp4", "quartet2-4over6"]
DEQUANTIZED += ["fouroversix-if4-mse", "fouroversix-nvint4", "fouroversix-mxfp4-static6", "ocp-mxfp4"]
DEQUANTIZED += ["torchao-mxfp4-even", "torchao-mxfp4-ceil", "torchao-mxfp4-rceil", "mlx-mxfp4"]
DEQUANTIZED += ["mlx-metal-mxfp4-nearest"]
DEQUANTIZED += ["mlx-cpu-nvfp4", "fp-quant-nvfp4", "ggml-nvfp4", "auto-round-nvfp4-e5m3"]
DEQUANTIZED += ["fouroversix-nvfp3", "fouroversix-nvint3", "fouroversix-nvint6", "fouroversix-nvfp6-e2m3"]
DEQUANTIZED += ["fouroversix-nvfp6-e3m2", "fouroversix-if3-mse", "fouroversix-if6-e2m3-mse"]
DEQUANTIZED += ["fouroversix-if6-e3m2-mse", *(f"ocp-{f}" for f in ("mxfp6-e2m3", "mxfp6-e3m2", "mxint8"))]
DEQUANTIZED += ["ocp-mxfp8-e4m3", "ocp-mxfp8-e5m2"]


def test_n14_every_expression_and_format_is_listed():
    kinds = {(r.dequantize, r.element_format, r.scale_format) for r in fos_ref.PRESETS.values()}
    listed = [fos_ref.PRESETS[name] for name in DEQUANTIZED]
    assert {(r.dequantize, r.element_format, r.scale_format) for r in listed} == kinds


@pytest.mark.sample(30)
@pytest.mark.parametrize("name", DEQUANTIZED)
@pytest.mark.parametrize("amax", [3.1, 1e-38, 3e38, 0.0])
def test_n14_every_code_under_every_scale(name, amax):
    """Of the wider codes every one under every seventh scale."""
    r = fos_ref.PRESETS[name]
    count = 1 << r.element.width
    scales = np.arange(0, 256, 1 if count <= 16 else 7, dtype=np.uint8)[:, None]
    codes = np.tile(np.arange(count, dtype=np.uint8), (len(scales), -(-r.block_cols // count)))
    q = fos_ref.quantize(np.ones(codes.shape, np.float32), r, amax=np.float32(amax))
    q.codes[:] = stored(codes, r)
    q.block_scales[:] = scales
    t = tensor_scales(exact.from_bits(bits_of(np.float32(amax))[0]), r)
    some = scales[:, 0].tolist()
    want = [exact.to_bits(oracle.dequantize_element(c, s, t, r)) for s in some for c in range(count)]
    assert plain(fos_ref.dequantize(q)[:, :count]) == want
