"""A weight of the source, and the matrices in it: each is quantized by itself, with its own tensor scale."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fos_ref.engines.stream import at_once, chunks, pieces, Readable
from fos_ref.formats.arrays import AnyArray
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.conventions import Convention
from fos_ref.storage.names import expert_name
from fos_ref.storage.tensor_info import TensorInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """A tensor that is quantized: a matrix, or a stack of experts."""

    info: TensorInfo
    experts: int | None  #: of a stack
    transposed: bool  #: whether each expert lies as (K, N)
    block: int  #: values under one block scale

    @property
    def held(self) -> tuple[int, int]:
        """The shape of one matrix as it lies in the file."""
        rows, cols = self.info.shape[-2:]
        return rows, cols

    @property
    def shape(self) -> tuple[int, int]:
        """(N, K) of one matrix: blocks run along K."""
        rows, cols = self.held
        return (cols, rows) if self.transposed else (rows, cols)

    @property
    def whole(self) -> tuple[int, int]:
        """The same with K filled up to whole blocks."""
        rows, cols = self.shape
        return rows, cols + -cols % self.block

    @property
    def padded(self) -> bool:
        """Whether zeros are added to each row."""
        return self.whole != self.shape

    def units(self) -> list[Unit]:
        """Return its matrices in order."""
        if self.experts is None:
            return [Unit(name=self.info.name, weight=self, index=0)]
        return [Unit(name=expert_name(self.info.name, e), weight=self, index=e) for e in range(self.experts)]

    def infos(self, c: Convention) -> tuple[TensorInfo, ...]:
        """Describe the tensors of the target that stand for it."""
        return c.infos(self.info.name, self.whole, self.experts, turned=self.transposed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One matrix: its tensor amax and tensor scale are its own."""

    name: str  #: P, or P[e] for an expert
    weight: Weight
    index: int

    @property
    def _start(self) -> int:
        rows, cols = self.weight.held
        return self.index * rows * cols

    def values(self, file: Readable) -> Iterator[AnyArray]:
        """Read all its values in some order, chunk by chunk: enough for a maximum."""
        rows, cols = self.weight.held
        if at_once(cols) == 1:  # rows that are longer than a chunk, perhaps
            rows, cols = rows * cols, 1
        for part in pieces(file, self.weight.info.name, self._start, (rows, cols), at_once(cols)):
            yield part if cols > 1 else part.reshape(1, -1)

    def blocks(self, file: Readable, r: Recipe) -> Iterator[AnyArray]:
        """Read what is quantized, transposed and filled up with zeros as the weight says, in whole blocks."""
        w = self.weight
        if not (w.transposed or w.padded):
            yield from chunks(file, w.info.name, self._start, w.held, r)
            return
        for part in self._turned(file, r) if w.transposed else self._rows(file, r):
            yield _filled(part, w.whole[1])

    def _rows(self, file: Readable, r: Recipe) -> Iterator[AnyArray]:
        held = self.weight.held
        return pieces(file, self.weight.info.name, self._start, held, at_once(held[1], r.block_rows))

    def _turned(self, file: Readable, r: Recipe) -> Iterator[AnyArray]:
        """Read a matrix whole and return rows of its transpose."""
        (rows, cols), (lines, length) = self.weight.held, self.weight.shape
        values = file.read_values(self.weight.info.name, self._start, self._start + rows * cols)
        matrix, step = values.reshape(rows, cols).T, at_once(length, r.block_rows)
        for line in range(0, lines, step):
            yield matrix[line : line + step]


def _filled(x: AnyArray, cols: int) -> AnyArray:
    """Return x (R, C) as a fresh (R, cols) with zeros at the end of each row."""
    if x.shape[1] == cols:
        return np.ascontiguousarray(x)
    whole = np.zeros((x.shape[0], cols), dtype=x.dtype)
    whole[:, : x.shape[1]] = x
    return whole
