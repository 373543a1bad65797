"""MS-EDEN on the device: of Quartet II's kernels, with true reciprocals, and of its simulator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fos_gpu.build.training_units import eden_unit
from fos_gpu.launch import amax, start, THREADS
from fos_gpu.tensors import empty, launching, take, take_input, Tensor, zeros
from fos_gpu.training.words import given_words
from fos_ref.arguments import one_of
from fos_ref.errors import DtypeError, ShapeError
from fos_ref.recipes.catalog import PRESETS
from fos_ref.recipes.dialect import EDEN_GROUP
from fos_ref.recipes.recipe import BLOCK

KERNELS, SIMULATOR = "quartet2-eden", "quartet2-simulator-eden"
MAXIMUM = PRESETS["nvfp4"]  #: whose tensor amax is the largest magnitude


@dataclass(frozen=True, slots=True, eq=False)
class DeviceEden:
    """Rotated values quantized by MS-EDEN: a value is q * block scale * tensor scale."""

    codes: Any  #: uint8 (R, C/2): element 2j in the low nibble of byte j
    block_scales: Any  #: uint8 (R, C/16): E4M3
    tensor_scale: Any  #: float32 (1,)
    corrected: Any  #: float32 (R, C/16): the block scales before they are rounded to E4M3, values of bfloat16


def eden(
    y: Any, noise: Any, *, recipe: str = KERNELS, largest: Callable[[Any], None] | None = None
) -> DeviceEden:
    """Quantize rotated values by MS-EDEN.

    y:        finite float32 on the device, in the order in which blocks are taken
    noise:    uint32 or int32 on the device, for each block: 16 bits, as the map quartet2-scales has them; of
              the simulator 32 bits, those of quartet2-simulator-scales
    recipe:   "quartet2-eden", whose blocks of 16 correct their own scale, or "quartet2-simulator-eden", where
              128 values of a row correct eight
    largest:  called with what the tensor scale comes of, float32 (1,) on the device: max corrected, or of the
              simulator max|y|. It may raise it in place, where the rows of one tensor lie on several devices
    Shapes:   y (R, C), noise (R, C/16) -> codes (R, C/2), block_scales (R, C/16); C in blocks of 16, or 128
    Rounding: of a block, F = RN(6 / ((17/16) 0.93)): c = max|y| * RN(1/F), cut to 4 fraction bits;
              v = y * RN(1/c); q = E2M1(v) to nearest even; two fused sums of v v and of v q, over even and
              over odd elements, then their sum; corrected = BF16(c * (vv * RN(1/vq))). Of the tensor:
              G = max corrected / 256. Then E4M3(corrected * RN(1/G)) as
              `fos_ref.random.programs.quartet2_scales`.
              Of the simulator D = (max|y| / 255.99) / F, s = E4M3((max|block| / F) / D), v = y / (s D), q =
              E2M1(v) with ties away, sums of the rounded products in order over 128 values, corrected =
              s * (vv / vq), then `quartet2_simulator_scales`.
    Specials: a block of zeros has codes 0 and scale 0; so has a tensor of zeros, with G = 0. Of the simulator
              a zero has code 8, and a nearest scale of 0 is 1. Where the chip has rcp.approx there are true
              reciprocals here: hardware decides the last bits.
    Streams:  the framework's current one; nothing waits for the device.
    Raises:   DtypeError, ShapeError, InputError.
    Spec:     IST-DASLab/Quartet-II@8776a90b:kernels/csrc/rht128_eden.cu and
              src/models/quantization/quantizers/nvfp4_triton.py::eden_1x16s_fp4_kernel
    """
    grouped = one_of(recipe, (KERNELS, SIMULATOR), "recipe") == SIMULATOR
    x, width = take_input(y, "y"), EDEN_GROUP if grouped else BLOCK
    if x.dtype != "float32":
        msg = f"y has dtype {x.dtype}: float32 is allowed"
        raise DtypeError(msg)
    if len(x.shape) != 2 or x.shape[1] % width:  # noqa: PLR2004 -- a matrix
        msg = f"y of shape {x.shape}: a matrix with columns in multiples of {width} is allowed"
        raise ShapeError(msg)
    rows, cols = x.shape
    shape = (rows, cols // BLOCK)
    bits = given_words(noise, "noise", shape, x.place)
    with launching(x.place, f"MS-EDEN of shape {x.shape}"):
        made = DeviceEden(
            codes=empty((rows, cols // 2), "uint8", x.place),
            block_scales=empty(shape, "uint8", x.place),
            tensor_scale=zeros((1,), "float32", x.place),
            corrected=empty(shape, "float32", x.place),
        )
        if x.size:
            (_groups if grouped else _blocks)(x, bits, made, largest or _as_it_is)
    return made


def _as_it_is(own: Any) -> None:
    """Leave the maximum of one device."""


def _blocks(x: Tensor, bits: Any, made: DeviceEden, largest: Callable[[Any], None]) -> None:
    """Start the two passes of the kernels' form: codes and corrected scales, then bytes."""
    blocks = x.size // BLOCK
    groups, count = -(-blocks // THREADS), np.int64(blocks)
    own = zeros((1,), "float32", x.place)
    most = take(own).words((1,))
    scales, out = take(made.corrected).words(made.corrected.shape), take(made.tensor_scale).words((1,))
    codes = take(made.codes).words((blocks, BLOCK // 2))
    bytes_ = take(made.block_scales, alignment=1).words(made.block_scales.shape)
    first = (x.words((blocks, BLOCK)), count, codes, scales, most)
    start(eden_unit(), "fos_eden_of_blocks", groups, first)
    largest(own)
    start(eden_unit(), "fos_eden_of_scales", groups, (scales, count, most, bits, bytes_, out))


def _groups(x: Tensor, bits: Any, made: DeviceEden, largest: Callable[[Any], None]) -> None:
    """Start the maximum, then the simulator's form."""
    count = x.size // EDEN_GROUP
    own = zeros((1,), "float32", x.place)
    values, most = x.words((count, EDEN_GROUP)), take(own).words((1,))
    amax(MAXIMUM, "float32", values, most, columnwise=False)
    largest(own)
    given = (values, np.int64(count), most, bits)
    codes = take(made.codes).words((count, EDEN_GROUP // 2))
    bytes_ = take(made.block_scales, alignment=1).words(made.block_scales.shape)
    scales, out = take(made.corrected).words(made.corrected.shape), take(made.tensor_scale).words((1,))
    start(eden_unit(), "fos_eden_of_groups", -(-count // THREADS), (*given, codes, bytes_, scales, out))
