"""A quantized tensor in device memory, in arrays of the caller's framework."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from fos_gpu.tensors import launching, Place, take, to_numpy, upload
from fos_ref.arguments import is_a
from fos_ref.engines.given import check_finite
from fos_ref.errors import DtypeError, ShapeError
from fos_ref.foreign import cut
from fos_ref.formats.bits import canonical_nan
from fos_ref.recipes.axes import AmaxScope
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.tensor import check_tensor, QuantizedTensor

LAYOUTS = ("linear", "swizzled")


class Words(NamedTuple):
    """The arrays of a quantized tensor as the kernels take them: CuPy views of words, as matrices."""

    codes: Any  #: (rows, C/2), or (rows, C) of codes that have a byte each
    linear: Any  #: (rows, blocks of a row)
    block_scales: Any  #: the same, or flat
    picked4: Any  #: (rows, blocks of a row) or None
    scales: Any  #: (3, n)
    work: Any  #: (2,) or None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DeviceQuantized:
    """The result of `fos_gpu.quantize`, in device memory: of (..., C), or of the transpose of a matrix.

    C/16 stands for the blocks of a row: C/8 or C/32 where the recipe has such blocks. The host reads nothing
    of it before `to_host`.
    """

    codes: Any  #: uint8 (..., C/2): element 2j in the low nibble of byte j; (..., C) unless a code has 4 bits
    block_scales: Any  #: uint8 (..., C/16), or flat in whole 128x4 tiles where scale_layout is "swizzled"
    picked4: Any  #: bool (..., C/16), linear in both layouts: True where map-to-4 won; None: not known
    tensor_scales: Any  #: float32 (3, n): A, S and D, n being 1 or the rows
    linear_scales: Any  #: uint8 (..., C/16): block_scales itself in the linear layout
    recipe: Recipe
    shape: tuple[int, ...]  #: of what was quantized: of the transpose with columnwise=True
    dtype: str  #: of the input, by name; "" where it came from the host
    scale_layout: str
    columnwise: bool
    place: Place
    work: Any = None  #: int32 (2,), zero between calls: where the thread blocks of the tensor amax meet
    words: Words = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Take the arrays' addresses once; raises as `take`."""
        blocks = (self.rows, self.cols // self.recipe.block_cols)
        coded = (self.rows, self.cols // self.recipe.codes_per_byte)
        swizzled = self.scale_layout != LAYOUTS[0]
        words = Words(
            codes=take(self.codes, "codes").words(coded),
            linear=_bytes(self.linear_scales, blocks),
            block_scales=_bytes(self.block_scales, tuple(self.block_scales.shape) if swizzled else blocks),
            picked4=None if self.picked4 is None else _bytes(self.picked4, blocks),
            scales=take(self.tensor_scales, "tensor scales").words(tuple(self.tensor_scales.shape)),
            work=None if self.work is None else take(self.work, "work").words((2,)),
        )
        object.__setattr__(self, "words", words)

    @property
    def rows(self) -> int:
        """The number of rows, with all but the last axis flattened."""
        return math.prod(self.shape[:-1])

    @property
    def cols(self) -> int:
        """C, the number of values in a row."""
        return self.shape[-1]

    @property
    def tensor_amax(self) -> Any:
        """A, float32 on the device: (), or (rows,) for row-scaled recipes."""
        return self._scale(0)

    @property
    def encode_scale(self) -> Any:
        """S, in the shape of A."""
        return self._scale(1)

    @property
    def decode_scale(self) -> Any:
        """D, in the shape of A."""
        return self._scale(2)

    def _scale(self, which: int) -> Any:
        by_row = self.recipe.amax_scope is AmaxScope.ROW
        return self.tensor_scales[which] if by_row else self.tensor_scales[which, 0]

    def to_host(self) -> QuantizedTensor:
        """Return the same as a `fos_ref.QuantizedTensor`, block scales linear; waits for the device.

        Raises: InputError where the tensor amax is not finite and the recipe refuses that.
        """
        amax, encode, decode = (canonical_nan(to_numpy(self._scale(i)).copy()) for i in range(3))
        check_finite(amax, self.recipe)
        return QuantizedTensor(
            codes=to_numpy(self.codes),
            block_scales=to_numpy(self.linear_scales),
            tensor_amax=amax,
            encode_scale=encode,
            decode_scale=decode,
            picked4=None if self.picked4 is None else to_numpy(self.picked4),
            recipe=self.recipe,
            shape=self.shape,
        )


def _bytes(own: Any, shape: tuple[int, ...]) -> Any:
    return take(own, "block scales", alignment=1).words(shape)


def check_on_device(q: Any, what: str) -> None:
    """Raise DtypeError for a `q` that is no quantized tensor on a device. what: the call, for the message."""
    if not is_a(q, DeviceQuantized):
        msg = f"{what}: q is a {cut(type(q).__name__)}: a DeviceQuantized is allowed"
        raise DtypeError(msg)


def to_device(q: QuantizedTensor, like: Any) -> DeviceQuantized:
    """Return a quantized tensor of the host on the device, in arrays of the framework and place of `like`.

    Shapes:   those of q; block scales linear
    Streams:  waits for the copies.
    Raises:   ShapeError for a q that was padded, and for parts that do not fit; DtypeError for what is no
              QuantizedTensor; DtypeError or InputError for a `like` that is no device array; ToolchainError
              where q does not fit into the memory.
    """
    q = check_tensor(q, "to_device")
    place, each = take(like, "like", alignment=1).place, q.recipe.codes_per_byte
    shape = (*q.codes.shape[:-1], q.codes.shape[-1] * each)
    if q.shape != shape:
        msg = f"q of shape {q.shape}: its codes are those of {shape}; a tensor without padding is allowed"
        raise ShapeError(msg)
    three = [np.ravel(v) for v in (q.tensor_amax, q.encode_scale, q.decode_scale)]
    with launching(place, f"a quantized tensor of shape {shape}"):
        scales = upload(q.block_scales, place)
        return DeviceQuantized(
            codes=upload(q.codes, place),
            block_scales=scales,
            picked4=None if q.picked4 is None else upload(q.picked4, place),
            tensor_scales=upload(np.stack(three), place),
            linear_scales=scales,
            recipe=q.recipe,
            shape=shape,
            dtype="",
            scale_layout=LAYOUTS[0],
            columnwise=False,
            place=place,
        )


def block_shape(shape: tuple[int, ...], r: Recipe) -> tuple[int, ...]:
    """Return the shape of one number per block of a recipe."""
    return (*shape[:-1], shape[-1] // r.block_cols)
