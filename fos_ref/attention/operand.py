"""What attention does to an operand before its products: blocks along tokens or channels, means, mends.

Blocks along tokens are blocks of a column; blocks along the head dimension are blocks of a row.
"""

from __future__ import annotations

import numpy as np

from fos_ref.engines.front import dequantize, quantize
from fos_ref.formats.arrays import F32
from fos_ref.recipes.recipe import Recipe


def fake(x: F32, recipe: Recipe | str, amax: np.float32 | None = None) -> F32:
    """Return x (R, C) quantized and dequantized in blocks of a row; whole blocks are made with zeros."""
    q = quantize(np.ascontiguousarray(x), recipe, amax=amax, engine="numpy", padding="zero")
    return np.asarray(dequantize(q), dtype=np.float32)


def along_tokens(x: F32, recipe: Recipe | str, amax: np.float32 | None = None) -> F32:
    """Return x (T, d) quantized in blocks of consecutive tokens of a channel, as the product with P wants."""
    return fake(x.T, recipe, amax).T


def along_head(x: F32, recipe: Recipe | str, amax: np.float32 | None = None) -> F32:
    """Return x (T, d) quantized in blocks of channels of a token."""
    return fake(x, recipe, amax)


def running(x: F32, recipe: Recipe | str, amax: np.float32 | None = None, block: int = 16) -> F32:
    """Return x (T, d) quantized along tokens, each under the block amax of the tokens up to itself.

    A block of one token: the token, the amax of its block so far, and zeros. So each token has a scale of
    its own, which no tensor core takes.
    """
    length, width = x.shape
    blocks = np.zeros((length, width, block), dtype=np.float32)
    blocks[..., 0] = x
    for start in range(0, length, block):
        part = slice(start, start + block)
        blocks[part, :, 1] = np.maximum.accumulate(np.abs(x[part]), axis=0)
    return fake(blocks.reshape(-1, block), recipe, amax).reshape(length, width, block)[..., 0]


def mended(x: F32, block: int, quantized: F32) -> F32:
    """Return (T, T, d): row i sees quantized tokens, those of its own block as they were.

    Source: the diagonal tiles of MatX's mend, floor(i/block) = floor(j/block), are not quantized.
    """
    tokens = np.arange(len(x)) // block
    diagonal = tokens[:, None] == tokens[None, :]
    return np.where(diagonal[..., None], x[None], quantized[None])


def mean(x: F32) -> F32:
    """Return the mean over tokens (d,), summed in order."""
    total = np.zeros(x.shape[1], dtype=np.float32)
    for line in x:
        total = total + line
    return total / np.float32(len(x))


def group_means(x: F32, group: int) -> F32:
    """Return (T, d): each token's mean of its group; a last group is filled with zeros, as programs do."""
    padded = np.zeros((-(-len(x) // group) * group, x.shape[1]), dtype=np.float32)
    padded[: len(x)] = x
    means = [mean(padded[i : i + group]) for i in range(0, len(padded), group)]
    return np.repeat(np.stack(means), group, axis=0)[: len(x)]


def dot(x: F32, y: F32) -> F32:
    """Return x y^T (T, T) in float32, summed over channels in order."""
    out = np.zeros((len(x), len(y)), dtype=np.float32)
    for c in range(x.shape[1]):
        out = out + x[:, c, None] * y[None, :, c]
    return out
