"""The arithmetic of both units: float32 lanes, a tree over them, and the reducer's timing."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from fos_ref.arguments import one_of
from fos_ref.formats.arrays import Bool, F32, I64, U8
from fos_ref.formats.environment import check_float_environment
from fos_ref.matmul.units.beats import Beats, check_beats, LANES, Results
from fos_ref.matmul.units.decode import check_codes, CODE_8, FLAG, magnitudes, scale_parts

UNITS = ("nvfp4", "if4")
LATENCY = 6  #: cycles from the next `first` to the result
BUSY = 5  #: cycles that the reducer takes a snapshot
_CHUNK = 1 << 16  #: beats at a time, for memory
#: RN(6/7) and RN(36/49), the factors of one and of two INT4 operands.
_ONE_INT, _BOTH_INT = (np.array([bits], np.uint32).view(np.float32)[0] for bits in (0x3F5B6DB7, 0x3F3C14E6))


def mac(unit: str, beats: Beats, code8: str = "assert") -> Results:
    """Return the accumulators that a unit gives for a stream of beats, and the cycles in which they appear.

    unit:     "nvfp4" or "if4". Bit 7 of a scale byte says INT4 to the second; the first ignores it
    code8:    "assert": a code 8 is an InputError, as the published simulation stops at it. "datapath": what
              the wires give: -0 in E2M1, magnitude 8 in INT4
    Shapes:   T beats of 16 lanes -> a result for each segment that is ended by the `first` of another
    Rounding: to nearest even, in order. The product of the block scales is exact; for one INT4 operand it is
              rounded once after the product with RN(6/7), for two with RN(36/49). An element product is
              exact; times the scale product it is rounded (exact without INT4). A lane's first product is
              loaded, the others are added, each sum rounded. At the end the lanes are added in a tree:
              (0,1), (2,3), ... in four levels, each sum rounded.
    Specials: scale bytes 7F and FF count as 448. A scale product with a zero is +0. The sign of a zero
              product is the XOR of both signs. Nothing here is NaN, infinite or subnormal.
    Timing:   the `first` that ends a segment is in cycle c: its result is visible after the edge of c + 6.
              The reducer is busy for 5 cycles: a segment that ends within 5 cycles after another one is lost.
    Raises:   InputError for another unit or `code8`, and for a code 8; DtypeError and ShapeError for beats.
    Source:   mit-han-lab/fouroversix@dadfad6:if4_mac/rtl, if4_mac/scripts/gen_golden_ref.py
    """
    one_of(unit, UNITS, "unit")
    one_of(code8, CODE_8, "code8")
    check_beats(beats)
    check_float_environment()
    on = np.ones(len(beats.first), dtype=np.bool_) if beats.enable is None else beats.enable
    cycles = np.flatnonzero(on)
    if code8 == "assert":
        check_codes(beats, cycles)
    first = beats.first[cycles]
    products = _products(beats, cycles, is_if4=unit == "if4")
    starts = np.flatnonzero(first)
    sums = _sums(products, starts)
    return _timed(sums, cycles[starts])


def _products(beats: Beats, cycles: I64, *, is_if4: bool) -> F32:
    """Return the rounded product of each lane (T, 16)."""
    found = np.empty((len(cycles), LANES), dtype=np.float32)
    for start in range(0, len(cycles), _CHUNK):
        found[start : start + _CHUNK] = _some_products(beats, cycles[start : start + _CHUNK], is_if4=is_if4)
    return found


def _some_products(beats: Beats, cycles: I64, *, is_if4: bool) -> F32:
    scales = [s[cycles] for s in (beats.a_scale, beats.w_scale)]
    flags = [(s & FLAG != 0) & is_if4 for s in scales]
    pairs = zip((beats.a[cycles], beats.w[cycles]), flags, strict=True)
    (a, a_sign), (w, w_sign) = (magnitudes(codes, is_int[:, None]) for codes, is_int in pairs)
    product = (a * w).astype(np.float32) / np.float32(4)
    signed = np.where(a_sign ^ w_sign, -product, product)
    return signed * _scale_product(scales, flags)[:, None]


def _scale_product(scales: list[U8], flags: list[Bool]) -> F32:
    """Return the product of the block scales as the lanes take it."""
    left, right = (_scale(s) for s in scales)
    exact = (left * right).astype(np.float32)
    count = flags[0].astype(np.int64) + flags[1]
    factor = np.where(count == 1, _ONE_INT, _BOTH_INT)
    return np.where(count == 0, exact, exact * factor)


def _scale(stored: U8) -> F32:
    """Return the values of scale bytes without bit 7."""
    significand, exponent = scale_parts(stored)
    values: F32 = np.ldexp(significand.astype(np.float32), exponent)
    return values


def _sums(products: F32, starts: I64) -> F32:
    """Return the sum of each segment but the last, which nothing ends."""
    found = np.zeros(max(len(starts) - 1, 0), dtype=np.float32)
    for n, (start, stop) in enumerate(pairwise(starts.tolist())):
        lanes = products[start]
        for beat in products[start + 1 : stop]:
            lanes = lanes + beat
        while len(lanes) > 1:
            lanes = lanes[0::2] + lanes[1::2]
        found[n] = lanes[0]
    return found


def _timed(sums: F32, starts: I64) -> Results:
    """Return what appears: the reducer takes a snapshot every 5 cycles at most."""
    kept: list[int] = []
    lost: list[int] = []
    free = -1
    for n, cycle in enumerate(starts[1:].tolist()):
        taken = cycle >= free
        (kept if taken else lost).append(n)
        free = cycle + BUSY if taken else free
    chosen: Any = np.array(kept, dtype=np.int64)
    return Results(sums[chosen], starts[1:][chosen] + LATENCY, chosen, np.array(lost, dtype=np.int64))
