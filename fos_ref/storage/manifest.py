"""The recipe manifest: what travels in a checkpoint's metadata, so that a reader knows which dialect made it.

Keys of `__metadata__` (all values are strings, as the format wants):

    fos_version              the version of this package
    fos_convention           modelopt or compressed-tensors
    fos_recipe               the recipe as JSON
    fos_recipe_fingerprint   sha256 of the recipe's axes
    fos_tensors              JSON of each original: name -> {amax: float32 as eight hex digits, dtype, shape}
    quantization_config      JSON that the convention's readers look for (see reader_config.py)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fos_ref.errors import CheckpointError, FosError
from fos_ref.foreign import said, shown
from fos_ref.formats.bits import f32_hex, from_f32_hex
from fos_ref.outside.json import read_json
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.conventions import Convention, convention

PREFIX = "fos_"
CONFIG_KEY = "quantization_config"
ENTRIES = ("fos_version", "fos_convention", "fos_recipe", "fos_recipe_fingerprint", "fos_tensors")
_HEX_DIGITS = 8
_RANK = 2


@dataclass(frozen=True, slots=True)
class Source:
    """The weight that a quantized tensor was made from."""

    amax: np.float32
    dtype: str
    shape: tuple[int, int]

    def to_dict(self) -> dict[str, Any]:
        """Return the source as plain JSON values, the amax by its bits."""
        return {"amax": f32_hex(self.amax), "dtype": self.dtype, "shape": list(self.shape)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Source:
        """Read `to_dict` output; ValueError, TypeError or KeyError when it is something else."""
        amax, dtype, shape = data["amax"], data["dtype"], data["shape"]
        well_formed = (
            isinstance(amax, str)
            and len(amax) == _HEX_DIGITS
            and isinstance(dtype, str)
            and len(shape) == _RANK
            and all(type(n) is int and n >= 0 for n in shape)
        )
        value = from_f32_hex(amax) if well_formed else np.float32(np.nan)
        if not (np.isfinite(value) and value >= 0):
            msg = f"{shown(data)}: a finite amax of eight hex digits, a dtype and two sizes are allowed"
            raise ValueError(msg)
        return cls(value, dtype, (shape[0], shape[1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What made a quantized checkpoint."""

    version: str
    convention: Convention
    recipe: Recipe
    tensors: Mapping[str, Source]  #: by the name of the original weight

    def to_metadata(self) -> dict[str, str]:
        """Return the manifest as `__metadata__` entries."""
        sources = {name: source.to_dict() for name, source in self.tensors.items()}
        return {
            "fos_version": self.version,
            "fos_convention": self.convention.name,
            "fos_recipe": _json(self.recipe.to_dict()),
            "fos_recipe_fingerprint": self.recipe.fingerprint(),
            "fos_tensors": _json(sources),
        }

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], where: object) -> Manifest | None:
        """Read a manifest; None when the file has none. CheckpointError when it does not hold together.

        The recipe's fingerprint must be the one recorded: a recipe of another version of this package, whose
        axes mean something else, is refused rather than read wrongly.
        """
        if not any(key.startswith(PREFIX) for key in metadata):
            return None
        try:
            return cls._read(metadata)
        except Exception as e:
            version = shown(metadata.get("fos_version"))
            what = e if isinstance(e, FosError) else said(e)
            msg = f"{where}: the recipe manifest (written by version {version}): {what}"
            raise CheckpointError(msg) from e

    @classmethod
    def _read(cls, metadata: Mapping[str, str]) -> Manifest:
        """Read the entries; errors of any kind where they are not those of a manifest."""
        missing = [k for k in ENTRIES if k not in metadata]
        if missing:
            msg = f"{missing[0]!r} is missing"
            raise CheckpointError(msg)
        sources = read_json(metadata["fos_tensors"], "fos_tensors", CheckpointError)
        manifest = cls(
            version=metadata["fos_version"],
            convention=convention(metadata["fos_convention"]),
            recipe=Recipe.from_dict(read_json(metadata["fos_recipe"], "fos_recipe", CheckpointError)),
            tensors={k: Source.from_dict(v) for k, v in sources.items()},
        )
        if manifest.recipe.fingerprint() != metadata["fos_recipe_fingerprint"]:
            msg = f"the fingerprint of recipe {manifest.recipe.name!r} is not the one recorded"
            raise CheckpointError(msg)
        return manifest


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)
