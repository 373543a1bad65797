"""A quantized tensor in device memory, in arrays of the caller's framework."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from fos_gpu.tensors import Place, to_numpy
from fos_ref.engines.given import check_finite
from fos_ref.recipes.axes import AmaxScope
from fos_ref.recipes.recipe import BLOCK, Recipe
from fos_ref.storage.tensor import QuantizedTensor

LAYOUTS = ("linear", "swizzled")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DeviceQuantized:
    """The result of `fos_gpu.quantize`: of (..., C) as it is, or of the transpose of a matrix.

    Nothing of it is read by the host before `to_host`.
    """

    codes: Any  #: uint8 (..., C/2): element 2j in the low nibble of byte j
    block_scales: Any  #: uint8 (..., C/16), or flat in whole 128x4 tiles where scale_layout is "swizzled"
    picked4: Any  #: bool (..., C/16): True where map-to-4 won; linear in both layouts
    tensor_scales: Any  #: float32 (3, n): A, S and D, n being 1 or the rows
    linear_scales: Any  #: uint8 (..., C/16): block_scales itself in the linear layout
    recipe: Recipe
    shape: tuple[int, ...]  #: of what was quantized: of the transpose with columnwise=True
    dtype: str  #: of the input, by name
    scale_layout: str
    columnwise: bool
    place: Place

    @property
    def rows(self) -> int:
        """How many rows it has when all but the last axis are flattened."""
        return math.prod(self.shape[:-1])

    @property
    def cols(self) -> int:
        """C, how many values a row has."""
        return self.shape[-1]

    @property
    def tensor_amax(self) -> Any:
        """A, () or (rows,) float32 on the device."""
        return self._scale(0)

    @property
    def encode_scale(self) -> Any:
        """S, the same shape."""
        return self._scale(1)

    @property
    def decode_scale(self) -> Any:
        """D, the same shape."""
        return self._scale(2)

    def _scale(self, which: int) -> Any:
        by_row = self.recipe.amax_scope is AmaxScope.ROW
        return self.tensor_scales[which] if by_row else self.tensor_scales[which, 0]

    def to_host(self) -> QuantizedTensor:
        """Return the same in host memory, block scales linear; waits for the device.

        Raises: InputError where the tensor amax is not finite and the recipe refuses that.
        """
        amax, encode, decode = (to_numpy(self._scale(i)).copy() for i in range(3))
        check_finite(amax, self.recipe)
        return QuantizedTensor(
            codes=to_numpy(self.codes),
            block_scales=to_numpy(self.linear_scales),
            tensor_amax=amax,
            encode_scale=encode,
            decode_scale=decode,
            picked4=to_numpy(self.picked4),
            recipe=self.recipe,
            shape=self.shape,
        )


def block_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of one number per block of 16."""
    return (*shape[:-1], shape[-1] // BLOCK)
