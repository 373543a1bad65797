"""A call whose arguments are checked once: `fos_gpu.prepare`, for small tensors and for CUDA graphs."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

from fos_gpu import launch
from fos_gpu.build import modules
from fos_gpu.dequantize import dtype_name
from fos_gpu.front import check_place, fill, fill_scales, new, quantized_shape
from fos_gpu.packed import Awaited, most_together, Packed
from fos_gpu.quantized import DeviceQuantized, LAYOUTS
from fos_gpu.starting import keeping, Start, Step
from fos_gpu.tensors import ALIGNMENT, cupy, DTYPES, is_on_device, launching, take, take_input, Tensor
from fos_ref.arguments import is_a, one_of, whole
from fos_ref.engines.given import Fixed
from fos_ref.errors import DtypeError, InputError, ShapeError
from fos_ref.foreign import shown
from fos_ref.model.trace import Scales
from fos_ref.recipes.axes import AmaxScope
from fos_ref.recipes.catalog import recipe as get_recipe
from fos_ref.recipes.recipe import Recipe

LONGEST_ROW = 8 * launch.THREADS  #: blocks of a row that one thread block takes alone
MOST_WAVES = 2  #: how often the rows of a tensor may fill the device by one launch
#: Blocks above which more launches are faster on an H200 (reports/benchmark-gpu-nvidia-h200.md), also by row.
MOST_AT_ONCE, MOST_OF_ROWS = 1 << 15, 1 << 12
_LARGEST = (1 << 63) - 1  #: of an axis


class _Expected(Tensor):
    """An x that is still to come: its words stand for themselves in a kernel's arguments."""

    def words(self, shape: tuple[int, ...]) -> Any:
        """Return what `Packed` replaces by the address."""
        return Awaited((shape[0], shape[1]))


class Prepared:
    """A prepared `quantize`: call it with an x of the shape, dtype and place that it was made for.

    Each call writes into the arrays of `out`, and returns `out`. Give `out` to no other call.
    """

    def __init__(self, x: Tensor, out: DeviceQuantized, steps: list[Step], fixed: tuple[Any, ...]) -> None:
        self.out = out
        self._expected, self._packed, self._fixed = x, Packed(steps), fixed
        self._torch = sys.modules["torch"] if x.place.framework == "torch" else None
        self._shape, self._device, self._own = x.shape, x.place.device, _own_dtype(x)
        self._device_now, self._run = cupy().cuda.runtime.getDevice, self._packed.run

    @property
    def launches(self) -> int:
        """How many kernels, and fills with zeros, a call starts."""
        return len(self._packed)

    def __call__(self, x: Any) -> DeviceQuantized:
        """Quantize x into `out`: the bits of `fos_gpu.quantize` of the arguments that were prepared.

        Shapes:   x of the prepared shape, contiguous
        Streams:  the framework's current one. Nothing waits for the device: a CUDA graph can capture a call.
        Raises:   DtypeError, ShapeError, InputError for another x; ToolchainError where CUDA fails.
        """
        torch = self._torch
        address = self._cupy_address(x) if torch is None else self._torch_address(x, torch)
        if address is None or self._device_now() != self._device:
            address = self._checked(x)
        try:
            self._run(address, self._stream())
        except RuntimeError:
            with launching(self._expected.place, f"a prepared call on {self._expected.shape}"):
                raise
        return self.out

    def _stream(self) -> int:
        if self._torch is not None:
            return int(self._torch.cuda.current_stream(self._device).cuda_stream)
        return int(cupy().cuda.get_current_stream().ptr)

    def _torch_address(self, x: Any, torch: Any) -> int | None:
        """Return the address of a torch tensor that is as it should be; None where it has to be asked."""
        if type(x) is not torch.Tensor or x.dtype is not self._own or x.shape != self._shape:
            return None
        if not x.is_cuda or x.layout is not torch.strided or not x.is_contiguous() or x.is_neg():
            return None
        if x.get_device() != self._device:
            return None
        return _aligned(x.data_ptr())

    def _cupy_address(self, x: Any) -> int | None:
        """Return the same of a CuPy array."""
        if type(x) is not cupy().ndarray or x.dtype != self._own or x.shape != self._shape:
            return None
        if not x.flags.c_contiguous or x.device.id != self._device:
            return None
        return _aligned(x.data.ptr)

    def _checked(self, x: Any) -> int:
        """Return the address of an x after every check; the error says what is wrong with another one."""
        e = self._expected
        tensor = take_input(x)
        if (tensor.shape, tensor.dtype) != (e.shape, e.dtype):
            kind = ShapeError if tensor.dtype == e.dtype else DtypeError
            msg = f"x is {tensor.dtype} {tensor.shape}: the call was prepared for {e.dtype} {e.shape}"
            raise kind(msg)
        if tensor.place != e.place:
            msg = f"x is on {tensor.place}: the call was prepared for {e.place}"
            raise InputError(msg)
        return tensor.address


def prepare(
    recipe: Recipe | str,
    shape: tuple[int, ...],
    dtype: Any,
    *,
    like: Any,
    amax: Any = None,
    tensor_scale: float | None = None,
    encode_scale: Any = None,
    scale_layout: str = "linear",
    columnwise: bool = False,
) -> Prepared:
    """Return a callable that quantizes arrays of one shape and dtype: `fos_gpu.quantize`, checked once.

    recipe, tensor_scale, encode_scale, scale_layout, columnwise: as `fos_gpu.quantize`
    shape, dtype: of every x
    like:     an array whose framework and device every x has
    amax:     as there: numbers are fixed now, an array on the device is read at every call. None: max|x|
    Shapes:   of the result: as `fos_gpu.quantize`
    Dtypes:   float32, float16 or bfloat16: a NumPy dtype, a torch dtype or a name
    Rounding: as `fos_gpu.quantize`, and its specials.
    Launches: one, where all blocks of x are at work at once: the amax, A, S, D and all outputs by one kernel,
              whose thread blocks wait for each other. Larger tensors: two, of which one is for the scales.
    Streams:  of a call: the framework's current one. Compiling and loading happen here.
    Raises:   as `fos_gpu.quantize`; DtypeError or InputError for a `like` that is no device array.
    """
    r = get_recipe(recipe)
    place = take(like, "like", alignment=1).place
    check_place(r, place.device)
    x = _Expected(None, place, dtype_name(dtype), _shape(shape), 0)
    quantized = quantized_shape(x.shape, r, columnwise=columnwise)
    one_of(scale_layout, LAYOUTS, "scale layout")
    given = amax
    fixed = Fixed(amax, tensor_scale, encode_scale)
    if not is_on_device(amax):
        given = fixed.scales(r, math.prod(quantized[:-1]), DTYPES[x.dtype])
    with launching(place, f"a {x.dtype} tensor of shape {x.shape}"):
        q = new(x, r, quantized, scale_layout, columnwise=columnwise)
        steps = _steps(q, x, given)
    return Prepared(x, q, steps, (given,))


def _shape(shape: Any) -> tuple[int, ...]:
    """Return a caller's shape; ShapeError for another thing."""
    if not is_a(shape, (tuple, list)):
        msg = f"shape {shown(shape)}: a tuple of whole numbers is allowed"
        raise ShapeError(msg)
    return tuple(whole(n, "an axis of shape", 0, _LARGEST) for n in shape)


def _steps(q: DeviceQuantized, x: Tensor, given: Any) -> list[Step]:
    """Return what each call has to start; what never changes is started now."""
    whole_launch = None if given is not None or q.columnwise else _whole(q, x)
    if isinstance(given, Scales):
        fill_scales(q, x, given, check=False)
    with keeping() as steps:
        if not isinstance(given, Scales) and whole_launch is None:
            fill_scales(q, x, given, check=False)
        if whole_launch is not None:
            steps.append(whole_launch)
        fill(q, x, quantized=whole_launch is not None)
    return steps


def _whole(q: DeviceQuantized, x: Tensor) -> Start | None:
    """Return the one launch for amax, scales and outputs; None where the device does not hold it at once."""
    r, (rows, cols) = q.recipe, (q.rows, q.cols)
    by_row = r.amax_scope is AmaxScope.ROW
    if not 0 < rows * cols // r.block_cols <= (MOST_OF_ROWS if by_row else MOST_AT_ONCE):
        return None
    function = launch.loaded(modules.whole_unit(r, x.dtype), modules.ENTRY_WHOLE)
    most, of_row = most_together(function, launch.THREADS), cols // r.block_cols
    groups = rows if by_row else -(-rows * of_row // launch.THREADS)
    if groups > most * (MOST_WAVES if by_row else 1) or (by_row and of_row > LONGEST_ROW):
        return None
    work = np.uint64(0) if q.words.work is None else q.words.work
    own = q.words
    sizes = (np.int64(rows), np.int64(cols), np.int32(groups))
    arguments = (x.words((rows, cols)), *sizes, work, own.scales, own.codes, own.linear, own.picked4)
    return Start(function, groups, launch.THREADS, arguments, together=not by_row)


def _own_dtype(x: Tensor) -> Any:
    """Return a dtype by name as x's framework has it."""
    if x.place.framework == "torch":
        return getattr(sys.modules["torch"], x.dtype)
    return DTYPES[x.dtype]


def _aligned(address: int) -> int | None:
    return address if address and address % ALIGNMENT == 0 else None
