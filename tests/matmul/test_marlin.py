"""Marlin's scales bit by bit in whole numbers: what comes back, and what is lost."""

from fractions import Fraction

import numpy as np
import pytest

import fos_ref
from fos_ref.errors import DtypeError, InputError
from fos_ref.formats import decode, E4M3
from fos_ref.matmul.marlin import factor_of, FACTORS, lost, marlin_values, read_scales, stored_scales
from tests.matmul.lines import tensor

SCALES = decode(np.arange(1, 0x7F), E4M3).astype(np.float32)


def by_hand(scale, factor):
    """Return what a scale comes back as: float16's fields from rational numbers, then the kernel's shift."""
    value = Fraction(float(scale)) * factor * 128  # four digits: exact in float16 where it is in range
    exponent, fraction = 31, 0
    if value < 65520:
        power = value.numerator.bit_length() - value.denominator.bit_length()
        power -= value < Fraction(2) ** power
        exponent, fraction = power + 15, int((value / Fraction(2) ** power - 1) * 8)
    word = (exponent >> 4) << 14 | (exponent & 15) << 7 | fraction << 4  # bfloat16: 8 bits of exponent
    field, digits = word >> 7 & 255, word & 127
    if not field:
        return Fraction(digits, 128) * Fraction(2) ** -126 / 128 / factor
    return Fraction(128 + digits, 128) * Fraction(2) ** (field - 127) / 128 / factor


@pytest.mark.parametrize("factor", FACTORS)
def test_every_scale_by_hand(factor):
    got = read_scales(stored_scales(SCALES, factor), factor)
    for scale, back in zip(SCALES, got.astype(np.float64).tolist(), strict=True):
        assert Fraction(back) == by_hand(scale, factor)


def test_what_is_lost():
    assert [len(lost(f)) for f in FACTORS] == [7, 9, 15, 22]
    assert lost(1) == tuple(range(1, 8))
    for factor, constant in ((2, 256), (4, 128), (8, 64)):
        last = read_scales(stored_scales(np.float32([448]), factor), factor)
        assert last[0] == constant


def test_a_tensor_with_a_subnormal_and_a_large_scale():
    """448 is read as 64 as soon as one scale of the tensor is 2^-9."""
    ones = np.full((2, 32), 2)
    plain, mixed = tensor(ones, [[0x38, 0x7E]] * 2), tensor(ones, [[0x01, 0x7E], [0x38, 0x7E]])
    assert factor_of(np.float32([1, 448])) == 1
    assert factor_of(np.float32([0, 2.0**-9, 448])) == 8
    assert set(marlin_values(plain).ravel()) == {1.0, 448.0}
    assert set(marlin_values(mixed).ravel()) == {2.0**-9, 1.0, 64.0}
    assert set(marlin_values(mixed, 1)[0]) == {np.float32(2.0**-121), 448.0}


def test_what_marlin_does_not_take():
    with pytest.raises(InputError, match="factor"):
        stored_scales(SCALES, 3)
    with pytest.raises(DtypeError, match="float64"):
        stored_scales(SCALES.astype(np.float64))
    with pytest.raises(InputError, match="E2M1 under E4M3"):
        marlin_values(fos_ref.quantize(np.ones((1, 32), np.float32), "ocp-mxfp4", engine="numpy"))
