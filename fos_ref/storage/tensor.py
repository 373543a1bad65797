"""A quantized tensor: codes, block scales, tensor amax, and the recipe that made them."""

from __future__ import annotations

from dataclasses import dataclass

from fos_ref.errors import RecipeError
from fos_ref.formats.arrays import Bool, F32, U8
from fos_ref.recipes.axes import Candidates
from fos_ref.recipes.recipe import Recipe


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QuantizedTensor:
    """The result of `quantize`: codes, block scales, tensor scales, and the recipe that made them.

    Shapes are given for (rows, C); an N-D input (..., C) keeps its leading axes. With padding, rows and C are
    those of the padded matrix, and padded rows flatten the leading axes; `shape` is always that of the input.
    """

    codes: U8  #: (rows, C/2): element 2j in the low nibble of byte j
    block_scales: U8  #: (rows, C/16): E4M3 bytes, linear row-major; a tile's byte on each of its rows
    tensor_amax: F32  #: A, () or (rows,) float32
    encode_scale: F32  #: S, the same shape; 1/S and D may differ by a rounding either way
    decode_scale: F32  #: D, the same shape: values are codes * block scale * D up to the recipe's rounding
    picked4: Bool | None  #: (rows, C/16): True where map-to-4 won; None when read from a file without it
    recipe: Recipe
    shape: tuple[int, ...]  #: of the input

    @property
    def picked_int(self) -> Bool | None:
        """True where INT4 was kept (IF4 recipes): the array picked4. RecipeError for other recipes."""
        if self.recipe.candidates is not Candidates.FLOAT_OR_INT:
            msg = f"picked_int: recipe {self.recipe.name!r} has no INT4 candidate; picked4 is its choice"
            raise RecipeError(msg)
        return self.picked4
