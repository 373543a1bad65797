"""Every code times every UE4M3 scale: the float32 product is exact, and so is the float16 one.

The exact values come from fos_ref.oracle.exact and from the integers themselves; the floats under test are
the tables that the model multiplies. Code 8 of INT4, which decodes to -8 and is never produced, is included.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from fos_ref.formats import decode, E2M1, E4M3, FormatInfo, INT4, UE4M3
from fos_ref.formats.arrays import AnyArray
from fos_ref.formats.bits import f32_bits, widen
from fos_ref.oracle import exact
from fos_ref.proof.result import Finding, Progress
from fos_ref.proof.sweeps.header import compiled_or_reason, convert

SCALES = 127  #: bytes 0x00 to 0x7E; 0x7F is NaN
CODES = 16
_MAGNITUDE = 7  #: mask of an E2M1 code without its sign


class Grid(NamedTuple):
    """Element codes and their exact values, in units of 2^-149."""

    format: FormatInfo
    units: Callable[[int], int]
    negative: Callable[[int], bool]


def _e2m1(code: int) -> int:
    return exact.E2M1[code & _MAGNITUDE] * (-1 if code > _MAGNITUDE else 1)


def _int4(code: int) -> int:
    return (code - CODES if code > _MAGNITUDE else code) * exact.ONE


GRIDS = (
    Grid(E2M1, _e2m1, lambda code: code > _MAGNITUDE),
    Grid(INT4, _int4, lambda code: code > _MAGNITUDE),
)


def products(progress: Progress, jobs: int) -> Finding:  # noqa: ARG001 -- less than a second of work
    """Compare all products in both precisions, and NVIDIA's decoding of every code."""
    progress(0, 1)
    figures: dict[str, dict[str, int]] = {}
    for grid in GRIDS:
        for dtype in (np.float32, np.float16):
            name = f"{grid.format.name} x UE4M3 in {np.dtype(dtype).name}"
            figures[name] = compare_products(grid, dtype, decode(np.arange(CODES), grid.format))
    missing = {}
    with compiled_or_reason() as (library, reason):
        for fmt in (E2M1, E4M3):
            name = f"cuda header decodes {fmt.name}"
            if library is None:
                missing[name] = reason or ""
            else:
                codes = np.arange(1 << fmt.bits, dtype=np.uint8)
                figures[name] = _decoded(fmt, codes, convert(library, f"{fmt.name} to float16", codes))
    progress(1, 1)
    return Finding(
        compared=sum(f["compared"] for f in figures.values()),
        unexplained=sum(f["differing"] for f in figures.values()),
        figures=figures,
        not_run=missing,
    )


def compare_products(grid: Grid, dtype: type, elements: AnyArray) -> dict[str, int]:
    """Return how many of the 16 x 127 products are not the exact number, its sign of zero included.

    `elements` are the values of the 16 codes, as the model has them.
    """
    scales = decode(np.arange(SCALES), UE4M3)
    got = f32_bits(widen(elements.astype(dtype)[:, None] * scales.astype(dtype)[None, :]))
    differing, digits = 0, 0
    for code in range(CODES):
        for byte in range(SCALES):
            ratio = grid.units(code) * exact.E4M3[byte]
            bits = int(got[code, byte])
            same = exact.from_bits(bits) * exact.ONE == ratio and bits >> 31 == grid.negative(code)
            differing += not same
            digits = max(digits, _significant_bits(abs(ratio)))
    return {"compared": CODES * SCALES, "differing": differing, "significant bits at most": digits}


def _significant_bits(n: int) -> int:
    """Return how many bits a whole number has from its first to its last 1."""
    return (n // (n & -n)).bit_length() if n else 0


def _decoded(fmt: FormatInfo, codes: AnyArray, half_bits: AnyArray) -> dict[str, int]:
    """Return how many codes NVIDIA's header decodes to another value or sign than the model."""
    theirs, ours = half_bits.view(np.float16).astype(np.float64), decode(codes, fmt)
    nan = np.isnan(ours)
    same = np.where(nan, np.isnan(theirs), (theirs == ours) & (np.signbit(theirs) == np.signbit(ours)))
    return {"compared": codes.size, "differing": int(np.count_nonzero(~same))}
