"""Launches whose arguments lie ready for the driver: what changes is the address of x and the stream."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from fos_gpu.starting import Clear, Start, Step
from fos_gpu.tensors import cupy


class Awaited:
    """Stands for the words of an x that is not there yet, in the arguments of a kernel."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape, self.size = shape, shape[0] * shape[1]


class Packed:
    """Steps in order, by the driver's own call: `run(address of x, stream)`. The arrays are kept alive."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._address = ctypes.c_void_p()
        self._kept: list[Any] = [*steps]
        self._calls = tuple(self._clear(s) if isinstance(s, Clear) else self._launch(s) for s in steps)

    def run(self, address: int, stream: int) -> None:
        """Start every step on a stream."""
        self._address.value = address
        for call, before, after in self._calls:
            call(*before, stream, *after)

    def __len__(self) -> int:
        """Return how many steps there are."""
        return len(self._calls)

    def _clear(self, step: Clear) -> tuple[Any, tuple[int, ...], tuple[int, ...]]:
        return cupy().cuda.runtime.memsetAsync, (step.array.data.ptr, 0, step.array.nbytes), ()

    def _launch(self, step: Start) -> tuple[Any, tuple[int, ...], tuple[int, ...]]:
        """Return the driver's call with what stands before the stream and behind it."""
        boxes = [self._box(a) for a in step.arguments]
        pointers = (ctypes.c_void_p * len(boxes))(*boxes)
        self._kept.append(pointers)
        given, shared = ctypes.addressof(pointers), 0
        before = (step.function.kernel.ptr, step.groups, 1, 1, step.threads, 1, 1, shared)
        driver = cupy().cuda.driver
        if step.together:
            return driver.launchCooperativeKernel, before, (given,)
        return driver.launchKernel, before, (given, 0)

    def _box(self, argument: Any) -> int:
        """Return where the driver finds one argument: the x to come, an array's address, or a number."""
        if isinstance(argument, Awaited):
            return ctypes.addressof(self._address)
        if isinstance(argument, np.generic):
            box = np.array(argument)
        else:
            box = np.array(argument.data.ptr, dtype=np.uint64)
        self._kept.append(box)
        return int(box.ctypes.data)


def most_together(function: Any, threads: int) -> int:
    """Return how many thread blocks of a loaded kernel the current device holds at once."""
    cuda = cupy().cuda
    of_one = cuda.driver.occupancyMaxActiveBlocksPerMultiprocessor(function.kernel.ptr, threads, 0)
    return int(of_one) * int(cuda.Device().attributes["MultiProcessorCount"])
