"""The recipe manifest: what travels in a checkpoint's metadata, so that a reader knows which dialect made it.

Keys of `__metadata__` (all values are strings, as the format wants):

    fos_version              the version of this package
    fos_convention           modelopt, compressed-tensors or gpt-oss
    fos_recipe               the recipe as JSON
    fos_recipe_fingerprint   sha256 of the recipe's axes
    fos_tensors              JSON of each original: name -> {amax: float32 as eight hex digits, dtype, shape}
    quantization_config      JSON that the convention's readers look for (see reader_config.py)

A name is that of a matrix, or P[e] for expert e of the stack P. The amax is the one that the tensor scale
was made from: that of the group where fused weights share one. "padded": [N, K] is there where zeros were
added to rows of other lengths, "transposed": true where the original lies as (K, N). Each shard of a
checkpoint has the manifest of its own weights.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
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
    shape: tuple[int, int]  #: (N, K): blocks run along K
    padded: tuple[int, int] | None = None  #: the shape of what was quantized, where zeros were added
    transposed: bool = False  #: whether the original holds it as (K, N)

    def to_dict(self) -> dict[str, Any]:
        """Return the source as plain JSON values, the amax by its bits."""
        plain = {"amax": f32_hex(self.amax), "dtype": self.dtype, "shape": list(self.shape)}
        more = {"padded": self.padded and list(self.padded), "transposed": self.transposed}
        return plain | {k: v for k, v in more.items() if v}

    @property
    def whole(self) -> tuple[int, int]:
        """The shape of what was quantized, padding included."""
        return self.padded or self.shape

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Source:
        """Read `to_dict` output; ValueError, TypeError or KeyError when it is something else."""
        amax, dtype, shape = data["amax"], data["dtype"], data["shape"]
        padded, transposed = data.get("padded"), data.get("transposed", False)
        well_formed = (
            isinstance(amax, str)
            and len(amax) == _HEX_DIGITS
            and isinstance(dtype, str)
            and _is_shape(shape)
            and (padded is None or (_is_shape(padded) and padded[0] == shape[0] and padded[1] > shape[1]))
            and isinstance(transposed, bool)
        )
        value = from_f32_hex(amax) if well_formed else np.float32(np.nan)
        if not (np.isfinite(value) and value >= 0):
            msg = f"{shown(data)}: a finite amax of eight hex digits, a dtype and two sizes are allowed"
            raise ValueError(msg)
        whole = None if padded is None else (padded[0], padded[1])
        return cls(value, dtype, (shape[0], shape[1]), whole, transposed)


def _is_shape(value: Any) -> bool:
    return len(value) == _RANK and all(type(n) is int and n >= 0 for n in value)


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
    def merged(cls, parts: Iterable[Manifest | None], where: object) -> Manifest | None:
        """Return the manifest of a checkpoint from those of its shards; None where none has one.

        Raises: CheckpointError for shards of different recipes or conventions.
        """
        own = [p for p in parts if p is not None]
        kinds = {(p.recipe.fingerprint(), p.convention.name) for p in own}
        if len(kinds) > 1:
            msg = f"{where}: the recipe manifests of its shards name different recipes or conventions"
            raise CheckpointError(msg)
        if not own:
            return None
        return replace(own[0], tensors={n: s for p in own for n, s in p.tensors.items()})

    @classmethod
    def _read(cls, metadata: Mapping[str, str]) -> Manifest:
        """Read the entries; errors of any kind where they are not those of a manifest."""
        missing = [k for k in ENTRIES if k not in metadata]
        if missing:
            msg = f"{missing[0]!r} is missing"
            raise CheckpointError(msg)
        sources = read_json(metadata["fos_tensors"], "fos_tensors", CheckpointError)
        recipe = Recipe.from_dict(read_json(metadata["fos_recipe"], "fos_recipe", CheckpointError))
        manifest = cls(
            version=metadata["fos_version"],
            convention=convention(metadata["fos_convention"], recipe),
            recipe=recipe,
            tensors={k: Source.from_dict(v) for k, v in sources.items()},
        )
        if manifest.recipe.fingerprint() != metadata["fos_recipe_fingerprint"]:
            msg = f"the fingerprint of recipe {manifest.recipe.name!r} is not the one recorded"
            raise CheckpointError(msg)
        return manifest


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)
