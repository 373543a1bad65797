"""What is timed: the compiled engine on a tensor, a peer on the same tensor, a copy of it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import ml_dtypes
import numpy as np

import fos_ref
from fos_ref.engines.registry import load_engine
from fos_ref.formats.arrays import AnyArray, U8
from fos_ref.model.quantize import tensor_scales

DTYPES = {"float32": np.dtype(np.float32), "bfloat16": np.dtype(ml_dtypes.bfloat16)}
RECIPES = (
    "4over6",
    "te-mse-256",
    "fouroversix-mse",
    "4over6-mae",
    "4over6-absmax",
    "4over6-16x16",
    "nvfp4",
)
INCLUDED, GIVEN = "included", "given"  #: who takes the tensor amax
OUTPUT_BYTES = 0.5 + 1 / 16 + 1 / 16  #: a value's share of codes, block scales and choices
Bits = tuple[U8, U8]  #: packed codes, block scales


@dataclass(frozen=True, slots=True)
class Case:
    """A recipe on a tensor, with or without the pass that takes its amax."""

    recipe: str
    dtype: str
    amax: str

    @property
    def name(self) -> str:
        """A name for tables."""
        return f"{self.recipe} {self.dtype}, amax {self.amax}"

    def bytes_per_value(self, *, passes: int) -> float:
        """Return what a value moves through memory if the tensor is read `passes` times."""
        return float(passes * DTYPES[self.dtype].itemsize + OUTPUT_BYTES)

    @property
    def passes(self) -> int:
        """How often the engine reads the tensor."""
        return 2 if self.amax == INCLUDED else 1


def tensor(shape: tuple[int, int], dtype: str) -> AnyArray:
    """Return normal values, the same for every dtype but for their rounding."""
    values = np.random.Generator(np.random.Philox(0)).standard_normal(shape, dtype=np.float32)
    return values.astype(DTYPES[dtype], copy=False)


def ours(x: AnyArray, case: Case) -> Callable[[], object]:
    """Return the public call, or the engine's own under scales that are known."""
    if case.amax == INCLUDED:
        return lambda: fos_ref.quantize(x, case.recipe, engine="numba")
    r, engine = fos_ref.recipe(case.recipe), load_engine("numba")
    scales = tensor_scales(engine.amax(x, r), r, x.dtype)
    return lambda: engine.quantize(x, scales, r)


def our_bits(x: AnyArray, recipe: str) -> Bits:
    """Return codes and block scales of the public call."""
    q = fos_ref.quantize(x, recipe, engine="numba")
    return q.codes, q.block_scales


class Copy:
    """np.copyto of a tensor into memory that is there already, in equal parts by `threads` threads."""

    def __init__(self, x: AnyArray, threads: int) -> None:
        self.source = x.reshape(-1).view(np.uint8)
        self.target = np.zeros_like(self.source)
        ends = np.linspace(0, self.source.size, threads + 1).astype(np.int64)
        self._spans = [slice(a, b) for a, b in pairwise(ends)]
        self._pool = ThreadPoolExecutor(threads)

    def __call__(self) -> None:
        """Copy once."""
        list(self._pool.map(self._part, self._spans))

    def _part(self, span: slice) -> None:
        np.copyto(self.target[span], self.source[span])
