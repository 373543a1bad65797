"""Which tensors of a file are quantized weights, told from names, dtypes and shapes alone.

Wider than storage/conventions.py, which lists what this package writes: torchao's names are read too, block
scales may be stored swizzled or transposed, and what is no NVFP4 is named with the reason.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from fos_ref.recipes.recipe import BLOCK
from fos_ref.storage.conventions import (
    CODES_PER_BYTE,
    COMPRESSED_TENSORS,
    Convention,
    MODELOPT,
    SUFFIX,
    TensorScaleForm,
)
from fos_ref.storage.layout import swizzled_shape
from fos_ref.storage.safetensors_read import TensorInfo

#: torchao.prototype.safetensors stores each part of its NVFP4Tensor under the weight's name.
TORCHAO = Convention(
    name="torchao",
    packed="._weight_qdata",
    block_scale="._weight_scale",
    tensor_scale="._weight_per_tensor_scale",
    tensor_scale_shape=(),
    form=TensorScaleForm.MULTIPLIER,
)
READ_CONVENTIONS = (MODELOPT, COMPRESSED_TENSORS, TORCHAO)
PACKED_DTYPES = ("U8", "F4")  #: F4 is safetensors' own 4-bit dtype, whose shape counts codes
SCALE_DTYPES = ("F8_E4M3", "U8")
_RANK = 2


class ScaleLayout(Enum):
    """How the block scales lie in the file."""

    LINEAR = "linear"
    SWIZZLED = "swizzled"  #: the 128x4 tiles of N16
    TRANSPOSED = "transposed"  #: column-major


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One quantized weight of a file."""

    name: str  #: of the weight that was quantized: X.weight
    convention: Convention
    codes: TensorInfo
    block_scales: TensorInfo
    tensor_scale: TensorInfo | None  #: None: the file holds block scales only
    shape: tuple[int, int]  #: (N, K) of the weight
    layout: ScaleLayout | None  #: what the shape of the block scales says; None: any of the three fits

    @property
    def scale_shape(self) -> tuple[int, int]:
        """Rows and columns of the block scales in the linear layout."""
        return self.shape[0], self.shape[1] // BLOCK

    @property
    def blocks(self) -> int:
        """How many blocks the weight has."""
        return math.prod(self.scale_shape)

    @property
    def layouts(self) -> tuple[ScaleLayout, ...]:
        """The layouts that the number of scale bytes allows."""
        if self.layout is not None:
            return (self.layout,)
        whole_tiles = swizzled_shape(*self.scale_shape) == self.scale_shape
        return tuple(k for k in ScaleLayout if k is not ScaleLayout.SWIZZLED or whole_tiles)


def held_weights(tensors: Mapping[str, TensorInfo]) -> tuple[list[Held], dict[str, str]]:
    """Return the NVFP4 weights among `tensors`, and {name: why} of what looks quantized but is not NVFP4."""
    found, unread = [], {}
    for name, info in tensors.items():
        c = next(
            (c for c in READ_CONVENTIONS if name.endswith(c.packed) and _parts_there(name, c, tensors)), None
        )
        if c is None or info.dtype not in PACKED_DTYPES:
            continue
        _, scales, tensor_scale = c.parts(name.removesuffix(c.packed))
        held = _held(name, c, info, tensors[scales], tensors.get(tensor_scale))
        if isinstance(held, Held):
            found.append(held)
        else:
            unread[name] = held
    return found, unread


def _parts_there(name: str, c: Convention, tensors: Mapping[str, TensorInfo]) -> bool:
    return c.parts(name.removesuffix(c.packed))[1] in tensors


def _held(
    name: str, c: Convention, codes: TensorInfo, scales: TensorInfo, tensor_scale: TensorInfo | None
) -> Held | str:
    """Return the weight, or why its tensors are no NVFP4 weight."""
    if len(codes.shape) != _RANK:
        return f"codes of {len(codes.shape)} dimensions: 2 are read"
    rows, cols = codes.shape
    cols = cols if codes.dtype == "F4" else cols * CODES_PER_BYTE
    if not rows or not cols or cols % BLOCK:
        return f"codes of a weight ({rows}, {cols}): whole blocks of {BLOCK} are read"
    if scales.dtype not in SCALE_DTYPES:
        return f"block scales of dtype {scales.dtype}: {' and '.join(SCALE_DTYPES)} are read"
    if tensor_scale is not None and (tensor_scale.dtype != "F32" or math.prod(tensor_scale.shape) != 1):
        return f"a tensor scale {tensor_scale.dtype} {list(tensor_scale.shape)}: one F32 is read"
    fits, layout = _layout_of(scales.shape, (rows, cols // BLOCK))
    if not fits:
        return (
            f"block scales {list(scales.shape)} for a weight ({rows}, {cols}): one for {BLOCK} values is read"
        )
    return Held(
        name=name.removesuffix(c.packed) + SUFFIX,
        convention=c,
        codes=codes,
        block_scales=scales,
        tensor_scale=tensor_scale,
        shape=(rows, cols),
        layout=layout,
    )


def _layout_of(shape: tuple[int, ...], linear: tuple[int, int]) -> tuple[bool, ScaleLayout | None]:
    """Return (whether the scales fit, what their shape says of the layout)."""
    padded, size = swizzled_shape(*linear), math.prod(shape)
    if size == math.prod(linear):
        return True, ScaleLayout.TRANSPOSED if shape == linear[::-1] != linear else None
    return size == math.prod(padded), ScaleLayout.SWIZZLED
