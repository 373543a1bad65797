"""ggml's blocks of FP4, taken apart into codes and block scales in this package's order, and put together.

    NVFP4  64 values in 36 bytes: 4 block scales of 16 values each, then 4 times 8 bytes of codes
    MXFP4  32 values in 17 bytes: the E8M0 byte, then 16 bytes of codes
    codes  byte j of a block of n values has element j in its low nibble and element j + n/2 in its high one

What ggml computes from these bytes (proved with the package `gguf` in tests/storage/test_gguf_blocks.py):

    elements  its table has twice the values of E2M1, and each decoder of a block scale gives half of it. So
              the value is E2M1 times the block scale, and no factor is left. Code 8 is +0, not -0.
    NVFP4     unsigned E4M3: bit 7 is ignored, and 0x7F is 0, not NaN. Only 0xFF differs by device: it is 480
              on a CPU and in the package, 0 under CUDA. llama.cpp's converter clears bit 7.
    MXFP4     2^(byte - 127). 255 is no NaN but 2^128, so codes above 1/2 become infinite.

The tensor scale of NVFP4 stands beside the blocks, in a tensor of its own; where it is missing it is 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from fos_ref.errors import ShapeError
from fos_ref.formats.arrays import U8
from fos_ref.storage.layout import pack_nibbles, unpack_nibbles


@dataclass(frozen=True, slots=True)
class BlockForm:
    """How one type of ggml stores FP4."""

    values: int  #: that are stored together
    block: int  #: values that share a block scale

    @property
    def scales(self) -> int:
        """Bytes of block scales that come first."""
        return self.values // self.block

    @property
    def nbytes(self) -> int:
        """Bytes of the values that are stored together."""
        return self.scales + self.values // 2

    def split(self, raw: U8) -> tuple[U8, U8]:
        """Return (codes, block scales) of rows of bytes as a file has them.

        Shapes: (..., K / values * nbytes) -> (..., K / 2) with element 2j in the low nibble of byte j, and
                (..., K / block)
        Raises: ShapeError where the last axis is not whole blocks.
        """
        cut = self._cut(raw, self.nbytes, "raw")
        groups = cut.shape[-2]
        halves = cut[..., self.scales :].reshape(*cut.shape[:-1], self.scales, self.block // 2)
        elements = np.concatenate([halves & np.uint8(0xF), halves >> np.uint8(4)], axis=-1)
        codes = pack_nibbles(elements).reshape(*raw.shape[:-1], groups * self.values // 2)
        return codes, cut[..., : self.scales].reshape(*raw.shape[:-1], groups * self.scales)

    def join(self, codes: U8, block_scales: U8) -> U8:
        """Return rows of bytes as a file has them: what `split` takes apart.

        Raises: ShapeError where a last axis is not whole blocks, or the two do not fit each other.
        """
        packed = self._cut(codes, self.values // 2, "codes")
        scales = self._cut(block_scales, self.scales, "block scales")
        if packed.shape[:-1] != scales.shape[:-1]:
            msg = (
                f"codes {codes.shape} and block scales {block_scales.shape}: one for {self.block} is allowed"
            )
            raise ShapeError(msg)
        elements = unpack_nibbles(packed).reshape(*packed.shape[:-1], self.scales, self.block)
        half = self.block // 2
        halves = elements[..., :half] | (elements[..., half:] << np.uint8(4))
        raw = np.concatenate([scales, halves.reshape(packed.shape)], axis=-1)
        return raw.reshape(*codes.shape[:-1], packed.shape[-2] * self.nbytes)

    def _cut(self, a: U8, width: int, what: str) -> U8:
        if a.ndim == 0 or a.shape[-1] % width:
            msg = f"{what} of shape {a.shape}: a last axis of whole blocks of {width} bytes is allowed"
            raise ShapeError(msg)
        return a.reshape(*a.shape[:-1], a.shape[-1] // width, width)


NVFP4 = BlockForm(values=64, block=16)
MXFP4 = BlockForm(values=32, block=32)
#: By ggml's name of the type.
BLOCK_FORMS: Mapping[str, BlockForm] = MappingProxyType({"NVFP4": NVFP4, "MXFP4": MXFP4})


def split_nvfp4(raw: U8) -> tuple[U8, U8]:
    """Return (codes, block scales) of NVFP4: (R, K/64*36) -> (R, K/2), (R, K/16). Errors: BlockForm.split."""
    return NVFP4.split(raw)


def split_mxfp4(raw: U8) -> tuple[U8, U8]:
    """Return (codes, block scales) of MXFP4: (R, K/32*17) -> (R, K/2), (R, K/32). Errors: BlockForm.split."""
    return MXFP4.split(raw)


def join_nvfp4(codes: U8, block_scales: U8) -> U8:
    """Return the bytes that `split_nvfp4` takes apart. Errors: BlockForm.join."""
    return NVFP4.join(codes, block_scales)


def join_mxfp4(codes: U8, block_scales: U8) -> U8:
    """Return the bytes that `split_mxfp4` takes apart. Errors: BlockForm.join."""
    return MXFP4.join(codes, block_scales)
