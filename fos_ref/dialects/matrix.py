"""How many blocks of a tensor differ, for every two of many recipes at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fos_ref.engines.front import quantize
from fos_ref.errors import InputError
from fos_ref.formats.arrays import AnyArray
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.tensor import QuantizedTensor

Counts: TypeAlias = NDArray[np.int64]
Words: TypeAlias = NDArray[np.uint64]
_WORD = 8


def differing_blocks(x: AnyArray, recipes: Sequence[Recipe], engine: str = "auto") -> tuple[int, Counts]:
    """Return how many blocks x has and, for every two recipes, how many of them differ in any byte.

    Shapes: x (R, C); counts (n, n) for n recipes, symmetric, zero on the diagonal. A 16x16 tile is one block.
    Raises: InputError where the recipes' blocks have different shapes, and whatever `quantize` raises.
    """
    shapes = {r.block_shape for r in recipes}
    if len(shapes) != 1:
        msg = f"blocks of {sorted(s.value for s in shapes)}: one and the same block shape is allowed"
        raise InputError(msg)
    distinct: dict[bytes, int] = {}
    outputs: list[Words] = []
    which = []
    for r in recipes:
        words = block_words(quantize(x, r, engine=engine))
        key = words.tobytes()
        if key not in distinct:
            distinct[key] = len(outputs)
            outputs.append(words)
        which.append(distinct[key])
    return outputs[0].shape[0], _counts(outputs)[np.ix_(which, which)]


def block_words(q: QuantizedTensor) -> Words:
    """Return all bytes of each block, its scale and its codes, as (blocks, words), filled up with zeros."""
    rows, cols = q.block_scales.shape
    codes = q.codes.reshape(rows, cols, -1)
    own = np.concatenate([q.block_scales[..., None], codes], axis=-1)
    n = q.recipe.block_rows
    tiles = own.reshape(rows // n, n, cols, -1).transpose(0, 2, 1, 3).reshape(rows // n * cols, -1)
    padded = np.zeros((tiles.shape[0], -(-tiles.shape[1] // _WORD) * _WORD), dtype=np.uint8)
    padded[:, : tiles.shape[1]] = tiles
    return padded.view(np.uint64)


def _counts(outputs: Sequence[Words]) -> Counts:
    counts = np.zeros((len(outputs), len(outputs)), dtype=np.int64)
    for i, j in combinations(range(len(outputs)), 2):
        n = np.count_nonzero((outputs[i] != outputs[j]).any(axis=1))
        counts[i, j] = counts[j, i] = n
    return counts
