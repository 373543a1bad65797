"""What became of each value: one of its two neighbours, which of them, and how likely that was."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from fos_ref.errors import InputError, ShapeError
from fos_ref.formats.arrays import AnyArray, Bool, F64
from fos_ref.formats.catalog import E2M1, FormatInfo, Negatives
from fos_ref.formats.codec import decode, decode_magnitude
from fos_ref.random.rules import between, Rule


class Outcomes(NamedTuple):
    """Of each value, all of one shape."""

    legal: Bool  #: the code is one of the two neighbours, with the value's sign; a format's value has one
    moved: Bool  #: a value of the format that became one of the two values next to it
    up: Bool
    chance: F64  #: that it goes up
    step: F64  #: from the neighbour below to the one above; 0 where nothing is to be decided


def outcomes(y: AnyArray, codes: AnyArray, rule: Rule | None, bits: int, fmt: FormatInfo = E2M1) -> Outcomes:
    """Return what became of values, and how likely it was.

    y:        finite values before the rounding, float32 or float64
    codes:    of a sign-magnitude format, one a value
    rule:     None for ideal bits: the chance is nu itself
    Shapes:   y and codes alike
    Rounding: none; nu and chances are exact in float64 for up to 32 bits.
    Raises:   ShapeError, InputError.
    """
    values, got = np.asarray(y).astype(np.float64), np.asarray(codes).astype(np.int64)
    if values.shape != got.shape:
        msg = f"values of shape {values.shape} and codes of shape {got.shape}: one shape is allowed"
        raise ShapeError(msg)
    if not np.isfinite(values).all() or fmt.negatives is not Negatives.SIGN_MAGNITUDE:
        msg = f"values of {fmt.name}: finite ones, and a format with sign and magnitude, are allowed"
        raise InputError(msg)
    largest = float(decode_magnitude(fmt.max_code, fmt))
    below, nu = between(np.minimum(np.abs(values), largest), fmt)
    magnitude, sign = got & ((1 << fmt.sign_shift) - 1), got >> fmt.sign_shift
    up = magnitude == below + 1
    same_sign = (sign == np.signbit(values)) | ((magnitude == 0) & (values == 0))
    legal = same_sign & ((magnitude == below) | (up & (nu > 0)))
    moved = (nu == 0) & (np.abs(values) < largest) & (np.abs(magnitude - below) == 1)
    grid = decode(np.arange(fmt.max_code + 1), fmt)
    step = np.where(nu > 0, grid[np.minimum(below + 1, fmt.max_code)] - grid[below], 0.0)
    return Outcomes(legal, moved, up & (nu > 0), _chance(nu, rule, bits), step)


def _chance(nu: F64, rule: Rule | None, bits: int) -> F64:
    """Return the share of random numbers that take a value up."""
    if rule is None:
        return nu
    kept: F64 = _KEPT[rule](np.ldexp(nu, bits))
    return np.ldexp(kept, -bits)


def _half_up(steps: F64) -> F64:
    """Return whole numbers, halves upward: without a sum, which would round."""
    low: F64 = np.floor(steps)
    return low + (steps - low >= 1 / 2)


_KEPT: dict[Rule, Callable[[F64], F64]] = {Rule.A: np.floor, Rule.B: _half_up, Rule.C: np.rint}
