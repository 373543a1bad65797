"""From a weight of a GGUF file to the tensor it was converted from: names, experts, and the order of rows.

llama.cpp's converter gives every tensor a name of its own (blk.0.ffn_up.weight), stacks experts that were
tensors of their own, and reorders the rows of the query and key projections of some models. The names are
those of the package's own table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from fos_ref.errors import ToolchainError
from fos_ref.foreign import foreign
from fos_ref.formats.arrays import I64

ARCHITECTURE = "general.architecture"
MOST_LAYERS = 1024
WEIGHT = ".weight"
_LAYER = re.compile(r"blk\.([0-9]{1,6})\.")
_COUNT = re.compile("[0-9]{1,9}")
_EXPERT = re.compile(r"\.experts\.([0-9]{1,6})\.")
_WRAPPERS = ("language_model.", "text_model.")  #: that the converter leaves out, wherever they stand
_HEADS = {"attn_q.weight": ("head_count",), "attn_k.weight": ("head_count_kv", "head_count")}


def original_names(
    metadata: Mapping[str, str], names: Iterable[str], originals: Iterable[str]
) -> dict[str, str]:
    """Return {weight of a GGUF file: tensor of the original that it was converted from}.

    metadata:  of the GGUF file: which architecture it is
    names:     of the GGUF file's tensors
    originals: names of the tensors that the original has
    An expert that is a tensor of its own in the original stands there as "blk.0.ffn_up_exps.weight[3]". What
    has no counterpart, and every weight of an architecture that the package does not know, is not there.
    """
    held = set(names)
    table = _table(metadata.get(ARCHITECTURE, ""), held)
    found = dict[str, str]()
    for original in originals if table is not None else ():
        plain = original
        for wrapper in _WRAPPERS:
            plain = plain.replace(wrapper, "")
        expert = _EXPERT.search(plain)
        merged = plain if expert is None else _EXPERT.sub(".experts.", plain, count=1)
        name = table.get_name(merged, try_suffixes=(WEIGHT, ".bias"))
        if name is not None and name not in held:
            name += WEIGHT  # a stack of experts may have a name without it
        if name in held:
            found.setdefault(name if expert is None else f"{name}[{int(expert[1])}]", original)
    return found


def _table(architecture: str, names: Iterable[str]) -> Any:
    """Return the package's table of names; None for an architecture that it does not know."""
    with foreign("the package gguf does not import", "pip install 'gguf>=0.19'", ToolchainError):
        from gguf import get_tensor_name_map, MODEL_ARCH_NAMES  # noqa: PLC0415 -- for those who need it
    arch = next((a for a, name in MODEL_ARCH_NAMES.items() if name == architecture), None)
    layers = [int(m[1]) + 1 for m in map(_LAYER.match, names) if m]
    return None if arch is None else get_tensor_name_map(arch, min(max(layers, default=0), MOST_LAYERS))


def row_order(metadata: Mapping[str, str], name: str, rows: int) -> I64 | None:
    """Return which row of the original each row of a query or key projection is, (rows,) int64, if reordered.

    Row r of the file is row `order[r]` of the original where the converter turned pairs of halves into pairs
    of neighbours (Llama, Mistral, Mixtral). Whether it did is not in the file, only how it would have; so
    both orders may have to be tried. None: the weight is another, or the metadata do not say the heads.
    """
    keys = _HEADS.get(".".join(name.split(".")[-2:]), ())
    architecture = metadata.get(ARCHITECTURE, "")
    said = [metadata.get(f"{architecture}.attention.{k}", "") for k in keys]
    heads = next((int(s) for s in said if _COUNT.fullmatch(s)), 0)
    if not heads or rows % (2 * heads):
        return None
    return np.arange(rows, dtype=np.int64).reshape(heads, 2, -1).swapaxes(1, 2).reshape(-1)
