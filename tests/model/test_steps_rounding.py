"""The roundings that NumPy has no operation for: fma and the input's own dtype, in bits."""

from __future__ import annotations

from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest

from fos_ref.model.rounding import fma, to_dtype
from fos_ref.oracle import exact
from tests.model.steps import f32, h, hexes

# a, b, c, a*b + c rounded once
LITERALS = [
    ("3F800800", "3F800800", "00000000", "3F801000"),  # (1 + 2**-12)**2 is a tie, to even
    ("3F800800", "3F800800", "03800000", "3F801001"),  # 2**-120 lifts it; a float64 sum would lose it
    ("3F800800", "3F800800", "83800000", "3F801000"),
    ("3F801800", "3F800800", "00000000", "3F802002"),  # the tie above an odd value
    ("3F801800", "3F800800", "83800000", "3F802001"),
    ("3F800001", "3F800001", "BF800002", "28800000"),  # what the rounded product lost: 2**-46
    ("1A000000", "1A000000", "00000000", "00000000"),  # 2**-150, a tie between 0 and the first subnormal
    ("1A000001", "1A000000", "00000000", "00000001"),
    ("1A000000", "1A000000", "00000001", "00000002"),  # 1.5 units
    ("9A000000", "1A000000", "00000001", "00000000"),  # 0.5 units
    ("9A000000", "1A000000", "00000003", "00000002"),  # 2.5 units
    ("1A000001", "1A000000", "00000002", "00000003"),  # a hair above 2.5 units
    ("00000001", "00000001", "3F800000", "3F800000"),  # 2**-298
    ("00000001", "80000001", "00800000", "00800000"),  # ... below the smallest normal
    ("7F7FFFFF", "40000000", "FF7FFFFF", "7F7FFFFF"),  # the product alone overflows
    ("7F7FFFFF", "3F800000", "73000000", "7F800000"),  # half an ulp above FLT_MAX
    ("7F7FFFFF", "3F800000", "72FFFFFF", "7F7FFFFF"),
    ("7F7FFFFF", "7F7FFFFF", "FF800000", "FF800000"),
    ("80000000", "3F800000", "80000000", "80000000"),
    ("80000000", "3F800000", "00000000", "00000000"),
    ("3F800000", "3F800000", "BF800000", "00000000"),
]


@pytest.mark.parametrize(("a", "b", "c", "total"), LITERALS)
def test_n12_fma_in_bits(a, b, c, total):
    with np.errstate(over="ignore", invalid="ignore"):
        assert hexes(fma(h(a), h(b), h(c))) == [total]


def test_n12_fma_of_infinity_and_nan():
    inf, nan = np.inf, np.nan
    with np.errstate(invalid="ignore"):
        got = fma(f32(inf, 0, inf, 1, nan, -inf), f32(0, inf, 1, 1, 1, 2), f32(1, 1, -inf, nan, 1, 3))
    assert np.isnan(got[:5]).all()
    assert got[5] == -inf


def operands(seed: int, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a, b, c: significands with few or all bits; c anywhere, cancelling, or half an ulp beside."""
    g = np.random.Generator(np.random.Philox(seed))
    few = 1 + g.integers(0, 64, (2, count)) * 2.0 ** -g.integers(6, 24, (2, count))
    size = np.where(g.random((2, count)) < 0.5, few, g.uniform(1, 2, (2, count)))
    exponents = np.stack([g.integers(-80, 60, count), g.integers(-70, 60, count)])
    a, b = (np.ldexp(size, exponents) * g.choice([-1, 1], (2, count))).astype(np.float32)
    product = a.astype(np.float64) * b
    gap = 2.0 ** g.integers(-60, 30, count) * g.choice([-1, 1], count)
    kinds = [product * gap, -product * (1 + gap * 2.0**-24), product * 2.0**-24, -product]
    c = np.choose(np.arange(count) % 4, kinds).astype(np.float32)
    return a, b, c


@pytest.mark.parametrize("seed", range(4))
def test_n12_fma_is_the_exact_sum_rounded_once(seed):
    with np.errstate(all="ignore"):
        a, b, c = operands(seed, 5000)
        kept = np.isfinite(c)
        a, b, c = a[kept], b[kept], c[kept]
        got, twice = fma(a, b, c), a * b + c
    want = [
        exact.to_bits(rounded(Fraction(float(x)) * Fraction(float(y)) + Fraction(float(z))))
        for x, y, z in zip(a, b, c, strict=True)
    ]
    got_bits = np.where(got == 0, np.float32(0), got).view(np.uint32).tolist()
    assert got_bits == want
    assert np.count_nonzero((got != twice) & np.isfinite(twice)) > 500  # two roundings would show
    assert np.count_nonzero((np.abs(got) < 2.0**-126) & (got != 0)) > 100


def rounded(v: Fraction) -> exact.Value:
    return exact.rounded(v.numerator * exact.ONE, v.denominator)


def test_to_dtype_rounds_to_even_in_each_dtype():
    x = np.stack([h(v) for v in ("3F808000", "3F818000", "3F801000", "3F803000", "477FF000", "33000000")])
    assert hexes(to_dtype(x, np.dtype(np.float32))) == hexes(x)
    assert hexes(to_dtype(x, np.dtype(ml_dtypes.bfloat16))) == [
        "3F800000",
        "3F820000",
        "3F800000",
        "3F800000",
        "47800000",
        "33000000",
    ]
    with np.errstate(over="ignore"):
        assert hexes(to_dtype(x, np.dtype(np.float16))) == [
            "3F808000",
            "3F818000",
            "3F800000",
            "3F804000",
            "7F800000",  # 65520 is the tie above 65504
            "00000000",  # 2**-25 is the tie below the smallest subnormal
        ]
