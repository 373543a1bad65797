"""What quantizing cost, on the device: per block and over the tensor, float64, in a stated order."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from fos_gpu import launch
from fos_gpu.build import modules
from fos_gpu.quantized import block_shape, check_on_device, DeviceQuantized
from fos_gpu.tensors import empty, launching, take, take_input, to_numpy
from fos_ref.errors import InputError, ShapeError
from fos_ref.exactness.sums import Sums

PER_BLOCK = 3  #: squared, absolute, largest
STATISTICS = 5  #: those, and of x: power, magnitude


@dataclass(frozen=True, slots=True, eq=False)
class DeviceErrors:
    """The errors e = v - x of a quantized tensor in float64: v the dequantized float32 value, x the input."""

    per_block: Any  #: float64 (3, ..., blocks of a row): sum of e*e, sum of |e|, largest |e| of each block
    partial: Any  #: float64 (5, P): column 0 holds the totals, the rest is work space
    quantized: DeviceQuantized

    @property
    def squared(self) -> Any:
        """The sum of e*e of each block, (..., C/16), or C/8 or C/32 as the recipe has blocks."""
        return self.per_block[0]

    @property
    def absolute(self) -> Any:
        """The sum of |e| of each block."""
        return self.per_block[1]

    @property
    def largest(self) -> Any:
        """The largest |e| of each block."""
        return self.per_block[2]

    @property
    def totals(self) -> Any:
        """Over the tensor, (5,): the sums of e*e and of |e|, the largest |e|, the sums of x*x and of |x|."""
        return self.partial[:, 0]

    def to_host(self) -> Sums:
        """Return the totals in the form of the report; waits for the device. Without picked4 it counts 0."""
        squared, absolute, largest, power, magnitude = to_numpy(self.totals).tolist()
        chosen, amax = self.quantized.picked4, to_numpy(self.quantized.tensor_scales)[0]
        picked4 = 0 if chosen is None else np.count_nonzero(to_numpy(chosen))
        most = float(amax.max(initial=0))
        return Sums(
            squared=squared,
            absolute=absolute,
            power=power,
            magnitude=magnitude,
            blocks=math.prod(self.quantized.linear_scales.shape),
            picked4=int(picked4),
            worst=largest / most if most else 0.0,
        )


def errors(x: Any, q: DeviceQuantized) -> DeviceErrors:
    """Return the errors of `q` against the array of which it was made.

    Shapes:   x as it was given to `quantize`: (R, C) for a columnwise q of (C, R) -> `DeviceErrors`
    Dtypes:   x float32, float16 or bfloat16 -> float64
    Rounding: float64, each operation once, nothing fused: e = v - x, e * e, then sums. In a block the terms
              are added to 0 in order. P is the least power of two that is not below the number of
              blocks, 2^17 at most. Partial sum p adds the blocks p, p + P, p + 2P ... in order to 0. Then
              p adds p + P/2, then p + P/4, down to p + 1.
    Specials: a NaN stays, in sums and in maxima.
    Streams:  the framework's current one; nothing waits for the device.
    Raises:   ShapeError for another shape; DtypeError, for a `q` on no device too; InputError for another
              device or framework than q's; ToolchainError.
    Spec:     docs/gpu.md, "Error statistics"; v is N14.
    """
    check_on_device(q, "errors")
    x = take_input(x)
    made_from = q.shape[::-1] if q.columnwise else q.shape
    if x.shape != made_from:
        msg = f"x of shape {x.shape}: q was made from {made_from}"
        raise ShapeError(msg)
    if x.place != q.place:
        msg = f"x is on {x.place}: q is on {q.place}"
        raise InputError(msg)
    unit = modules.errors_unit(q.recipe, x.dtype, columnwise=q.columnwise)
    blocks = q.rows * q.cols // q.recipe.block_cols
    sums = launch.sums_at_once(blocks)
    with launching(q.place, f"the errors of a tensor of shape {q.shape}"):
        per_block = empty((PER_BLOCK, *block_shape(q.shape, q.recipe)), "float64", q.place)
        partial = empty((STATISTICS, sums), "float64", q.place)
        out = (
            take(per_block, "out").words((PER_BLOCK, blocks)),
            take(partial, "out").words((STATISTICS, sums)),
        )
        parts = (q.words.codes, q.words.linear, q.words.scales)
        launch.errors(unit, x.words((x.size,)), parts, (q.rows, q.cols), out)
    return DeviceErrors(per_block, partial, q)
