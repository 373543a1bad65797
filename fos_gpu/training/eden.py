"""MS-EDEN on the device, as Quartet II's kernels have it, with true reciprocals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fos_gpu.build.training_units import eden_unit
from fos_gpu.launch import start, THREADS
from fos_gpu.tensors import empty, launching, take, take_input, zeros
from fos_gpu.training.words import given_words
from fos_ref.errors import DtypeError, ShapeError
from fos_ref.recipes.recipe import BLOCK


@dataclass(frozen=True, slots=True, eq=False)
class DeviceEden:
    """Rotated values quantized by MS-EDEN: a value is q * block scale * tensor scale."""

    codes: Any  #: uint8 (R, C/2): element 2j in the low nibble of byte j
    block_scales: Any  #: uint8 (R, C/16): E4M3
    tensor_scale: Any  #: float32 (1,)
    corrected: Any  #: float32 (R, C/16): the block scales before they are rounded to E4M3, values of bfloat16


def eden(y: Any, noise: Any) -> DeviceEden:
    """Quantize rotated values by MS-EDEN.

    y:        finite float32 on the device, in the order in which blocks are taken
    noise:    uint32 or int32 on the device, 16 bits for each block: those of the map quartet2-scales
    Shapes:   y (R, C), noise (R, C/16) -> codes (R, C/2), block_scales (R, C/16)
    Rounding: of a block, F = RN(6 / ((17/16) 0.93)): c = max|y| * RN(1/F), cut to 4 fraction bits;
              v = y * RN(1/c); q = E2M1(v) to nearest even; two fused sums of v v and of v q, over even and
              over odd elements, then their sum; corrected = BF16(c * (vv * RN(1/vq))). Of the tensor:
              G = max corrected / 256. Then E4M3(corrected * RN(1/G)) as
              `fos_ref.random.programs.quartet2_scales`.
    Specials: a block of zeros has codes 0 and scale 0; so has a tensor of zeros, with G = 0. Where the chip
              has rcp.approx there are true reciprocals here: hardware decides the last bits.
    Streams:  the framework's current one; nothing waits for the device.
    Raises:   DtypeError, ShapeError, InputError.
    Spec:     IST-DASLab/Quartet-II@8776a90b:kernels/csrc/rht128_eden.cu
    """
    x = take_input(y, "y")
    if x.dtype != "float32":
        msg = f"y has dtype {x.dtype}: float32 is allowed"
        raise DtypeError(msg)
    if len(x.shape) != 2 or x.shape[1] % BLOCK:  # noqa: PLR2004 -- a matrix
        msg = f"y of shape {x.shape}: a matrix with columns in multiples of {BLOCK} is allowed"
        raise ShapeError(msg)
    rows, cols = x.shape
    shape = (rows, cols // BLOCK)
    blocks = rows * shape[1]
    bits = given_words(noise, "noise", shape, x.place)
    with launching(x.place, f"MS-EDEN of shape {x.shape}"):
        codes, bytes_ = empty((rows, cols // 2), "uint8", x.place), empty(shape, "uint8", x.place)
        corrected, largest = empty(shape, "float32", x.place), zeros((1,), "float32", x.place)
        tensor_scale = zeros((1,), "float32", x.place)
        scales, most = take(corrected).words(shape), take(largest).words((1,))
        groups, count = -(-blocks // THREADS), np.int64(blocks)
        first = (x.words((blocks, BLOCK)), count, take(codes).words((blocks, BLOCK // 2)), scales, most)
        second = (
            scales,
            count,
            most,
            bits,
            take(bytes_, alignment=1).words(shape),
            take(tensor_scale).words((1,)),
        )
        if blocks:
            start(eden_unit(), "fos_eden_of_blocks", groups, first)
            start(eden_unit(), "fos_eden_of_scales", groups, second)
    return DeviceEden(codes, bytes_, tensor_scale, corrected)
