"""The second pass: every weight quantized and written, every other tensor copied."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Protocol

import numpy as np

from fos_ref.engines.conversion.amaxes import Amaxes
from fos_ref.engines.conversion.asked import Asked
from fos_ref.engines.conversion.drawn import Dealer
from fos_ref.engines.conversion.outcome import Outcome
from fos_ref.engines.conversion.plan import Plan
from fos_ref.engines.conversion.reading import Reading
from fos_ref.engines.conversion.units import Unit, Weight
from fos_ref.formats.arrays import AnyArray, Bool, U8
from fos_ref.formats.environment import check_float_environment
from fos_ref.model.quantize import tensor_scales
from fos_ref.model.random_bits import RandomBits
from fos_ref.storage.conventions import stored_tensor_scale
from fos_ref.storage.safetensors_read import SafetensorsFile
from fos_ref.storage.safetensors_write import SafetensorsWriter
from fos_ref.storage.shards import Shards
from fos_ref.storage.tensor_info import NUMPY_DTYPES, TensorInfo
from fos_ref.storage.unchanged import rewritten

#: A matrix, values of it, and their random bits if there are any.
_Chunk = tuple[Unit, AnyArray, tuple[RandomBits, ...]]
COPY_BYTES = 1 << 22  #: bytes copied at once


@dataclass(frozen=True, slots=True)
class _Part:
    """What one chunk became."""

    unit: Unit
    amax: np.float32
    codes: U8
    block_scales: U8
    picked4: Bool


class Copied(Protocol):
    """A file of the source, as far as it is copied."""

    @property
    def path(self) -> Path:
        """Where it lies."""

    @property
    def metadata(self) -> Mapping[str, str]:
        """Its texts."""

    def read_bytes(self, name: str, start: int, stop: int, /) -> U8:
        """Return bytes start..stop of a tensor as a fresh array."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """What one file of the target holds, in the order of the source's."""

    file: Copied
    copied: tuple[TensorInfo, ...]
    weights: tuple[Weight, ...]

    @classmethod
    def of(cls, file: SafetensorsFile, plan: Plan, shards: Shards) -> Shard:
        """Collect what stands for the tensors of a file of the source."""
        own = [i for n, i in file.tensors.items() if n in plan.left and shards.file_of(n) is file]
        return cls(
            file=file,
            copied=tuple(i for i in own if plan.left[i.name]),
            weights=tuple(plan.weights[i.name] for i in own if not plan.left[i.name]),
        )

    def infos(self, asked: Asked) -> list[TensorInfo]:
        """Describe every tensor of the target's file."""
        return [*self.copied, *(i for w in self.weights for i in w.infos(asked.convention))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """The second pass under way.

    before: called before the values of a matrix are read: where its amax is taken only then
    """

    plan: Plan
    amaxes: Amaxes
    reading: Reading
    bits: RandomBits | None = None  #: of the one matrix, where the recipe takes them
    before: Callable[[Unit], None] | None = None

    def shard(self, shard: Shard, writer: SafetensorsWriter) -> Iterator[Outcome]:
        """Write a file of the target; return what became of each tensor of the source."""
        for info in shard.copied:
            yield self._copy(info, shard.file, writer)
        units = [u for w in shard.weights for u in w.units()]
        parts = self.reading.each(self._quantized(), self._blocks(units))
        for name, of_weight in groupby(parts, lambda p: p.unit.weight.info.name):
            yield self._weight(self.plan.weights[name], of_weight, writer)

    def _copy(self, info: TensorInfo, file: Copied, writer: SafetensorsWriter) -> Outcome:
        for start in range(0, info.nbytes, COPY_BYTES):
            stop = min(start + COPY_BYTES, info.nbytes)
            writer.write(info.name, file.read_bytes(info.name, start, stop))
            self.reading.advance(stop - start)
        return Outcome(
            name=info.name,
            dtype=info.dtype,
            shape=info.shape,
            bytes_in=info.nbytes,
            bytes_out=info.nbytes,
            left=self.plan.left[info.name],
        )

    def _blocks(self, units: list[Unit]) -> Iterator[_Chunk]:
        r = self.plan.asked.recipe
        dealer = None if self.bits is None else Dealer(self.bits, r)
        for unit in units:
            if self.before is not None:
                self.before(unit)
            w = unit.weight
            cols = w.shape[1] if w.padded else None
            for chunk in self.reading.counted(unit.blocks(self.reading.shards, r), cols):
                yield unit, chunk, () if dealer is None else (dealer.next(*chunk.shape),)

    def _quantized(self) -> Callable[[_Chunk], _Part]:
        engine, r, used = self.reading.engine, self.plan.asked.recipe, self.amaxes.used

        def quantized(item: _Chunk) -> _Part:
            check_float_environment()
            unit, x, bits = item
            scales = tensor_scales(np.asarray(used[unit.name]), r, NUMPY_DTYPES[unit.weight.info.dtype])
            return _Part(unit, np.float32(engine.amax(x, r)), *engine.quantize(x, scales, r, *bits))

        return quantized

    def _weight(self, w: Weight, parts: Iterator[_Part], writer: SafetensorsWriter) -> Outcome:
        """Write a weight from its parts: its matrices in order, each with its tensor scale at the end."""
        codes, block_scales, *tensor_scale = infos = w.infos(self.plan.asked.convention)
        fours, blocks = 0, 0
        for name, of_unit in groupby(parts, lambda p: p.unit.name):
            seen = np.float32(0)
            for part in self._as_stored(w, of_unit):
                seen = np.maximum(seen, part.amax)
                writer.write(codes.name, part.codes)
                writer.write(block_scales.name, part.block_scales)
                fours, blocks = fours + int(np.count_nonzero(part.picked4)), blocks + part.picked4.size
            if seen != self.amaxes.own[name]:  # these are other values than the first pass saw
                raise rewritten(self.reading.shards.file_of(w.info.name).path)
            for info in tensor_scale:
                writer.write(info.name, self._stored(self.amaxes.used[name], w))
        return Outcome(
            name=w.info.name,
            dtype=w.info.dtype,
            shape=w.info.shape,
            bytes_in=w.info.nbytes,
            bytes_out=sum(i.nbytes for i in infos),
            amax=max(self.amaxes.used[u.name] for u in w.units()),
            picked4_share=fours / blocks,
            experts=w.experts,
            transposed=w.transposed,
            padded=w.whole[1] if w.padded else None,
        )

    def _as_stored(self, w: Weight, parts: Iterator[_Part]) -> Iterator[_Part]:
        """Return the parts of a matrix; all in one, turned back, where the convention stores it as it lay."""
        if not (w.transposed and self.plan.asked.convention.turns_back):
            yield from parts
            return
        every = list(parts)
        yield _Part(
            every[0].unit,
            np.max([p.amax for p in every]),
            np.concatenate([p.codes for p in every]).T,
            np.concatenate([p.block_scales for p in every]).T,
            np.concatenate([p.picked4 for p in every]),
        )

    def _stored(self, amax: np.float32, w: Weight) -> AnyArray:
        c, r = self.plan.asked.convention, self.plan.asked.recipe
        return np.asarray(stored_tensor_scale(amax, r, c, NUMPY_DTYPES[w.info.dtype]), dtype=np.float32)
