"""The decided mask: where it is set no legal order gives other bits, and where it is not some do."""

import ml_dtypes
import numpy as np
import pytest

from fos_ref.rotate import hadamard, Order, scale
from fos_ref.rotate.matrix import sylvester

BF16 = ml_dtypes.bfloat16
BLOCKS = {16: 3000, 128: 200}


def wide(count, size, seed):
    """Return blocks of which some sums are rounded: magnitudes many binades apart."""
    rng = np.random.default_rng(seed)
    return (np.exp(3 * rng.standard_normal((count, size))) * rng.choice([-1.0, 1.0], (count, size))).astype(
        BF16
    )


def near_halfway(count, size, seed):
    """Return blocks whose outputs lie by a midpoint of bfloat16: one, half its last place, and dust."""
    rng = np.random.default_rng(seed)
    x = np.zeros((count, size))
    x[:, 0], x[:, 1] = 1, 2.0**-8
    x[:, 2:] = rng.choice([-1.0, 1.0], (count, size - 2)) * np.exp2(rng.integers(-36, -22, (count, size - 2)))
    return x.astype(BF16)


def any_tree(terms, rng):
    """Return float32 sums of terms (K, n, n): random neighbours are added until one is left."""
    parts = [terms[:, r] for r in rng.permutation(terms.shape[1])]
    while len(parts) > 1:
        i = int(rng.integers(len(parts) - 1))
        parts[i : i + 2] = [parts[i] + parts[i + 1]]
    return parts[0]


def aligned_pass(total, terms):
    """Return total + terms, cut to 24 bits below the largest, summed, cut again: a tensor core's pass."""
    both = np.concatenate([total[:, None], terms], axis=1).astype(np.float64)
    top = np.frexp(np.abs(both).max(axis=1))[1]
    unit = np.ldexp(1.0, top - 24)[:, None]
    exact = (np.trunc(both / unit) * unit).sum(axis=1)
    last = np.ldexp(1.0, np.frexp(exact)[1] - 24)
    return np.trunc(exact / last) * last


def tensor_core(terms):
    """Return sums of terms (K, n, n), 16 products a pass."""
    total = np.zeros((len(terms), terms.shape[2]))
    for first in range(0, terms.shape[1], 16):
        total = aligned_pass(total, terms[:, first : first + 16])
    return total.astype(np.float32)


@pytest.mark.parametrize(("make", "size"), [(wide, 16), (near_halfway, 16), (wide, 128)])
def test_no_order_gives_other_bits_where_decided(make, size):
    rng = np.random.default_rng(5)
    x = make(BLOCKS[size], size, size)
    y, decided = hadamard(x, size, 0)
    products = x.astype(np.float32)[:, :, None] * (sylvester(size) * scale(size)).astype(np.float32)
    others = [any_tree(products, rng).astype(BF16) for _ in range(6 if size == 16 else 2)]
    others += [tensor_core(products).astype(BF16)]
    others += [hadamard(x, size, 0, order=o).y for o in Order]
    moved = np.zeros(y.shape, bool)
    for other in others:
        moved |= other.view(np.uint16) != y.view(np.uint16)
    assert not (moved & decided).any()
    assert moved.any(), "no order moved a bit: the test shows nothing"
    assert decided.any()


def test_a_float32_output_is_decided_where_no_sum_rounds():
    x = np.random.default_rng(1).standard_normal((4000, 16)).astype(BF16)
    y, decided = hadamard(x, out="float32")
    assert y.dtype == np.float32
    assert np.array_equal(decided.all(axis=1), decided.any(axis=1))
    assert 0.995 < decided.mean() < 1
    for order in Order:
        other = hadamard(x, out="float32", order=order).y
        assert np.array_equal(other[decided], y[decided])


def test_a_block_of_negative_zeros_is_not_decided():
    zeros = np.full((2, 16), -0.0, BF16)
    zeros[1] = 0
    y, decided = hadamard(zeros, signs=0)
    assert not decided[0].any()
    assert decided[1].all()
    assert not np.signbit(y.astype(np.float32)).any()
