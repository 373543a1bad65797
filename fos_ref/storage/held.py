"""Which tensors of a file are quantized weights, told from names, dtypes and shapes alone.

Wider than storage/conventions.py, which lists what this package writes: NVFP4 and MXFP4 under the names of
six families (parts.py), stacked experts as one weight each, block scales that may lie swizzled or transposed.
What is neither is named with the reason.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from fos_ref.recipes.recipe import BLOCK
from fos_ref.storage.conventions import CODES_PER_BYTE
from fos_ref.storage.layout import swizzled_shape
from fos_ref.storage.parts import Family, GGML
from fos_ref.storage.tensor_info import TensorInfo

MX_BLOCK = 32


class BlockFormat(Enum):
    """What a weight's blocks are."""

    NVFP4 = "NVFP4"  #: 16 values under an E4M3 scale
    MXFP4 = "MXFP4"  #: 32 values under a power of two


class ScaleLayout(Enum):
    """How the block scales lie in the file."""

    LINEAR = "linear"
    SWIZZLED = "swizzled"  #: the 128x4 tiles of N16
    TRANSPOSED = "transposed"  #: column-major
    SHORT = "swizzled 8x4"  #: the tiles of 8 rows that TensorRT-LLM and FlashInfer make for few rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One quantized matrix of a file; an expert of a stacked tensor is one."""

    name: str  #: of the weight that was quantized: X.weight, or P[e] of stacked experts
    parameter: str  #: the tensor of the original that it is, or that it is a part of
    index: tuple[int, ...] = ()  #: (e,) for an expert, (e, h) for half of one
    experts: int = 1
    family: Family
    codes: TensorInfo
    block_scales: TensorInfo
    tensor_scale: TensorInfo | None  #: None: the file holds block scales only
    tensor_scale_at: int = 0  #: which of its values
    input_scale: TensorInfo | None = None
    shape: tuple[int, int]  #: (N, K) of the weight
    block: int  #: values under one scale
    layout: ScaleLayout | None  #: what the shape of the block scales says; None: any that fits
    first_row: int = 0  #: of the rows of all experts, one after the other
    first_scale: int = 0  #: of the bytes of block_scales
    scale_bytes: int  #: from there on, padding included
    turned: bool = (
        False  #: codes lie (K/2, N) and scales (K/block, N), as modelopt stores gpt-oss and Llama 4
    )

    @property
    def format(self) -> BlockFormat:
        """What its blocks are."""
        return BlockFormat.NVFP4 if self.block == BLOCK else BlockFormat.MXFP4

    @property
    def scale_shape(self) -> tuple[int, int]:
        """Rows and columns of the block scales in the linear layout."""
        return self.shape[0], self.shape[1] // self.block

    @property
    def blocks(self) -> int:
        """How many blocks the weight has."""
        return math.prod(self.scale_shape)

    @property
    def interleaved(self) -> bool:
        """Whether codes and scales lie in the same blocks of ggml."""
        return self.codes.dtype in GGML

    @property
    def code_bytes(self) -> int:
        """How many bytes of codes stand for it."""
        return self.shape[0] * self.shape[1] // CODES_PER_BYTE

    @property
    def layouts(self) -> tuple[ScaleLayout, ...]:
        """The layouts that the number of scale bytes allows, that of 8x4 tiles aside."""
        if self.layout is not None:
            return (self.layout,)
        whole_tiles = swizzled_shape(*self.scale_shape) == self.scale_shape
        usual = (ScaleLayout.LINEAR, ScaleLayout.SWIZZLED, ScaleLayout.TRANSPOSED)
        return tuple(k for k in usual if k is not ScaleLayout.SWIZZLED or whole_tiles)
