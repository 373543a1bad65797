"""E8M0: all 256 bytes, and every non-negative float32 pattern rounded up and rounded to nearest.

Both roundings are held against a statement in integers: n * 2^e, the smallest power of two that is not below
it, and the nearest one with ties upward (an even significand).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path

import ml_dtypes
import numpy as np

from fos_ref.fast.sweep import narrowed, powers_not_below
from fos_ref.formats import decode, E8M0, encode
from fos_ref.formats.arrays import U32
from fos_ref.model.e8m0 import e8m0_up
from fos_ref.proof.result import Finding, Progress
from fos_ref.proof.sweeps.codes import patterns, STEP, TASK
from fos_ref.proof.sweeps.header import compiled_or_reason, convert
from fos_ref.proof.sweeps.pool import Tally, total
from fos_ref.proof.sweeps.rules import compare, DIFFERING, finding, nan_is, PATTERNS, Rule, Side, UNEXPLAINED

NON_NEGATIVE = 1 << 31
_SPECIAL = 0xFF
_FRACTION_BITS = 23


def _rule(name: str, first: int, last: int, code: int) -> Rule:
    return Rule(name=name, first=first, last=last, positive=code, negative=code)


BYTES = Side(name="all 256 bytes: decoded exactly, and encoded back")
BYTES_BY_HEADER = Side(name="all 256 bytes: cuda_fp8.h decodes alike", needs_header=True)
MODEL = Side(name="upward: e8m0_up of the model")
MODEL_VALUE = Side(name="upward: the value that the byte counts as")
HEADER = Side(
    name="upward: cuda_fp8.h SATFINITE",
    needs_header=True,
    rules=(
        _rule("up to 2^-127 it is 2^-127", 0x00000001, 0x00400000, 0x00),
        _rule("above 2^127 it is 2^127", 0x7F000001, 0x7F800000, 0xFE),
        nan_is(0xFF, 0xFF, "NaN is FF"),
    ),
)
READABLE = Side(name="nearest: readable codec")
ML_DTYPES = Side(
    name="nearest: ml_dtypes",
    rules=(
        _rule("zero is NaN", 0x00000000, 0x00000000, 0xFF),
        _rule("between 2^-127 and 1.5 * 2^-127 it rounds up", 0x00400001, 0x005FFFFF, 0x01),
        _rule("from 1.5 * 2^127 on it is NaN", 0x7F400000, 0x7F800000, 0xFF),
    ),
)
SIDES = (BYTES, BYTES_BY_HEADER, MODEL, MODEL_VALUE, HEADER, READABLE, ML_DTYPES)


def e8m0(progress: Progress, jobs: int) -> Finding:
    """Compare all bytes and all 2^31 non-negative patterns."""
    return sweep(range(0, NON_NEGATIVE, TASK), TASK, progress, jobs)


def sweep(starts: Sequence[int], length: int, progress: Progress, jobs: int) -> Finding:
    """Compare all bytes, and the ranges of `length` patterns from each of `starts`."""
    with compiled_or_reason() as (library, reason):
        found = total(partial(_task, length=length, library=library), starts, jobs, progress)
        found.update(compare_bytes(library))
        return finding(found, SIDES, reason)


def _task(start: int, *, length: int, library: Path | None) -> Tally:
    found: Tally = Counter()
    for first in range(start, start + length, STEP):
        found.update(compare_patterns(patterns(first, min(STEP, start + length - first)), library))
    return found


def compare_patterns(bits: U32, library: Path | None) -> Tally:
    """Return the counts of every rounding over these non-negative patterns."""
    x, up = bits.view(np.float32), np.empty(bits.size, dtype=np.uint8)
    powers_not_below(bits, up)
    near = np.empty_like(bits)
    # One significant bit, so a code counts powers of two from 1 on, and E8M0 counts them from 0 on.
    narrowed(bits, (1, -E8M0.bias), E8M0.max_code + 1, _SPECIAL + 1, near)
    near = np.maximum(near, np.uint32(1)) - np.uint32(1)
    with np.errstate(all="ignore"):
        codes, values = e8m0_up(x)
        found = compare(MODEL, bits, up, codes)
        found.update(
            compare(
                MODEL_VALUE, bits, up.astype(np.uint32) << np.uint32(_FRACTION_BITS), values.view(np.uint32)
            )
        )
        found.update(compare(READABLE, bits, near, encode(x, E8M0)))
        found.update(compare(ML_DTYPES, bits, near, x.astype(ml_dtypes.float8_e8m0fnu).view(np.uint8)))
    if library is not None:
        found.update(compare(HEADER, bits, up, convert(library, "E8M0 upward", x)))
    return found


def compare_bytes(library: Path | None) -> Tally:
    """Return the counts over the 256 bytes: exact powers of two, encoded back to the same byte."""
    every = np.arange(256, dtype=np.uint8)
    values = decode(every, E8M0)
    exact = [Fraction(2) ** (c - E8M0.bias) for c in range(_SPECIAL)]
    wrong = sum(Fraction(float(v)) != f for v, f in zip(values[:_SPECIAL], exact, strict=True))
    wrong += not np.isnan(values[_SPECIAL])
    wrong += int(np.count_nonzero(encode(values, E8M0) != every))
    found = _counted(BYTES, wrong)
    if library is not None:
        theirs = convert(library, "E8M0 to bfloat16", every).view(ml_dtypes.bfloat16).astype(np.float64)
        same = (theirs == values) | (np.isnan(theirs) & np.isnan(values))
        found.update(_counted(BYTES_BY_HEADER, int(np.count_nonzero(~same))))
    return found


def _counted(side: Side, wrong: int) -> Tally:
    counts = {PATTERNS: 256, DIFFERING: wrong, UNEXPLAINED: wrong}
    return Counter({(side.name, k): n for k, n in counts.items()})
