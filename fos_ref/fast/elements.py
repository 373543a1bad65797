"""From inputs to codes, 64 blocks at once: scaled values (N8), codes and what they count as (N9)."""

from __future__ import annotations

import numpy as np

from fos_ref.fast import config as k
from fos_ref.fast.codec import ABS, bits_of, e2m1_magnitude, EIGHT, F32, float_of, INF, U32
from fos_ref.fast.config import position
from fos_ref.fast.grids import cast_floats, cast_integers, cast_products, with_zero_sign
from fos_ref.fast.lanes import D, DECODE, ENCODE, get, LANES, put, SCRATCH, step, walk, X
from fos_ref.fast.memory import load, store
from fos_ref.fast.scales import FLT_MAX, ONE, signed_in_input_dtype, ZERO
from fos_ref.recipes.axes import (
    ElementCast,
    ElementNan,
    ElementScaling,
    ReciprocalOverflow,
    ZeroScale,
)

RECIPROCAL_OF_PRODUCT = position(ElementScaling.RECIPROCAL_OF_PRODUCT)
DIVIDE_BY_PRODUCT = position(ElementScaling.DIVIDE_BY_PRODUCT)
DIVIDE_BY_QUOTIENT = position(ElementScaling.DIVIDE_BY_QUOTIENT)
RECIPROCAL_QUOTIENT = position(ElementScaling.RECIPROCAL_QUOTIENT)
ENCODE_QUOTIENT = position(ElementScaling.ENCODE_QUOTIENT)
DIVIDE_THEN_ENCODE = position(ElementScaling.DIVIDE_THEN_ENCODE)
ENCODE_THEN_DIVIDE = position(ElementScaling.ENCODE_THEN_DIVIDE)
DECODE_THEN_DIVIDE = position(ElementScaling.DECODE_THEN_DIVIDE)
CLAMP_TO_MAX = position(ReciprocalOverflow.CLAMP_TO_MAX)
MINIMUM_NUMBER = position(ReciprocalOverflow.MINIMUM_NUMBER)
ZERO_CODES = position(ZeroScale.ZERO_CODES)
ZERO_BLOCKS = position(ZeroScale.ZERO_BLOCKS)
SCALE_ONE = position(ZeroScale.SCALE_ONE)
MULTIPLIER_ZERO = position(ZeroScale.MULTIPLIER_ZERO)
PRODUCT_ZERO = position(ZeroScale.PRODUCT_ZERO)
PRODUCT_TINY = position(ZeroScale.PRODUCT_TINY)
SCALE_2_127 = position(ZeroScale.SCALE_2_127)
SCALE_2_126 = position(ZeroScale.SCALE_2_126)
PRODUCT_ONE = position(ZeroScale.PRODUCT_ONE)
DIVISOR_ZERO = position(ZeroScale.DIVISOR_ZERO)
SATURATE = position(ElementCast.SATURATE)
TIES_AWAY = position(ElementCast.TIES_AWAY)
TIES_TO_SMALLER = position(ElementCast.TIES_TO_SMALLER)
FIRST_NEAREST = position(ElementCast.FIRST_NEAREST)
NEAREST_PRODUCT = position(ElementCast.NEAREST_PRODUCT)
UNSATURATED = position(ElementCast.UNSATURATED)
NAN_IS_7 = position(ElementNan.CODE_7)
NAN_IS_0 = position(ElementNan.CODE_0)
NAN_IS_8 = position(ElementNan.CODE_8)

TWO_TO_MINUS_127, MIN_NORMAL = F32(2.0**-127), F32(2.0**-126)
TWO = F32(2)
HALF = F32(0.5)
TINY = F32(1e-8)
MINUS_ZERO = U32(8)
BF16_HALF_FIELD = 126  #: the exponent field of 0.5
#: Bits of the midpoints of E2M1.
_MIDPOINTS = tuple(U32(F32(t).view(np.uint32)) for t in (0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0))


@step
def instead_of_zero(kind: int) -> np.float32:
    """Return what an element is scaled by in place of a scale of 0."""
    if kind == SCALE_ONE:
        return ONE
    if kind == SCALE_2_127:
        return TWO_TO_MINUS_127
    return MIN_NORMAL if kind == SCALE_2_126 else ZERO


@step
def factors(w: np.ndarray, c: np.ndarray, scale: int, out: int) -> None:
    """Store what each block's values are multiplied by, or divided by in the division forms. N8."""
    kind, instead = c[k.ELEMENT_SCALING_AT], instead_of_zero(c[k.ZERO_SCALE_AT])
    for i in range(LANES):
        s = get(w, scale + i)
        put(w, SCRATCH + i, instead if s == ZERO else s)
    if kind == RECIPROCAL_OF_PRODUCT:
        overflow = c[k.RECIPROCAL_OVERFLOW_AT]
        for i in range(LANES):
            m = F32(ONE / F32(get(w, SCRATCH + i) * get(w, DECODE + i)))
            m = FLT_MAX if overflow == CLAMP_TO_MAX and m > FLT_MAX else m
            put(w, out + i, FLT_MAX if overflow == MINIMUM_NUMBER and not (m <= FLT_MAX) else m)
    elif kind == DIVIDE_BY_PRODUCT:
        for i in range(LANES):
            p = F32(get(w, SCRATCH + i) * get(w, DECODE + i))
            put(w, out + i, ONE if p == ZERO and c[k.ZERO_SCALE_AT] == PRODUCT_ONE else p)
    elif kind == DIVIDE_BY_QUOTIENT:
        for i in range(LANES):
            put(w, out + i, F32(get(w, SCRATCH + i) / get(w, ENCODE + i)))
    elif kind == RECIPROCAL_QUOTIENT:
        for i in range(LANES):
            put(w, out + i, F32(F32(ONE / get(w, DECODE + i)) / get(w, SCRATCH + i)))
    elif kind == ENCODE_QUOTIENT:
        for i in range(LANES):
            put(w, out + i, F32(get(w, ENCODE + i) / get(w, SCRATCH + i)))
    else:
        for i in range(LANES):
            put(w, out + i, get(w, SCRATCH + i))
    if c[k.ZERO_SCALE_AT] == MULTIPLIER_ZERO:
        for i in range(LANES):
            put(w, out + i, ZERO if get(w, SCRATCH + i) == ZERO else get(w, out + i))
    elif c[k.ZERO_SCALE_AT] == PRODUCT_ZERO or c[k.ZERO_SCALE_AT] == PRODUCT_TINY:
        instead = ZERO if c[k.ZERO_SCALE_AT] == PRODUCT_ZERO else TINY
        for i in range(LANES):
            product = F32(get(w, SCRATCH + i) * get(w, DECODE + i))
            put(w, out + i, instead if product == ZERO else get(w, out + i))


@step
def scale_elements(w: np.ndarray, c: np.ndarray, rows: tuple) -> None:
    """Store the scaled values of 64 blocks in region D; +0 where the recipe forces it. N8."""
    scale, amax, factor, _ = rows
    kind, n = c[k.ELEMENT_SCALING_AT], c[k.VALUES_AT]
    if kind == DIVIDE_BY_PRODUCT or kind == DIVIDE_BY_QUOTIENT:
        for j in range(n):
            for i in range(LANES):
                put(w, D + j * LANES + i, F32(get(w, X + j * LANES + i) / get(w, factor + i)))
    elif kind == DIVIDE_THEN_ENCODE:
        for j in range(n):
            for i in range(LANES):
                y = F32(get(w, X + j * LANES + i) / get(w, factor + i))
                y = signed_in_input_dtype(y, c[k.DTYPE_AT])
                put(w, D + j * LANES + i, F32(y * get(w, ENCODE + i)))
    elif kind == ENCODE_THEN_DIVIDE:
        for j in range(n):
            for i in range(LANES):
                y = F32(get(w, X + j * LANES + i) * get(w, ENCODE + i))
                put(w, D + j * LANES + i, F32(y / get(w, factor + i)))
    elif kind == DECODE_THEN_DIVIDE:
        for j in range(n):
            for i in range(LANES):
                y = F32(get(w, X + j * LANES + i) / get(w, DECODE + i))
                put(w, D + j * LANES + i, F32(y / get(w, factor + i)))
    else:
        for j in range(n):
            for i in range(LANES):
                put(w, D + j * LANES + i, F32(get(w, X + j * LANES + i) * get(w, factor + i)))
    if c[k.ZERO_SCALE_AT] == ZERO_CODES:
        _force_zero(w, n, scale)
    elif c[k.ZERO_SCALE_AT] == ZERO_BLOCKS:
        _force_zero(w, n, amax)
    elif c[k.ZERO_SCALE_AT] == DIVISOR_ZERO:
        _force_zero(w, n, factor)


@step
def _force_zero(w: np.ndarray, n: int, row: int) -> None:
    """Store +0 for every value of a block whose word in `row` is zero."""
    some = U32(0)
    for i in range(LANES):
        some = U32(some | (U32(1) if get(w, row + i) == ZERO else U32(0)))
    if some == U32(0):
        return
    for j in range(n):
        for i in range(LANES):
            v = load(w, D + j * LANES + i)
            store(w, D + j * LANES + i, U32(0) if get(w, row + i) == ZERO else v)


@walk
def cast_block(w: np.ndarray, c: np.ndarray, f: np.ndarray, grid: int, rows: tuple, second: bool) -> None:
    """Store the codes of 64 blocks and, in region D, what they count as. N8, N9.

    grid: where the configuration has the grid's numbers; rows are (block scale values, block amax, factors,
    codes); `second` takes the map-to-4 grid's rescaling.
    """
    scale_elements(w, c, rows)
    codes, n = rows[3], c[k.VALUES_AT]
    if second and f[k.RESCALE4] != ONE:
        for at in range(D, D + n * LANES):
            put(w, at, F32(get(w, at) * f[k.RESCALE4]))
    kind = c[grid + k.KIND]
    if kind == k.FLOATS:
        cast_floats(w, c, codes, grid)
    elif kind != k.E2M1_GRID:
        cast_integers(w, c, codes, grid)
    elif c[k.ELEMENT_CAST_AT] == NEAREST_PRODUCT:
        cast_products(w, c, rows, X)
    elif c[k.ELEMENT_CAST_AT] == UNSATURATED:
        _cast_all_unsaturated(w, c, codes, n)
    elif c[k.ELEMENT_CAST_AT] == TIES_AWAY:
        _cast_all_by_midpoints(w, c, codes, U32(0))
    elif c[k.ELEMENT_CAST_AT] == TIES_TO_SMALLER:
        _cast_all_by_midpoints(w, c, codes, U32(1))
    elif c[k.ELEMENT_CAST_AT] == FIRST_NEAREST:
        _cast_all_first_nearest(w, c, codes, n)
    else:
        _cast_all_saturate(w, c, codes, n)


@step
def _cast_all_unsaturated(w: np.ndarray, c: np.ndarray, codes: int, n: int) -> None:
    for at in range(n * LANES):
        u = load(w, D + at)
        a = U32(u & ABS)
        code, value = unsaturated(a, U32(u >> U32(31)))
        store(w, codes + at, with_zero_sign(c[k.ZERO_SIGN_AT], a, code, MINUS_ZERO))
        put(w, D + at, value)


@step
def _cast_all_first_nearest(w: np.ndarray, c: np.ndarray, codes: int, n: int) -> None:
    nan = nan_code(c[k.ELEMENT_NAN_AT])
    for at in range(n * LANES):
        u = load(w, D + at)
        a = U32(u & ABS)
        size = first_nearest(float_of(a))
        code = U32(0) if size == U32(0) else U32(size | U32(U32(u >> U32(31)) << U32(3)))
        code = nan if a > INF else code
        store(w, codes + at, code)
        put(w, D + at, e2m1_value(code))


@step
def _cast_all_by_midpoints(w: np.ndarray, c: np.ndarray, codes: int, beyond: np.uint32) -> None:
    nan = nan_code(c[k.ELEMENT_NAN_AT])
    for at in range(c[k.VALUES_AT] * LANES):
        u = load(w, D + at)
        a = U32(u & ABS)
        code = U32(midpoints_passed(a, beyond) | U32(U32(u >> U32(31)) << U32(3)))
        code = nan if a > INF else code
        store(w, codes + at, with_zero_sign(c[k.ZERO_SIGN_AT], a, code, MINUS_ZERO))
        put(w, D + at, e2m1_value(code))


@step
def _cast_all_saturate(w: np.ndarray, c: np.ndarray, codes: int, n: int) -> None:
    nan, zero_sign = nan_code(c[k.ELEMENT_NAN_AT]), c[k.ZERO_SIGN_AT]
    for at in range(n * LANES):
        u = load(w, D + at)
        a = U32(u & ABS)
        code = U32(e2m1_magnitude(min(a, EIGHT)) | U32(U32(u >> U32(31)) << U32(3)))
        code = nan if a > INF else code
        store(w, codes + at, code)
        put(w, D + at, e2m1_value(code))
        store(w, codes + at, with_zero_sign(zero_sign, a, code, MINUS_ZERO))


@step
def nan_code(kind: int) -> np.uint32:
    """Return the code of NaN."""
    if kind == NAN_IS_7:
        return U32(7)
    if kind == NAN_IS_8:
        return MINUS_ZERO
    return U32(0) if kind == NAN_IS_0 else U32(0xB)


@step
def e2m1_value(code: np.uint32) -> np.float32:
    """Return the value of an E2M1 code: its fields moved into a float32, times 2^126."""
    magnitude = F32(float_of(U32(U32(code & U32(7)) << U32(22))) * F32(2.0**126))
    return float_of(U32(bits_of(magnitude) | U32(U32(code >> U32(3)) << U32(31))))


@step
def midpoints_passed(a: np.uint32, beyond: np.uint32) -> np.uint32:
    """Return the E2M1 magnitude code of magnitude bits `a`; NaN is the caller's. N9c, N9e.

    beyond: by how many steps a midpoint has to be passed: 0 sends ties to the larger magnitude, 1 to the
    smaller.
    """
    code = U32(0)
    for t in _MIDPOINTS:
        code = U32(code + (U32(1) if a >= U32(t + beyond) else U32(0)))
    return code


@step
def first_nearest(a: np.float32) -> np.uint32:
    """Return the first E2M1 magnitude code whose rounded distance from a is the smallest. N9f."""
    best, code = a, U32(0)
    for size in range(1, 8):
        distance = abs(F32(a - e2m1_value(U32(size))))
        nearer = distance < best
        best = distance if nearer else best
        code = U32(size) if nearer else code
    return code


@step
def unsaturated(a: np.uint32, negative: np.uint32) -> tuple[np.uint32, np.float32]:
    """Return code (8 bits: it may pass 15) and value on the grid continued upward in steps of 2. N9b."""
    y = float_of(a)
    size = HALF if y < TWO else (ONE if y < F32(4) else TWO)
    q = F32(F32(np.rint(F32(y / size))) * size)
    if a > INF or F32(y + y) > FLT_MAX:
        return U32(0xB), float_of(U32(0x7FC00000))
    u = bits_of(q)
    short = U32(U32(u + U32(0x7FFF) + U32(U32(u >> U32(16)) & U32(1))) >> U32(16))
    half_code = np.int64(U32(short >> U32(7))) - BF16_HALF_FIELD
    magnitude = 1 if half_code == 0 else (half_code * 2) | np.int64(U32(U32(short >> U32(6)) & U32(1)))
    magnitude = 0 if q == ZERO else magnitude
    code = U32(U32(magnitude & 0xFF) | U32(negative << U32(3)))
    return code, float_of(U32(u | U32(negative << U32(31))))
