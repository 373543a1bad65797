"""The door for device arrays: CuPy arrays, torch CUDA tensors, DLPack. In and out without a copy.

torch is never imported here: whoever holds one of its tensors has imported it already. New arrays come from
the allocator of the caller's framework and belong to its current stream, on which all kernels are started.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np

from fos_ref.arguments import is_a
from fos_ref.errors import DtypeError, InputError, ToolchainError
from fos_ref.foreign import foreign
from fos_ref.formats.arrays import AnyArray
from fos_ref.storage.reach import beyond_torch

NAMES = {np.dtype(t): np.dtype(t).name for t in ("f4", "f2", ml_dtypes.bfloat16, "u1", "?", "i4", "f8")}
DTYPES = {t.name: t for t in map(np.dtype, (np.float32, ml_dtypes.bfloat16, np.float16))}
ALIGNMENT = 16  #: bytes: the kernels read and write 16 at once
CUDA_DEVICE, CUDA_MANAGED = 2, 13  #: DLPack's device types


@dataclass(frozen=True, slots=True)
class Place:
    """Whose arrays they are ("cupy" or "torch") and on which device."""

    framework: str
    device: int


@dataclass(frozen=True, slots=True)
class Tensor:
    """A caller's array as it is: the object, its place, its dtype by name, its shape, its address."""

    own: Any
    place: Place
    dtype: str
    shape: tuple[int, ...]
    address: int

    @property
    def size(self) -> int:
        """How many values it has."""
        n = 1
        for s in self.shape:
            n *= s
        return n

    def words(self, shape: tuple[int, ...]) -> Any:
        """Return its memory as a CuPy array of unsigned words of `shape`: no copy."""
        itemsize = DTYPES[self.dtype].itemsize if self.dtype in DTYPES else np.dtype(self.dtype).itemsize
        return _window(self, shape, np.dtype(f"u{itemsize}"))


def cupy() -> Any:
    """Return CuPy; ToolchainError says how to install it."""
    found = sys.modules.get("cupy")
    if found is not None:
        return found
    try:
        return importlib.import_module("cupy")
    except ImportError as e:
        msg = f"CuPy does not import ({e}): pip install 'fos-ref[gpu]'"
        raise ToolchainError(msg) from e


def take(x: Any, name: str = "x", alignment: int = ALIGNMENT) -> Tensor:
    """Return a device array for what it is, checked, without a copy and without waiting for the device.

    Raises: DtypeError for another object or one in host memory, InputError for one that is not contiguous,
    whose address is not a multiple of `alignment` bytes, or which does not lie on the current device.
    """
    tensor = _torch_tensor(x, name) or _cupy_tensor(_as_cupy(x, name), name)
    here, own = cupy().cuda.runtime.getDevice(), tensor.place.device
    if own != here:
        module = "cupy.cuda.Device" if tensor.place.framework == "cupy" else "torch.cuda.device"
        msg = f"{name} lies on device {own}, the current device is {here}: use `with {module}({own}):`"
        raise InputError(msg)
    if tensor.address % alignment and tensor.size:
        msg = (
            f"{name} starts at {tensor.address:#x}: a multiple of {alignment} bytes is allowed (make a copy)"
        )
        raise InputError(msg)
    return tensor


def take_input(x: Any, name: str = "x") -> Tensor:
    """Return a device array of float32, float16 or bfloat16. Raises as `take`, and DtypeError."""
    tensor = take(x, name)
    if tensor.dtype not in DTYPES:
        allowed = "float32, float16 or bfloat16 is allowed (nothing is cast silently)"
        msg = f"{name} has dtype {tensor.dtype}: {allowed}"
        raise DtypeError(msg)
    return tensor


def is_on_device(x: Any) -> bool:
    """Return whether x is a CuPy array or a torch CUDA tensor; imports neither."""
    torch, installed = sys.modules.get("torch"), sys.modules.get("cupy")
    if torch is not None and is_a(x, torch.Tensor):
        with foreign(f"a {type(x).__name__}", "an array that says where it lies is allowed", DtypeError):
            return bool(x.is_cuda)
    return installed is not None and is_a(x, installed.ndarray)


def empty(shape: tuple[int, ...], dtype: str, place: Place) -> Any:
    """Return a new array of the caller's framework: from its pool, on its current stream."""
    if place.framework == "torch":
        torch = sys.modules["torch"]
        return torch.empty(shape, dtype=getattr(torch, dtype), device=f"cuda:{place.device}")
    return cupy().empty(shape, dtype=DTYPES.get(dtype) or np.dtype(dtype))


def zeros(shape: tuple[int, ...], dtype: str, place: Place) -> Any:
    """Return a new array of zeros, set on the framework's current stream."""
    own = empty(shape, dtype, place)
    words = take(own).words(shape)
    words.data.memset_async(0, words.nbytes)
    return own


def upload(values: AnyArray, place: Place) -> Any:
    """Return an array of the host on the device; waits for the copy."""
    own = empty(values.shape, values.dtype.name, place)
    if place.framework == "torch":
        own.copy_(sys.modules["torch"].from_numpy(np.array(values)))
    else:
        own.set(np.ascontiguousarray(values))
    return own


def to_numpy(own: Any) -> AnyArray:
    """Return a device array's values in host memory; waits for the device."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(own, torch.Tensor):
        host = own.detach().cpu()
        if host.dtype == torch.bfloat16:
            bits: AnyArray = host.view(torch.int16).numpy()
            return bits.view(ml_dtypes.bfloat16)
        return np.asarray(host.numpy())
    return np.asarray(cupy().asnumpy(own))


@contextmanager
def launching(place: Place, what: str) -> Iterator[None]:
    """Start kernels on the framework's current stream; CUDA's errors become one that says what was asked."""
    cp = cupy()
    torch = sys.modules.get("torch")
    full = (cp.cuda.memory.OutOfMemoryError, *((torch.cuda.OutOfMemoryError,) if torch is not None else ()))
    try:
        if place.framework == "torch":
            with cp.cuda.Stream.from_external(_TorchStream(place.device)):
                yield
        else:
            yield
    except full as e:
        msg = f"{what} does not fit on the device ({e}): free memory there, or work in parts"
        raise ToolchainError(msg) from e
    except (cp.cuda.driver.CUDADriverError, cp.cuda.runtime.CUDARuntimeError) as e:
        hint = "; before a graph is captured, make the same call once" if _capturing(cp) else ""
        msg = f"CUDA failed on {what}: {e}{hint}"
        raise ToolchainError(msg) from e
    except RuntimeError as e:  # CuPy's own word for a copy to the host in a capture
        if not _capturing(cp):
            raise
        msg = f"CUDA failed on {what}: {e}; a graph that is captured takes no check"
        raise ToolchainError(msg) from e


class _TorchStream:
    """torch's current stream by the CUDA stream protocol, which is what CuPy 14 takes."""

    def __init__(self, device: int) -> None:
        self.pointer = sys.modules["torch"].cuda.current_stream(device).cuda_stream

    def __cuda_stream__(self) -> tuple[int, int]:
        return 0, self.pointer


def _capturing(cp: Any) -> bool:
    try:
        return bool(cp.cuda.get_current_stream().is_capturing())
    except cp.cuda.runtime.CUDARuntimeError:  # a capture that has failed says so again
        return True


def _torch_tensor(x: Any, name: str) -> Tensor | None:
    torch = sys.modules.get("torch")
    if torch is None or not is_a(x, torch.Tensor):
        return None
    with foreign(f"{name} of type {type(x).__name__}", "a dense CUDA tensor is allowed", DtypeError):
        return _dense(x, torch, name)


def _dense(x: Any, torch: Any, name: str) -> Tensor:
    """Return a torch tensor as it is; DtypeError or InputError for one not dense, or not all there."""
    if not x.is_cuda or x.layout != torch.strided:
        msg = f"{name} is a torch tensor on {x.device} with layout {x.layout}: a dense CUDA tensor is allowed"
        raise DtypeError(msg)
    if not x.is_contiguous() or x.is_neg():
        raise _not_contiguous(name, tuple(x.stride()))
    beyond = beyond_torch(x)
    if beyond is not None:
        msg = f"{name}: {beyond}: an array whose memory is there is allowed"
        raise DtypeError(msg)
    dtype = str(x.dtype).removeprefix("torch.")
    return Tensor(x, Place("torch", int(x.device.index)), dtype, tuple(x.shape), int(x.data_ptr()))


def _cupy_tensor(x: Any, name: str) -> Tensor:
    if not x.flags.c_contiguous:
        raise _not_contiguous(name, tuple(s // x.dtype.itemsize for s in x.strides))
    name = NAMES.get(x.dtype) or x.dtype.name  # NumPy builds a name anew each time
    return Tensor(x, Place("cupy", int(x.device.id)), name, tuple(x.shape), int(x.data.ptr))


def _not_contiguous(name: str, strides: tuple[int, ...]) -> InputError:
    instead = "make a copy, or pass the array that it is the transpose of with columnwise=True"
    return InputError(
        f"{name} is not contiguous (strides {strides}): a row-major array is allowed; {instead}"
    )


def _as_cupy(x: Any, name: str) -> Any:
    """Return a CuPy array that shares x's memory, through DLPack or the CUDA array interface."""
    cp = cupy()
    allowed = "a CuPy array, a torch CUDA tensor or a DLPack array in CUDA memory is allowed"
    if isinstance(x, cp.ndarray):
        return x
    with foreign(f"{name} is a {type(x).__name__} whose hand-over failed", allowed, DtypeError):
        device = x.__dlpack_device__()[0] if hasattr(x, "__dlpack_device__") else None
        if device in (CUDA_DEVICE, CUDA_MANAGED):
            return cp.from_dlpack(x)
        if hasattr(x, "__cuda_array_interface__"):
            return cp.asarray(x)
    hint = "fos_ref.quantize(x, engine='cuda') takes arrays in host memory"
    msg = f"{name} is a {type(x).__name__}: {allowed} ({hint})"
    raise DtypeError(msg)


def _window(tensor: Tensor, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    cuda = cupy().cuda
    size = tensor.size * dtype.itemsize
    memory = cuda.UnownedMemory(tensor.address, size, tensor.own, tensor.place.device)
    return cupy().ndarray(shape, dtype, memptr=cuda.MemoryPointer(memory, 0))
