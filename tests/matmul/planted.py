"""Products with one mistake each, by code of their own: plain loops over values and scales."""

from __future__ import annotations

import ml_dtypes
import numpy as np

E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6])


def scale_of(byte, *, sign=False, nan=np.nan):
    low = int(byte) & 0x7F
    if low == 0x7F:
        return nan
    field, fraction = low >> 3, low & 7
    value = (fraction if field == 0 else 8 + fraction) * 2.0 ** (max(field, 1) - 10)
    return -value if sign and byte & 0x80 else value


def codes_of(q, *, swapped=False):
    low, high = q.codes & 15, q.codes >> 4
    pair = (high, low) if swapped else (low, high)
    return np.stack(pair, axis=-1).reshape(len(q.codes), -1)


def values(q, *, slices=1, swapped=False, **more):
    """Return codes times block scales; with `slices`, each slice reads the scales of the first."""
    codes = codes_of(q, swapped=swapped)
    found = E2M1[codes]
    blocks = q.block_scales.shape[1]
    for k in range(blocks):
        source = k % (blocks // slices)
        for row in range(len(codes)):
            found[row, 16 * k : 16 * k + 16] *= scale_of(q.block_scales[row, source], **more)
    return found


def summed(x, y, skip=(), twice=(), dtype=np.float32):
    """Return the sums over blocks in order, in `dtype`."""
    total = np.zeros((len(x), len(y)), dtype)
    for k in range(x.shape[1] // 16):
        part = x[:, 16 * k : 16 * k + 16] @ y[:, 16 * k : 16 * k + 16].T
        for _ in range(0 if k in skip else 2 if k in twice else 1):
            total = (total.astype(np.float64) + part).astype(dtype)
    return total.astype(np.float32)


def alpha_of(a, b):
    return np.float32(a.decode_scale) * np.float32(b.decode_scale)


def right(a, b):
    return summed(values(a), values(b)) * alpha_of(a, b)


def behind(m, more=48):
    """Return rows with what a tile of 64 reads past K = 80: the next row's beginning, zeros at the end."""
    memory = np.concatenate([m.ravel(), np.zeros(more)])
    return np.stack([memory[i * m.shape[1] : (i + 1) * m.shape[1] + more] for i in range(len(m))])


def eights(q, value):
    found = values(q)
    codes = codes_of(q)
    for row, k in zip(*np.nonzero(codes == 8), strict=True):
        found[row, k] = value * scale_of(q.block_scales[row, k // 16])
    return found


def biased(a, b):
    total = summed(values(a), values(b))
    bias = np.linspace(-1, 2, len(b.codes)).astype(np.float32) * np.abs(total).max()
    return (total + bias) * alpha_of(a, b)


#: name -> (a, b) -> output; the flag is what stands before the dash.
PLANTED = {
    "AlphaMissing": lambda a, b: summed(values(a), values(b)),
    "AlphaTwice": lambda a, b: right(a, b) * alpha_of(a, b),
    "AlphaOneSide-a": lambda a, b: summed(values(a), values(b)) * a.decode_scale,
    "AlphaOneSide-b": lambda a, b: summed(values(a), values(b)) * b.decode_scale,
    "AlphaInverted": lambda a, b: summed(values(a), values(b)) / alpha_of(a, b),
    "Transposed": lambda a, b: np.ascontiguousarray(right(a, b).T),
    "ScaleSlice-2": lambda a, b: summed(values(a, slices=2), values(b, slices=2)) * alpha_of(a, b),
    "ScaleSlice-4b": lambda a, b: summed(values(a), values(b, slices=4)) * alpha_of(a, b),
    "BlockLost-first": lambda a, b: summed(values(a), values(b), skip=(0,)) * alpha_of(a, b),
    "BlockLost": lambda a, b: summed(values(a), values(b), skip=(5,)) * alpha_of(a, b),
    "BlockTwice": lambda a, b: summed(values(a), values(b), twice=(3,)) * alpha_of(a, b),
    "TailLost": lambda a, b: summed(values(a), values(b), skip=(15,)) * alpha_of(a, b),
    "TailLost-64": lambda a, b: summed(values(a), values(b), skip=(12, 13, 14, 15)) * alpha_of(a, b),
    "NibbleOrder": lambda a, b: summed(values(a, swapped=True), values(b)) * alpha_of(a, b),
    "BiasBeforeScale": biased,
    "CodeEight": lambda a, b: summed(eights(a, -8.0), values(b)) * alpha_of(a, b),
    "NarrowAccumulator": lambda a, b: summed(values(a), values(b), dtype=ml_dtypes.bfloat16) * alpha_of(a, b),
}
