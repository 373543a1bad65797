"""What a unit is given, a beat a cycle, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fos_ref.arguments import is_a
from fos_ref.errors import DtypeError, InputError, ShapeError
from fos_ref.foreign import cut
from fos_ref.formats.arrays import Bool, F32, I64, U8

LANES = 16
_CODES = 16


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Beats:
    """T cycles of input. A segment begins with a beat whose `first` is set and ends before the next one."""

    a: U8  #: (T, 16) codes 0..15, one a byte
    w: U8  #: (T, 16)
    a_scale: U8  #: (T,) scale bytes; bit 7 says INT4 to the IF4 unit
    w_scale: U8  #: (T,)
    first: Bool  #: (T,)
    enable: Bool | None = None  #: (T,) False: a gap, whose other fields do not count. None: no gaps


@dataclass(frozen=True, slots=True, eq=False)
class Results:
    """What a unit gives out, in order."""

    accumulators: F32  #: (n,) the sum of each segment whose result appears
    cycles: I64  #: (n,) the cycle after whose edge it is visible; the first beat is in cycle 0
    segments: I64  #: (n,) the number of the segment
    lost: I64  #: (m,) the numbers of the segments that ended while the reducer was busy


def check_beats(beats: Any) -> Beats:
    """Return beats whose parts fit; DtypeError, ShapeError or InputError for others."""
    if not is_a(beats, Beats):
        msg = f"mac: beats is a {cut(type(beats).__name__)}: Beats is allowed"
        raise DtypeError(msg)
    length = np.shape(beats.first)[0] if np.ndim(beats.first) else 0
    for name, lanes, dtype in (
        ("a", True, np.uint8),
        ("w", True, np.uint8),
        ("a_scale", False, np.uint8),
        ("w_scale", False, np.uint8),
        ("first", False, np.bool_),
        ("enable", False, np.bool_),
    ):
        part = getattr(beats, name)
        if name == "enable" and part is None:
            continue
        _check_part(part, f"mac: {name} of the beats", (length, LANES) if lanes else (length,), dtype)
    for part in (beats.a, beats.w):
        if np.any(part >= _CODES):
            msg = f"mac: code {int(part.max())}: 0 to 15, one a byte, is allowed"
            raise InputError(msg)
    return beats if isinstance(beats, Beats) else Beats(**vars(beats))


def _check_part(part: Any, name: str, shape: tuple[int, ...], dtype: type[np.generic]) -> None:
    if not is_a(part, np.ndarray) or part.dtype != dtype:
        given = part.dtype if is_a(part, np.ndarray) else cut(type(part).__name__)
        msg = f"{name}: {given}: a NumPy array of {np.dtype(dtype)} is allowed"
        raise DtypeError(msg)
    if part.shape != shape:
        msg = f"{name}: shape {part.shape}: {shape} is allowed"
        raise ShapeError(msg)
