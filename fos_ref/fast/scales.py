"""The block scale of 64 blocks at once: before rounding, the map-to-4 candidate's, the cast (N5-N7)."""

from __future__ import annotations

import numpy as np

from fos_ref.fast import config as k
from fos_ref.fast.codec import ABS, bits_of, e4m3_magnitude, E4M3_MAX, F32, float_of, INF, U32
from fos_ref.fast.config import position
from fos_ref.fast.e8m0 import cast_e8m0, log2, power_of_two
from fos_ref.fast.lanes import (
    AMAX,
    BASE4,
    BASE6,
    BYTE4,
    DECODE,
    ENCODE,
    EXPANDED,
    fill,
    get,
    LANES,
    put,
    SCALE4,
    SCRATCH,
    step,
    TENSOR_AMAX,
    walk,
)
from fos_ref.fast.memory import load, store
from fos_ref.fast.short_scales import cast_e5m3, cast_half_up
from fos_ref.recipes.axes import BlockScale, Map4Scale, ScaleFloor, ScaleFormat, ScaleNan

FLT_MAX = F32(np.finfo(np.float32).max)
ONE = F32(1)
FOUR = F32(4)
EXPANSION = F32(1.5)
ZERO = F32(0)
MIN_NORMAL = F32(2.0**-6)
MIN_SUBNORMAL = F32(2.0**-9)
ROOT_OF_TINY = F32(2.0**-63)
E4M3_TO_F32 = F32(2.0**120)  #: an E4M3 code shifted into a float32's fields is the value over 2^120
HALF_TO_F32 = F32(2.0**112)
HALF_MIN_NORMAL = F32(2.0**-14)
HALF_MAGIC = F32(0.5)  #: its ulp is 2^-24, the smallest float16 subnormal
HALF_INF = U32(0x47800000)  #: bits of 65536.0

DIVIDE_THEN_MULTIPLY = position(BlockScale.DIVIDE_THEN_MULTIPLY)
FOLDED_RECIPROCAL = position(BlockScale.FOLDED_RECIPROCAL)
RECIPROCAL_THEN_MULTIPLY = position(BlockScale.RECIPROCAL_THEN_MULTIPLY)
DIVIDE_BY_DECODE = position(BlockScale.DIVIDE_BY_DECODE)
DIVIDE_THEN_DIVIDE = position(BlockScale.DIVIDE_THEN_DIVIDE)
DECODE_RECIPROCAL = position(BlockScale.DECODE_RECIPROCAL)
MULTIPLY_THEN_DIVIDE = position(BlockScale.MULTIPLY_THEN_DIVIDE)
DIVIDE_IN_INPUT_DTYPE = position(BlockScale.DIVIDE_IN_INPUT_DTYPE)
RECIPROCAL_PER_MAXIMUM = position(BlockScale.RECIPROCAL_PER_MAXIMUM)
NORMALISED = position(BlockScale.NORMALISED)
AMAX_ALONE = position(BlockScale.AMAX)
LOGARITHM = position(BlockScale.LOGARITHM)
DECODE_THEN_DIVIDE = position(BlockScale.DECODE_THEN_DIVIDE)
LOGARITHM_IN_INPUT_DTYPE = position(BlockScale.LOGARITHM_IN_INPUT_DTYPE)
EXPAND_BEFORE_ROUNDING = position(Map4Scale.EXPAND_BEFORE_ROUNDING)
EXPAND_AFTER_ROUNDING = position(Map4Scale.EXPAND_AFTER_ROUNDING)
FROM_BLOCK_AMAX = position(Map4Scale.FROM_BLOCK_AMAX)
EXPAND_AMAX = position(Map4Scale.EXPAND_AMAX)
FLOOR_MIN_NORMAL = position(ScaleFloor.MIN_NORMAL)
FLOOR_ZERO_IS_ONE = position(ScaleFloor.ZERO_IS_ONE)
FLOOR_ZERO_ALONE = position(ScaleFloor.ZERO_ALONE_IS_ONE)
FLOOR_TINY = position(ScaleFloor.TINY_IS_ONE)
FLOOR_MIN_SUBNORMAL = position(ScaleFloor.MIN_SUBNORMAL)
FLOOR_ZERO_IS_EIGHTH = position(ScaleFloor.ZERO_IS_EIGHTH)
FLOOR_ZERO_CODE = position(ScaleFloor.ZERO_CODE_IS_ONE)
E4M3 = position(ScaleFormat.E4M3)
E5M3 = position(ScaleFormat.E5M3)
E4M3_HALF_UP = position(ScaleFormat.E4M3_HALF_UP)
NAN_IS_FF = position(ScaleNan.CODE_FF)
EIGHTH, ONE_CODE = U32(0x20), U32(0x38)
NAN_BYTE = U32(0x7F)


@step
def to_bfloat16(x: np.float32) -> np.float32:
    """Return x rounded to bfloat16, nearest even."""
    u = bits_of(x)
    if U32(u & ABS) > INF:
        return x
    return float_of(U32(U32(u + U32(0x7FFF) + U32(U32(u >> U32(16)) & U32(1))) & U32(0xFFFF0000)))


@step
def to_float16(x: np.float32) -> np.float32:
    """Return a value of 0 and above rounded to float16, nearest even, with its subnormals and infinity."""
    u = bits_of(x)
    if U32(u & ABS) > INF:
        return x
    if x < HALF_MIN_NORMAL:
        return F32(F32(x + HALF_MAGIC) - HALF_MAGIC)
    kept = U32(U32(u + U32(0xFFF) + U32(U32(u >> U32(13)) & U32(1))) & U32(0xFFFFE000))
    return float_of(INF) if kept >= HALF_INF else float_of(kept)


@step
def in_input_dtype(x: np.float32, dtype: int) -> np.float32:
    """Return x rounded to the input's dtype."""
    if dtype == 1:
        return to_bfloat16(x)
    return to_float16(x) if dtype == 2 else x


@step
def signed_in_input_dtype(x: np.float32, dtype: int) -> np.float32:
    """Return x of either sign rounded to the input's dtype."""
    u = bits_of(x)
    size = bits_of(in_input_dtype(float_of(U32(u & ABS)), dtype))
    return float_of(U32(size | U32(u & U32(0x80000000))))


@step
def near_power(base: np.float32, dtype: int) -> np.float32:
    """Return 2^l where l, log2(base) rounded to a dtype, is a whole number; base elsewhere. N5l, N5m."""
    u = U32(bits_of(base) & ABS)
    if u == U32(0) or u >= INF:
        return base
    exponent = log2(base)
    size = in_input_dtype(float_of(U32(bits_of(exponent) & ABS)), dtype)
    if size != F32(np.rint(size)):
        return base
    whole = np.int64(size)
    return power_of_two(-whole if exponent < ZERO else whole)


@step
def unrounded(w: np.ndarray, c: np.ndarray, m: np.float32, scale_max: np.float32, b: int, out: int) -> None:
    """Store the block scale before rounding, for block amaxes in row `b` and elements up to m. N5."""
    kind = c[k.BLOCK_SCALE_AT]
    if kind == DIVIDE_THEN_MULTIPLY:
        for i in range(LANES):
            put(w, out + i, F32(F32(get(w, b + i) / m) * get(w, ENCODE + i)))
    elif kind == FOLDED_RECIPROCAL:
        for i in range(LANES):
            base = F32(get(w, b + i) * F32(get(w, ENCODE + i) * F32(ONE / m)))
            put(w, out + i, FLT_MAX if base > FLT_MAX else base)
    elif kind == RECIPROCAL_THEN_MULTIPLY:
        for i in range(LANES):
            put(w, out + i, F32(get(w, ENCODE + i) * F32(get(w, b + i) * F32(ONE / m))))
    elif kind == DIVIDE_BY_DECODE:
        for i in range(LANES):
            put(w, out + i, F32(get(w, b + i) / F32(m * get(w, DECODE + i))))
    elif kind == DIVIDE_THEN_DIVIDE:
        for i in range(LANES):
            put(w, out + i, F32(F32(get(w, b + i) / m) / get(w, DECODE + i)))
    elif kind == DECODE_RECIPROCAL:
        for i in range(LANES):
            put(w, out + i, F32(get(w, b + i) * F32(ONE / F32(m * get(w, DECODE + i)))))
    elif kind == MULTIPLY_THEN_DIVIDE:
        for i in range(LANES):
            put(w, out + i, F32(F32(get(w, ENCODE + i) * get(w, b + i)) / m))
    elif kind == DIVIDE_IN_INPUT_DTYPE:
        for i in range(LANES):
            narrow = in_input_dtype(F32(get(w, b + i) / m), c[k.DTYPE_AT])
            put(w, out + i, F32(get(w, ENCODE + i) * narrow))
    elif kind == RECIPROCAL_PER_MAXIMUM:
        for i in range(LANES):
            inverse = F32(ONE / get(w, DECODE + i))
            put(w, out + i, F32(F32(get(w, b + i) * F32(ONE / m)) * inverse))
    elif kind == NORMALISED:
        for i in range(LANES):
            base = F32(get(w, b + i) / m)
            base = ONE if base == ZERO else base
            put(w, out + i, F32(F32(base * scale_max) / F32(get(w, TENSOR_AMAX + i) / m)))
    elif kind == DECODE_THEN_DIVIDE:
        for i in range(LANES):
            put(w, out + i, F32(F32(get(w, b + i) / get(w, DECODE + i)) / m))
    elif kind == AMAX_ALONE:
        for i in range(LANES):
            store(w, out + i, load(w, b + i))
    elif kind == LOGARITHM:
        for i in range(LANES):
            put(w, out + i, near_power(F32(get(w, b + i) / m), 0))
    elif kind == LOGARITHM_IN_INPUT_DTYPE:
        for i in range(LANES):
            narrow = in_input_dtype(F32(get(w, b + i) / m), c[k.DTYPE_AT])
            put(w, out + i, near_power(narrow, c[k.DTYPE_AT]))


@walk
def map4_base(w: np.ndarray, c: np.ndarray, f: np.ndarray) -> None:
    """Store the map-to-4 candidate's block scale before rounding. N6."""
    kind = c[k.MAP4_SCALE_AT]
    if kind == EXPAND_BEFORE_ROUNDING:
        for i in range(LANES):
            put(w, BASE4 + i, F32(get(w, BASE6 + i) * EXPANSION))
    elif kind == EXPAND_AFTER_ROUNDING:
        cast_scale(w, c, BASE6, BYTE4, SCALE4)
        for i in range(LANES):
            put(w, BASE4 + i, F32(get(w, SCALE4 + i) * EXPANSION))
    elif kind == FROM_BLOCK_AMAX:
        unrounded(w, c, FOUR, f[k.SCALE_MAX], AMAX, BASE4)
    elif kind == EXPAND_AMAX:
        unrounded(w, c, f[k.ELEMENT_MAX], f[k.SCALE_MAX], EXPANDED, BASE4)


@walk
def cast_scale(w: np.ndarray, c: np.ndarray, base: int, byte: int, value: int) -> None:
    """Store the block scale bytes and their values. N7."""
    _floored(w, c[k.SCALE_FLOOR_AT], base)
    if c[k.SCALE_FORMAT_AT] == E4M3:
        _cast_e4m3(w, c, byte, value)
    elif c[k.SCALE_FORMAT_AT] == E5M3:
        cast_e5m3(w, byte, value)
    elif c[k.SCALE_FORMAT_AT] == E4M3_HALF_UP:
        cast_half_up(w, byte, value)
    else:
        cast_e8m0(w, c[k.SCALE_FORMAT_AT], U32(c[k.EXPONENT_AT]), byte, value)


@step
def _floored(w: np.ndarray, floor: int, base: int) -> None:
    """Store the floored block scale in the scratch row; a NaN passes."""
    for i in range(LANES):
        store(w, SCRATCH + i, load(w, base + i))
    if floor == FLOOR_MIN_NORMAL:
        for i in range(LANES):
            v = get(w, base + i)
            put(w, SCRATCH + i, MIN_NORMAL if v < MIN_NORMAL else v)
    elif floor == FLOOR_ZERO_IS_ONE:
        for i in range(LANES):
            v = get(w, base + i)
            v = ONE if v == ZERO else v
            put(w, SCRATCH + i, MIN_SUBNORMAL if v < MIN_SUBNORMAL else v)
    elif floor == FLOOR_MIN_SUBNORMAL:
        for i in range(LANES):
            v = get(w, base + i)
            put(w, SCRATCH + i, MIN_SUBNORMAL if v < MIN_SUBNORMAL else v)
    elif floor == FLOOR_ZERO_ALONE:
        for i in range(LANES):
            v = get(w, base + i)
            put(w, SCRATCH + i, ONE if v == ZERO else v)
    elif floor == FLOOR_TINY:
        for i in range(LANES):
            v = get(w, base + i)
            put(w, SCRATCH + i, ONE if v < ROOT_OF_TINY else v)


@step
def _cast_e4m3(w: np.ndarray, c: np.ndarray, byte: int, value: int) -> None:
    """Store E4M3 bytes and values of the scratch row: nearest even, saturating, NaN as the recipe says."""
    nan = U32(0xFF) if c[k.SCALE_NAN_AT] == NAN_IS_FF else NAN_BYTE
    floor = c[k.SCALE_FLOOR_AT]
    zero = EIGHTH if floor == FLOOR_ZERO_IS_EIGHTH else (ONE_CODE if floor == FLOOR_ZERO_CODE else U32(0))
    for i in range(LANES):
        a = U32(load(w, SCRATCH + i) & ABS)
        code = e4m3_magnitude(min(a, E4M3_MAX))
        code = zero if code == U32(0) else code
        v = F32(float_of(U32(code << U32(20))) * E4M3_TO_F32)
        store(w, byte + i, nan if a > INF else code)
        store(w, value + i, a if a > INF else bits_of(v))


@step
def tensor_scales(w: np.ndarray, amax: np.float32, encode: np.float32, decode: np.float32) -> None:
    """Store one tensor's scales in every lane."""
    fill(w, TENSOR_AMAX, amax)
    fill(w, ENCODE, encode)
    fill(w, DECODE, decode)
