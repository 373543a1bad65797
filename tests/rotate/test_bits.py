"""The rotation's bits against rationals, its matrix, its inverse, its orders and what it refuses."""

from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest

from fos_ref.errors import FosError
from fos_ref.oracle import rotation as oracle
from fos_ref.rotate import gain, hadamard, Order, scale, SIGNS_H16, signs_of
from fos_ref.rotate.matrix import SIZES, sylvester
from fos_ref.rotate.whole import to_float

BF16 = ml_dtypes.bfloat16
MASKS = {16: SIGNS_H16, 32: 0x80000001, 64: 0, 128: (1 << 128) - 1 - 0xD7E8, 256: 0x1234 << 200}


def drawn(shape, sigma, seed=0):
    """Return values whose exponents are sigma apart: sums of a wide one do not fit into float64."""
    rng = np.random.default_rng(seed)
    return (np.exp(sigma * rng.standard_normal(shape)) * rng.choice([-1.0, 1.0], shape)).astype(BF16)


@pytest.mark.sample(4)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("inverse", [False, True])
def test_every_output_is_the_rational_s(size, inverse):
    x = np.concatenate([drawn((1 if size > 64 else 3, size), sigma) for sigma in (1, 12)])
    y = hadamard(x, size, MASKS[size], inverse=inverse).y
    for row, got in zip(x.astype(float).tolist(), y.astype(float).tolist(), strict=True):
        exact = oracle.rotate([Fraction(v) for v in row], MASKS[size], inverse=inverse)
        assert [Fraction(v) for v in got] == [oracle.to_bfloat16(v) for v in exact]


@pytest.mark.parametrize("size", SIZES)
def test_the_entry_is_the_root_s_bfloat16(size):
    assert Fraction(scale(size)) == oracle.entry(size)
    h = sylvester(size)
    assert np.array_equal(h, h.T)
    popcounts = [[(r & c).bit_count() % 2 for c in range(size)] for r in range(size)]
    assert np.array_equal(h, 1 - 2 * np.array(popcounts))


def test_a_sum_that_float64_is_too_short_for_is_made_odd():
    """2^61 + 2^37 + 1 lies above a midpoint of float32; float64 alone would make a tie of it."""
    n = (1 << 61) + (1 << 37) + 1
    for whole in (np.array([n, -n]), np.array([n, -n], dtype=object)):
        found = to_float(whole, np.array([-3, -3])).astype(np.float32)
        assert found.tolist() == [2.0**58 + 2.0**35, -(2.0**58) - 2.0**35]


def test_what_a_product_of_rotated_operands_gains():
    assert scale(128) == 181 / 2048
    assert [gain(n) for n in SIZES] == [1, gain(32), 1, Fraction(181**2, 2**15), 1]
    assert round(float(gain(128)), 6) == 0.999786


def test_the_sign_vector_that_three_programs_share():
    vector = [1, 1, 1, -1, 1, -1, -1, -1, -1, -1, -1, 1, -1, 1, -1, -1]
    assert signs_of(SIGNS_H16, 16).tolist() == vector
    x = drawn((4, 64), 1)
    assert np.array_equal(hadamard(x).y, hadamard(x, signs=vector).y)
    assert not np.array_equal(hadamard(x).y, hadamard(x, signs=0).y)


def test_the_inverse_gives_back_what_bfloat16_holds():
    whole = np.random.default_rng(1).integers(-8, 9, (50, 16)).astype(BF16)
    assert np.array_equal(hadamard(hadamard(whole).y, inverse=True).y, whole)
    assert not np.array_equal(hadamard(hadamard(whole).y).y, whole)


def float32_loop(x, entry, *, after):
    """Return the sequential order, one float32 operation after the other."""
    outputs = []
    for c in range(len(x)):
        total = None
        for r, v in enumerate(x):
            sign = np.float32(-1 if (r & c).bit_count() % 2 else 1)
            term = v * sign if after else np.float32(v * (sign * np.float32(entry)))
            total = term if total is None else np.float32(total + term)
        outputs.append(np.float32(total * np.float32(entry)) if after else total)
    return outputs


def butterflies(v, entry):
    """Return the fast transform's order by recursion: halves first, so strides grow from 1 upward."""
    if len(v) == 1:
        return v
    half = len(v) // 2
    low, high = butterflies(v[:half], None), butterflies(v[half:], None)
    sums = [np.float32(a + b) for a, b in zip(low, high, strict=True)]
    both = sums + [np.float32(a - b) for a, b in zip(low, high, strict=True)]
    return both if entry is None else [np.float32(s * np.float32(entry)) for s in both]


@pytest.mark.parametrize("size", [16, 128])
def test_the_orders_are_their_loops_in_float32(size):
    x = drawn((256 // size, size), 4, seed=2).astype(np.float32)
    entry = scale(size)
    loops = {
        Order.SEQUENTIAL: lambda v: float32_loop(v, entry, after=False),
        Order.SUM_THEN_SCALE: lambda v: float32_loop(v, entry, after=True),
        Order.FWHT: lambda v: butterflies(list(v), entry),
    }
    results = {o: hadamard(x, size, 0, "float32", order=o).y for o in Order}
    for order, loop in loops.items():
        assert np.array_equal(results[order], np.array([loop(v) for v in x]))
    assert not np.array_equal(results[Order.SEQUENTIAL], results[Order.FWHT])
    assert not np.array_equal(results[Order.EXACT], results[Order.SEQUENTIAL])


def test_zeros_subnormals_and_the_largest():
    cancel = np.zeros((1, 16), BF16)
    cancel[0, :2] = 3, -3
    y = hadamard(cancel, signs=0).y.astype(np.float32)
    assert not np.signbit(y[0, 0])
    assert y[0, :2].tolist() == [0, 1.5]
    tiny = np.full((1, 16), 2.0**-133).astype(BF16)
    assert hadamard(tiny, signs=0).y[0, 0] == BF16(2.0**-131)
    largest = np.full((1, 16), 3.3895e38).astype(BF16)
    y, decided = hadamard(largest, signs=0)
    assert np.isinf(y.astype(np.float32)[0, 0])
    assert not decided.any()


@pytest.mark.parametrize(
    ("x", "options", "said"),
    [
        (np.zeros((1, 16), np.float16), {}, "float16: bfloat16 or float32 is allowed"),
        (np.zeros((1, 20), np.float32), {}, "in multiples of 16"),
        (np.full((1, 16), np.nan, np.float32), {}, "NaN or infinity"),
        (np.zeros((1, 16), np.float32), {"size": 8}, "size 8: one of 16, 32, 64, 128, 256"),
        (np.zeros((1, 16), np.float32), {"signs": 1 << 16}, "signs 65536"),
        (np.zeros((1, 16), np.float32), {"signs": [1] * 15}, "a mask of 16 bits"),
        (np.zeros((1, 16), np.float32), {"out": "float16"}, "out 'float16'"),
        (np.zeros((1, 16), np.float32), {"order": "tree"}, "order 'tree'"),
    ],
)
def test_what_is_refused_in_one_line(x, options, said):
    with pytest.raises(FosError) as caught:
        hadamard(x, **options)
    assert said in str(caught.value)
