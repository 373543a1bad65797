"""What an inspection reads of its files besides bytes in bulk."""

from __future__ import annotations

from dataclasses import replace

from fos_ref.errors import CheckpointError
from fos_ref.inspect.findings import Finding
from fos_ref.storage.held import Held
from fos_ref.storage.held_find import Found
from fos_ref.storage.manifest import Manifest
from fos_ref.storage.shards import Shards

_CONFIG_KEYS = ("quant_method", "quant_algo", "format")
_PATTERNS = 4  #: shown
COMFY = "_quantization_metadata"
_CUT = 40  #: characters shown of a configuration's value


def manifest_of(file: Shards) -> Manifest | str | None:
    """Return the recipe manifest of all shards; None where there is none, a string for one of no use."""
    try:
        made = [Manifest.from_metadata(f.metadata, f.path) for f in file.files]
    except CheckpointError as e:
        return str(e)
    own = [m for m in made if m is not None]
    if not own:
        return None
    if len({(m.convention.name, m.recipe.fingerprint()) for m in own}) > 1:
        return f"{file.path}: the manifests of its {len(own)} shards name different recipes"
    tensors = {name: source for m in own for name, source in m.tensors.items()}
    return replace(own[0], tensors=tensors)


def convention_of(file: Shards, found: Found) -> Finding:
    """Return the convention by the names, with what a configuration says."""
    names = list(dict.fromkeys(h.family.name for h in found.weights))
    patterns = dict.fromkeys(_pattern(h) for h in found.weights)
    seen = f"tensors {'; '.join([*patterns][:_PATTERNS])}"
    if COMFY in file.metadata or any(n.endswith(".comfy_quant") for n in file.tensors):
        seen += "; with ComfyUI's notes (_quantization_metadata or comfy_quant)"
    config = file.configuration()
    if config is not None:
        where, said = config
        inner = said.get("quantization")
        flat = {**said, **(inner if isinstance(inner, dict) else {})}
        named = ", ".join(f"{k} {str(flat[k])[:_CUT]}" for k in _CONFIG_KEYS if k in flat)
        seen += f"; {where} says {named or 'nothing of the format'}"
    return Finding(names[0] if len(names) == 1 else "mixed", seen)


def _pattern(held: Held) -> str:
    """Return what the parts of a weight that are there are called, X for what comes before."""
    stem = held.parameter.removesuffix(".weight")
    parts = (held.codes, held.block_scales, held.tensor_scale, held.input_scale)
    names = [f"X{i.name.removeprefix(stem)}" for i in parts if i is not None]
    kind = f" of type {held.codes.dtype}" if held.interleaved else ""
    return ", ".join(dict.fromkeys(names)) + kind
