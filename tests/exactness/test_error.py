"""`fos_ref.exact_error` against Fractions: every preset, hard inputs, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product

import ml_dtypes
import numpy as np
import pytest

import fos_ref
from fos_ref.errors import DtypeError, InputError, ShapeError
from fos_ref.exactness import squares
from fos_ref.formats.bits import f32_bits, widen
from fos_ref.model.blocks import to_blocks
from fos_ref.model.dequantize import scale_values
from fos_ref.oracle.exact import from_bits
from fos_ref.oracle.exact_error import exact_block_error, exact_decode_scale
from fos_ref.oracle.scales import Tensor
from fos_ref.proof.oracle.inputs import arguments_for, cases, taken
from fos_ref.storage.layout import one_a_byte
from tests.every import every

RECIPES = [r for name, r in fos_ref.PRESETS.items() if name == r.name]
CASES = cases()
USUAL = ("normal", "patterns over the whole range")


def rationals(x, q) -> list[Fraction]:
    """Return the exact error of every block by the oracle's Fractions, in the order of to_blocks."""
    r = q.recipe
    values = f32_bits(to_blocks(widen(x), r.block_rows, r.block_cols))
    codes = to_blocks(one_a_byte(q.codes, r), r.block_rows, r.block_cols)
    found = []
    for i in np.ndindex(values.shape[:2]):
        decode = exact_decode_scale(oracle_scales(q, i[0]), r)
        scale = int(q.block_scales[i[0] * r.block_rows, i[1]])
        found.append(exact_block_error(values[i].tolist(), codes[i].tolist(), scale, decode, r))
    return found


def oracle_scales(q, row) -> Tensor:
    fields = (q.tensor_amax, q.encode_scale, q.decode_scale)
    a, s, d = (from_bits(int(f32_bits(v).ravel()[row if v.ndim else 0])) for v in fields)
    return Tensor(a, s, d, 0)


def is_nearest(got: float, want: Fraction) -> bool:
    """Return whether no float64 is nearer to `want`, nor as near with an even fraction beside an odd one."""
    off = abs(Fraction(got) - want)
    others = [abs(Fraction(float(np.nextafter(got, to))) - want) for to in (-np.inf, np.inf)]
    even = np.float64(got).view(np.uint64) % 2 == 0
    return all(off < other or (off == other and even) for other in others)


def check(x, q) -> None:
    r, got = q.recipe, fos_ref.exact_error(x, q)
    assert got.dtype == np.float64
    assert got.shape == q.block_scales.shape
    per_row = got.reshape(-1, r.block_rows, got.shape[1])
    assert (per_row == per_row[:, :1]).all()
    wrong = [
        (g, w)
        for g, w in zip(per_row[:, 0].ravel().tolist(), rationals(x, q), strict=True)
        if not is_nearest(g, w)
    ]
    assert wrong == []


@pytest.mark.long
@every(RECIPES, lambda r: r.name)
def test_every_preset_is_rounded_once(recipe):
    rows = max(2, recipe.block_rows)
    for case in (c for c in CASES if c.name in USUAL):
        x = case.x[:rows]
        q = fos_ref.quantize(x, recipe, engine="numpy")
        if np.isfinite(scale_values(q.block_scales, recipe)).all():
            check(x, q)
        else:  # a search widens the range of the largest values beyond float32
            assert recipe.search is not None
            with pytest.raises(InputError, match="NaN or infinite"):
                fos_ref.exact_error(x, q)


@pytest.mark.long
@pytest.mark.parametrize(
    "name", ["4over6", "te-mse-448-row", "compressed-tensors-nvfp4", "fouroversix-if4-mse", "4over6-16x16"]
)
def test_hard_inputs(name):
    r = fos_ref.PRESETS[name]
    for case in taken(r, CASES, widened=True):
        q = fos_ref.quantize(case.x, r, engine="numpy", **arguments_for(case, r))
        if case.finite and np.isfinite(q.encode_scale).all():
            check(case.x, q)


def by_hand(x, codes, scale=0x38):
    """Return the error of one block under D = 1."""
    q = fos_ref.quantize(np.ones((1, 16), np.float32), "nvfp4", tensor_scale=1.0)
    packed = np.array([codes[::2]]) | np.array([codes[1::2]]) << 4
    q = replace(q, codes=packed.astype(np.uint8), block_scales=np.array([[scale]], np.uint8))
    return fos_ref.exact_error(np.array([x], np.float32), q)


def test_the_worked_block():
    x = [10, 20, 30, 40] + [0] * 12
    assert by_hand(x, [3, 5, 6, 7] + [0] * 12, 0x4D) == 277 / 16
    assert by_hand(x, [2, 4, 5, 6] + [0] * 12, 0x52) == 0


@pytest.mark.parametrize(("ones", "want"), [(0, 2**53), (1, 2**53), (2, 2**53 + 2), (3, 2**53 + 4)])
def test_halfway_between_two_float64_is_to_even(ones, want):
    x = [2.0**26, 2.0**26] + [1] * ones + [0] * (14 - ones)
    assert int(by_hand(x, [0] * 16)[0, 0]) == want
    assert int(by_hand([v * 2.0**60 for v in x], [0] * 16)[0, 0]) == want << 120


def test_small_values_beside_large_ones_still_count():
    """Differences that no int64 holds: the row goes through Python's integers, to the same rounding."""
    x = [6, 2.0**-40, 2.0**-100, 2.0**-149] + [0] * 12
    assert by_hand(x, [7] + [0] * 15)[0, 0] == 2.0**-80
    assert is_nearest(by_hand(x, [6] + [0] * 15)[0, 0], 4 + Fraction(1, 2**80))


@pytest.mark.parametrize("k", range(40, 60))
def test_large_codes_over_small_values_do_not_overflow(k):
    """Codes 6 at 15/8 against 2^-k: int64 holds the squares up to some k, Python's integers beyond."""
    got = by_hand([2.0**-k] * 16, [7] * 16, 0x3F)[0, 0]
    assert is_nearest(got, 16 * (Fraction(45, 4) - Fraction(1, 2**k)) ** 2)
    got = by_hand([1.5, 2.0**-k] * 8, [0xF] * 16, 0x3F)[0, 0]
    assert is_nearest(got, 8 * (Fraction(51, 4) ** 2 + (Fraction(45, 4) + Fraction(1, 2**k)) ** 2))


def test_int64_and_python_s_integers_agree(monkeypatch):
    x = np.concatenate([c.x for c in CASES if c.name in USUAL and c.x.dtype == np.float32])
    q = fos_ref.quantize(x, "4over6", engine="numpy")
    both = fos_ref.exact_error(x, q)
    monkeypatch.setattr(squares, "_FIT", -(1 << 30))
    assert fos_ref.exact_error(x, q).tolist() == both.tolist()


def test_shapes_follow_the_block_scales():
    g = np.random.Generator(np.random.Philox(5))
    x = g.standard_normal((2, 3, 32)).astype(np.float32)
    flat = x.reshape(6, 32)
    whole = fos_ref.exact_error(x, fos_ref.quantize(x))
    assert whole.shape == (2, 3, 2)
    assert whole.reshape(6, 2).tolist() == fos_ref.exact_error(flat, fos_ref.quantize(flat)).tolist()
    mx = fos_ref.quantize(x, "fouroversix-mxfp4-static6")
    assert fos_ref.exact_error(x, mx).shape == (2, 3, 1)
    empty = np.zeros((0, 16), np.float32)
    assert fos_ref.exact_error(empty, fos_ref.quantize(empty)).shape == (0, 1)
    for dtype in (np.float16, ml_dtypes.bfloat16):
        short = flat.astype(dtype)
        got = fos_ref.exact_error(short, fos_ref.quantize(short))
        assert got.tolist() == fos_ref.exact_error(widen(short), fos_ref.quantize(widen(short))).tolist()


def test_padding_costs_nothing():
    x = np.random.Generator(np.random.Philox(6)).standard_normal((20, 40)).astype(np.float32)
    padded = np.zeros((32, 48), np.float32)
    padded[:20, :40] = x
    for name in ("4over6", "4over6-16x16"):
        got = fos_ref.exact_error(x, fos_ref.quantize(x, name, padding="zero"))
        want = fos_ref.exact_error(padded, fos_ref.quantize(padded, name))
        assert got.tolist() == want[: len(got)].tolist()


@pytest.mark.long
def test_many_chunks_are_one_result():
    """More values than a chunk has, under one amax and under one per row."""
    x = np.random.Generator(np.random.Philox(7)).standard_normal((160, 1024)).astype(np.float32)
    for name, each in product(("4over6", "4over6-16x16", "te-mse-256-row"), (slice(32, 48), slice(144, 160))):
        q = fos_ref.quantize(x, name)
        part = replace(
            q,
            codes=q.codes[each],
            block_scales=q.block_scales[each],
            shape=(16, 1024),
            **{
                k: v[each] if (v := getattr(q, k)).ndim else v
                for k in ("tensor_amax", "encode_scale", "decode_scale")
            },
        )
        assert fos_ref.exact_error(x, q)[each].tolist() == fos_ref.exact_error(x[each], part).tolist()


X = np.ones((2, 32), np.float32)
Q = fos_ref.quantize(X, "4over6")


def poisoned(value):
    x = X.copy()
    x[1, 5] = value
    return x


@pytest.mark.parametrize(
    ("x", "q", "error", "match"),
    [
        (X[:1], Q, ShapeError, r"x of shape \(1, 32\): q was made from \(2, 32\)"),
        (X.astype(np.float64), Q, DtypeError, "dtype float64: float32"),
        (X, X, DtypeError, "q is a ndarray: a QuantizedTensor is allowed"),
        (poisoned(np.nan), Q, InputError, "x has a NaN or an infinity"),
        (poisoned(np.inf), Q, InputError, "x has a NaN or an infinity"),
        (X, replace(Q, tensor_amax=np.float32(np.nan)), InputError, "a tensor scale that is not finite"),
        (
            X,
            replace(Q, block_scales=Q.block_scales[:, :1]),
            ShapeError,
            r"codes of \(2, 16\) take \(2, 2\)",
        ),
    ],
)
def test_what_has_no_exact_error_is_refused(x, q, error, match):
    with pytest.raises(error, match=match):
        fos_ref.exact_error(x, q)


def test_a_nan_scale_is_named():
    scales = Q.block_scales.copy()
    scales[1, 0] = 0x7F
    with pytest.raises(InputError, match=r"block scale byte 0x7f at \(1, 0\) is NaN or infinite"):
        fos_ref.exact_error(X, replace(Q, block_scales=scales))
    mx = fos_ref.quantize(X, "fouroversix-mxfp4-static6")
    with pytest.raises(InputError, match=r"byte 0xff at \(0, 0\)"):
        fos_ref.exact_error(X, replace(mx, block_scales=np.full_like(mx.block_scales, 255)))


def test_a_scale_of_zero_that_divides_is_refused():
    q = fos_ref.quantize(X, "compressed-tensors-nvfp4")
    with pytest.raises(InputError, match="a tensor scale that is not finite"):
        fos_ref.exact_error(X, replace(q, encode_scale=np.float32(0)))
