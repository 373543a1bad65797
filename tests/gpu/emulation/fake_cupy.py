"""What fos_gpu asks of CuPy, with NumPy arrays as device memory. Nothing here computes."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace

import numpy as np

__version__ = "0"
CURRENT = SimpleNamespace(device=0, streams=[], resident=2, started=[])


class ndarray(np.ndarray):  # noqa: N801 -- CuPy's name
    """A NumPy array with CuPy's attributes; `ndarray(shape, dtype, memptr)` shares memory as CuPy's does."""

    device = SimpleNamespace(id=0)

    def __new__(cls, shape, dtype, memptr=None):
        if memptr is None:
            return aligned(shape, dtype)
        size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        assert size <= memptr.mem.size
        if size == 0:
            return np.empty(shape, dtype).view(cls)
        buffer = (ctypes.c_char * size).from_address(memptr.ptr)
        array = np.frombuffer(buffer, dtype=dtype).reshape(shape).view(cls)
        array.keep = memptr
        return array

    @property
    def data(self):
        return MemoryPointer(UnownedMemory(self.ctypes.data, self.nbytes, self, 0), 0)

    def set(self, values) -> None:
        assert values.dtype == self.dtype
        assert values.shape == self.shape
        self[...] = values


class UnownedMemory:
    def __init__(self, ptr, size, owner, device_id):
        self.ptr, self.size, self.owner, self.device_id = ptr, size, owner, device_id


class MemoryPointer:
    def __init__(self, mem, offset):
        self.mem, self.ptr = mem, mem.ptr + offset

    def memset_async(self, value, size) -> None:
        ctypes.memset(self.ptr, value, size)


class Stream:
    def __init__(self, ptr=7):
        self.ptr = ptr

    @classmethod
    def from_external(cls, other):
        version, ptr = other.__cuda_stream__()
        assert version == 0
        return cls(ptr)

    def __enter__(self):
        CURRENT.streams.append(self.ptr)

    def __exit__(self, *_):
        pass

    def is_capturing(self) -> bool:
        return False


class OutOfMemoryError(Exception):
    """As cupy.cuda.memory.OutOfMemoryError."""


class CUDADriverError(RuntimeError):
    """As cupy.cuda.driver.CUDADriverError."""


class CUDARuntimeError(RuntimeError):
    """As cupy.cuda.runtime.CUDARuntimeError."""


GUARD = 256  #: bytes before and after each allocation that nobody may write
POISON = 0xA5
allocations: list[tuple[np.ndarray, int, int]] = []


def aligned(shape, dtype):
    """Return memory as a device gives it: at a multiple of 256 bytes, with anything in it, guarded."""
    dtype = np.dtype(dtype)
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    raw = np.full(size + 3 * GUARD, POISON, np.uint8)
    start = GUARD + -raw.ctypes.data % GUARD
    allocations.append((raw, start, size))
    return raw[start : start + size].view(dtype).reshape(shape).view(ndarray)


def assert_guards_stand() -> None:
    """No byte beside an allocation was written since the last call."""
    for raw, start, size in allocations:
        assert (raw[:start] == POISON).all()
        assert (raw[start + size :] == POISON).all()
    allocations.clear()


def empty(shape, dtype):
    return aligned(shape, dtype)


def zeros(shape, dtype):
    array = aligned(shape, dtype)
    array[...] = 0
    return array


def asarray(values):
    array = aligned(values.shape, values.dtype)
    array[...] = values
    return array


def asnumpy(array):
    return np.array(array)


def launch_kernel(function, groups, _y, _z, threads, *rest):
    """Run an emulated kernel whose pointer is that of its launcher."""
    _, _, _, stream, parameters, _ = rest
    CURRENT.started.append((groups, threads, stream))
    LAUNCHER(function)(groups, threads, parameters)


def launch_cooperative_kernel(function, groups, _y, _z, threads, *rest):
    """Run the same with all thread blocks there at once, as many as the device holds at most."""
    _, _, _, stream, parameters = rest
    assert groups <= CURRENT.resident * 2
    CURRENT.started.append((groups, threads, stream))
    LAUNCHER(TOGETHER[function])(groups, threads, parameters)


LAUNCHER = ctypes.CFUNCTYPE(None, ctypes.c_longlong, ctypes.c_int, ctypes.c_void_p)
TOGETHER: dict[int, int] = {}  #: a launcher -> the one for cooperative launches
cuda = SimpleNamespace(
    runtime=SimpleNamespace(
        getDevice=lambda: CURRENT.device,
        CUDARuntimeError=CUDARuntimeError,
        memsetAsync=lambda ptr, value, size, _: ctypes.memset(ptr, value, size),
    ),
    driver=SimpleNamespace(
        CUDADriverError=CUDADriverError,
        launchKernel=launch_kernel,
        launchCooperativeKernel=launch_cooperative_kernel,
        occupancyMaxActiveBlocksPerMultiprocessor=lambda *_: CURRENT.resident,
    ),
    memory=SimpleNamespace(OutOfMemoryError=OutOfMemoryError),
    Device=lambda _=0: SimpleNamespace(
        compute_capability="90", id=CURRENT.device, attributes={"MultiProcessorCount": 2}
    ),
    Stream=Stream,
    UnownedMemory=UnownedMemory,
    MemoryPointer=MemoryPointer,
    get_current_stream=Stream,
)
