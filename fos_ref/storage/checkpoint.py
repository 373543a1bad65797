"""Reading quantized checkpoints: each weight comes back as the QuantizedTensor that was stored."""

from __future__ import annotations

import os
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
from fos_ref.recipes.recipe import BLOCK, Recipe
from fos_ref.storage.closing import Closing
from fos_ref.storage.conventions import (
    amax_of,
    check_storable,
    CODES_PER_BYTE,
    Convention,
    decode_scale_of,
    detect,
    encode_scale_of,
    stored_tensor_scale,
    weights_in,
)
from fos_ref.storage.manifest import Manifest
from fos_ref.storage.safetensors_read import NUMPY_DTYPES, SafetensorsFile, TensorInfo
from fos_ref.storage.select import FLOATS
from fos_ref.storage.tensor import QuantizedTensor

_DTYPES = ("U8", "F8_E4M3", "F32")
_RANK = 2


class QuantizedCheckpoint(Closing):
    """An open quantized checkpoint. Use it as a context manager; weights are read one at a time.

    With a manifest (`fos quantize` writes one) the recipe and each tensor amax are the recorded ones, and the
    stored tensor scale is checked against them. Without one the convention is told from the tensor names, the
    caller names the recipe, and the amax is derived from the stored tensor scale: it can be an ulp or two off
    the original, and decode_scale is what the file says.

    Raises: OSError; CheckpointError for a file that is corrupt, in no known convention, or at odds with its
    manifest; InputError when there is no manifest and no recipe was named.
    """

    def __init__(self, path: str | os.PathLike[str], recipe: Recipe | str | None = None) -> None:
        self.file = SafetensorsFile(a_path(path, "checkpoint"))
        try:
            self.manifest = Manifest.from_metadata(self.file.metadata, self.file.path)
            self.convention = self._convention()
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
        infos = tuple(self.file.info(n) for n in self.convention.names(name))
        shape = self._check_shapes(name, infos)
        amax, encode_scale, decode_scale = self._tensor_scale(name, infos[2])
        return QuantizedTensor(
            codes=self._bytes(infos[0]),
            block_scales=self._bytes(infos[1]),
            tensor_amax=np.asarray(amax, dtype=np.float32),
            encode_scale=np.asarray(encode_scale, dtype=np.float32),
            decode_scale=np.asarray(decode_scale, dtype=np.float32),
            picked4=None,
            recipe=self.recipe,
            shape=shape,
        )

    def _convention(self) -> Convention:
        return self.manifest.convention if self.manifest else detect(self.file.tensors)

    def _recipe(self, asked: Recipe | str | None) -> Recipe:
        """Return the manifest's recipe, or without a manifest the caller's."""
        wanted = None if asked is None else get_recipe(asked)
        if self.manifest is None and wanted is None:
            msg = f"{self.file.path} has no recipe manifest: name the recipe that it was made with"
            raise InputError(msg)
        if self.manifest is None:
            assert wanted is not None
            check_storable(wanted)
            return wanted
        made_by = self.manifest.recipe
        if wanted is not None and wanted.fingerprint() != made_by.fingerprint():
            msg = f"{self.file.path} was made with recipe {made_by.name!r}, not {wanted.name!r}"
            raise CheckpointError(msg)
        return made_by

    def _names(self) -> tuple[str, ...]:
        held = weights_in(self.file.tensors, self.convention)
        if self.manifest is None:
            return tuple(held)
        missing = sorted(set(self.manifest.tensors) - set(held))
        if missing:
            msg = (
                f"{self.file.path}: the manifest names {missing[0]!r}, whose tensors are not all in the file"
            )
            raise CheckpointError(msg)
        return tuple(self.manifest.tensors)

    def _check_shapes(self, name: str, infos: tuple[TensorInfo, ...]) -> tuple[int, int]:
        """Return (N, K) of the weight if its three tensors fit together."""
        codes, scales, tensor_scale = infos
        rows, half = codes.shape if len(codes.shape) == _RANK else (-1, -1)
        cols = half * CODES_PER_BYTE
        fits = (
            tuple(i.dtype for i in infos) == _DTYPES
            and rows >= 0
            and cols % BLOCK == 0
            and rows % self.recipe.block_rows == 0
            and scales.shape == (rows, cols // BLOCK)
            and tensor_scale.shape in ((), (1,))
        )
        if not fits:
            given = ", ".join(f"{i.name} {i.dtype} {list(i.shape)}" for i in infos)
            msg = (
                f"{self.file.path}: {given}: U8 [N, K/2], linear F8_E4M3 [N, K/16], one F32 are allowed, "
                f"K a multiple of 16, N of {self.recipe.block_rows}"
            )
            raise CheckpointError(msg)
        if self.manifest is not None and self.manifest.tensors[name].shape != (rows, cols):
            wanted = self.manifest.tensors[name].shape
            msg = f"{self.file.path}: {name!r} has shape {(rows, cols)}, the manifest says {wanted}"
            raise CheckpointError(msg)
        return rows, cols

    def _tensor_scale(self, name: str, info: TensorInfo) -> tuple[np.float32, np.float32, np.float32]:
        """Return (A, S, D): from the manifest, checked against the file; without one, from the file."""
        stored = np.float32(self.file.read(info.name).reshape(-1)[0])
        if not (np.isfinite(stored) and stored > 0):
            msg = f"{self.file.path}: {info.name!r} is {stored!s}: a positive finite tensor scale is allowed"
            raise CheckpointError(msg)
        if self.manifest is None:
            with np.errstate(over="ignore"):
                return (
                    amax_of(stored, self.recipe, self.convention),
                    encode_scale_of(stored, self.convention),
                    decode_scale_of(stored, self.convention),
                )
        original = self.manifest.tensors[name]
        amax, dtype = original.amax, self._dtype(name, original.dtype)
        wanted = stored_tensor_scale(amax, self.recipe, self.convention, dtype)
        if stored != wanted:
            msg = f"{self.file.path}: {info.name!r} is {stored!s}, the manifest's amax makes it {wanted!s}"
            raise CheckpointError(msg)
        scales = tensor_scales(np.asarray(amax), self.recipe, dtype)
        return amax, np.float32(scales.encode), np.float32(scales.decode)

    def _dtype(self, name: str, stored: str) -> np.dtype[Any]:
        """Return the dtype of the original weight; CheckpointError for one that is never quantized."""
        if stored not in FLOATS:
            allowed = ", ".join(FLOATS)
            msg = f"{self.file.path}: the manifest says {name!r} was {stored!r}: one of {allowed} is allowed"
            raise CheckpointError(msg)
        dtype: np.dtype[Any] = NUMPY_DTYPES[stored]
        return dtype

    def _bytes(self, info: TensorInfo) -> U8:
        return self.file.read(info.name)
