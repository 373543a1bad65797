"""Where no order, no tree and no rounding of a float32 accumulation can give other bits than the exact."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fos_ref.arguments import one_of
from fos_ref.formats.arrays import AnyArray, Bool, I64
from fos_ref.formats.environment import check_float_environment
from fos_ref.matmul.operand import Operand, operands
from fos_ref.matmul.spans import certified, DIGITS, fits
from fos_ref.matmul.sums import EXACT, group_sums, nan_outputs, products, Sums, unit_of
from fos_ref.storage.tensor import QuantizedTensor

LEVELS = ("block", "element")
ALIGNED = 35  #: fraction bits that the published FP4 tensor core keeps when it aligns its terms
_LOWEST, _OVERFLOW = -149, 128
_DEEPEST = 1000  #: exponents that float64 holds on both sides of 1


class _Span(NamedTuple):
    """What decides: the larger of both signs' sums, the lowest bit of any term, in units of 2^unit."""

    larger: Any
    lowest: I64
    unit: int


def certificate(a: QuantizedTensor, b: QuantizedTensor, level: str = "block") -> Bool:
    """Return where every float32 accumulation of the terms gives the exact value.

    level:    what an implementation adds. "block": products of 16 values that it sums exactly, as tensor
              cores and TransformerEngine's reference do. "element": single products, as CUTLASS's does
    Shapes:   a (M, K), b (N, K) -> (M, N) bool
    Rounding: none. With 2^u the lowest bit of any term that is not 0, and P, N the sums of the positive and
              of the negative terms: certified where max(P, N) <= 2^(24+u). "block" asks in addition that
              2^u is kept when terms are aligned to 35 bits below the largest pair of block scales. Both ask
              that float32's exponents hold all of it.
    Specials: False for an output that meets a NaN block scale, and for one with a term in a step that is no
              power of two (INT4 beside E2M1). True where no term is there. A zero is certified but for
              its sign.
    Raises:   as `exact`; InputError for another level.
    Source:   docs/products.md, "The certificate", has the proof.
    """
    one_of(level, LEVELS, "level")
    check_float_environment()
    x, y = operands(a, b, "certificate")
    if level == "element":
        return _elements(x, y)
    if fits(x, y):
        return certified(x, y, ALIGNED) & ~nan_outputs(x, y)
    return _groups(group_sums(x, y), *unit_of(x, y), aligned=True)


def _groups(found: Sums, unit: int, denominator: int, *, aligned: bool) -> Bool:
    """Return the certificate of terms that were summed one by one.

    Over a denominator the terms that count are its multiples: one that is not is uneven.
    """
    larger = (found.size + np.abs(found.total)) // (2 * denominator)
    places = (denominator & -denominator).bit_length() - 1
    span = _Span(larger, _lowest_bit(found.bits) - places, unit)
    none = found.bits == 0
    scales = (found.bottom >= _LOWEST) & (found.top < _OVERFLOW)
    if aligned:
        scales &= span.lowest + unit >= found.top - ALIGNED
    sure: Bool = (none | (_held(span) & scales & ~found.uneven)) & ~found.nan
    return sure


def _held(span: _Span) -> Bool:
    """Return where max(P, N) <= 2^(24+u) and float32 has the exponents."""
    limit = _power(DIGITS + span.lowest, span.larger)
    fits = np.asarray(span.larger <= limit, dtype=np.bool_)
    top = _power(_OVERFLOW - span.unit - 1, span.larger)
    return fits & (span.lowest + span.unit >= _LOWEST) & np.asarray(span.larger <= top, dtype=np.bool_)


def _power(exponent: Any, like: AnyArray) -> Any:
    """Return 2^exponent in numbers that compare with `like`; 0 where it is below 1."""
    if like.dtype == object:
        made = np.frompyfunc(lambda e: 1 << e if e >= 0 else 0, 1, 1)
        return made(np.asarray(exponent, dtype=object))
    return np.ldexp(1.0, np.minimum(np.asarray(exponent, dtype=np.int64), _DEEPEST).astype(np.int32))


def _lowest_bit(bits: Any) -> I64:
    """Return the place of the lowest bit of each number; 0 for 0."""
    if bits.dtype == object:
        made = np.frompyfunc(lambda n: (n & -n).bit_length() - 1 if n else 0, 1, 1)
        places: I64 = made(bits).astype(np.int64)
        return places
    exponent = np.frexp((bits & -bits).astype(np.float64))[1].astype(np.int64) - 1
    return np.where(bits == 0, 0, exponent)


def _elements(x: Operand, y: Operand) -> Bool:
    """Return the certificate of single products: three products of matrices where float64 is exact."""
    fast = _span_of_elements(x, y)
    if fast is None:
        return _groups(group_sums(x.single(), y.single()), *unit_of(x, y), aligned=False)
    span, none = fast
    sure: Bool = (_held(span) | none) & ~nan_outputs(x, y)
    return sure


def _span_of_elements(x: Operand, y: Operand) -> tuple[_Span, Bool] | None:
    """Return what decides and where no term is; None where this way is not exact.

    The lowest bit is a minimum of sums of two exponents. With w bits more than the number of terms has, the
    sum of 2^-w(ea+eb) lies between 2^-wu and 2^-w(u-1): one product of matrices gives every u.
    """
    left, right = products(x), products(y)
    if left is None or right is None or x.denominator * y.denominator > 1 or x.power_scales or y.power_scales:
        return None
    size = np.abs(left) @ np.abs(right).T
    if size.size and float(size.max()) > EXACT / 2:
        return None
    width = left.shape[1].bit_length() + 1
    ea, eb = _lowest_bit(left.astype(np.int64)), _lowest_bit(right.astype(np.int64))
    if width * (int(ea.max(initial=0)) + int(eb.max(initial=0))) > _DEEPEST:
        return None
    share = np.where(left == 0, 0, np.ldexp(1.0, (-width * ea).astype(np.int32)))
    other = np.where(right == 0, 0, np.ldexp(1.0, (-width * eb).astype(np.int32)))
    joined = share @ other.T
    exponent = np.frexp(joined)[1].astype(np.int64) - 1
    none = joined == 0
    lowest = np.where(none, 0, -(exponent // width))
    larger = (size + np.abs(left @ right.T)) / 2
    return _Span(larger, lowest, x.unit + y.unit), none
