"""The engine "numba": every recipe of the package, compiled once, in as many threads as the caller allows."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, cast

import numba
import numpy as np

from fos_ref.engines.numpy_engine import NumpyEngine
from fos_ref.fast import eden
from fos_ref.fast.admit import codes_hold, filter_holds, grids_hold, is_inverted
from fos_ref.fast.amax import largest
from fos_ref.fast.compiled import is_cached, when_compiling
from fos_ref.fast.config import (
    constants,
    ENCODER_AT,
    FIELDS,
    FILTER_AT,
    GRID_LOOPS,
    GRID_LOOPS_INVERTED,
    integers,
)
from fos_ref.fast.kernel import quantize_range
from fos_ref.fast.known import KNOWN
from fos_ref.fast.lanes import LANES
from fos_ref.fast.stochastic import cast_compiled
from fos_ref.fast.threads import shared_out
from fos_ref.formats.arrays import AnyArray, Bool, F32, U8
from fos_ref.model.quantize import tensor_scales
from fos_ref.model.random_bits import RandomBits
from fos_ref.model.trace import Scales
from fos_ref.recipes.axes import Candidates
from fos_ref.recipes.catalog import PRESETS
from fos_ref.recipes.recipe import Recipe

CHUNKS_PER_PART = 256  #: at least; 262,144 values, about 100 microseconds


def kept_in() -> str:
    """Return the folder in which compiled code is kept (fos_ref/fast/cached.py)."""
    return str(quantize_range._cache.cache_path)  # noqa: SLF001 -- where `cached` has put it


class NumbaEngine:
    """The compiled steps as an engine."""

    name = "numba"

    def __init__(self) -> None:
        self.threads()  # a number of threads that Numba refuses is known now

    def refuses(self, recipe: Recipe) -> str | None:
        """Return why this engine cannot run `recipe`: an axis value without a compiled step."""
        if sys.byteorder != "little":
            return "its words are written for little-endian machines"
        if recipe.rounds_elements:
            return None  # the model's steps, and a compiled one for the rounding
        if recipe.corrects:
            return eden.refuses(recipe)
        if recipe.stochastic:
            return "no compiled step rounds block scales stochastically, but those of MS-EDEN"
        for name in FIELDS:
            value = getattr(recipe, name)
            if value is not None and value not in KNOWN[name]:
                return f"no compiled step for {name} {value.value!r}"
        return None

    def threads(self) -> int:
        """Return how many threads a call in this thread may use."""
        return int(numba.get_num_threads())

    def keep_to_this_thread(self) -> None:
        """Let further calls in this thread use no other: who calls from several threads has shared out."""
        numba.set_num_threads(1)

    def is_compiled(self) -> bool:
        """Return whether the code is loaded or cached on the disk; compiling takes 20 to 80 seconds, once."""
        x, r = np.zeros((1, LANES), np.float32), PRESETS["4over6"]
        scales = tensor_scales(np.ones((), np.float32), r)
        return is_cached(lambda: (self.amax(x, r), self.quantize(x, scales, r)))

    def when_compiling(self, say: Callable[[], None]) -> None:
        """Call `say` when code has to be compiled, once."""
        when_compiling(say)

    def amax(self, x: AnyArray, recipe: Recipe) -> F32:
        """Return the tensor amax, () or (R,)."""
        if recipe.candidates is Candidates.EDEN_16:
            return eden.largest(x, recipe)
        return largest(x, recipe)

    def quantize(
        self, x: AnyArray, scales: Scales, recipe: Recipe, bits: RandomBits | None = None
    ) -> tuple[U8, U8, Bool]:
        """Return stored codes (R, C/2), block scales (R, C/16) and picked4 (R, C/16); C/32 for MX."""
        if recipe.rounds_elements:
            return NumpyEngine(cast_compiled).quantize(x, scales, recipe, bits)
        if scales.ulps != (0, 0, 0):
            return NumpyEngine().quantize(x, scales, recipe, bits)
        if recipe.corrects:
            return eden.quantize(x, scales, recipe, cast(RandomBits, bits))  # the door has asked for them
        rows, cols = x.shape
        blocks = (rows, cols // recipe.block_cols)
        codes = np.empty((rows, cols // recipe.codes_per_byte), dtype=np.uint8)
        block_scales, picked4 = np.empty(blocks, dtype=np.uint8), np.empty(blocks, dtype=np.bool_)
        if x.size:
            outputs = (
                codes.reshape(-1).view(np.uint32),
                block_scales.reshape(-1),
                picked4.reshape(-1).view(np.uint8),
            )
            run(np.ascontiguousarray(x), scales, recipe, outputs)
        return codes, block_scales, picked4


def configuration(r: Recipe, dtype: np.dtype[Any], flat: list[F32]) -> tuple[Any, Bool]:
    """Return a recipe's configuration for inputs of `dtype`, and where regular blocks need no literal path.

    flat: A, S and D, (1,) or (R,).
    """
    c, held = integers(r, dtype), filter_holds(r, flat)
    if not held.any() and not codes_hold(r):
        held = grids_hold(r, flat)
        c[ENCODER_AT] = GRID_LOOPS_INVERTED if is_inverted(r) else GRID_LOOPS
    elif not r.chooses:
        held = np.full(flat[0].shape, fill_value=True)
    c[FILTER_AT] = held.any()
    return c, held


def run(x: AnyArray, scales: Scales, r: Recipe, outputs: tuple[Any, ...]) -> None:
    """Fill the outputs, in threads: every block has its own place, so their number cannot change a bit."""
    rows, cols = x.shape
    geometry = (rows, cols, r.block_rows, r.block_cols)
    per_row = cols // r.block_cols
    lines = rows // r.block_rows
    chunks = lines * -(-per_row // LANES) if r.block_rows > 1 else -(-(rows * per_row) // LANES)
    flat = [np.array(v, dtype=np.float32).reshape(-1) for v in (scales.amax, scales.encode, scales.decode)]
    bits = x.reshape(-1).view(np.uint8)
    bits.flags.writeable = False  # whatever x is: Numba would compile everything again for the other kind
    c, held = configuration(r, x.dtype, flat)
    # A NaN scale keeps the filter from every block of a row that it does not hold for.
    filtered = (flat[0], *(np.where(held, v, np.float32(np.nan)) for v in flat[1:]))
    fixed = (bits, c, constants(r), geometry, tuple(flat), filtered, outputs)
    shared_out(lambda start, stop: quantize_range(*fixed, start, stop), chunks, CHUNKS_PER_PART)
