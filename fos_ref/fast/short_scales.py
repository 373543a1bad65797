"""Casts of 64 block scales: to E5M3, and to E4M3 as ggml rounds. model/candidates.py compiled (N7j, N7k)."""

from __future__ import annotations

import numpy as np

from fos_ref.fast.codec import ABS, bits_of, F32, float_of, INF, U32
from fos_ref.fast.grids import on_grid
from fos_ref.fast.lanes import get, LANES, put, SCRATCH, step
from fos_ref.fast.memory import load, store

PLACES = U32(3)
E5M3_LEAST, E5M3_MOST = U32(0x38800000), U32(0x47E00000)  #: bits of 2^-14 and 114688
E5M3_NAN = U32(0xFF)
MIN_NORMAL = F32(2.0**-6)
LARGEST = F32(448)
LARGEST_CODE, TOP_BINADE = U32(0x7E), U32(0x78)
REBIAS = U32(960)  #: (127 - 7) * 8
STEPS, HALF, SEVEN, ZERO = F32(512), F32(0.5), F32(7), F32(0)
TO_F32 = F32(2.0**120)


@step
def cast_e5m3(w: np.ndarray, byte: int, value: int) -> None:
    """Store E5M3 bytes and values of the scratch row: nearest even, saturating; NaN gives FF. N7j."""
    for i in range(LANES):
        a = U32(load(w, SCRATCH + i) & ABS)
        code, v, _ = on_grid(min(a, E5M3_MOST), PLACES, E5M3_LEAST)
        store(w, byte + i, E5M3_NAN if a > INF else code)
        store(w, value + i, a if a > INF else bits_of(v))


@step
def cast_half_up(w: np.ndarray, byte: int, value: int) -> None:
    """Store ggml's E4M3 bytes and values of the scratch row. N7k."""
    for i in range(LANES):
        base = get(w, SCRATCH + i)
        v = min(base, LARGEST) if base > ZERO else ZERO
        u = bits_of(v)
        normal = U32(U32(U32(u >> U32(20)) - REBIAS) + U32(U32(u >> U32(19)) & U32(1)))
        normal = LARGEST_CODE if normal >= TOP_BINADE else normal
        small = F32(min(np.floor(F32(F32(v * STEPS) + HALF)), SEVEN))
        code = normal if v >= MIN_NORMAL else U32(np.int64(small))
        store(w, byte + i, code)
        put(w, value + i, F32(float_of(U32(code << U32(20))) * TO_F32))
