"""Quantizing a whole checkpoint: two passes over the file, chunk by chunk (see stream.py).

The first pass takes every tensor amax, so that whatever cannot be quantized is known before a byte is
written; the second quantizes and writes. It takes every amax once more: the output is what the bytes of the
second pass give, or there is none.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from fos_ref.arguments import is_a, path
from fos_ref.engines.registry import Engine, get_engine
from fos_ref.engines.stream import alone, chunks, Compiled, in_order, workers
from fos_ref.errors import CheckpointError, InputError
from fos_ref.foreign import shown
from fos_ref.formats.arrays import AnyArray, Bool, U8
from fos_ref.formats.environment import check_float_environment
from fos_ref.model.quantize import tensor_scales
from fos_ref.publish.publication import check_targets
from fos_ref.publish.targets import one_file
from fos_ref.recipes.catalog import recipe as get_recipe
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.conventions import (
    check_storable,
    Convention,
    stored_tensor_scale,
)
from fos_ref.storage.conventions import (
    convention as get_convention,
)
from fos_ref.storage.manifest import CONFIG_KEY, Manifest, PREFIX, Source
from fos_ref.storage.reader_config import quantization_config
from fos_ref.storage.safetensors_read import NUMPY_DTYPES, SafetensorsFile, TensorInfo
from fos_ref.storage.safetensors_write import check_names, SafetensorsWriter
from fos_ref.storage.select import Selection
from fos_ref.storage.unchanged import rewritten
from fos_ref.version import VERSION

COPY_BYTES = 1 << 22  #: bytes copied at once
#: Called with (bytes done, bytes in all); each weight counts twice, once a pass.
Progress = Callable[[int, int], None]
Out = TypeVar("Out")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one tensor."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    bytes_in: int
    bytes_out: int
    left: str | None = None  #: why it was copied unchanged; None when it was quantized
    amax: np.float32 | None = None
    picked4_share: float | None = None  #: of its blocks, how many map to 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """What `quantize_checkpoint` did."""

    recipe: Recipe
    convention: Convention
    engine: str
    config: dict[str, object]  #: what the convention's readers look for beside the checkpoint
    outcomes: tuple[Outcome, ...]


def quantize_checkpoint(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    recipe: Recipe | str = "4over6",
    *,
    convention: str = "modelopt",
    selection: Selection | None = None,
    engine: str = "auto",
    overwrite: bool = False,
    progress: Progress | None = None,
    compiling: Callable[[], None] | None = None,
) -> Conversion:
    """Quantize the weights of the safetensors file `source` into `target`; copy the other tensors unchanged.

    Codes and block scales are those of `fos_ref.quantize` on the whole tensor, bitwise. The target is written
    whole or not at all. It keeps the metadata of the source and gets the recipe manifest.

    convention: "modelopt" or "compressed-tensors": the names, and what is stored as the tensor scale
                (storage/conventions.py)
    selection:  which tensors are weights (storage/select.py); None: the default rules
    overwrite:  replace a target that exists
    progress:   called with (bytes done, bytes in all)
    compiling:  called if the compiled engine has to be compiled first
    Raises:     OSError, CheckpointError, RecipeError, InputError, ToolchainError.
    """
    check_float_environment()
    r, c = get_recipe(recipe), get_convention(convention)
    source, target = path(source, "source"), path(target, "target")
    check_storable(r)
    if selection is not None and not is_a(selection, Selection):
        msg = f"selection {shown(selection)}: a Selection is allowed"
        raise InputError(msg)
    inputs = [source]
    check_targets(one_file(target, inputs=inputs, overwrite=overwrite))
    with SafetensorsFile(source) as file:
        chosen = get_engine(engine, r, sum(math.prod(i.shape) for i in file.tensors.values()))
        if compiling is not None and isinstance(chosen, Compiled):
            chosen.when_compiling(compiling)
        job = _Job.plan(file, r=r, c=c, engine=chosen, selection=selection or Selection(), progress=progress)
        check_names(target, job.infos())
        amaxes = {name: job.amax(file.info(name)) for name in job.weights}
        manifest = Manifest(version=VERSION, convention=c, recipe=r, tensors=_sources(file, amaxes))
        config = quantization_config(c, job.modules_left(), manifest.version)
        metadata = {**file.metadata, **manifest.to_metadata(), CONFIG_KEY: json.dumps(config)}
        with SafetensorsWriter(target, job.infos(), metadata, inputs=inputs, overwrite=overwrite) as writer:
            outcomes = tuple(job.write(info, amaxes.get(info.name), writer) for info in file.tensors.values())
    return Conversion(recipe=r, convention=c, engine=chosen.name, config=config, outcomes=outcomes)


@dataclass(slots=True, kw_only=True)
class _Job:
    """One conversion under way."""

    file: SafetensorsFile
    recipe: Recipe
    convention: Convention
    engine: Engine
    left: Mapping[str, str | None]  #: why each tensor is copied; None for a weight
    progress: Progress | None
    total: int
    done: int = field(default=0)

    @classmethod
    def plan(
        cls,
        file: SafetensorsFile,
        *,
        r: Recipe,
        c: Convention,
        engine: Engine,
        selection: Selection,
        progress: Progress | None,
    ) -> _Job:
        """Choose the weights; CheckpointError for a file quantized already, InputError when there is none."""
        if any(key.startswith(PREFIX) for key in file.metadata):
            msg = f"{file.path} has a recipe manifest: it is quantized already"
            raise CheckpointError(msg)
        left = selection.reasons(file.tensors, r)
        if all(left.values()):
            msg = f"{file.path}: none of its {len(left)} tensors is to be quantized: {_tally(left)}"
            raise InputError(msg)
        total = sum(i.nbytes * (1 if left[i.name] else 2) for i in file.tensors.values())
        return cls(
            file=file, recipe=r, convention=c, engine=engine, left=left, progress=progress, total=total
        )

    @property
    def weights(self) -> list[str]:
        """The names of the tensors that are quantized."""
        return [name for name, why in self.left.items() if why is None]

    def modules_left(self) -> list[str]:
        """Return the modules whose weight is a matrix that stays as it is."""
        matrices = [i for i in self.file.tensors.values() if self.left[i.name] and len(i.shape) > 1]
        return [i.name.removesuffix(".weight") for i in matrices if i.name.endswith(".weight")]

    def infos(self) -> list[TensorInfo]:
        """Describe every tensor of the target."""
        copied = [i for i in self.file.tensors.values() if self.left[i.name]]
        made = [
            i
            for name in self.weights
            for i in self.convention.infos(name, _matrix_shape(self.file.info(name)))
        ]
        return copied + made

    def amax(self, info: TensorInfo) -> np.float32:
        """Return the tensor amax of a weight; InputError for one whose tensor scale cannot be stored."""

        def largest(x: AnyArray) -> np.float32:
            check_float_environment()
            return np.float32(self.engine.amax(x, self.recipe))

        amax = np.float32(0)
        for part in self._each(largest, info):
            amax = np.maximum(amax, part)
        try:
            stored_tensor_scale(amax, self.recipe, self.convention, NUMPY_DTYPES[info.dtype])
        except InputError as e:
            what = "has a NaN or an infinity" if not np.isfinite(amax) else str(e)
            msg = f"{self.file.path}: {info.name!r} {what}; --exclude {info.name!r} copies it unchanged"
            raise InputError(msg) from e
        return amax

    def write(self, info: TensorInfo, amax: np.float32 | None, writer: SafetensorsWriter) -> Outcome:
        """Write what stands for one tensor of the source."""
        if amax is None:
            for start in range(0, info.nbytes, COPY_BYTES):
                stop = min(start + COPY_BYTES, info.nbytes)
                writer.write(info.name, self.file.read_bytes(info.name, start, stop))
                self._advance(stop - start)
            return self._outcome(info, bytes_out=info.nbytes, left=self.left[info.name])
        return self._write_weight(info, amax, writer)

    def _write_weight(self, info: TensorInfo, amax: np.float32, writer: SafetensorsWriter) -> Outcome:
        codes_info, scales_info, tensor_info = self.convention.infos(info.name, _matrix_shape(info))
        dtype = NUMPY_DTYPES[info.dtype]
        scales = tensor_scales(np.asarray(amax), self.recipe, dtype)

        def quantize(x: AnyArray) -> tuple[np.float32, U8, U8, Bool]:
            check_float_environment()
            return np.float32(self.engine.amax(x, self.recipe)), *self.engine.quantize(x, scales, self.recipe)

        fours, blocks, seen = 0, 0, np.float32(0)
        for part, codes, block_scales, picked4 in self._each(quantize, info):
            seen = np.maximum(seen, part)
            writer.write(codes_info.name, codes)
            writer.write(scales_info.name, block_scales)
            fours, blocks = fours + int(np.count_nonzero(picked4)), blocks + picked4.size
        if seen != amax:  # these are other values than the first pass saw
            raise rewritten(self.file.path)
        stored = stored_tensor_scale(amax, self.recipe, self.convention, dtype)
        writer.write(tensor_info.name, np.asarray(stored, dtype=np.float32))
        made = codes_info.nbytes + scales_info.nbytes + tensor_info.nbytes
        return self._outcome(info, bytes_out=made, amax=amax, picked4_share=fours / blocks)

    def _outcome(
        self,
        info: TensorInfo,
        *,
        bytes_out: int,
        left: str | None = None,
        amax: np.float32 | None = None,
        picked4_share: float | None = None,
    ) -> Outcome:
        return Outcome(
            name=info.name,
            dtype=info.dtype,
            shape=info.shape,
            bytes_in=info.nbytes,
            bytes_out=bytes_out,
            left=left,
            amax=amax,
            picked4_share=picked4_share,
        )

    def _each(self, fn: Callable[[AnyArray], Out], info: TensorInfo) -> Iterator[Out]:
        """Return fn of every chunk of a weight, in order."""
        return in_order(fn, self._chunks(info), workers(self.engine), alone(self.engine))

    def _chunks(self, info: TensorInfo) -> Iterator[AnyArray]:
        for chunk in chunks(self.file, info, self.recipe):
            self._advance(chunk.nbytes)
            yield chunk

    def _advance(self, nbytes: int) -> None:
        self.done += nbytes
        if self.progress is not None:
            self.progress(self.done, self.total)


def _sources(file: SafetensorsFile, amaxes: Mapping[str, np.float32]) -> dict[str, Source]:
    return {n: Source(a, file.info(n).dtype, _matrix_shape(file.info(n))) for n, a in amaxes.items()}


def _matrix_shape(info: TensorInfo) -> tuple[int, int]:
    rows, cols = info.shape
    return rows, cols


def _tally(left: Mapping[str, str | None]) -> str:
    """Count the reasons: '3 excluded by *embed*, 2 1-D'."""
    reasons: Sequence[str] = [why for why in left.values() if why]
    return ", ".join(f"{reasons.count(why)} {why}" for why in dict.fromkeys(reasons)) or "the file is empty"
