"""Rounding onto the grid of any element format, whose numbers are data: model/elements.py compiled.

A grid is a row of numbers in the configuration. Adding m = 2^(23 - k) * max(2^e, 2^emin) to a magnitude of
exponent e leaves k fraction bits, so the addition itself rounds to nearest even; the code counts the steps
that it passed. E2M1 has its own loops beside this one.
"""

from __future__ import annotations

import numpy as np

from fos_ref.fast import config as k
from fos_ref.fast.codec import ABS, bits_of, EXPONENT, F32, float_of, INF, U32
from fos_ref.fast.config import position
from fos_ref.fast.lanes import D, get, LANES, put, step
from fos_ref.fast.memory import load, store
from fos_ref.recipes.axes import ElementCast, ZeroSign

TIES_TO_SMALLER = position(ElementCast.TIES_TO_SMALLER)
NEGATIVE_VALUES = position(ZeroSign.NEGATIVE_VALUES)
NEVER = position(ZeroSign.NEVER)
NOT_POSITIVE = position(ZeroSign.NOT_POSITIVE)
ALWAYS = position(ZeroSign.ALWAYS)
SIGN = U32(0x80000000)
DIGITS = U32(23)
ONE, ZERO, HALF = F32(1), F32(0), F32(0.5)


@step
def on_grid(a: np.uint32, places: np.uint32, least: np.uint32) -> tuple[np.uint32, np.float32, np.float32]:
    """Return magnitude code, value and spacing of magnitude bits `a` up to the largest value: nearest even.

    places: the format's fraction bits; least: the bits of its smallest normal value
    """
    shift = U32(U32(DIGITS - places) << DIGITS)
    m = U32(max(U32(a & EXPONENT), least) + shift)
    t = F32(float_of(a) + float_of(m))
    beyond = U32(U32(m - U32(least + shift)) >> U32(DIGITS - places))
    spacing = float_of(U32(m - U32(DIGITS << DIGITS)))
    return U32(U32(bits_of(t) - m) + beyond), F32(t - float_of(m)), spacing


@step
def with_zero_sign(kind: int, a: np.uint32, code: np.uint32, minus_zero: np.uint32) -> np.uint32:
    """Return a code whose zero has the sign of the recipe; `a` are the scaled value's magnitude bits."""
    positive = (kind == NEGATIVE_VALUES and a == U32(0)) or (
        kind == NEVER and code == minus_zero and float_of(a) < ONE
    )
    code = U32(0) if positive else code
    if kind == ALWAYS:
        return minus_zero if code == U32(0) else code
    return minus_zero if kind == NOT_POSITIVE and a == U32(0) else code


@step
def cast_floats(w: np.ndarray, c: np.ndarray, codes: int, grid: int) -> None:
    """Store codes and, in region D, values of a float format: saturating. N9a, N9e."""
    places, least, most = U32(c[grid + k.PLACES]), U32(c[grid + k.LEAST]), U32(c[grid + k.MOST])
    shift, nan = U32(c[grid + k.SIGN_SHIFT]), U32(c[grid + k.NAN])
    nan_bits, minus_zero = U32(c[grid + k.NAN_BITS]), U32(U32(1) << U32(c[grid + k.SIGN_SHIFT]))
    down, zero_sign = c[k.ELEMENT_CAST_AT] == TIES_TO_SMALLER, c[k.ZERO_SIGN_AT]
    for at in range(c[k.VALUES_AT] * LANES):
        u = load(w, D + at)
        a = U32(u & ABS)
        clipped = min(a, most)
        size, value, spacing = on_grid(clipped, places, least)
        lower = down and F32(value - float_of(clipped)) == F32(spacing * HALF)
        size = U32(size - U32(1)) if lower else size
        value = F32(value - spacing) if lower else value
        code = U32(size | U32(U32(u >> U32(31)) << shift))
        bits = U32(bits_of(value) | U32(u & SIGN))
        code = nan if a > INF else code
        store(w, codes + at, with_zero_sign(zero_sign, a, code, minus_zero))
        store(w, D + at, nan_bits if a > INF else bits)


@step
def cast_integers(w: np.ndarray, c: np.ndarray, codes: int, grid: int) -> None:
    """Store codes and, in region D, values of an integer format; NaN gives 0, and no code is -0. N9d."""
    places, least, most = U32(c[grid + k.PLACES]), U32(c[grid + k.LEAST]), U32(c[grid + k.MOST])
    shift, complement = U32(c[grid + k.SIGN_SHIFT]), c[grid + k.KIND] == k.COMPLEMENT
    mask, minus = U32(U32(U32(2) << shift) - U32(1)), U32(U32(1) << shift)
    for at in range(c[k.VALUES_AT] * LANES):
        u = load(w, D + at)
        a = U32(u & ABS)
        size, value, _ = on_grid(min(a, most), places, least)
        negative = U32(u & SIGN) != U32(0) and size != U32(0)
        below = U32(U32(U32(0) - size) & mask) if complement else U32(size | minus)
        code = below if negative else size
        value = F32(-value) if negative else value
        store(w, codes + at, U32(0) if a > INF else code)
        put(w, D + at, ZERO if a > INF else value)


@step
def cast_products(w: np.ndarray, c: np.ndarray, rows: tuple, inputs: int) -> None:
    """Store the first E2M1 codes whose |value*d - x|, rounded, is least; region D holds x/d. N9g."""
    _, _, factor, codes = rows
    nan, nan_bits = U32(c[k.FIRST_AT + k.NAN]), U32(c[k.FIRST_AT + k.NAN_BITS])
    for j in range(c[k.VALUES_AT]):
        for i in range(LANES):
            at = j * LANES + i
            x, d = load(w, inputs + at), get(w, factor + i)
            size, value = nearest_product(float_of(U32(x & ABS)), d)
            negative = U32(x & SIGN) if size != U32(0) else U32(0)
            code, bits = U32(size | U32(negative >> U32(28))), U32(bits_of(value) | negative)
            is_nan = U32(load(w, D + at) & ABS) > INF
            store(w, codes + at, nan if is_nan else code)
            store(w, D + at, nan_bits if is_nan else bits)


@step
def nearest_product(a: np.float32, d: np.float32) -> tuple[np.uint32, np.float32]:
    """Return the first E2M1 magnitude code, and its value, whose product with d is nearest to a."""
    best, code, value = abs(F32(F32(ZERO * d) - a)), U32(0), ZERO
    for size in range(1, 8):
        q = F32(float_of(U32(U32(size) << U32(22))) * F32(2.0**126))
        distance = abs(F32(F32(q * d) - a))
        nearer = distance < best
        best = distance if nearer else best
        code = U32(size) if nearer else code
        value = q if nearer else value
    return code, value
