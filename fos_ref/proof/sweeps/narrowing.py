"""Every float32 pattern rounded to bfloat16 and to float16, against a rounding written in integers.

Two functions are held against it: to_dtype, which the recipes that round in the input's dtype use, and the
readable codec. A NaN counts as NaN, whatever its sign and payload.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import ml_dtypes
import numpy as np

from fos_ref.fast import exact_scale
from fos_ref.fast.sweep import narrowed, widened
from fos_ref.formats import BFLOAT16, encode, FLOAT16, FormatInfo
from fos_ref.formats.arrays import F32, U32
from fos_ref.formats.bits import f32_bits
from fos_ref.model.rounding import to_dtype
from fos_ref.proof.result import Finding, Progress
from fos_ref.proof.sweeps.codes import ALL, patterns, STEP, TASK
from fos_ref.proof.sweeps.pool import Tally, total
from fos_ref.proof.sweeps.rules import compare, finding, Side

_NAN = 0x7FC00000  #: every NaN, for the comparison
_ABS = 0x7FFFFFFF


class Target(NamedTuple):
    """A format to round to."""

    name: str
    dtype: type
    format: FormatInfo
    grid: tuple[int, int]  #: (significant bits, exponent of the smallest subnormal)


TARGETS = (
    Target("bfloat16", ml_dtypes.bfloat16, BFLOAT16, exact_scale.BFLOAT16),
    Target("float16", np.float16, FLOAT16, exact_scale.FLOAT16),
)


def narrowing(progress: Progress, jobs: int) -> Finding:
    """Compare all 2^32 patterns."""
    return sweep(range(0, ALL, TASK), TASK, progress, jobs)


def sweep(starts: Sequence[int], length: int, progress: Progress, jobs: int) -> Finding:
    """Compare the ranges of `length` patterns from each of `starts`."""
    sides = [side for target in TARGETS for side in _sides(target)]
    return finding(total(partial(_task, length=length), starts, jobs, progress), sides, None)


def _sides(target: Target) -> tuple[Side, Side]:
    return Side(name=f"{target.name}: to_dtype"), Side(name=f"{target.name}: readable codec")


def _task(start: int, *, length: int) -> Tally:
    found: Tally = Counter()
    for first in range(start, start + length, STEP):
        bits = patterns(first, min(STEP, start + length - first))
        for target in TARGETS:
            found.update(compare_narrowing(bits, target))
    return found


def compare_narrowing(bits: U32, target: Target) -> Tally:
    """Return the counts of both functions over these patterns."""
    x = bits.view(np.float32)
    by_dtype, by_codec = _sides(target)
    magnitudes, wide = exact_narrowed(bits, target)
    is_nan = (bits & np.uint32(_ABS)) > exact_scale.INF
    sign = bits >> np.uint32(31)
    with np.errstate(all="ignore"):  # overflow and NaN are part of the question
        found = compare(by_dtype, bits, _one_nan(wide | sign << np.uint32(31), is_nan), _rounded(x, target))
        want = np.where(is_nan, magnitudes, magnitudes | sign << np.uint32(target.format.sign_shift))
        found.update(compare(by_codec, bits, want, encode(x, target.format)))
    return found


def exact_narrowed(bits: U32, target: Target) -> tuple[U32, U32]:
    """Return (magnitude codes in the target, float32 patterns of the same values), both made in integers."""
    fmt = target.format
    assert fmt.inf_code is not None
    assert fmt.nan_code is not None
    magnitudes, wide = np.empty_like(bits), np.empty_like(bits)
    narrowed(bits, target.grid, fmt.inf_code, fmt.nan_code, magnitudes)
    widened(magnitudes, target.grid, fmt.inf_code, wide)
    return magnitudes, wide


def _rounded(x: F32, target: Target) -> U32:
    """Return the patterns of to_dtype, every NaN as one."""
    y = to_dtype(x, np.dtype(target.dtype))
    return _one_nan(f32_bits(y), np.isnan(y))


def _one_nan(bits: U32, is_nan: np.ndarray) -> U32:
    return np.where(is_nan, np.uint32(_NAN), bits)
