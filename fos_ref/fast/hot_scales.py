"""What a chunk needs once per block: the usual block scales, the verdict, the bytes.

`usual_scales` states the steps of fos_ref/fast/scales.py that most recipes share: N5a, N6a, N7a, N8a. It may
assume numbers, because its result is used for regular blocks only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fos_ref.fast.codec import bits_of, e4m3_magnitude, E4M3_MAX, F32, float_of, U32
from fos_ref.fast.lanes import (
    AMAX,
    BYTE4,
    BYTE6,
    CHOICE,
    CHOSEN,
    DECODE,
    ENCODE,
    FACTOR4,
    FACTOR6,
    get,
    KEPT,
    LANES,
    OPEN,
    put,
    SCALE4,
    SCALE6,
    SCRATCH,
    step,
    SUM4,
    SUM6,
    walk,
)
from fos_ref.fast.memory import load, store
from fos_ref.fast.scales import ONE
from fos_ref.fast.vector.loops import write_bytes16
from fos_ref.fast.vector.registers import WIDTH

SEVEN, ZERO = F32(7), F32(0)
EXPANSION = F32(1.5)
E4M3_TO_F32 = F32(2.0**120)  #: what a code's bits, 20 places up, are short of its value
DELTA, LIMIT = SCRATCH, SCRATCH + LANES


@walk
def _candidate(
    w: np.ndarray, i: int, base: np.float32, below: np.float32, byte: int, scale: int, factor: int
) -> np.uint32:
    """Store byte, value and factor of a candidate's block scale; return 1 where its block is not regular."""
    code = e4m3_magnitude(min(bits_of(base), E4M3_MAX))
    value = F32(float_of(U32(code << U32(20))) * E4M3_TO_F32)
    multiplier = F32(ONE / F32(value * get(w, DECODE + i)))
    store(w, byte + i, code)
    put(w, scale + i, value)
    put(w, factor + i, multiplier)
    y = F32(get(w, AMAX + i) * multiplier)
    return U32(0) if y < below and code != U32(0) else U32(1)


@step
def usual_scales_one(w: np.ndarray, most: np.float32, below: np.float32) -> np.uint32:
    """Store the scales of the one candidate, leave open what is not regular; return nonzero if a block is.

    most: the largest element; below: what scaled values of a regular block are.
    """
    bad = U32(0)
    for i in range(LANES):
        base = F32(F32(get(w, AMAX + i) / most) * get(w, ENCODE + i))
        irregular = _candidate(w, i, base, below, BYTE6, SCALE6, FACTOR6)
        store(w, OPEN + i, irregular)
        bad = U32(bad | irregular)
    return bad


@step
def usual_scales_two(w: np.ndarray, most: np.float32) -> np.uint32:
    """Store the scales of both candidates, leave open what is not regular; return nonzero if a block is.

    most: what the largest element counts as, 6 times the range factor.
    """
    bad = U32(0)
    for i in range(LANES):
        base = F32(F32(get(w, AMAX + i) / most) * get(w, ENCODE + i))
        irregular = _candidate(w, i, base, SEVEN, BYTE6, SCALE6, FACTOR6)
        irregular = U32(irregular | _candidate(w, i, F32(base * EXPANSION), SEVEN, BYTE4, SCALE4, FACTOR4))
        store(w, OPEN + i, irregular)
        bad = U32(bad | irregular)
    return bad


def _judge(weight: Callable[..., Any]) -> Callable[..., Any]:
    """Return a step that compares cheap errors, beyond the bound that fos_ref/fast/filter.py proves."""

    @step
    def judge(w: np.ndarray, slope: np.float32, constant: np.float32) -> np.uint32:
        """Store choice, factor and scale byte; leave open what is too close to call as well.

        Return nonzero if a block is left open.
        """
        for i in range(LANES):
            g4, g6 = get(w, SUM4 + i), get(w, SUM6 + i)
            s4, s6 = weight(get(w, SCALE4 + i)), weight(get(w, SCALE6 + i))
            limit4 = F32(s4 * F32(F32(slope * g4) + constant))
            limit6 = F32(s6 * F32(F32(slope * g6) + constant))
            put(w, DELTA + i, F32(F32(s4 * g4) - F32(s6 * g6)))
            put(w, LIMIT + i, F32(limit4 + limit6))
        return _settle(w)

    return judge


@step
def _settle(w: np.ndarray) -> np.uint32:
    """Store choice, factor and scale byte by the sign of DELTA; leave open where LIMIT is not exceeded.

    Both values are loaded before one is kept: a load that depends on the lane is no vector instruction.
    """
    bad = U32(0)
    for i in range(LANES):
        delta, limit, was_open = get(w, DELTA + i), get(w, LIMIT + i), load(w, OPEN + i)
        factor4, factor6 = load(w, FACTOR4 + i), load(w, FACTOR6 + i)
        byte4, byte6 = load(w, BYTE4 + i), load(w, BYTE6 + i)
        four = delta < ZERO
        store(w, CHOICE + i, U32(1) if four else U32(0))
        store(w, CHOSEN + i, factor4 if four else factor6)
        store(w, KEPT + i, byte4 if four else byte6)
        still = was_open if abs(delta) > limit else U32(1)
        store(w, OPEN + i, still)
        bad = U32(bad | still)
    return bad


@walk
def _square(s: np.float32) -> np.float32:
    return F32(s * s)


@walk
def _itself(s: np.float32) -> np.float32:
    return s


judge_squares, judge_magnitudes = _judge(_square), _judge(_itself)


@step
def write_bytes(w: np.ndarray, scales: np.ndarray, picked: np.ndarray, first: int) -> None:
    """Write the kept block scale bytes and the choices of 64 blocks from block `first` on."""
    for group in range(0, LANES, WIDTH):
        write_bytes16(w, KEPT + group, scales, first + group)
        write_bytes16(w, CHOICE + group, picked, first + group)
