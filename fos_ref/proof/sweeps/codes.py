"""Every float32 pattern to E2M1 and to E4M3, by four implementations that share nothing.

All are held against the compiled codec: the readable codec of the model, NVIDIA's headers under g++, and
ml_dtypes. Where another convention is known (NaN, overflow without saturation) a rule names it; any other
difference is unexplained.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import ml_dtypes
import numpy as np

from fos_ref.fast.sweep import e2m1_codes, e4m3_codes
from fos_ref.formats import E2M1, E4M3, encode
from fos_ref.formats.arrays import AnyArray, F32, U8, U32
from fos_ref.proof.result import Finding, Progress
from fos_ref.proof.sweeps.header import compiled_or_reason, convert
from fos_ref.proof.sweeps.pool import Tally, total
from fos_ref.proof.sweeps.rules import ABOVE_464_IS_NAN, compare, finding, nan_is, Side

ALL = 1 << 32
TASK = 1 << 23  #: patterns that a worker takes at a time
STEP = 1 << 16  #: patterns that fit the caches with every temporary of the readable codec
#: Values, and the compiled header where there is one, to codes.
Codes = Callable[[F32, Path | None], AnyArray]


def _header(name: str) -> Codes:
    def codes(x: F32, library: Path | None) -> AnyArray:
        assert library is not None
        return convert(library, name, x)

    return codes


def _cast(dtype: type) -> Codes:
    return lambda x, _: x.astype(dtype).view(np.uint8)


#: The compiled codec's functions, by format.
OURS: dict[str, Callable[[F32, U8], None]] = {"E2M1": e2m1_codes, "E4M3": e4m3_codes}
#: By format: every other implementation.
OTHERS: dict[str, tuple[tuple[Side, Codes], ...]] = {
    "E2M1": (
        (Side(name="E2M1: readable codec"), lambda x, _: encode(x, E2M1)),
        (Side(name="E2M1: cuda_fp4.h", needs_header=True), _header("E2M1")),
        (
            Side(name="E2M1: ml_dtypes", rules=(nan_is(0x8, 0x0, "NaN is a zero"),)),
            _cast(ml_dtypes.float4_e2m1fn),
        ),
    ),
    "E4M3": (
        (Side(name="E4M3: readable codec"), lambda x, _: encode(x, E4M3)),
        (Side(name="E4M3: cuda_fp8.h SATFINITE", needs_header=True), _header("E4M3")),
        (
            Side(name="E4M3: cuda_fp8.h NOSAT", rules=(ABOVE_464_IS_NAN,), needs_header=True),
            _header("E4M3 NOSAT"),
        ),
        (
            Side(name="E4M3: ml_dtypes", rules=(ABOVE_464_IS_NAN, nan_is(0x7F, 0xFF, "NaN keeps its sign"))),
            _cast(ml_dtypes.float8_e4m3fn),
        ),
    ),
}
SIDES = tuple(side for others in OTHERS.values() for side, _ in others)


def codes(progress: Progress, jobs: int) -> Finding:
    """Compare all 2^32 patterns."""
    return sweep(range(0, ALL, TASK), TASK, progress, jobs)


def sweep(starts: Sequence[int], length: int, progress: Progress, jobs: int) -> Finding:
    """Compare the ranges of `length` patterns from each of `starts`."""
    with compiled_or_reason() as (library, reason):
        work = partial(_task, length=length, library=library)
        return finding(total(work, starts, jobs, progress), SIDES, reason)


def patterns(start: int, length: int) -> U32:
    """Return the `length` float32 patterns from `start` on, which may end at 2^32."""
    return np.arange(length, dtype=np.uint32) + np.uint32(start)


def _task(start: int, *, length: int, library: Path | None) -> Tally:
    found: Tally = Counter()
    for first in range(start, start + length, STEP):
        bits = patterns(first, min(STEP, start + length - first))
        for name, others in OTHERS.items():
            found.update(compare_codes(bits, OURS[name], others, library))
    return found


def compare_codes(
    bits: U32,
    ours: Callable[[F32, U8], None],
    others: Sequence[tuple[Side, Codes]],
    library: Path | None,
) -> Tally:
    """Return the counts of every side over these patterns; without the header its sides are left out."""
    x, mine = bits.view(np.float32), np.empty(bits.size, dtype=np.uint8)
    ours(x, mine)
    found: Tally = Counter()
    with np.errstate(all="ignore"):  # NaN, overflow and underflow are what is asked about
        for side, theirs in others:
            if library is not None or not side.needs_header:
                found.update(compare(side, bits, mine, theirs(x, library)))
    return found
