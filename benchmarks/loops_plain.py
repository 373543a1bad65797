"""The loops of fos_ref/fast/vector/loops.py in plain Numba, the fastest of several ways that were tried.

A small loop over 8 rows inside the loop over the lanes keeps what is added up in registers: the compiler
unrolls it. With 16 turns it does not, and then nothing becomes a vector instruction.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit

from fos_ref.fast.codec import ABS, bits_of, E2M1_FIRST, E2M1_SHIFT, EXPONENT, F32, float_of, ONE, U32
from fos_ref.fast.lanes import (
    AMAX,
    CHOICE,
    CHOSEN,
    D,
    FACTOR4,
    FACTOR6,
    get,
    KEPT,
    LANES,
    put,
    SCRATCH,
    step,
    SUM4,
    SUM6,
    X,
)
from fos_ref.fast.memory import load, store

SIGN = U32(0x80000000)
CHUNK, QUARTER, AT_ONCE = 1024, 256, 8
Loop = Callable[..., Any]
part = njit(error_model="numpy", inline="always")


@part
def _magic(y):  # noqa: ANN001, ANN202
    return U32(max(U32(bits_of(y) & EXPONENT), ONE) + E2M1_SHIFT)


@part
def _distance(y):  # noqa: ANN001, ANN202
    m = float_of(_magic(y))
    return F32(F32(F32(y + m) - m) - y)


def _read(dtype: int) -> Loop:
    """Return two passes, each of which takes every fourth word: a transposition of 64 x 16 words."""

    @part
    def value(x, i):  # noqa: ANN001, ANN202
        return load(x[0], i) if dtype == 0 else U32(U32(load(x[1], i)) << U32(16))

    @step
    def read(w, x, out, chunk):  # noqa: ANN001, ANN202, ARG001
        for i in range(QUARTER):
            for k in range(4):
                store(w, D + k * QUARTER + i, value(x, chunk * CHUNK + 4 * i + k))
        for i in range(QUARTER):
            for k in range(4):
                store(w, X + k * QUARTER + i, load(w, D + 4 * i + k))
        _amaxes(w)

    return read


@step
def _amaxes(w):  # noqa: ANN001, ANN202
    for i in range(LANES):
        store(w, AMAX + i, U32(0))
    for start in range(X, X + CHUNK, AT_ONCE * LANES):
        for i in range(LANES):
            most = load(w, AMAX + i)
            for j in range(AT_ONCE):
                most = max(most, U32(load(w, start + j * LANES + i) & ABS))
            store(w, AMAX + i, most)


def _sum(join: Loop) -> Loop:
    @step
    def add(w, x, out, chunk):  # noqa: ANN001, ANN202, ARG001
        for start in range(X, X + CHUNK, AT_ONCE * LANES):
            for i in range(LANES):
                s6, s4 = get(w, SUM6 + i), get(w, SUM4 + i)
                for j in range(AT_ONCE):
                    a = float_of(U32(load(w, start + j * LANES + i) & ABS))
                    s6 = join(s6, _distance(F32(a * get(w, FACTOR6 + i))))
                    s4 = join(s4, _distance(F32(a * get(w, FACTOR4 + i))))
                put(w, SUM6 + i, s6)
                put(w, SUM4 + i, s4)

    return add


@part
def _plus_square(total, d):  # noqa: ANN001, ANN202
    return F32(total + F32(d * d))


@part
def _plus_magnitude(total, d):  # noqa: ANN001, ANN202
    return F32(total + float_of(U32(bits_of(d) & ABS)))


@part
def _maximum(total, d):  # noqa: ANN001, ANN202
    return float_of(max(bits_of(total), U32(bits_of(d) & ABS)))


def _codes(*, by_value: bool, divided: bool) -> Loop:
    @step
    def write(w, x, out, chunk):  # noqa: ANN001, ANN202, ARG001
        for half in range(2):
            for i in range(LANES):
                word = U32(0)
                for j in range(AT_ONCE):
                    v = load(w, X + (half * AT_ONCE + j) * LANES + i)
                    a, factor = float_of(U32(v & ABS)), get(w, CHOSEN + i)
                    y = F32(a / factor) if divided else F32(a * factor)
                    m = _magic(y)
                    passed = U32(bits_of(F32(y + float_of(m))) - m)
                    code = U32(passed + U32(U32(m - E2M1_FIRST) >> U32(22)))
                    sign = U32(0) if by_value and bits_of(y) == U32(0) else U32(v & SIGN)
                    word = U32(U32(word >> U32(4)) | U32(U32(code << U32(28)) | sign))
                store(w, SCRATCH + half * LANES + i, word)
        for i in range(LANES):
            store(out[0], chunk * 2 * LANES + 2 * i, load(w, SCRATCH + i))
            store(out[0], chunk * 2 * LANES + 2 * i + 1, load(w, SCRATCH + LANES + i))

    return write


@step
def _bytes(w, x, out, chunk):  # noqa: ANN001, ANN202, ARG001
    for i in range(LANES):
        store(out[1], chunk * LANES + i, load(w, KEPT + i))
        store(out[2], chunk * LANES + i, load(w, CHOICE + i))


PLAIN: dict[str, Loop] = {
    "read float32": _read(0),
    "read bfloat16": _read(1),
    "sum of squares": _sum(_plus_square),
    "sum of magnitudes": _sum(_plus_magnitude),
    "maximum": _sum(_maximum),
    "codes": _codes(by_value=False, divided=False),
    "codes, divided": _codes(by_value=False, divided=True),
    "codes, sign by value": _codes(by_value=True, divided=False),
    "codes, sign by value, divided": _codes(by_value=True, divided=True),
    "bytes": _bytes,
}
