"""Inputs on the device, our kernels on them with the amax known, a copy, and the bits that come out."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import ml_dtypes
import numpy as np

import fos_ref
from benchmarks.gpu.clock import cupy, Subject
from fos_gpu import engine
from fos_gpu.build.host import stacked
from fos_gpu.build.kernels import SWITCH
from fos_ref.engines.registry import load_engine
from fos_ref.model.quantize import tensor_scales
from fos_ref.model.trace import Scales
from fos_ref.recipes.axes import AmaxScope
from fos_ref.recipes.recipe import BLOCK, Recipe

DTYPES = {t.name: t for t in map(np.dtype, (np.float32, ml_dtypes.bfloat16, np.float16))}
COPY, LITERAL = "copy", "word for word"
CODES_AND_SCALES, CHOICES = 0.5 + 1 / BLOCK, 1 / BLOCK  #: bytes a value
TENSORS = 2  #: in rotation: each is larger than the L2 of any card so far
AMAX = 6.0  #: about the largest of so many normal values
MODEL_ROWS = 64  #: that the model quantizes too
Bits = tuple[Any, Any, Any]


@dataclass(frozen=True)
class Inputs:
    """Normal values of one dtype, as words in device memory."""

    shape: tuple[int, int]
    dtype: str

    @cached_property
    def words(self) -> list[Any]:
        """The tensors (R, C)."""
        cp = cupy()
        random = cp.random.default_rng(7)
        return [self._words(random.standard_normal(self.shape, dtype=cp.float32)) for _ in range(TENSORS)]

    def _words(self, x: Any) -> Any:
        cp = cupy()
        if self.dtype == "float32":
            return x.view(cp.uint32)
        if self.dtype == "float16":
            return x.astype(cp.float16).view(cp.uint16)
        bits = x.view(cp.uint32)
        return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(cp.uint16)

    @property
    def size(self) -> int:
        """How many values a tensor has."""
        return self.shape[0] * self.shape[1]

    def bytes_per_value(self, *, choices: bool) -> float:
        """Return what a value has to move: the input once, codes and scales, the choice if counted."""
        return DTYPES[self.dtype].itemsize + CODES_AND_SCALES + (CHOICES if choices else 0)

    def rows(self, count: int) -> Any:
        """Return the first rows of the first tensor in host memory."""
        return cupy().asnumpy(self.words[0][:count]).view(DTYPES[self.dtype])


class Given:
    """One recipe on some inputs, tensor scales known."""

    def __init__(self, inputs: Inputs, r: Recipe) -> None:
        self.inputs, self.recipe = inputs, r
        self._on_device = cupy().asarray(stacked(self._scales(inputs.shape[0])))
        self._outs = [self.outputs() for _ in range(TENSORS)]

    def outputs(self, poison: int = 0xA5) -> Bits:
        """Return new outputs of codes, block scales and choices."""
        rows, cols = self.inputs.shape
        shapes = ((rows, cols // 2), (rows, cols // BLOCK), (rows, cols // BLOCK))
        codes, scales, choices = (cupy().full(s, poison, dtype=np.uint8) for s in shapes)
        return codes, scales, choices

    def launch(self, i: int, out: Bits | None = None) -> None:
        """Start the kernel on the i-th tensor in turn."""
        at, dtype = i % TENSORS, DTYPES[self.inputs.dtype]
        engine.launch_quantize(
            self.recipe, dtype, self.inputs.words[at], self._on_device, out or self._outs[at]
        )

    def subject(self, name: str) -> Subject:
        """Return what is timed."""
        return Subject(name, self.launch)

    def bits(self) -> dict[str, int]:
        """Return how many bytes differ: from the literal kernel on the whole, from the model on some rows."""
        found, literal = self.outputs(), self.outputs(0x5A)
        self.launch(0, found)
        word_for_word(lambda: self.launch(0, literal))
        rows = min(MODEL_ROWS, self.inputs.shape[0])
        model = load_engine("numpy").quantize(self.inputs.rows(rows), self._scales(rows), self.recipe)
        first = zip((cupy().asnumpy(a[:rows]) for a in found), model, strict=True)
        return {
            "blocks": self.inputs.size // BLOCK,
            "differing_bytes_from_literal": sum(
                int((a != b).sum()) for a, b in zip(found, literal, strict=True)
            ),
            "blocks_of_model": rows * self.inputs.shape[1] // BLOCK,
            "differing_bytes_from_model": sum(int(np.count_nonzero(a != b.view(np.uint8))) for a, b in first),
        }

    def _scales(self, rows: int) -> Scales:
        shape = (rows,) if self.recipe.amax_scope is AmaxScope.ROW else ()
        return tensor_scales(np.full(shape, AMAX, np.float32), self.recipe, DTYPES[self.inputs.dtype])


def word_for_word(call: Callable[[], object]) -> None:
    """Call with the fast path switched off."""
    had = os.environ.get(SWITCH)
    os.environ[SWITCH] = "0"
    try:
        call()
    finally:
        os.environ.pop(SWITCH)
        if had is not None:
            os.environ[SWITCH] = had


def literal(given: Given) -> Subject:
    """Return the literal kernel as a subject."""
    return Subject(LITERAL, lambda i: word_for_word(lambda: given.launch(i)), launches=2)


def copy(inputs: Inputs) -> Subject:
    """Return a copy of a tensor on the device: its bandwidth is the measure."""
    target = cupy().empty_like(inputs.words[0])

    def run(i: int) -> None:
        target.data.copy_from_device_async(inputs.words[i % TENSORS].data, target.nbytes)

    return Subject(COPY, run)


def recipe(name: str) -> Recipe:
    """Return a preset."""
    return fos_ref.recipe(name)
