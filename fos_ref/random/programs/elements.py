"""Rounders of elements onto E2M1 that programs wrote themselves, operation by operation in float32."""

from __future__ import annotations

import numpy as np

from fos_ref.errors import DtypeError, InputError
from fos_ref.formats.arrays import AnyArray, Bool, F32, F64, U8
from fos_ref.formats.catalog import E2M1
from fos_ref.formats.codec import encode

_TWO, _FOUR, _SIX = np.float32(2), np.float32(4), np.float32(6)
_HALF, _ONE = np.float32(0.5), np.float32(1)
_BYTE = np.float32(2**-8)
_SIGN = 8
_MOST = 255
_OVERFLOWS = np.float32(2**127)


def te_software(y: F32, byte: AnyArray) -> U8:
    """Return the codes of TransformerEngine's rounder for architectures without cvt.rs.

    byte:     one random byte for each value
    Shapes:   any -> the same
    Dtypes:   float32 and an integer dtype -> uint8
    Rounding: t = fma(byte 2^-8, h, |y|), h the step of |y|'s range: one to float32. Then, exactly, t cut down
              to a multiple of the step of t's range, at most 6. Where the fma rounds up onto a value, what
              rule A would leave below goes up.
    Specials: NaN -> 7; magnitudes above 6, infinity too, -> 6 with their sign; -0 keeps its sign.
    Spec:     NVIDIA/TransformerEngine@d0067d0d:common/util/ptx.cuh::stochastic_round_fp4_e2m1
    """
    values = _float32(y)
    r = np.asarray(byte)
    if r.dtype.kind not in "ui" or np.any(r < 0) or np.any(r > _MOST):
        msg = f"random bytes of dtype {r.dtype}: whole numbers from 0 to 255 are allowed"
        raise InputError(msg)
    is_nan: Bool = np.isnan(values)
    a = np.minimum(np.abs(np.where(is_nan, _SIX, values)), 2 * _SIX)  # 12 and more give 6 as well
    u = r.astype(np.float32) * _BYTE  # exact
    t = _sum_once((u * _step(a)).astype(np.float64), a.astype(np.float64))
    q = np.minimum(np.floor(t / _step(t)) * _step(t), _SIX)
    return _codes(q, np.signbit(values) & ~is_nan)


def fouroversix_torch(y: F32, uniform: F32) -> U8:
    """Return the codes of fouroversix's PyTorch reference, from the numbers torch.rand_like gave.

    uniform:  float32 in [0, 1), whole multiples of 2^-24
    Shapes:   any -> the same
    Rounding: r = uniform - 1/2, exact; then RNE(2a + r) / 2 below 2, RNE(a + r) below 4, else
              min(2 RNE(a / 2 + r), 6), a = |y|. Each sum is rounded to float32 before the RNE.
    Specials: a result of zero has the sign of the value times that of 2a + r: a small positive value becomes
              -0 (code 8) where r takes it below zero, and so does +0. The reference gives NaN, which no code
              is, for infinity, for magnitudes from 2^127 on, whose double overflows, and for NaN.
    Raises:   InputError for those.
    Spec:     mit-han-lab/fouroversix@dadfad69:quantize/pytorch/reference.py::fake_quantize_to_e2m1
    """
    values, u = _float32(y), _float32(uniform)
    a, r = np.abs(values), u - _HALF
    if not (a < _OVERFLOWS).all():
        msg = "NaN, infinity, or a magnitude from 2^127 on: the reference gives NaN; other values are allowed"
        raise InputError(msg)
    doubled, middle = _TWO * a + r, np.rint(a + r)
    low = np.rint(doubled) * _HALF
    high = np.minimum(_TWO * np.rint(a * _HALF + r), _SIX)
    q = np.where(a < _TWO, low, np.where(a < _FOUR, middle, high))
    return _codes(q, (values < 0) ^ ((q == 0) & (doubled < 0)))


#: Quartet II's simulator takes the largest value below a magnitude and the smallest above it, never itself.
#: So a value of the format lies between its two neighbours, and moves.
_VALUES = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6], dtype=np.float32)


def quartet2_simulator(y: F32, uniform: F32) -> U8:
    """Return the codes of Quartet II's simulator: values of the format are rounded once more.

    uniform:  float32 in [0, 1), `triton_uniform` of the map quartet2-simulator
    Shapes:   any -> the same
    Rounding: p = (a - low) / (high - low), one rounding to float32; up where uniform < p. With a = 2 and
              a = 4 p is 1/3, where Triton's division may be 2 ulp off: hardware decides those draws.
    Specials: a magnitude above 6 gives 6; 0 and -0 give code 8; NaN is an error.
    Spec:     IST-DASLab/Quartet-II@8776a90b:src/models/quantization/quantizers/nvfp4_triton.py::sr_fp4
    """
    values, u = _float32(y), _float32(uniform)
    if np.isnan(values).any():
        msg = "NaN: the simulator makes garbage of it; other values are allowed"
        raise InputError(msg)
    a = np.minimum(np.abs(values), 2 * _SIX)  # 12 and more have p above 1, as infinity has
    low = _VALUES[np.maximum(np.searchsorted(_VALUES[:-1], a, side="left") - 1, 0)]
    high = _VALUES[np.minimum(np.searchsorted(_VALUES, a, side="right"), len(_VALUES) - 1)]
    p = (a - low) / (high - low)
    return _codes(np.where(u < p, high, low), ~(values > 0))


def _step(a: F32) -> F32:
    """Return the distance of two E2M1 values in the range that a magnitude is in."""
    step: F32 = np.where(a >= _FOUR, _TWO, np.where(a >= _TWO, _ONE, _HALF))
    return step


def _sum_once(a: F64, b: F64) -> F32:
    """Return a + b with one rounding to float32, from magnitudes that are float32 each.

    The float64 sum is made odd where it is inexact, after which the cast rounds as the exact sum would.
    """
    total = a + b
    large, small = np.maximum(a, b), np.minimum(a, b)
    rest = small - (total - large)  # exact: fast two-sum
    even = (total.view(np.int64) & 1) == 0
    odd = np.where(even & (rest != 0), np.nextafter(total, np.copysign(np.inf, rest)), total)
    return odd.astype(np.float32)


def _codes(q: F32, negative: Bool) -> U8:
    """Return the codes of values of E2M1, with signs."""
    codes: U8 = encode(np.abs(q).astype(np.float32), E2M1).astype(np.uint8)
    return codes | np.where(negative, np.uint8(_SIGN), np.uint8(0))


def _float32(y: AnyArray) -> F32:
    """Return an array of float32; DtypeError for another dtype."""
    given = np.asarray(y)
    if given.dtype != np.float32:
        msg = f"values of dtype {given.dtype}: float32 is allowed"
        raise DtypeError(msg)
    return given
