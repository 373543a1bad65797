"""MS-EDEN: a rotation, a rounding to nearest and a correction of each block scale, rounded stochastically."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fos_ref.formats.arrays import AnyArray, F32, F64, U32
from fos_ref.formats.catalog import E2M1, E4M3
from fos_ref.formats.codec import decode, encode
from fos_ref.model.rounding import fma
from fos_ref.random import MAPS, words
from fos_ref.random.programs import quartet2_scales, quartet2_simulator_scales, triton_uniform
from fos_ref.recipes.recipe import BLOCK
from fos_ref.report.training.blocks import VALUES
from fos_ref.rotate import hadamard, scale

SIZE = 128  #: of the rotation
SIMULATOR_NOISE = "quartet2-simulator-scales"
KERNEL_NOISE = "quartet2-scales"
_CLIP = np.float32(6 / ((17 / 16) * 0.93))  #: what a block's largest value becomes: 6.0721
_CUT = np.uint32(0xFFF80000)  #: sign, exponent and 4 bits of a float32
_BOUND, _SIMULATOR_BOUND = 256, np.float32(255.99)


class Rotated(NamedTuple):
    """What a draw gives in rotated coordinates, and what it stands for."""

    q: F64  #: (n, 16)
    y: F64  #: (n, 16), the rotated input


def signs(seed: int) -> F64:
    """Return 128 signs that a seed draws."""
    return np.random.default_rng(seed).choice([-1.0, 1.0], SIZE)


def rotate(x: F32, s: F64) -> F32:
    """Return blocks of 16 of the rotated tensor, rounded once to float32 and not to bfloat16."""
    y = hadamard(x, SIZE, s.astype(np.int64).tolist(), "float32").y
    return np.asarray(y, dtype=np.float32).reshape(-1, BLOCK)


def back(q: F64, s: F64) -> F64:
    """Return values in the coordinates before `rotate`, in float64; the gain of its entries is taken out."""
    v = q.reshape(-1, SIZE)
    stride = 1
    while stride < SIZE:
        pairs = v.reshape(-1, SIZE // (2 * stride), 2, stride)
        a, b = pairs[:, :, 0], pairs[:, :, 1]
        v = np.stack([a + b, a - b], axis=2).reshape(-1, SIZE)
        stride *= 2
    return v * s / (SIZE * scale(SIZE))


def noise(name: str, shape: tuple[int, int], seed: int) -> U32:
    """Return 16 random bits for each block: a map's own, or the high half of its words."""
    found: U32 = words(name, shape, seed=seed).reshape(-1, 1) >> np.uint32(MAPS[name].bits - 16)
    return found


def kernel(y: F32, random: AnyArray) -> Rotated:
    """Return MS-EDEN of rotated blocks as Quartet II's kernels have it.

    Rounding: m = amax / 6.0721 cut to 4 bits; q = E2M1(y (1 / m)), to nearest even; the correction is
              sum v^2 / sum v q, of two float32 lanes of fused multiply-adds each; the corrected scale goes to
              bfloat16, then stochastically to E4M3. Reciprocals are true ones, where the kernels' are
              approximate.
    Specials: blocks of zeros give zeros.
    """
    q, scales = corrected(y)
    rounded = _to_bfloat16(scales)
    top = rounded.max() * np.float32(1 / _BOUND)
    s = decode(quartet2_scales(rounded / top, random), E4M3)
    return Rotated(q.astype(np.float64) * s * float(top), y.astype(np.float64))


def corrected(y: F32) -> tuple[F32, F32]:
    """Return E2M1 values (n, 16) and corrected scales (n, 1) of `kernel`, before bfloat16."""
    m = (np.abs(y).max(axis=1, keepdims=True) * (np.float32(1) / _CLIP)).view(np.uint32) & _CUT
    m = m.view(np.float32)
    with np.errstate(divide="ignore"):
        v = y * np.where(m > 0, np.float32(1) / m, np.float32(0))
    q = np.asarray(decode(encode(v, E2M1), E2M1), dtype=np.float32)
    squares, products = _lanes(v, v), _lanes(v, q)
    with np.errstate(divide="ignore", invalid="ignore"):
        correction = np.where(products == 0, np.float32(1), squares * (np.float32(1) / products))
    return q, m * correction


def _to_bfloat16(x: F32) -> F32:
    bits = x.view(np.uint32)
    odd = bits >> np.uint32(16) & np.uint32(1)
    return ((bits + np.uint32(0x7FFF) + odd) & np.uint32(0xFFFF0000)).view(np.float32)


def _lanes(a: F32, b: F32) -> F32:
    """Return sums over blocks, (n, 1): even and odd elements fused in order, then both added."""
    lanes = [np.zeros(len(a), dtype=np.float32), np.zeros(len(a), dtype=np.float32)]
    for i in range(BLOCK):
        lanes[i % 2] = fma(a[:, i], b[:, i], lanes[i % 2])
    return (lanes[0] + lanes[1])[:, None]


def simulator(y: F32, shape: tuple[int, int], seed: int) -> Rotated:
    """Return MS-EDEN of rotated blocks as Quartet II's simulator has it: bound 255.99, ties away, per 128.

    Rounding: float32; sums over 128 values in order.
    """
    unit = np.abs(y).max() / _SIMULATOR_BOUND / _CLIP
    s = decode(encode(np.abs(y).max(axis=1, keepdims=True) / _CLIP / unit, E4M3), E4M3).astype(np.float32)
    v = y / (s * unit)
    edges = ((VALUES[1:] + VALUES[:-1]) / 2).astype(np.float32)
    q = np.copysign(VALUES[np.searchsorted(edges, np.abs(v), side="right")], v).astype(np.float32)
    ratio = _in_order(v * v) / _in_order(v * q)
    corrected = s * np.repeat(ratio, SIZE // BLOCK)[:, None]
    uniform = triton_uniform(words(SIMULATOR_NOISE, shape, seed=seed)).reshape(-1, 1)
    t = decode(quartet2_simulator_scales(corrected, uniform), E4M3)
    return Rotated(q.astype(np.float64) * t * float(unit), y.astype(np.float64))


def _in_order(products: F32) -> F32:
    """Return sums over each 128 values, from the first to the last."""
    lines = products.reshape(-1, SIZE)
    total: F32 = lines[:, 0]
    for i in range(1, SIZE):
        total = total + lines[:, i]
    return total
