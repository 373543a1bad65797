"""The engine "numpy": the specification itself, run over row chunks so that memory stays bounded."""

from __future__ import annotations

import numpy as np

from fos_ref.formats.arrays import AnyArray, Bool, F32, U8
from fos_ref.formats.bits import widen
from fos_ref.model.quantize import joined_amax, quantize_matrix, tensor_amax
from fos_ref.model.random_bits import RandomBits
from fos_ref.model.trace import Cast, Scales
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.layout import stored

CHUNK_ELEMENTS = 1 << 16  #: values per chunk: its temporaries stay in the cache


def row_chunks(rows: int, cols: int, block_rows: int) -> list[slice]:
    """Return slices of whole blocks that cut (rows, cols) into chunks of some CHUNK_ELEMENTS each."""
    if not cols:
        return []
    step = max(1, CHUNK_ELEMENTS // max(1, cols * block_rows)) * block_rows
    return [slice(i, min(i + step, rows)) for i in range(0, rows, step)]


class NumpyEngine:
    """The model as an engine; has every recipe."""

    name = "numpy"

    def __init__(self, cast: Cast | None = None) -> None:
        """Keep who rounds elements stochastically; None: the model."""
        self._cast = cast

    def refuses(self, recipe: Recipe) -> str | None:  # noqa: ARG002
        """Return None: the specification has every recipe."""
        return None

    def amax(self, x: AnyArray, recipe: Recipe) -> F32:
        """Return the tensor amax, () or (R,). A maximum is exact, so chunks cannot change it."""
        chunks = row_chunks(x.shape[0], x.shape[1], recipe.block_rows)
        parts = [tensor_amax(widen(x[c]), recipe, x.dtype) for c in chunks]
        if not parts:
            return tensor_amax(np.zeros(x.shape, np.float32), recipe)
        return joined_amax(parts, recipe)

    def quantize(
        self, x: AnyArray, scales: Scales, recipe: Recipe, bits: RandomBits | None = None
    ) -> tuple[U8, U8, Bool]:
        """Return stored codes (R, C/2), block scales (R, C/16) and picked4 (R, C/16); C/32 for MX."""
        rows, cols = x.shape
        codes = np.empty((rows, cols // recipe.codes_per_byte), dtype=np.uint8)
        block_scales = np.empty((rows, cols // recipe.block_cols), dtype=np.uint8)
        picked4 = np.empty((rows, cols // recipe.block_cols), dtype=np.bool_)
        for c in row_chunks(rows, cols, recipe.block_rows):
            of_rows = None if bits is None else bits.rows(c)
            t = quantize_matrix(widen(x[c]), scales.rows(c), recipe, of_rows, self._cast)
            codes[c], block_scales[c], picked4[c] = stored(t.codes, recipe), t.block_scales, t.picked4
        return codes, block_scales, picked4
