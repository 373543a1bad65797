"""A quantized tensor as whole numbers: elements, block scales and powers of two, nothing rounded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np

from fos_ref.errors import ShapeError
from fos_ref.formats.arrays import Bool, F32, I64
from fos_ref.model.dequantize import element_values, holds_second, scale_values
from fos_ref.model.elements import ELEMENT_FORMAT
from fos_ref.recipes.axes import ElementFormat, ScaleFormat
from fos_ref.recipes.elements import element
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.layout import unpack_nibbles
from fos_ref.storage.tensor import check_tensor, QuantizedTensor

GROUP = 16  #: values whose products a tensor core adds exactly; longer blocks are cut into such groups
_DIGITS = 4  #: significant bits of a block scale
ZERO_EXPONENT = -126  #: of a zero, where exponents are compared
#: The exponent that subnormal block scales keep; powers of two have none.
_LOWEST: Mapping[ScaleFormat, int] = MappingProxyType(
    {ScaleFormat.E4M3: -6, ScaleFormat.E4M3_HALF_UP: -6, ScaleFormat.E5M3: -14}
)
_SHORT = 40  #: bits of a block scale in units of the smallest that leave room in an int64


def step_ratio(fmt: ElementFormat) -> Fraction:
    """Return the step of integers beside floats: the ratio of both maxima, 6/7 for IF4, not its float32."""
    row = element(fmt)
    if row.second is None:
        return Fraction(1)
    _, integers = ELEMENT_FORMAT[fmt]
    return Fraction(row.maximum) / Fraction(float(np.nanmax(integers.values)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Operand:
    """R rows of B groups of n values: a value is elements * sigma * 2^unit / denominator, exactly."""

    elements: I64  #: (R, B, n) whole numbers of the format's smallest step
    sigma: Any  #: (R, B) block scales as whole numbers, weights included: int64, or Python integers
    unit: int  #: the power of two of elements * sigma
    denominator: int  #: 1; 7 where INT4 stands beside E2M1, which counts in 6/7
    values: F32  #: (R, B, n) the elements as float32
    scales: F32  #: (R, B) the block scales as float32; NaN where the byte is
    exponent: I64  #: (R, B) of each block scale; subnormal E4M3 scales keep -6, zeros have -126
    nan: Bool  #: (R, B) where the block scale or an element is NaN or infinite
    uneven: Bool  #: (R, B) where the block counts in a step that is no power of two
    power_scales: bool  #: whether the block scales are powers of two

    @property
    def largest(self) -> int:
        """A bound for abs(elements * sigma)."""
        sigma: int = max(map(int, self.sigma.ravel()), default=0)
        return int(np.abs(self.elements).max(initial=0)) * sigma

    def single(self) -> Operand:
        """Return the same with every value a group of its own."""
        rows, groups, n = self.elements.shape
        shape = (rows, groups * n, 1)
        return replace(
            self,
            elements=self.elements.reshape(shape),
            values=self.values.reshape(shape),
            sigma=np.repeat(self.sigma, n, axis=1),
            scales=np.repeat(self.scales, n, axis=1),
            exponent=np.repeat(self.exponent, n, axis=1),
            nan=np.repeat(self.nan, n, axis=1),
            uneven=np.repeat(self.uneven, n, axis=1),
        )

    def flat(self) -> F32:
        """Return elements times block scales in float32, (R, K). Exact where a block scale is finite."""
        with np.errstate(all="ignore"):
            product = self.values * self.scales[..., None]
        rows, groups, n = product.shape
        return product.reshape(rows, groups * n)


def operands(a: Any, b: Any, what: str) -> tuple[Operand, Operand]:
    """Return the operands of a product of `a` (M, K) and `b` (N, K); ShapeError where K differs or is 0."""
    qa, qb = check_tensor(a, f"{what}: a"), check_tensor(b, f"{what}: b")
    left, right = columns(qa), columns(qb)
    if left != right:
        msg = f"{what}: a has {left} columns and b {right}: equal ones are allowed"
        raise ShapeError(msg)
    if not left:
        msg = f"{what}: a and b have 0 columns: one block or more is allowed"
        raise ShapeError(msg)
    group = min(GROUP, qa.recipe.block_cols, qb.recipe.block_cols)
    return operand(qa, group), operand(qb, group)


def columns(q: QuantizedTensor) -> int:
    """Return how many values a row has, padding included."""
    return q.recipe.codes_per_byte * int(q.codes.shape[-1])


def operand(q: QuantizedTensor, group: int = GROUP) -> Operand:
    """Return a quantized tensor as whole numbers, its blocks cut into groups; padded rows are left out."""
    r, rows = q.recipe, math.prod(q.shape[:-1])
    codes = q.codes.reshape(-1, q.codes.shape[-1])[:rows]
    codes = unpack_nibbles(codes) if r.element.packed else codes
    stored = q.block_scales.reshape(-1, q.block_scales.shape[-1])[:rows]
    second, scales = holds_second(stored, r), scale_values(stored, r)
    blocks = codes.reshape(rows, stored.shape[1], r.block_cols)
    values = element_values(blocks, second[..., None], r)
    times = r.block_cols // group
    return _operand(
        values.reshape(rows, stored.shape[1] * times, group),
        np.repeat(scales, times, axis=1),
        np.repeat(second, times, axis=1),
        r,
    )


def _operand(values: F32, scales: F32, second: Bool, r: Recipe) -> Operand:
    ratio, places = step_ratio(r.element_format), _places(r.element_format)
    nan = ~np.isfinite(scales) | ~np.isfinite(values).all(axis=-1)
    significand, exponent = _parts(np.where(np.isfinite(scales), scales, np.float32(0)))
    sigma, common = _whole(significand, exponent)
    lowest = _LOWEST.get(r.scale_format, ZERO_EXPONENT)
    top = np.where(significand == 0, ZERO_EXPONENT, np.maximum(exponent + _DIGITS - 1, lowest))
    wide = np.where(np.isfinite(values), values, 0).astype(np.float64)
    return Operand(
        elements=np.ldexp(wide, places).astype(np.int64),
        sigma=sigma * np.where(second, ratio.numerator, ratio.denominator),
        unit=common - places,
        denominator=ratio.denominator,
        values=values,
        scales=scales,
        exponent=top.astype(np.int64),
        nan=nan,
        uneven=second & (ratio != 1),
        power_scales=r.scale_format.is_power,
    )


def _places(fmt: ElementFormat) -> int:
    """Return how many bits after the point the elements of a format have."""
    tables = [grid.values[np.isfinite(grid.values) & (grid.values != 0)] for grid in ELEMENT_FORMAT[fmt]]
    denominators = [int(v.item().as_integer_ratio()[1]) for table in tables for v in table]
    return max(denominators).bit_length() - 1


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
    if int(shift.max()) + _DIGITS < _SHORT:
        return np.ldexp(significand.astype(np.float64), shift.astype(np.int32)).astype(np.int64), common
    pairs = zip(significand.ravel().tolist(), shift.ravel().tolist(), strict=True)
    big = [m << s if s >= 0 else m >> -s for m, s in pairs]
    return np.array(big, dtype=object).reshape(significand.shape), common
