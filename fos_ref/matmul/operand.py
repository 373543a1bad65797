"""A quantized tensor as whole numbers: elements, block scales and powers of two, nothing rounded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from fos_ref.errors import InputError, ShapeError
from fos_ref.formats.arrays import Bool, F32, I64
from fos_ref.model.dequantize import holds_int4, scale_values
from fos_ref.model.elements import E2M1_VALUES, INT4_VALUES
from fos_ref.recipes.axes import ElementFormat, ScaleFormat
from fos_ref.storage.layout import unpack_nibbles
from fos_ref.storage.tensor import check_tensor, QuantizedTensor

GROUP = 16  #: values whose products a tensor core adds exactly; longer blocks are cut into such groups
_DIGITS = 4  #: significant bits of a block scale
_HALVES = 1  #: an element is a whole number of 2^-1
ZERO_EXPONENT = -126  #: of a zero, where exponents are compared
_LOWEST = -6  #: the exponent that subnormal E4M3 scales keep


class Kind(NamedTuple):
    """What a block's codes are worth in an element format: weight/denominator, for floats and integers."""

    float_weight: int
    int_weight: int
    denominator: int


#: INT4 beside E2M1 counts in sixths of sevens: 6/7 itself, not its float32.
KINDS: Mapping[ElementFormat, Kind] = MappingProxyType(
    {
        ElementFormat.E2M1: Kind(1, 1, 1),
        ElementFormat.INT4: Kind(1, 1, 1),
        ElementFormat.E2M1_OR_INT4: Kind(7, 6, 7),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operand:
    """R rows of B groups of n values: a value is elements * sigma * 2^unit / denominator, exactly."""

    elements: I64  #: (R, B, n) whole numbers of halves
    sigma: Any  #: (R, B) block scales as whole numbers, weights included: int64, or Python integers
    unit: int  #: the power of two of elements * sigma
    denominator: int  #: 1; 7 where INT4 stands beside E2M1
    values: F32  #: (R, B, n) the elements as float32
    scales: F32  #: (R, B) the block scales as float32; NaN where the byte is
    exponent: I64  #: (R, B) of each block scale; subnormal E4M3 scales keep -6, zeros have -126
    nan: Bool  #: (R, B) where the block scale is NaN or infinite
    sevenths: Bool  #: (R, B) where the block counts in 6/7
    power_scales: bool  #: whether the block scales are powers of two

    @property
    def largest(self) -> int:
        """A bound for abs(elements * sigma)."""
        top = max((int(s) for s in self.sigma.ravel()), default=0) if self.sigma.dtype == object else None
        sigma = int(self.sigma.max(initial=0)) if top is None else top
        return int(np.abs(self.elements).max(initial=0)) * sigma

    def single(self) -> Operand:
        """Return the same with every value a group of its own."""
        rows, groups, n = self.elements.shape
        per_value = {
            f: np.repeat(getattr(self, f), n, axis=1)
            for f in ("sigma", "scales", "exponent", "nan", "sevenths")
        }
        shape = (rows, groups * n, 1)
        return replace(
            self, elements=self.elements.reshape(shape), values=self.values.reshape(shape), **per_value
        )

    def flat(self) -> F32:
        """Return elements times block scales in float32, (R, K). Exact where a block scale is finite."""
        with np.errstate(all="ignore"):
            product = self.values * self.scales[..., None]
        rows, groups, n = product.shape
        return product.reshape(rows, groups * n)


def operands(a: Any, b: Any, what: str) -> tuple[Operand, Operand]:
    """Return the operands of a product of `a` (M, K) and `b` (N, K); ShapeError where K differs."""
    qa, qb = check_tensor(a, f"{what}: a"), check_tensor(b, f"{what}: b")
    if qa.codes.shape[-1] != qb.codes.shape[-1]:
        msg = f"{what}: a has {2 * qa.codes.shape[-1]} columns and b {2 * qb.codes.shape[-1]}: equal ones are allowed"
        raise ShapeError(msg)
    group = min(GROUP, qa.recipe.block_cols, qb.recipe.block_cols)
    return operand(qa, group), operand(qb, group)


def operand(q: QuantizedTensor, group: int = GROUP) -> Operand:
    """Return a quantized tensor as whole numbers, its blocks cut into groups; padded rows are left out.

    Raises: InputError for an element format whose values have no exact product here.
    """
    r = q.recipe
    if r.element_format not in KINDS:
        allowed = ", ".join(f.value for f in KINDS)
        msg = f"elements of {r.element_format.value}: one of {allowed} is allowed"
        raise InputError(msg)
    rows = math.prod(q.shape[:-1])
    codes = unpack_nibbles(q.codes.reshape(-1, q.codes.shape[-1]))[:rows] & np.uint8(0xF)
    stored = q.block_scales.reshape(-1, q.block_scales.shape[-1])[:rows]
    is_int = holds_int4(stored, r)
    scales = scale_values(stored, r)
    times = r.block_cols // group
    is_int, scales = (np.repeat(p, times, axis=1) for p in (is_int, scales))
    blocks = codes.reshape(rows, -1, group)
    values = np.where(is_int[..., None], INT4_VALUES[blocks], E2M1_VALUES[blocks])
    return _operand(values, scales, is_int, r.element_format, r.scale_format)


def _operand(
    values: F32, scales: F32, is_int: Bool, element_format: ElementFormat, scale_format: ScaleFormat
) -> Operand:
    kind = KINDS[element_format]
    nan = ~np.isfinite(scales)
    significand, exponent = _parts(np.where(nan, np.float32(0), scales))
    sigma, common = _whole(significand, exponent)
    lowest = ZERO_EXPONENT if scale_format.is_power else _LOWEST
    top = np.where(significand == 0, ZERO_EXPONENT, np.maximum(exponent + _DIGITS - 1, lowest))
    return Operand(
        elements=np.ldexp(values, _HALVES).astype(np.int64),
        sigma=sigma * np.where(is_int, kind.int_weight, kind.float_weight),
        unit=common - _HALVES,
        denominator=kind.denominator,
        values=values,
        scales=scales,
        exponent=top.astype(np.int64),
        nan=nan,
        sevenths=is_int & (kind.denominator > 1),
        power_scales=scale_format.is_power,
    )


def _parts(scales: F32) -> tuple[I64, I64]:
    """Return (m, e) with m * 2^e the block scale, m in 8..15, or 0."""
    fraction, exponent = np.frexp(scales.astype(np.float64))
    return np.ldexp(fraction, _DIGITS).astype(np.int64), exponent.astype(np.int64) - _DIGITS


def _whole(significand: I64, exponent: I64) -> tuple[Any, int]:
    """Return the block scales as whole numbers of 2^common, and common: the largest that fits them all."""
    some = significand != 0
    if not some.any():
        return np.zeros_like(significand), 0
    zeros = np.frexp((significand & -significand).astype(np.float64))[1] - 1
    common = int((exponent + zeros)[some].min())
    shift = np.where(some, exponent - common, 0)
    if int(shift.max()) + _DIGITS < 48:  # noqa: PLR2004 -- with a weight of 7 below 2^52: exact in float64
        return np.ldexp(significand.astype(np.float64), shift.astype(np.int32)).astype(np.int64), common
    pairs = zip(significand.ravel().tolist(), shift.ravel().tolist(), strict=True)
    big = [m << s if s >= 0 else m >> -s for m, s in pairs]
    return np.array(big, dtype=object).reshape(significand.shape), common
