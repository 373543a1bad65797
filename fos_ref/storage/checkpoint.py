"""Reading quantized checkpoints: each weight comes back as the QuantizedTensor that was stored."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from fos_ref.arguments import is_a
from fos_ref.arguments import path as a_path
from fos_ref.errors import CheckpointError, InputError
from fos_ref.foreign import shown
from fos_ref.formats.arrays import U8
from fos_ref.formats.environment import check_float_environment
from fos_ref.model.quantize import tensor_scales
from fos_ref.recipes.catalog import recipe as get_recipe
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.closing import Closing
from fos_ref.storage.conventions import (
    amax_of,
    CODES_PER_BYTE,
    Convention,
    convention,
    decode_scale_of,
    encode_scale_of,
    stored_tensor_scale,
)
from fos_ref.storage.folders import safetensors_at, safetensors_of
from fos_ref.storage.manifest import Manifest
from fos_ref.storage.names import as_expert, detect, expert_name, weights_in
from fos_ref.storage.select import FLOATS
from fos_ref.storage.shards import Shards
from fos_ref.storage.tensor import QuantizedTensor
from fos_ref.storage.tensor_info import NUMPY_DTYPES, TensorInfo

_SCALE_DTYPES = {"F8_E4M3": ("F8_E4M3",), "U8": ("U8", "F8_E8M0")}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a weight lies: its tensors, and its number among the experts of a stack."""

    name: str
    parts: tuple[TensorInfo, ...]
    index: int | None

    @property
    def lead(self) -> tuple[int, ...]:
        """The axis of the experts, if there is one."""
        return () if self.index is None else self.parts[0].shape[:1]

    def turned(self, c: Convention) -> bool:
        """Return whether codes and block scales lie as (K/2, N) and (K/16, N)."""
        shapes = [i.shape[1:] for i in self.parts[:2]]
        if self.index is None or not c.turns_back or {len(s) for s in shapes} != {2}:
            return False
        (packed, rows), (blocks, lines) = shapes
        return rows == lines and packed * CODES_PER_BYTE == blocks * c.block

    def matrices(self, c: Convention) -> list[tuple[int, ...]]:
        """Return the shapes of its codes and block scales as if it lay as (N, K)."""
        step = -1 if self.turned(c) else 1
        return [i.shape[len(self.lead) :][::step] for i in self.parts[:2]]


class QuantizedCheckpoint(Closing):
    """An open quantized checkpoint. Use it as a context manager; weights are read one at a time.

    path: a safetensors file, an index of shards, or a folder that has one of them. An expert of a stack P is
    called P[e]: each is a weight of its own.

    With a manifest (`fos quantize` writes one) the recipe and each tensor amax are the recorded ones, and the
    stored tensor scale is checked against them. Without one the convention is told from the tensor names, the
    caller names the recipe, and the amax is derived from the stored tensor scale: it can be an ulp or two off
    the original, and decode_scale is what the file says. MXFP4 has no tensor scale: without a manifest the
    amax is 0.

    Raises: OSError; CheckpointError for a file that is corrupt, in no known convention, or at odds with its
    manifest; InputError when there is no manifest and no recipe was named.
    """

    def __init__(self, path: str | os.PathLike[str], recipe: Recipe | str | None = None) -> None:
        self.file = Shards(safetensors_at(a_path(path, "checkpoint")))
        try:
            parts = [Manifest.from_metadata(f.metadata, f.path) for f in safetensors_of(self.file)]
            self.manifest = Manifest.merged(parts, self.file.path)
            self.convention = self.manifest.convention if self.manifest else detect(self.file.tensors)
            self.recipe = self._recipe(recipe)
            self.names = self._names()
        except BaseException:
            self.file.close()
            raise

    def close(self) -> None:
        """Close the file; later reads fail."""
        self.file.close()

    def tensor(self, name: str) -> QuantizedTensor:
        """Return the weight called `name`, codes and block scales as stored, picked4 None (not stored).

        Raises: CheckpointError for an unknown name, for tensors whose dtypes or shapes do not belong
        together, and for a tensor scale that is not a positive finite number or not the manifest's;
        ToolchainError for a thread that flushes subnormals or rounds otherwise than to nearest.
        """
        check_float_environment()
        if not is_a(name, str) or name not in self.names:
            msg = (
                f"{self.file.path}: no quantized weight is called {shown(name)} ({len(self.names)} are there)"
            )
            raise CheckpointError(msg)
        place = self._place(name)
        assert place is not None
        rows, cols = self._check_shapes(place)
        amax, encode_scale, decode_scale = self._tensor_scale(place)
        return QuantizedTensor(
            codes=self._matrix(place, 0, (rows, cols // CODES_PER_BYTE)),
            block_scales=self._matrix(place, 1, (rows, cols // self.convention.block)),
            tensor_amax=np.asarray(amax, dtype=np.float32),
            encode_scale=np.asarray(encode_scale, dtype=np.float32),
            decode_scale=np.asarray(decode_scale, dtype=np.float32),
            picked4=None,
            recipe=self.recipe,
            shape=self.manifest.tensors[name].shape if self.manifest else (rows, cols),
        )

    def _recipe(self, asked: Recipe | str | None) -> Recipe:
        """Return the manifest's recipe, or without a manifest the caller's."""
        wanted = None if asked is None else get_recipe(asked)
        if self.manifest is None and wanted is None:
            msg = f"{self.file.path} has no recipe manifest: name the recipe that it was made with"
            raise InputError(msg)
        if self.manifest is None:
            assert wanted is not None
            if convention(self.convention.name, wanted) is not self.convention:
                msg = f"{self.file.path} holds {self.convention.holds}: recipe {wanted.name!r} makes others"
                raise CheckpointError(msg)
            return wanted
        made_by = self.manifest.recipe
        if wanted is not None and wanted.fingerprint() != made_by.fingerprint():
            msg = f"{self.file.path} was made with recipe {made_by.name!r}, not {wanted.name!r}"
            raise CheckpointError(msg)
        return made_by

    def _names(self) -> tuple[str, ...]:
        if self.manifest is None:
            return tuple(
                n for held in weights_in(self.file.tensors, self.convention) for n in self._held(held)
            )
        missing = sorted(n for n in self.manifest.tensors if self._place(n) is None)
        if missing:
            msg = (
                f"{self.file.path}: the manifest names {missing[0]!r}, whose tensors are not all in the file"
            )
            raise CheckpointError(msg)
        return tuple(self.manifest.tensors)

    def _held(self, parameter: str) -> list[str]:
        """Return the name of a matrix, or those of the experts of a stack."""
        scales = self.file.info(self.convention.names(parameter)[1])
        if len(scales.shape) != len(("experts", "rows", "blocks")) or not scales.nbytes:
            return [parameter]
        return [expert_name(parameter, e) for e in range(scales.shape[0])]

    def _place(self, name: str) -> _Place | None:
        """Return where a weight lies; None where its tensors are not all there."""
        matrix = self._parts(name)
        if matrix is not None:
            return _Place(name=name, parts=matrix, index=None)
        stack, index = as_expert(name) or ("", 0)
        parts = self._parts(stack) if stack else None
        if parts is None or not all(p.shape and index < p.shape[0] for p in parts[:2]):
            return None
        return _Place(name=name, parts=parts, index=index)

    def _parts(self, parameter: str) -> tuple[TensorInfo, ...] | None:
        names = self.convention.names(parameter)
        if not all(n in self.file.tensors for n in names):
            return None
        return tuple(self.file.info(n) for n in names)

    def _check_shapes(self, place: _Place) -> tuple[int, int]:
        """Return (N, K) of what was quantized if its tensors fit together."""
        c, (codes, scales, *tensor_scale) = self.convention, place.parts
        shape, scale_shape = place.matrices(c)
        rows, *rest = shape or (-1,)
        cols = math.prod(rest) * CODES_PER_BYTE
        fits = (
            (codes.dtype, *(i.dtype for i in tensor_scale)) == ("U8", "F32")[: 1 + len(tensor_scale)]
            and scales.dtype in _SCALE_DTYPES[c.scale_dtype]
            and rows >= 0
            and cols % c.block == 0
            and rows % self.recipe.block_rows == 0
            and shape == c.codes_shape((rows, cols))
            and place.lead == scales.shape[: len(place.lead)]
            and scale_shape == (rows, cols // c.block)
            and all(i.shape in {(), (1,), place.lead} for i in tensor_scale)
        )
        if not fits:
            given = ", ".join(f"{i.name} {i.dtype} {list(i.shape)}" for i in place.parts)
            last = ", one F32" if tensor_scale else ""
            codes_are = f"[N, K/{c.block}, {c.block // CODES_PER_BYTE}]" if c.in_blocks else "[N, K/2]"
            msg = (
                f"{self.file.path}: {given}: U8 {codes_are}, linear {c.scale_dtype} [N, K/{c.block}]{last} "
                f"are allowed, or stacks of them; K a multiple of {c.block}, N of {self.recipe.block_rows}"
            )
            raise CheckpointError(msg)
        if self.manifest is not None and self.manifest.tensors[place.name].whole != (rows, cols):
            wanted = self.manifest.tensors[place.name].whole
            msg = f"{self.file.path}: {place.name!r} has shape {(rows, cols)}, the manifest says {wanted}"
            raise CheckpointError(msg)
        return rows, cols

    def _tensor_scale(self, place: _Place) -> tuple[np.float32, np.float32, np.float32]:
        """Return (A, S, D): from the manifest, checked against the file; without one, from the file."""
        stored = self._stored_scale(place)
        if self.manifest is None:
            if stored is None:
                return np.float32(0), np.float32(1), np.float32(1)
            with np.errstate(over="ignore"):
                return (
                    amax_of(stored, self.recipe, self.convention),
                    encode_scale_of(stored, self.convention),
                    decode_scale_of(stored, self.convention),
                )
        original = self.manifest.tensors[place.name]
        amax, dtype = original.amax, self._dtype(place.name, original.dtype)
        if stored is not None:
            wanted = stored_tensor_scale(amax, self.recipe, self.convention, dtype)
            if stored != wanted:
                msg = (
                    f"{self.file.path}: {place.parts[2].name!r} is {stored!s}, "
                    f"the manifest's amax makes it {wanted!s}"
                )
                raise CheckpointError(msg)
        scales = tensor_scales(np.asarray(amax), self.recipe, dtype)
        return amax, np.float32(scales.encode), np.float32(scales.decode)

    def _stored_scale(self, place: _Place) -> np.float32 | None:
        """Return the stored tensor scale; None for a convention without one."""
        if not self.convention.tensor_scale:
            return None
        stored = np.float32(self._bytes(place, 2).view(np.float32).reshape(-1)[0])
        if not (np.isfinite(stored) and stored > 0):
            what = f"{self.file.path}: {place.parts[2].name!r}"
            msg = f"{what} is {stored!s}: a positive finite tensor scale is allowed"
            raise CheckpointError(msg)
        return stored

    def _dtype(self, name: str, stored: str) -> np.dtype[Any]:
        """Return the dtype of the original weight; CheckpointError for one that is never quantized."""
        if stored not in FLOATS:
            allowed = ", ".join(FLOATS)
            msg = f"{self.file.path}: the manifest says {name!r} was {stored!r}: one of {allowed} is allowed"
            raise CheckpointError(msg)
        dtype: np.dtype[Any] = NUMPY_DTYPES[stored]
        return dtype

    def _matrix(self, place: _Place, part: int, shape: tuple[int, int]) -> U8:
        """Return codes or block scales in the order of (N, K)."""
        data = self._bytes(place, part)
        if place.turned(self.convention):
            return np.ascontiguousarray(data.reshape(shape[::-1]).T)
        return data.reshape(shape)

    def _bytes(self, place: _Place, part: int) -> U8:
        """Return the bytes of one part of a weight."""
        info = place.parts[part]
        if place.index is None or info.shape in {(), (1,)}:  # a tensor scale of all experts
            return self.file.read_bytes(info.name, 0, info.nbytes)
        size = info.nbytes // info.shape[0]
        return self.file.read_bytes(info.name, place.index * size, (place.index + 1) * size)
