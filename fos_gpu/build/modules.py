"""The kernels beside the quantizer's own: which source, which constants, which cubin, loaded on which device.

`UNITS` lists what a check of every target has to compile: each kernel file with the constants that differ.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from fos_gpu.build import kernels, nvrtc
from fos_gpu.build.cache import cached
from fos_gpu.build.lower import (
    admitted,
    definitions,
    FILTER,
    FILTER_WORDS,
    INPUTS,
    member_name,
    numerics,
    source,
    unsupported,
)
from fos_gpu.build.ptx import Declared
from fos_ref.recipes.axes import AmaxScope, Dequantize
from fos_ref.recipes.catalog import PRESETS
from fos_ref.recipes.recipe import Recipe

DECODE = "fos_decode.h"
TENSOR, COLUMNS, DEQUANTIZE, ERRORS = "fos_tensor.cu", "fos_columns.cu", "fos_dequantize.cu", "fos_errors.cu"
PRODUCTS, PRODUCT_HEADERS = "fos_products.cu", ("fos_products.h", "fos_verdict.h")
SWIZZLE, COLUMNS_FAST, WHOLE = "fos_layout.cu", "fos_columns_fast.cuh", "fos_whole.cu"
ENTRY_COLUMNS, FAST_COLUMNS = "fos_quantize_columns", "fos_quantize_columns_fast"
ENTRY_WHOLE = "fos_quantize_whole"
#: What dequantization needs of a recipe beside `dequantize`; the other axes are those of one recipe for all.
_DECODED = (
    "-DFOS_AMAX_SCOPE",
    "-DFOS_ELEMENT_MAX",
    "-DFOS_SCALE_MAX",
    "-DFOS_RANGE_MAX",
    "-DFOS_FIRST_GRID",
    "-DFOS_SECOND_GRID",
    "-DFOS_SCALE_GRID",
    "-DFOS_SCALE_FORMAT",
    "-DFOS_BLOCK_COLS",
)
_PLAIN = PRESETS["nvfp4"]


@dataclass(frozen=True, slots=True)
class Unit:
    """One kernel file with its constants: what is compiled once per architecture."""

    source: str
    definitions: tuple[str, ...] = ()

    @property
    def headers(self) -> dict[str, str]:
        """The texts that the source may include, by name."""
        if self.source == PRODUCTS:
            return {name: source(name) for name in PRODUCT_HEADERS}
        more = (FILTER, FILTER_WORDS, COLUMNS_FAST) if kernels.WITH_FAST in self.definitions else ()
        return numerics() | {name: source(name) for name in (*kernels.COMMON, DECODE, *more)}


@cache
def tensor_unit(r: Recipe, dtype: str) -> Unit:
    """Return the kernels of the tensor amax and the tensor scales for inputs of `dtype`."""
    return Unit(TENSOR, (*definitions(r), f"-DFOS_INPUT={dtype}"))


@cache
def whole_unit(r: Recipe, dtype: str) -> Unit:
    """Return the kernel of amax, tensor scales and quantizing by one launch."""
    return Unit(WHOLE, (*definitions(r), f"-DFOS_INPUT={dtype}"))


@cache
def columns_unit(r: Recipe, dtype: str) -> Unit:
    """Return the kernel that quantizes along columns."""
    return Unit(COLUMNS, (*definitions(r), f"-DFOS_INPUT={dtype}"))


def fast_columns_unit(r: Recipe, dtype: str) -> Unit | None:
    """Return the same with the fast path; None where it is switched off or the recipe has none.

    A recipe with a tensor scale for each row has none here.
    """
    return None if os.environ.get(kernels.SWITCH) == "0" else _fast_columns_unit(r, dtype)


@cache
def _fast_columns_unit(r: Recipe, dtype: str) -> Unit | None:
    if r.amax_scope is AmaxScope.ROW or not admitted(r):
        return None
    return Unit(COLUMNS, (*columns_unit(r, dtype).definitions, kernels.WITH_FAST))


def declared(unit: Unit, arch: str) -> Declared:
    """Return what a unit's PTX holds on purpose beyond what the recipe says."""
    if unit.source == WHOLE:
        return kernels.declared(unit.definitions, arch, (ENTRY_WHOLE, ""))
    if unit.source != COLUMNS:
        return {}
    return kernels.declared(unit.definitions, arch, (ENTRY_COLUMNS, FAST_COLUMNS))


def decode_definitions(r: Recipe) -> tuple[str, ...]:
    """Return the constants of N14; recipes that dequantize alike have the same ones."""
    pairs = zip(definitions(_PLAIN), definitions(r), strict=True)
    chosen = [own if own.startswith(_DECODED) else plain for plain, own in pairs]
    return (*chosen, f"-DFOS_DEQUANTIZE={member_name(r.dequantize)}")


@cache
def dequantize_unit(r: Recipe, dtype: str) -> Unit:
    """Return the kernel that dequantizes to `dtype`."""
    return Unit(DEQUANTIZE, (*decode_definitions(r), f"-DFOS_OUTPUT={dtype}"))


@cache
def errors_unit(r: Recipe, dtype: str, *, columnwise: bool) -> Unit:
    """Return the kernels of the error statistics against inputs of `dtype`."""
    where = f"-DFOS_COLUMNWISE={'true' if columnwise else 'false'}"
    return Unit(ERRORS, (*decode_definitions(r), f"-DFOS_INPUT={dtype}", where))


@cache
def layout_unit() -> Unit:
    """Return the kernels of the scale layouts."""
    return Unit(SWIZZLE)


@cache
def products_unit() -> Unit:
    """Return the kernels of products of quantized tensors."""
    return Unit(PRODUCTS)


def units_of(r: Recipe) -> Iterator[Unit]:
    """Yield every unit of a recipe."""
    for dtype in INPUTS:
        yield from (tensor_unit(r, dtype), columns_unit(r, dtype), whole_unit(r, dtype))
        yield dequantize_unit(r, dtype)
        yield from (errors_unit(r, dtype, columnwise=c) for c in (False, True))


def _samples() -> Iterator[Recipe]:
    """Yield a recipe of each block shape, order of sums, format and rule of N14; one with a scale per row."""
    for name in ("4over6", "te-mae-448-row", "fouroversix-mse-16x16", "te-mse-256-16x16", "quartet2-4over6"):
        yield PRESETS[name]
    known = [r for r in PRESETS.values() if unsupported(r) is None]
    yield from {r.element_format: r for r in known}.values()
    yield from {r.scale_format: r for r in known}.values()
    yield from {(r.block_shape, r.codes_per_byte): r for r in known}.values()
    for rule in Dequantize:
        yield replace(_PLAIN, dequantize=rule)
        yield replace(_PLAIN, dequantize=rule, amax_scope=AmaxScope.ROW)


def units() -> tuple[Unit, ...]:
    """Return what a check of every target compiles; each unit once."""
    found = [layout_unit(), products_unit(), *(u for r in _samples() for u in units_of(r))]
    return tuple(dict.fromkeys(found))


def options(unit: Unit, arch: str) -> tuple[str, ...]:
    """Return NVRTC's options for a unit and an architecture such as sm_90."""
    return (f"-arch={arch}", *unit.definitions)


def compile_unit(unit: Unit, arch: str) -> tuple[bytes, str]:
    """Return (cubin, PTX) of a unit; ToolchainError where it does not compile."""
    return nvrtc.compile_source(source(unit.source), unit.headers, options(unit, arch))


def cubin(unit: Unit, arch: str) -> Path:
    """Return the cubin's file, by source, headers, options and compiler version."""
    given = (*nvrtc.LANGUAGE, *nvrtc.ARITHMETIC, *options(unit, arch))
    parts = (source(unit.source), *unit.headers.values(), *given, str(nvrtc.version()))

    def write(path: Path) -> None:
        path.write_bytes(compile_unit(unit, arch)[0])

    return cached(parts, ".cubin", write)


@cache
def load(unit: Unit, compute: int, device: int) -> Any:  # noqa: ARG001 -- a module is of one device
    """Return the unit's module for compute capability `compute` (90 for 9.0), loaded on `device`."""
    return importlib.import_module("cupy").RawModule(path=str(cubin(unit, nvrtc.target(compute))))


@cache
def function(unit: Unit, name: str, compute: int, device: int) -> Any:
    """Return one kernel of a unit, loaded on `device`, which is the current one."""
    return load(unit, compute, device).get_function(name)
