"""The loops: blocks of 16 that correct their own scale, groups of 128 values that correct eight."""

from __future__ import annotations

from typing import Any

import numpy as np

from fos_ref.fast.cached import cached
from fos_ref.fast.codec import ABS, bits_of, e4m3_magnitude, E4M3_MAX, F32, float_of, INF, U32
from fos_ref.fast.eden.registers import (
    cut_to_four,
    e4m3_value,
    element,
    fused,
    NAN_BYTE,
    scale_byte,
    to_bfloat16,
)
from fos_ref.fast.elements import e2m1_value
from fos_ref.fast.lanes import step

BLOCK, GROUP = 16, 128
ZERO, ONE = F32(0), F32(1)
_ONE_CODE = U32(0x38)
CAST, NAN, ZERO_SIGN, DROP_NAN = range(4)  #: positions of the configuration
_OPTIONS: dict[str, Any] = {"error_model": "numpy", "nogil": True, "fastmath": False}


@step
def block_amax(x: Any, first: int, drop_nan: bool) -> np.uint32:
    """Return the largest magnitude's bits of a block; a NaN has larger bits than any number. N4."""
    most = U32(0)
    for j in range(BLOCK):
        a = U32(x[first + j] & ABS)
        most = max(most, U32(0) if drop_nan and a > INF else a)
    return most


@cached(**_OPTIONS)
def blocks(x: Any, c: Any, most: Any, codes: Any, scales: Any, start: int, stop: int) -> None:
    """Write codes and corrected scales of the blocks start..stop. N6h.

    x (16 B,) float32 bits; c the configuration; most E, as float32; codes (16 B,) bytes; scales (B,) float32
    """
    drop, factor = c[DROP_NAN] != 0, F32(ONE / most)
    for block in range(start, stop):
        first = block * BLOCK
        largest = block_amax(x, first, drop)
        sc = cut_to_four(F32(float_of(largest) * factor))
        m = F32(ONE / sc) if sc > ZERO else ZERO
        squares = others = products = other_products = ZERO
        for j in range(BLOCK):  # those of even and of odd elements change places
            v = F32(float_of(x[first + j]) * m)
            code = element(v, c[CAST], U32(c[NAN]), c[ZERO_SIGN])
            codes[first + j] = code
            squares, others = others, fused(v, v, squares)
            products, other_products = other_products, fused(v, e2m1_value(code), products)
        product = F32(products + other_products)
        correction = ONE if product == ZERO else F32(F32(squares + others) * F32(ONE / product))
        scales[block] = to_bfloat16(F32(sc * correction))


@cached(**_OPTIONS)
def groups(x: Any, c: Any, most: Any, decode: Any, codes: Any, scales: Any, start: int, stop: int) -> None:
    """Write codes and corrected scales of the groups start..stop of 128 values. N6i.

    Arguments as of `blocks`; decode: D, as float32
    """
    drop = c[DROP_NAN] != 0
    for group in range(start, stop):
        square = product = ZERO
        for block in range(group * 8, group * 8 + 8):
            first = block * BLOCK
            largest = block_amax(x, first, drop)
            base = F32(F32(float_of(largest) / most) / decode)
            a = U32(bits_of(base) & ABS)
            code = NAN_BYTE if a > INF else e4m3_magnitude(min(a, E4M3_MAX))
            s = e4m3_value(_ONE_CODE if code == U32(0) else code)
            scales[block] = s
            d = F32(s * decode)
            for j in range(BLOCK):
                v = F32(float_of(x[first + j]) / d)
                p = element(v, c[CAST], U32(c[NAN]), c[ZERO_SIGN])
                codes[first + j] = p
                square = F32(square + F32(v * v))
                product = F32(product + F32(v * e2m1_value(p)))
        correction = ONE if product == ZERO else F32(square / product)
        for block in range(group * 8, group * 8 + 8):
            scales[block] = F32(scales[block] * correction)


@cached(**_OPTIONS)
def scale_bytes(scales: Any, encode: Any, numbers: Any, kind: int, out: Any, start: int, stop: int) -> None:
    """Write the bytes of the scales start..stop, each times S, as their random numbers say. N7l, N7m."""
    for i in range(start, stop):
        out[i] = scale_byte(F32(scales[i] * encode), U32(numbers[i]), kind)
