"""The header on the host: built by g++ for a recipe, called through ctypes. The numerics without a GPU.

It is the kernels' arithmetic under a second compiler: what these loops give, the kernels have to give.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np

from fos_gpu.build.cache import cached, load
from fos_gpu.build.compiler import compile_library, compiler_version, processor
from fos_gpu.build.lower import definitions, FILTER, FILTER_WORDS, numerics, source
from fos_ref.formats.arrays import AnyArray, Bool, F32, U8
from fos_ref.model.trace import Scales
from fos_ref.recipes.axes import AmaxScope
from fos_ref.recipes.recipe import Recipe

LOOPS = "fos_host.cpp"
SOURCES = (FILTER_WORDS, FILTER, LOOPS)  #: the last one is compiled, it includes the others and the header
FAST = "-DFOS_FAST=1"  #: the fast path beside the recipe word for word
#: -ffp-contract=off: with -march=native g++ fuses a product and a sum unless it is told not to.
ALWAYS = ("-std=c++17", "-shared", "-fPIC", "-ffp-contract=off", "-Wall", "-Werror")
DEFAULT = ("-O2",)


def build(r: Recipe, options: tuple[str, ...] = DEFAULT) -> Path:
    """Return the shared library of a recipe, from the cache where it has been built before."""
    arguments = (*ALWAYS, *options, *definitions(r))
    texts = numerics() | {name: source(name) for name in SOURCES}
    parts = (*texts.values(), *arguments, compiler_version(), processor(options))
    return cached(parts, ".so", lambda path: compile_library(texts, arguments, path))


class HostKernel:
    """One recipe's compiled loops. Arrays are C-contiguous; x is float32, float16 or bfloat16."""

    def __init__(self, r: Recipe, options: tuple[str, ...] = DEFAULT) -> None:
        self.recipe = r
        self._library = load(build(r, options))

    def amax(self, x: AnyArray) -> F32:
        """Return the tensor amax, () or (R,). N2."""
        by_row = self.recipe.amax_scope is AmaxScope.ROW
        rows, cols = x.shape if by_row else (1, x.size)
        out = np.empty(rows, dtype=np.float32)
        x = np.ascontiguousarray(x)
        self._function("amax", x)(_address(x), _whole(rows), _whole(cols), _address(out))
        return out if by_row else out.reshape(())

    def tensor_scales(self, amaxes: F32, dtype: np.dtype[Any]) -> F32:
        """Return A, S and D (3, n) float32 of n tensor amaxes for inputs of `dtype`. N3."""
        out = np.empty((3, amaxes.size), dtype=np.float32)
        call = self._function("tensor_scales", np.empty(0, dtype=dtype))
        call(_address(amaxes), _whole(amaxes.size), _address(out))
        return out

    def quantize(self, x: AnyArray, scales: Scales) -> tuple[U8, U8, Bool]:
        """Return stored codes (R, C/2), block scales (R, C/16) and picked4 (R, C/16). N4 to N13."""
        rows, cols = x.shape
        x = np.ascontiguousarray(x)
        codes = np.empty((rows, cols // self.recipe.codes_per_byte), dtype=np.uint8)
        blocks = (rows, cols // self.recipe.block_cols)
        block_scales, picked4 = np.empty(blocks, dtype=np.uint8), np.empty(blocks, dtype=np.bool_)
        three = stacked(scales)
        outputs = [_address(a) for a in (three, codes, block_scales, picked4)]
        self._quantize(x, _address(x), _whole(rows), _whole(cols), *outputs)
        return codes, block_scales, picked4

    def _quantize(self, x: AnyArray, *arguments: Any) -> None:
        self._function("quantize", x)(*arguments)

    def _function(self, name: str, x: AnyArray) -> Any:
        function = getattr(self._library, f"fos_{name}_{x.dtype.name}")
        function.restype = ctypes.c_longlong
        return function


class FastKernel(HostKernel):
    """A recipe's fast path; it left `literal` of `seen` blocks or tiles to the recipe word for word."""

    def __init__(self, r: Recipe, options: tuple[str, ...] = DEFAULT) -> None:
        super().__init__(r, (*options, FAST))
        self.seen = self.literal = 0

    def _quantize(self, x: AnyArray, *arguments: Any) -> None:
        self.seen += x.size // (self.recipe.block_rows * self.recipe.block_cols)
        self.literal += self._function("quantize_fast", x)(*arguments)


def stacked(scales: Scales) -> F32:
    """Return A, S and D as (3, n) float32, n being 1 or the rows."""
    return np.stack([np.ravel(v).astype(np.float32) for v in (scales.amax, scales.encode, scales.decode)])


def _address(a: AnyArray) -> ctypes.c_void_p:
    return ctypes.c_void_p(a.ctypes.data)


def _whole(n: int) -> ctypes.c_longlong:
    return ctypes.c_longlong(n)
