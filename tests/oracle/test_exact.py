"""The oracle's own numbers against the processor's float32 and ml_dtypes' grids, and its errors by hand."""

from __future__ import annotations

from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest

import fos_ref
from fos_ref.errors import InputError
from fos_ref.model import exact, oracle
from fos_ref.model.exact_error import (
    exact_block_error,
    exact_candidate_error,
    exact_decode_scale,
    exactly_picks_4,
)
from fos_ref.recipes.axes import ErrorDomain, ErrorMetric
from tests.oracle.agree import bits_of, compare, plain, tensor
from tests.oracle.inputs import bits, cases, FIELDS, FRACTIONS

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


def test_rounding_to_a_bfloat16_is_rounding_to_8_digits():
    x = np.abs(operands(3, 4000).ravel())
    x = x[x >= np.float32(2.0**-126)]  # a bfloat16 has the exponents of a float32: normals have 8 digits
    with np.errstate(over="ignore"):
        want = bits_of(x.astype(ml_dtypes.bfloat16).astype(np.float32))
    assert [exact.to_bits(exact.rounded(exact.from_bits(b), digits=8)) for b in bits_of(x)] == want


def test_nothing_is_exact_about_infinity():
    for v in (exact.inf, -exact.inf, exact.nan):
        with pytest.raises(InputError, match="has no exact value"):
            exact.to_fraction(v)


# --- errors without rounding -------------------------------------------------------------------------

WORKED = bits_of(np.array([10, 20, 30, 40] + [0] * 12, np.float32))


def test_the_worked_block_s_exact_errors():
    six, four = [3, 5, 6, 7] + [0] * 12, [2, 4, 5, 6] + [0] * 12
    assert exact_block_error(WORKED, six, 0x4D, Fraction(1)) == Fraction(277, 16)  # 4 * 4.328125
    assert exact_block_error(WORKED, four, 0x52, Fraction(1)) == 0
    assert exact_block_error(WORKED, six, 0x4D, Fraction(1), ErrorMetric.MAE) == Fraction(1 + 2 + 16 + 4, 4)
    assert exact_block_error(WORKED, six, 0x4D, Fraction(1), ErrorMetric.ABS_MAX) == 4


def test_codes_and_scales_are_read_as_dequantize_reads_them():
    x = bits_of(np.array([-6, 0.5] + [0] * 14, np.float32))
    assert exact_block_error(x, [0xF, 0x1, 0x8] + [0] * 13, 0xB8, Fraction(1)) == 0
    assert exact_block_error(x, [0x1F, 0x1] + [0] * 14, 0x38, Fraction(1)) == 0
    assert exact_block_error(x, [0xF, 0x9] + [0] * 14, 0x38, Fraction(1)) == 1


def test_exact_errors_refuse_what_has_none():
    with pytest.raises(InputError, match="scale byte 0xff is NaN"):
        exact_block_error(WORKED, [0] * 16, 0xFF, Fraction(1))
    for bad in (0x7F800000, 0x7FC00000):
        with pytest.raises(InputError, match="has no exact value"):
            exact_block_error([bad, *WORKED[1:]], [0] * 16, 0x38, Fraction(1))
    with pytest.raises(ValueError, match="zip"):
        exact_block_error(WORKED, [0] * 15, 0x38, Fraction(1))


def test_the_decode_scale_is_a_over_c_or_d():
    amax = exact.from_bits(bits_of(np.float32(3.1))[0])
    for name, want in (("4over6", exact.to_fraction(amax) / 1536), ("flashinfer-mse-256", None)):
        r = fos_ref.PRESETS[name]
        t = oracle.tensor_scales(amax, r)
        assert exact_decode_scale(t, r) == (want or exact.to_fraction(t.decode))


def coarse() -> np.ndarray:
    return next(c.x for c in cases() if c.name == "coarse")


@pytest.mark.parametrize(
    "name", ["4over6", "4over6-mae", "4over6-absmax", "te-mse-448-fast", "flashinfer-mae-256"]
)
def test_where_nothing_rounds_the_rounded_error_is_exact(name):
    """Eighths under D = 1 fit float32 in every step, so both errors and both choices have to be equal."""
    r, x = fos_ref.PRESETS[name], coarse()
    t = oracle.given_tensor_scale(exact.ONE, r)
    for row in x.reshape(-1, 16):
        b = oracle.quantize_block(bits_of(row), t, r)
        for c in (b.map6, b.map4):
            assert exact_candidate_error(c, bits_of(row), t, r) == exact.to_fraction(c.error)
        assert exactly_picks_4(b, bits_of(row), t, r) == b.picked4
        codes, scale = b.codes, b.scale_code
        kept = b.map4 if b.picked4 else b.map6
        exact_error = exact_block_error(bits_of(row), codes, scale, Fraction(1), r.error_metric)
        assert exact_error == exact.to_fraction(kept.error)


def by_hand(x, candidate, t, r) -> Fraction:
    """Return the exact error from Fractions of Python floats, apart from the function under test."""
    decode = {
        ErrorDomain.INPUT_AMAX: Fraction(as_float(t.amax)) / (6 * r.scale_max),
        ErrorDomain.INPUT_DECODE: Fraction(as_float(t.decode)),
        ErrorDomain.SCALED: 1 / Fraction(as_float(t.encode)),
    }[r.error_domain]
    total = Fraction(0)
    for q, v in zip(candidate.values, x, strict=True):
        d = Fraction(as_float(q)) * Fraction(as_float(candidate.scale)) * decode - Fraction(float(v))
        total += d * d if r.error_metric is ErrorMetric.MSE else abs(d)
    return total


def as_float(v: int) -> float:
    return float(np.uint32(exact.to_bits(v)).view(np.float32))


@pytest.mark.parametrize(
    "name", ["4over6", "te-mae-448", "flashinfer-mse-256", "te-mse-256-fast", "fouroversix-mse"]
)
def test_the_exact_choice_is_that_of_fractions(name, record_property):
    r, x = fos_ref.PRESETS[name], coarse()
    t = oracle.tensor_scales(exact.from_bits(bits_of(np.float32(1.7))[0]), r)
    other = 0
    for row in x.reshape(-1, 16):
        b = oracle.quantize_block(bits_of(row), t, r)
        want = by_hand(row, b.map4, t, r), by_hand(row, b.map6, t, r)
        assert exact_candidate_error(b.map4, bits_of(row), t, r) == want[0]
        assert exactly_picks_4(b, bits_of(row), t, r) == (want[0] < want[1])
        other += b.picked4 != (want[0] < want[1])
    record_property("blocks where rounding changed the choice", other)


# --- dequantize --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["4over6", "te-nvfp4", "te-mse-256", "flashinfer-mse-448", "fouroversix-static4"]
)
@pytest.mark.parametrize("amax", [3.1, 1e-38, 3e38, 0.0])
def test_n14_every_code_under_every_scale(name, amax):
    r = fos_ref.PRESETS[name]
    codes = np.tile(np.arange(16, dtype=np.uint8), (256, 1))
    scales = np.arange(256, dtype=np.uint8)[:, None]
    q = fos_ref.quantize(np.ones((256, 16), np.float32), r, amax=np.float32(amax))
    q.codes[:], q.block_scales[:] = codes[:, ::2] | codes[:, 1::2] << 4, scales
    t = oracle.tensor_scales(exact.from_bits(bits_of(np.float32(amax))[0]), r)
    want = [exact.to_bits(oracle.dequantize_element(c, s, t, r)) for s in range(256) for c in range(16)]
    assert plain(fos_ref.dequantize(q)) == want


# --- the comparison itself ---------------------------------------------------------------------------


def test_the_comparison_sees_a_single_bit():
    case = cases()[0]
    t = fos_ref.trace(case.x, "4over6")
    assert compare(case.x, t, case.arguments) == 32
    for step in ("multiplier", "error", "scale_code", "codes"):
        array = getattr(t.map4, step)
        array.flat[-1] = (
            np.nextafter(array.flat[-1], np.float32(9)) if array.dtype == np.float32 else array.flat[-1] ^ 1
        )
        with pytest.raises(AssertionError, match=rf"{step.split('_')[0]}.*, map4 of \(15, 1\)"):
            compare(case.x, t, case.arguments)
        t = fos_ref.trace(case.x, "4over6")
    t.codes[15, 31] ^= 8
    with pytest.raises(AssertionError, match=r"kept codes of \(15, 1\), first at 15: model .*, oracle"):
        compare(case.x, t, case.arguments)


def test_the_tensor_scales_come_from_the_input():
    case = cases()[0]
    t = fos_ref.trace(case.x, "4over6")
    assert tensor(case.x, slice(0, 1), t, {}).amax == exact.from_bits(bits_of(np.abs(case.x).max())[0])
