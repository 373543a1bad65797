"""What mistakes make of block scales that are corrected and then rounded stochastically (MS-EDEN)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import ml_dtypes
import numpy as np

from fos_ref.formats import E4M3, encode
from fos_ref.formats.arrays import AnyArray, F32, U8, U32
from fos_ref.model.candidates import cast_random
from fos_ref.model.corrected import corrected_by, nearest_scale
from fos_ref.model.quantize import tensor_scales
from fos_ref.model.rounding import to_dtype
from fos_ref.model.trace import Trace
from fos_ref.random.rules import between, Rule, stochastic
from fos_ref.recipes.axes import Candidates, ScaleRounding
from fos_ref.recipes.recipe import Recipe

_NORMAL, _MOST = np.float32(2**-6), np.float32(448)
_CUT = np.uint32(0x000FFFFF)  #: the bits of a float32 below E4M3's fraction
_WIDTH = 16
_ROWS, _COLUMNS = (1, 16, 32, 64), (4, 8, 16)


class Unrounded(NamedTuple):
    """Block scales before their rounding, by the recipe or by a mistake."""

    flag: str | None
    what: str
    scale: F32  #: (R, B)


def unrounded(t: Trace, r: Recipe, *, fixed: bool) -> Iterator[Unrounded]:
    """Yield the recipe's scales before they are rounded, then those of a correction over other values."""
    assert t.map6 is not None
    yield Unrounded(None, "", t.map6.base)
    other = 16 if r.candidates is Candidates.EDEN_128 else 128
    if not t.x.size or t.x.shape[1] * t.x.shape[2] % other:
        return
    found = nearest_scale(t.block_amax, t.base, r) * corrected_by(t.map6.scaled, t.map6.values, other)
    if r.candidates is Candidates.EDEN_16:
        found = to_dtype(found, np.dtype(ml_dtypes.bfloat16))
        scales = t.scales if fixed else tensor_scales(np.asarray(found.max()), r)
        found = found * scales.encode
    yield Unrounded("EdenGroup128", f"a correction for each {other} values", found)


def ends(scale: F32, r: Recipe) -> tuple[U8, U8]:
    """Return the lowest and the highest byte that a random number may give."""
    most = (1 << _WIDTH) - 1 if r.scale_rounding is ScaleRounding.QUARTET2_SCALES else (1 << 31) - 1
    low, high = (cast_random(scale, np.full(scale.shape, n, np.uint32), r)[0] for n in (most, 0))
    return low, high


def nearest_bytes(scale: F32) -> U8:
    """Return scale bytes rounded to nearest, ties to even."""
    return encode(np.minimum(scale, _MOST), E4M3).astype(np.uint8)


def of_subnormals(scale: F32, numbers: U32, r: Recipe) -> Iterator[tuple[str, str, U8]]:
    """Yield flag, words and bytes of mistakes with scales below 2^-6."""
    own, small = cast_random(scale, numbers, r)[0], scale < _NORMAL
    if r.scale_rounding is ScaleRounding.QUARTET2_SCALES:
        noise = numbers & np.uint32((1 << _WIDTH) - 1)
        made = {
            "stochastic below 2^-6, compared": _compared(scale, noise),
            "stochastic below 2^-6, by a carry": stochastic(scale, noise, Rule.A, _WIDTH, E4M3),
            "cut below 2^-6 as normal ones are": _as_normals(scale, noise),
        }
    else:
        made = {"nearest below 2^-6": nearest_bytes(scale)}
    for what, found in made.items():
        yield "ScaleSrSubnormal", what, np.where(small, found, own).astype(np.uint8)
    for what, byte in (("zero below 2^-6", 0), ("2^-6 below it", 8)):
        yield "ScaleSubnormalFlush", what, np.where(small, np.uint8(byte), own)


def of_draws(scale: F32, numbers: U32, r: Recipe) -> Iterator[tuple[str, str, U8]]:
    """Yield flag, words and bytes of mistakes with the random numbers, and with what they do."""
    kernel = r.scale_rounding is ScaleRounding.QUARTET2_SCALES
    width = r.random_width
    yield "SrMissing", "nearest even", nearest_bytes(scale)
    low, high = ends(scale, r)
    yield "SrRule", "toward zero", low
    yield "SrRule", "away from zero", high
    turned = np.uint32((1 << width) - 1) - numbers
    made = [("SrRule", "random numbers complemented: a carry for a comparison", turned)]
    made += [
        ("SrBitsNarrow", f"{k} random bits", numbers >> np.uint32(width - k) << np.uint32(width - k))
        for k in range(1, width)
    ]
    made += [
        ("SrSharedNoise", f"the numbers of rows {n} apart", numbers[np.arange(len(numbers)) % n])
        for n in _ROWS
        if n < len(numbers)
    ]
    made += [
        ("SrSharedNoise", f"the numbers of blocks {n} apart", numbers[:, np.arange(numbers.shape[1]) % n])
        for n in (1, *_COLUMNS)
        if n < numbers.shape[1]
    ]
    made += [("RngCounterMap", "the same numbers in reverse", a) for a in (numbers[:, ::-1], numbers[::-1])]
    for flag, what, n in made:
        yield flag, what, cast_random(scale, np.ascontiguousarray(n), r)[0]
    if kernel:
        yield "SrRule", "rule A", stochastic(scale, numbers, Rule.A, width, E4M3).astype(np.uint8)


def _compared(scale: F32, noise: U32) -> AnyArray:
    """Return bytes that go up where nu exceeds the random number over 2^16."""
    below, nu = between(np.minimum(scale, _MOST).astype(np.float64), E4M3)
    return below + (np.ldexp(nu, _WIDTH) > noise)


def _as_normals(scale: F32, noise: U32) -> AnyArray:
    """Return bytes of the kernels' cut of 20 bits without their look at the range, then to nearest."""
    bits = scale.view(np.uint32)
    up = (bits & _CUT) > noise << np.uint32(4)
    moved = np.where(up, bits | _CUT, bits & ~_CUT).view(np.float32)
    return nearest_bytes(moved)
