"""What a candidate costs, literally: differences, terms, the sum in the recipe's order (N10-N12)."""

from __future__ import annotations

from typing import Any

import numpy as np

from fos_ref.fast import config as k
from fos_ref.fast.codec import (
    ABS,
    bits_of,
    e2m1_magnitude,
    e4m3_magnitude,
    E4M3_MAX,
    EIGHT,
    F32,
    float_of,
    INF,
    U32,
)
from fos_ref.fast.config import position
from fos_ref.fast.elements import e2m1_value
from fos_ref.fast.lanes import D, DECODE, ENCODE, get, LANES, put, step, TENSOR_AMAX, walk, X
from fos_ref.fast.memory import load, store
from fos_ref.fast.scales import E4M3_TO_F32, ONE, ZERO
from fos_ref.recipes.axes import ErrorDomain, ErrorMetric

INPUT_AMAX = position(ErrorDomain.INPUT_AMAX)
INPUT_DECODE = position(ErrorDomain.INPUT_DECODE)
SCALED = position(ErrorDomain.SCALED)
INPUT_QUOTIENT = position(ErrorDomain.INPUT_QUOTIENT)
INPUT_PRODUCT = position(ErrorDomain.INPUT_PRODUCT)
FUSED_RESIDUAL = position(ErrorDomain.FUSED_RESIDUAL)
DECODED = position(ErrorDomain.DECODED)
STRAIGHT_THROUGH = position(ErrorDomain.STRAIGHT_THROUGH)
TRIAL = position(ErrorDomain.TRIAL)
MSE = position(ErrorMetric.MSE)
SIX = F32(6)
E4M3_LARGEST = F32(448)
SMALLEST_AMAX = F32(2.0**-24)


@step
def fma(a: np.float32, b: np.float32, c: np.float32) -> np.float32:
    """Return a*b + c with one rounding, without the instruction: float64 rounded to odd, then to float32.

    The product of two float32 is exact in float64. Where the sum is not, its last bit is set towards the
    truth (the exact remainder is Knuth's two-sum), so the second rounding sees on which side it lies.
    """
    p, q = np.float64(a) * np.float64(b), np.float64(c)
    total = p + q
    virtual = total - p
    rest = (p - (total - virtual)) + (q - virtual)
    u = np.float64(total).view(np.int64)
    if rest == 0.0 or not np.isfinite(total) or u & 1:
        return F32(total)
    return F32(np.int64(u + (1 if (rest > 0.0) == (total > 0.0) else -1)).view(np.float64))


@step
def _input_amax(q, s, x, t, unit):
    amax, _, _, range_max = t
    return F32(F32(F32(F32(F32(q * s) * amax) * unit) / range_max) - x)


@step
def _input_decode(q, s, x, t, unit):
    return F32(F32(F32(F32(q * s) * t[2]) * unit) - x)


@step
def _scaled(q, s, x, t, unit):
    return F32(F32(F32(q * s) * unit) - F32(x * t[1]))


@step
def _input_quotient(q, s, x, t, unit):
    return F32(F32(F32(q * F32(s / t[1])) * unit) - x)


@step
def _input_product(q, s, x, t, unit):
    return F32(F32(F32(q * F32(s * t[2])) * unit) - x)


@step
def _fused_residual(q, s, x, t, unit):
    return fma(F32(q * unit), F32(-F32(s * t[2])), x)


@step
def _decoded(q, s, x, t, unit):
    return F32(F32(F32(q * s) * unit) - F32(x / t[2]))


@step
def _straight_through(q, s, x, t, unit):
    p = F32(s * t[2])
    p = ONE if p == ZERO else p
    return F32(F32(x + F32(F32(F32(q * p) * unit) - x)) - x)


def _over_blocks(difference: Any) -> Any:
    """Return the loop over the values of 64 blocks for one domain: (A, S, D, C) are t."""

    @step
    def run(w, n, scale, unit, range_max):
        for j in range(n):
            for i in range(LANES):
                t = (get(w, TENSOR_AMAX + i), get(w, ENCODE + i), get(w, DECODE + i), range_max)
                q, x = get(w, D + j * LANES + i), get(w, X + j * LANES + i)
                put(w, D + j * LANES + i, difference(q, get(w, scale + i), x, t, unit))

    return run


_run_input_amax = _over_blocks(_input_amax)
_run_input_decode = _over_blocks(_input_decode)
_run_scaled = _over_blocks(_scaled)
_run_input_quotient = _over_blocks(_input_quotient)
_run_input_product = _over_blocks(_input_product)
_run_fused_residual = _over_blocks(_fused_residual)
_run_decoded = _over_blocks(_decoded)
_run_straight_through = _over_blocks(_straight_through)


@walk
def differences(w: np.ndarray, c: np.ndarray, f: np.ndarray, scale: int, unit: np.float32) -> None:
    """Replace what the codes count as, in region D, by the differences from the input. N10."""
    kind, n, range_max = c[k.ERROR_DOMAIN_AT], c[k.VALUES_AT], f[k.RANGE_MAX]
    if kind == INPUT_AMAX:
        _run_input_amax(w, n, scale, unit, range_max)
    elif kind == INPUT_DECODE:
        _run_input_decode(w, n, scale, unit, range_max)
    elif kind == SCALED:
        _run_scaled(w, n, scale, unit, range_max)
    elif kind == INPUT_QUOTIENT:
        _run_input_quotient(w, n, scale, unit, range_max)
    elif kind == INPUT_PRODUCT:
        _run_input_product(w, n, scale, unit, range_max)
    elif kind == FUSED_RESIDUAL:
        _run_fused_residual(w, n, scale, unit, range_max)
    elif kind == DECODED:
        _run_decoded(w, n, scale, unit, range_max)
    elif kind == STRAIGHT_THROUGH:
        _run_straight_through(w, n, scale, unit, range_max)


@step
def trial_differences(w: np.ndarray, c: np.ndarray, f: np.ndarray, amax: int) -> None:
    """Store in region D the differences of ModelOpt's trial quantizer for blocks of amax `amax`. N10g."""
    for i in range(LANES):
        a = F32(F32(get(w, TENSOR_AMAX + i) * F32(E4M3_LARGEST / f[k.SCALE_MAX])) / SIX)
        a = ONE if a <= SMALLEST_AMAX else a
        up = F32(F32(ONE / a) * E4M3_LARGEST)
        s = F32(_through_e4m3(F32(F32(get(w, amax + i) / SIX) * up)) * F32(ONE / up))
        for j in range(c[k.VALUES_AT]):
            x = get(w, X + j * LANES + i)
            y = bits_of(F32(float_of(U32(bits_of(x) & ABS)) / s))
            code = U32(7) if y > INF else e2m1_magnitude(min(y, EIGHT))
            size = bits_of(F32(e2m1_value(code) * s))
            v = ZERO if s == ZERO else float_of(U32(U32(size & ABS) | U32(bits_of(x) & U32(0x80000000))))
            put(w, D + j * LANES + i, F32(v - x))


@step
def _through_e4m3(v: np.float32) -> np.float32:
    """Return a value of 0 and above rounded to E4M3; NaN stays."""
    a = U32(bits_of(v) & ABS)
    if a > INF:
        return v
    return F32(float_of(U32(e4m3_magnitude(min(a, E4M3_MAX)) << U32(20))) * E4M3_TO_F32)


@step
def terms(w: np.ndarray, c: np.ndarray) -> None:
    """Replace the differences by the terms of the metric: squares or magnitudes. N11."""
    rows = c[k.VALUES_AT]
    if c[k.ERROR_METRIC_AT] == MSE:
        for j in range(rows):
            for i in range(LANES):
                d = get(w, D + j * LANES + i)
                put(w, D + j * LANES + i, F32(d * d))
    else:
        for j in range(rows):
            for i in range(LANES):
                store(w, D + j * LANES + i, U32(load(w, D + j * LANES + i) & ABS))
