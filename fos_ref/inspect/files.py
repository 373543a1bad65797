"""What an inspection reads of its files besides bytes in bulk."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fos_ref.errors import CheckpointError
from fos_ref.formats.arrays import AnyArray, U8
from fos_ref.inspect.findings import Finding
from fos_ref.storage.held import Held
from fos_ref.storage.manifest import Manifest
from fos_ref.storage.select import FLOATS
from fos_ref.storage.shards import Shards

_CONFIG_KEYS = ("quant_method", "quant_algo", "format")
_CUT = 40  #: characters shown of a configuration's value


def unlike(held: Held, original: Shards) -> str | None:
    """Return why a weight cannot be compared with the original, None if it can."""
    info = original.tensors.get(held.name)
    if info is None:
        return "the original has no tensor of this name"
    if info.dtype not in FLOATS or info.shape != held.shape:
        given = f"{info.dtype} {list(info.shape)} in the original"
        return f"it is {given}: {', '.join(FLOATS)} {list(held.shape)} fits"
    return None


def stored_scale(file: Shards, held: Held) -> np.float32 | None:
    """Return the tensor scale in the file, None where there is none."""
    if held.tensor_scale is None:
        return None
    return np.float32(file.read_values(held.tensor_scale.name, 0, 1)[0])


def values_of(original: Shards, held: Held, rows: slice) -> AnyArray:
    """Return rows of the original."""
    cols = held.shape[1]
    return original.read_values(held.name, rows.start * cols, rows.stop * cols).reshape(-1, cols)


def codes_of(file: Shards, held: Held, rows: slice) -> U8:
    """Return rows of packed codes."""
    half = held.shape[1] // 2
    return file.read_bytes(held.codes.name, rows.start * half, rows.stop * half).reshape(-1, half)


def manifest_of(file: Shards) -> Manifest | str | None:
    """Return the recipe manifest, None where there is none, a string that says why it cannot be used."""
    try:
        return Manifest.from_metadata(file.metadata, file.path)
    except CheckpointError as e:
        return str(e)


def convention_of(file: Shards, found: Sequence[Held]) -> Finding:
    """Return the convention by the names, with what a configuration says."""
    names = list(dict.fromkeys(h.convention.name for h in found))
    patterns = dict.fromkeys(", ".join(f"X{s}" for s in h.convention.parts("")) for h in found)
    seen = f"tensors {'; '.join(patterns)}"
    config = file.configuration()
    if config is not None:
        where, said = config
        inner = said.get("quantization")
        flat = {**said, **(inner if isinstance(inner, dict) else {})}
        named = ", ".join(f"{k} {str(flat[k])[:_CUT]}" for k in _CONFIG_KEYS if k in flat)
        seen += f"; {where} says {named or 'nothing of the format'}"
    return Finding(names[0] if len(names) == 1 else "mixed", seen)
