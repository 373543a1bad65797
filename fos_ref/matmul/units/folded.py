"""A unit that adds a block as whole numbers and takes the ratio of INT4 in once: one rounding, no reducer."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from fos_ref.arguments import one_of
from fos_ref.formats.arrays import Bool, F32, F64, I64
from fos_ref.formats.environment import check_float_environment
from fos_ref.matmul.units.beats import Beats, check_beats, Results
from fos_ref.matmul.units.decode import check_codes, CODE_8, FLAG, magnitudes, scale_parts
from fos_ref.matmul.units.unit import UNITS

LATENCY = 2  #: cycles from the next `first` to the result
_CHUNK = 1 << 16  #: beats at a time, for memory
_QUARTERS = 2  #: an element product counts quarters


def folded(unit: str, beats: Beats, code8: str = "assert") -> Results:
    """Return what a unit gives that adds each beat exactly and rounds it once.

    unit:     "nvfp4" or "if4", as for `mac`; the beats and the policies for code 8 are the same
    Shapes:   T beats of 16 lanes -> a result for each segment that is ended by the `first` of another
    Rounding: to nearest even, in order. The 16 element products are whole numbers of quarters, at most 256;
              their sum, at most 2^12, times both significands of the scales, at most 225, is exact. The beat
              is that number, times 6/7 for one INT4 operand and 36/49 for two, rounded once (exact without
              INT4). The first beat of a segment is loaded, the others are added, each sum rounded.
    Specials: scale bytes 7F and FF count as 448. A beat that is zero is +0, and so is a sum that is zero.
              Nothing here is NaN, infinite or subnormal.
    Timing:   the `first` that ends a segment is in cycle c: its result is visible after the edge of c + 2.
              No segment is lost, however short.
    Raises:   InputError for another unit or `code8`, and for a code 8; DtypeError and ShapeError for beats.
    Source:   own; the ratio folded in once a block instead of in every lane
    """
    one_of(unit, UNITS, "unit")
    one_of(code8, CODE_8, "code8")
    check_beats(beats)
    check_float_environment()
    on = np.ones(len(beats.first), dtype=np.bool_) if beats.enable is None else beats.enable
    cycles = np.flatnonzero(on)
    if code8 == "assert":
        check_codes(beats, cycles)
    starts = np.flatnonzero(beats.first[cycles])
    values = np.empty(len(cycles), dtype=np.float32)
    for n in range(0, len(cycles), _CHUNK):
        values[n : n + _CHUNK] = _blocks(beats, cycles[n : n + _CHUNK], is_if4=unit == "if4")
    ends = cycles[starts[1:]]
    number = np.arange(len(ends), dtype=np.int64)
    return Results(_sums(values, starts), ends + LATENCY, number, np.zeros(0, dtype=np.int64))


def _blocks(beats: Beats, cycles: I64, *, is_if4: bool) -> F32:
    """Return the value of each beat (T,), rounded once."""
    scales = [s[cycles] for s in (beats.a_scale, beats.w_scale)]
    flags = [(s & FLAG != 0) & is_if4 for s in scales]
    pairs = zip((beats.a[cycles], beats.w[cycles]), flags, strict=True)
    (a, a_sign), (w, w_sign) = (magnitudes(codes, is_int[:, None]) for codes, is_int in pairs)
    products = np.where(a_sign ^ w_sign, -(a * w), a * w)
    (a_sig, a_exp), (w_sig, w_exp) = (scale_parts(s) for s in scales)
    whole = products.sum(axis=1, dtype=np.int64) * (a_sig * w_sig)
    found: F32 = np.ldexp(_ratio(whole, *flags).astype(np.float32), a_exp + w_exp - _QUARTERS)
    return found


def _ratio(whole: I64, a_int: Bool, w_int: Bool) -> F64:
    """Return whole numbers times their ratio in float64, which float32 cannot tell from the exact product.

    36 times the number is exact. The quotient is at least 1/98 of float32's last place away from the middle
    of two float32, and float64 is nearer than that.
    """
    count = a_int.astype(np.int64) + w_int
    top, below = np.array([1, 6, 36])[count], np.array([1, 7, 49])[count]
    found: F64 = (whole * top).astype(np.float64) / below
    return found


def _sums(values: F32, starts: I64) -> F32:
    found = np.zeros(max(len(starts) - 1, 0), dtype=np.float32)
    for n, (start, stop) in enumerate(pairwise(starts.tolist())):
        total = values[start]
        for value in values[start + 1 : stop]:
            total = total + value
        found[n] = total
    return found
