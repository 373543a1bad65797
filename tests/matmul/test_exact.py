"""The exact product against rational numbers, over adversarial codes and scales."""

from fractions import Fraction

import numpy as np
import pytest

import fos_ref
from fos_ref import matmul
from fos_ref.errors import DtypeError, InputError, ShapeError
from fos_ref.matmul.alpha import ratios
from fos_ref.matmul.nearest import FORMS, nearest
from fos_ref.matmul.operand import operands
from fos_ref.matmul.sums import group_sums, whole_total
from fos_ref.oracle.products import element_terms, total
from tests.matmul.lines import drawn, KINDS, lines, tensor

CASES = [(recipe, spread) for recipe in KINDS for spread in (None, 0, 3, 40)]


def expected(a, b):
    return [[total(element_terms(x, y)) for y in lines(b)] for x in lines(a)]


@pytest.mark.sample(14)
@pytest.mark.parametrize(("recipe", "spread"), CASES)
def test_every_output_is_the_rational_one(recipe, spread):
    rng = np.random.default_rng([1, spread or 99])
    a, b = drawn(rng, 4, 128, recipe, spread), drawn(rng, 3, 128, recipe, spread)
    got = matmul.exact(a, b)
    want = expected(a, b)
    assert [[Fraction(v) for v in row] for row in got.tolist()] == want
    fits = all(Fraction(float(v)) == v for row in want for v in row)
    assert (got.dtype == np.float64) == fits


def test_blocks_of_different_lengths_have_a_product():
    rng = np.random.default_rng(2)
    a, b = drawn(rng, 2, 64, "nvfp4"), drawn(rng, 2, 64, "ocp-mxfp4", 5)
    assert [[Fraction(v) for v in row] for row in matmul.exact(a, b).tolist()] == expected(a, b)


def test_the_largest_terms_are_exact_past_the_53_bits_of_float64():
    """1,216 products of 6 * 448 by itself are above 2^53 units: float64 alone would be wrong here."""
    codes = np.full((1, 2048), 7)
    codes[0, -1] = 1
    scales = np.full((1, 128), 0x7E)
    scales[0, -1] = 1
    a = tensor(codes, scales)
    x, y = operands(a, a, "test")
    assert whole_total(x, y).dtype == np.int64
    (value,) = matmul.exact(a, a).ravel().tolist()
    assert Fraction(value) == expected(a, a)[0][0]
    assert float(Fraction(value)) != Fraction(value)


def test_the_way_by_groups_and_the_way_by_matrices_agree():
    rng = np.random.default_rng(3)
    a, b = drawn(rng, 20, 256), drawn(rng, 30, 256)
    x, y = operands(a, b, "test")
    assert np.array_equal(whole_total(x, y).astype(np.int64), group_sums(x, y).total)


@pytest.mark.long
def test_long_sums_are_added_in_parts_of_k():
    """Sums of magnitudes past 2^53: parts that float64 holds, beside whole numbers group by group."""
    rng = np.random.default_rng(6)
    a, b = drawn(rng, 2, 8192, spread=2), drawn(rng, 1, 8192, spread=2)
    for q in (a, b):
        q.codes[:] |= 0x77  # 6 and -6
        q.block_scales[:] |= 0x70  # the largest scales: 256 and more
        q.block_scales[q.block_scales == 0x7F] = 0x7E
        q.block_scales[:, 0] = 1
    x, y = operands(a, b, "test")
    got = whole_total(x, y)
    assert got.dtype == np.int64
    assert np.array_equal(got, group_sums(x, y).total)
    assert [[Fraction(v) for v in row] for row in matmul.exact(a, b).tolist()] == expected(a, b)


def test_a_nan_scale_makes_its_row_nan_whatever_the_codes():
    a = tensor(np.zeros((2, 32)), [[0x7F, 1], [1, 1]])
    b = tensor(np.full((1, 32), 7), [[1, 1]])
    got = matmul.exact(a, b)
    assert np.isnan(got[0, 0])
    assert got[1, 0] == 0
    assert not np.signbit(got[1, 0])
    assert np.isnan(matmul.rounded(a, b)[0, 0])


def test_the_sign_bit_of_a_scale_is_ignored():
    codes = np.arange(16)[None]
    assert matmul.exact(tensor(codes, [[0x38]]), tensor(codes, [[0xB8]])) == matmul.exact(
        tensor(codes, [[0x38]]), tensor(codes, [[0x38]])
    )


@pytest.mark.parametrize("out", list(FORMS))
@pytest.mark.parametrize("recipe", ["nvfp4", "llmcompressor-4over6-mse", "te-nvfp4-row", "ocp-mxfp4"])
def test_rounded_is_one_rounding_of_the_exact_product(recipe, out):
    rng = np.random.default_rng(4)
    x, y = (rng.normal(size=(5, 64)).astype(np.float32) * s for s in (1e-3, 30))
    a, b = (fos_ref.quantize(v, recipe, engine="numpy") for v in (x, y))
    got = matmul.rounded(a, b, out)
    assert got.dtype == FORMS[out].dtype
    for i, row in enumerate(expected(a, b)):
        for j, v in enumerate(row):
            left, right = ratios(a), ratios(b)
            exact = v * left[i % len(left)] * right[j % len(right)]
            error = abs(Fraction(float(got[i, j])) - exact)
            up, down = (np.nextafter(got[i, j], got.dtype.type(s * np.inf)) for s in (1, -1))
            assert error <= abs(Fraction(float(up)) - exact)
            assert error <= abs(Fraction(float(down)) - exact)


def test_nearest_rounds_as_numpy_does():
    rng = np.random.default_rng(5)
    values = np.ldexp(rng.normal(size=400), rng.integers(-160, 130, 400))
    for form in FORMS.values():
        with np.errstate(over="ignore"):
            narrow = values.astype(np.float32) if form.digits == 24 else None
        if narrow is not None:
            got = [nearest(Fraction(v), form) for v in values.tolist()]
            assert np.array_equal(np.array(got, np.float32), narrow)
    half = FORMS["float16"]
    assert [nearest(Fraction(v), half) for v in (65519, 65520, -65520)] == [65504, np.inf, -np.inf]
    assert nearest(Fraction(1, 1 << 25), half) == 0
    assert nearest(Fraction(3, 1 << 26), half) == 2.0**-24


def test_what_has_no_product_is_refused():
    a = tensor(np.zeros((1, 32)), [[1, 1]])
    with pytest.raises(ShapeError, match="a has 32 columns and b 16"):
        matmul.exact(a, tensor(np.zeros((1, 16)), [[1]]))
    with pytest.raises(DtypeError, match="b: q is a ndarray"):
        matmul.exact(a, np.zeros((1, 32)))
    with pytest.raises(InputError, match="out 'fp8'"):
        matmul.rounded(a, a, "fp8")


@pytest.mark.parametrize("call", [matmul.exact, matmul.run, matmul.raw, matmul.bound, matmul.certificate])
def test_a_product_over_no_column_is_refused_and_one_of_no_row_is_empty(call):
    nothing, no_row = (fos_ref.quantize(np.zeros(s, np.float32), "nvfp4") for s in ((2, 0), (0, 16)))
    with pytest.raises(ShapeError, match="a and b have 0 columns"):
        call(nothing, nothing)
    if call in (matmul.exact, matmul.run, matmul.bound):
        assert call(no_row, no_row).shape == (0, 0)
