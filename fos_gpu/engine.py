"""The engine "cuda": recipes by this package's kernels, NumPy arrays in and out."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import Any

import numpy as np

from fos_gpu import launch
from fos_gpu.build import grid, kernels, nvrtc
from fos_gpu.build.host import stacked
from fos_gpu.build.lower import unsupported
from fos_gpu.build.probe import available
from fos_gpu.build.training_units import takes
from fos_gpu.starting import start
from fos_ref.engines.empty import nothing
from fos_ref.engines.numpy_engine import NumpyEngine
from fos_ref.errors import ToolchainError
from fos_ref.formats.arrays import AnyArray, Bool, F32, U8
from fos_ref.model.random_bits import RandomBits
from fos_ref.model.trace import Scales
from fos_ref.recipes.axes import AmaxScope
from fos_ref.recipes.recipe import Recipe


class CudaEngine:
    """The kernels as an engine: the current device, its current stream."""

    name = "cuda"

    def refuses(self, recipe: Recipe) -> str | None:
        """Return why this engine cannot run `recipe` here, None if it can."""
        if sys.byteorder != "little":
            return "its words are written for little-endian machines"
        here = available()
        if not here:
            return here.reason
        return takes(recipe) if recipe.stochastic else unsupported(recipe)

    def amax(self, x: AnyArray, recipe: Recipe) -> F32:
        """Return the tensor amax, () or (R,). N2."""
        by_row = recipe.amax_scope is AmaxScope.ROW
        rows, cols = x.shape if by_row else (1, x.size)
        if x.size == 0:
            return np.zeros((rows,) if by_row else (), dtype=np.float32)
        with _errors(x):
            found = _cupy().empty(rows, dtype=np.float32)
            launch.amax(recipe, x.dtype.name, _on_device(x).reshape(rows, cols), found, columnwise=False)
            values: F32 = _cupy().asnumpy(found)
        return values if by_row else values.reshape(())

    def quantize(
        self, x: AnyArray, scales: Scales, recipe: Recipe, bits: RandomBits | None = None
    ) -> tuple[U8, U8, Bool]:
        """Return stored codes (R, C/2), block scales (R, C/16) and picked4 (R, C/16). N4 to N13."""
        if scales.ulps != (0, 0, 0):
            return NumpyEngine().quantize(x, scales, recipe, bits)
        rows, cols = x.shape
        if x.size == 0:
            return nothing(x, scales, recipe)
        blocks = (rows, cols // recipe.block_cols)
        shapes = ((rows, cols // recipe.codes_per_byte), blocks, blocks)
        with _errors(x):
            cupy = _cupy()
            out = tuple(cupy.empty(s, dtype=np.uint8) for s in shapes)
            three = cupy.asarray(stacked(scales))
            if bits is None:
                launch_quantize(recipe, x.dtype, _on_device(x), three, out)
            else:
                words = [cupy.asarray(np.ascontiguousarray(w)) for w in bits.words]
                launch.quantize_stochastic(
                    recipe, x.dtype.name, _on_device(x), three, (words[0], words[-1], *out)
                )
            codes, block_scales, picked4 = (cupy.asnumpy(a) for a in out)
        return codes, block_scales, picked4.view(np.bool_)


def launch_quantize(r: Recipe, dtype: np.dtype[Any], x: Any, scales: Any, out: tuple[Any, Any, Any]) -> None:
    """Start the kernel on the current stream.

    x (R, C) in device memory, the words of `dtype`, row-major, at a multiple of 16 bytes; scales (3, 1 or R)
    float32; out: codes (R, C/2), block scales (R, C/16) and choices (R, C/16) uint8: every byte is written.
    """
    rows, cols = x.shape
    kernel, groups, threads, more = _quantizer(r, dtype.name, (rows, cols), _device(), kernels.fast_is_on())
    start(kernel, groups, threads, (x, np.int64(rows), np.int64(cols), scales, *out, *more))


@lru_cache(maxsize=1024)
def _quantizer(
    r: Recipe,
    dtype: str,
    shape: tuple[int, int],
    device: int,
    fast: bool,  # noqa: FBT001 -- a key
) -> tuple[Any, int, int, tuple[Any, ...]]:
    """Return the kernel for tensors of a shape, thread blocks, threads of each, its last arguments."""
    blocks = shape[0] * shape[1] // r.block_cols
    if not (fast and kernels.has_fast(r) and blocks < grid.MOST_BLOCKS):
        groups = -(-blocks // launch.THREADS)  # a thread for each block or row of a tile
        return _loaded(r, dtype, kernels.ENTRY, device, fast=False), groups, launch.THREADS, ()
    tuned = grid.tuning(r, dtype)
    groups, parts = grid.fast_grid(r, shape, _multiprocessors(device), tuned)
    start = _loaded(r, dtype, kernels.FAST_ENTRY, device, fast=True)
    return start, groups, tuned.threads, (np.int32(parts),)


def capability() -> int:
    """Return the current device's compute capability, as 90 for 9.0."""
    return int(_cupy().cuda.Device().compute_capability)


def _cupy() -> Any:
    return importlib.import_module("cupy")


def _on_device(x: AnyArray) -> Any:
    """Return the bits of x in device memory, row-major: 16-byte aligned, as an allocation is."""
    words = np.uint32 if x.dtype.itemsize == np.dtype(np.float32).itemsize else np.uint16
    return _cupy().asarray(np.ascontiguousarray(x).view(words))


def _device() -> int:
    return int(_cupy().cuda.runtime.getDevice())


@cache
def _multiprocessors(device: int) -> int:
    return int(_cupy().cuda.Device(device).attributes["MultiProcessorCount"])


@cache
def _loaded(r: Recipe, dtype: str, name: str, device: int, *, fast: bool) -> Any:
    return _module(r, dtype, device, fast=fast).get_function(name)


@cache
def _module(r: Recipe, dtype: str, device: int, *, fast: bool) -> Any:  # noqa: ARG001 -- a module is of one device
    path = kernels.cubin(r, dtype, nvrtc.target(capability()), fast=fast)
    return _cupy().RawModule(path=str(path))


@contextmanager
def _errors(x: AnyArray) -> Iterator[None]:
    """Turn CUDA's errors into one that says what was asked for."""
    cupy = _cupy()
    try:
        yield
    except cupy.cuda.memory.OutOfMemoryError as e:
        msg = f"a tensor of shape {x.shape} does not fit on the device ({e}): quantize it in parts"
        raise ToolchainError(msg) from e
    except (cupy.cuda.driver.CUDADriverError, cupy.cuda.runtime.CUDARuntimeError) as e:
        msg = f"CUDA failed on a tensor of shape {x.shape}: {e}"
        raise ToolchainError(msg) from e
