"""A recipe with stochastic elements on the host: the header of its kernel by g++, blocks of 16 and tiles."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import numpy as np

from fos_gpu.build.cache import cached, load
from fos_gpu.build.compiler import compile_library, compiler_version
from fos_gpu.build.host import stacked
from fos_gpu.build.lower import source
from fos_gpu.build.training import OPTIONS, texts
from fos_gpu.build.training_units import recipe_definitions
from fos_ref.formats.arrays import Bool, F32, U8, U32
from fos_ref.model.trace import Scales
from fos_ref.recipes.recipe import BLOCK, Recipe

LOOPS = "fos_stochastic.cpp"


@cache
def _library(r: Recipe) -> ctypes.CDLL:
    given = texts() | {LOOPS: source(LOOPS)}
    arguments = (*OPTIONS, *recipe_definitions(r))
    parts = (*given.values(), *arguments, compiler_version())
    return load(cached(parts, ".so", lambda path: compile_library(given, arguments, path)))


def quantize(x: F32, scales: Scales, r: Recipe, words: list[U32]) -> tuple[U8, U8, Bool]:
    """Return codes (R, C/2), block scales and picked4 (R, C/16) of x (R, C) under one tensor's scales.

    words: uint32 (R, C / n), n the values that a word serves; two where both candidates have their own
    """
    rows, cols = x.shape
    codes, blocks = np.empty((rows, cols // 2), np.uint8), (rows, cols // BLOCK)
    block_scales, picked4 = np.empty(blocks, np.uint8), np.empty(blocks, np.bool_)
    given = [np.ascontiguousarray(a) for a in (x, stacked(scales), words[0], words[-1])]
    function = _library(r).fos_stochastic
    function.restype = None
    first, *others = [_address(a) for a in (*given, codes, block_scales, picked4)]
    function(first, ctypes.c_longlong(rows), ctypes.c_longlong(cols), *others)
    return codes, block_scales, picked4


def _address(a: Any) -> ctypes.c_void_p:
    return ctypes.c_void_p(a.ctypes.data)
