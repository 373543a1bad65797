"""Blocks for vectors, of exact values: a few that matter and a filler, in the block shape of a recipe."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fos_ref.formats import decode, UE4M3
from fos_ref.formats.arrays import AnyArray, F32, F64
from fos_ref.inputs.distributions import DTYPES
from fos_ref.recipes.recipe import Recipe
from fos_ref.vectors.words import U64, words

UE4M3_VALUES: F64 = decode(np.arange(127), UE4M3)
_RAMP = (1.0, -0.75, 0.5, -0.25, 0.125, 0.0, -0.0, 0.3, -0.3, 0.9, -0.6, 0.05, 1e-3, -1e-3, 0.45, -0.8)


def unit_amax(r: Recipe) -> np.float32 | None:
    """Return the tensor amax under which S = D = 1, so that block scales are b / E; None: no tensor scale."""
    return None if r.scale_format.is_power else np.float32(r.range_max)


def block(r: Recipe, values: Sequence[float], fill: Sequence[float], dtype: str = "float32") -> AnyArray:
    """Return one block of a recipe (rows, cols): `values`, then `fill` again and again."""
    n = r.block_rows * r.block_cols
    rest = np.resize(np.array(fill, dtype=np.float64), n - len(values))
    flat = np.concatenate([np.array(values, dtype=np.float64), rest])
    return flat.astype(np.float32).astype(DTYPES[dtype]).reshape(r.block_rows, r.block_cols)


def ramp(r: Recipe, amax: float = 1.0) -> F32:
    """Return a block of ordinary values of both signs; the largest magnitude is `amax`, and stands first."""
    flat = np.resize(np.array(_RAMP, dtype=np.float32), (r.block_rows, r.block_cols))
    scaled: F32 = flat * np.float32(amax)
    return scaled


def neighbour(value: float, steps: int, dtype: str) -> float:
    """Return a positive value of a dtype, moved by so many steps of it."""
    kind = DTYPES[dtype]
    one = np.array([value], dtype=np.float32).astype(kind)
    bits = one.view(f"u{kind.itemsize}").astype(np.int64) + steps
    return float(bits.astype(f"u{kind.itemsize}").view(kind).astype(np.float64)[0])


def bell(seed: int, shape: tuple[int, int], scale: float = 1.0) -> F32:
    """Return values that look normal: the sum of four 16-bit numbers, centred, times a power of two.

    Rounding: none; 18 bits fit float32. Deviation about 1.15 times `scale`, largest magnitude 4 times it.
    """
    w: U64 = words(seed, shape[0] * shape[1])
    parts = [(w >> np.uint64(16 * k)) & np.uint64(0xFFFF) for k in range(4)]
    total = sum(p.astype(np.int64) for p in parts) - 0x1FFFE
    values: F32 = (np.asarray(total, dtype=np.float64) * 2.0**-15 * scale).astype(np.float32)
    return values.reshape(shape)


def wide(seed: int, shape: tuple[int, int], dtype: str, top: int = 127, spread: int = 15) -> AnyArray:
    """Return values of any sign and fraction, exponents from `top` (a float32 field) down to `spread` below.

    Rounding: float32 to `dtype`, to nearest even; overflow is avoided by the caller's `top`.
    """
    w: U64 = words(seed, shape[0] * shape[1])
    down = (w >> np.uint64(32)) % np.uint64(spread + 1)
    field = (np.uint64(top) - down) << np.uint64(23)
    bits = (w & np.uint64(0x807FFFFF)) | field
    x = bits.astype(np.uint32).view(np.float32).reshape(shape)
    return x.astype(DTYPES[dtype])
