"""The sizes of a Llama, as the metadata of a GGUF file gives them, held against the tensors that it has.

So a file whose header says something else is refused before memory is taken for it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from fos_ref.errors import CheckpointError
from fos_ref.errors.text import shown
from fos_ref.foreign import foreign
from fos_ref.storage.gguf_read import GgufFile

_MOST = 1 << 31
_OUTPUT = "output.weight"  #: a file without it has the embedding there


@dataclass(frozen=True)
class Shape:
    """The sizes of a Llama."""

    layers: int
    dim: int
    hidden: int
    heads: int
    kv_heads: int
    vocabulary: int
    theta: float
    epsilon: float

    @property
    def wrong(self) -> str | None:
        """What no Llama has; None where nothing is wrong."""
        if self.dim % (2 * self.heads):
            return f"width {self.dim} of {self.heads} heads: an even number of channels a head is allowed"
        if self.heads % self.kv_heads:
            return f"{self.heads} heads of {self.kv_heads} with keys: a multiple is allowed"
        if not (0 < self.theta < math.inf and 0 < self.epsilon < math.inf):
            return f"theta {self.theta:g}, epsilon {self.epsilon:g}: positive finite numbers are allowed"
        return None

    def tensors(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each tensor by its name in the file."""
        kv, embedding = self.dim // self.heads * self.kv_heads, (self.vocabulary, self.dim)
        block = {
            "attn_norm": (self.dim,),
            "attn_q": (self.dim, self.dim),
            "attn_k": (kv, self.dim),
            "attn_v": (kv, self.dim),
            "attn_output": (self.dim, self.dim),
            "ffn_norm": (self.dim,),
            "ffn_gate": (self.hidden, self.dim),
            "ffn_up": (self.hidden, self.dim),
            "ffn_down": (self.dim, self.hidden),
        }
        found: dict[str, tuple[int, ...]] = {"token_embd.weight": embedding, _OUTPUT: embedding}
        found["output_norm.weight"] = (self.dim,)
        for n in range(self.layers):
            found |= {f"blk.{n}.{name}.weight": shape for name, shape in block.items()}
        return found


def number(file: GgufFile, key: str, least: int = 1, most: int = _MOST) -> int:
    """Return a whole number of a file's metadata. Raises: CheckpointError."""
    with foreign(f"{file.path}: {key}", "a whole number in its metadata is allowed", CheckpointError):
        found = int(file.metadata[key])
    if not least <= found <= most:
        msg = f"{file.path}: {key} is {shown(str(found))}: {least} to {most:,} is allowed"
        raise CheckpointError(msg)
    return found


def shape_of(file: GgufFile) -> Shape:
    """Return the sizes of the Llama in a GGUF file.

    Raises: CheckpointError for another architecture, for sizes that no Llama has, and for other tensors.
    """
    kind = file.metadata.get("general.architecture", "")
    if kind != "llama":
        msg = f"{file.path}: architecture {shown(kind)}: llama is allowed"
        raise CheckpointError(msg)
    layers = number(file, "llama.block_count", most=len(file.tensors))
    sizes = ("embedding_length", "feed_forward_length", "attention.head_count", "attention.head_count_kv")
    dim, hidden, heads, kv = (number(file, f"llama.{k}") for k in sizes)
    with foreign(f"{file.path}: its rope and norm", "numbers in its metadata are allowed", CheckpointError):
        theta = float(file.metadata.get("llama.rope.freq_base", "10000"))
        epsilon = float(file.metadata["llama.attention.layer_norm_rms_epsilon"])
    vocabulary = (*file.info("token_embd.weight").shape, 0)[0]
    found = Shape(layers, dim, hidden, heads, kv, vocabulary, theta, epsilon)
    wrong = found.wrong or _other_tensors(file, found)
    if wrong is not None:
        msg = f"{file.path}: {wrong}"
        raise CheckpointError(msg)
    return found


def _other_tensors(file: GgufFile, s: Shape) -> str | None:
    wanted = s.tensors()
    for name in sorted(wanted.keys() - {_OUTPUT} | file.tensors.keys()):
        given = file.tensors[name].shape if name in file.tensors else "not there"
        if given != wanted.get(name):
            allowed = wanted.get(name, "no tensor of this name")
            return f"{shown(name)}: {given}: by its metadata {allowed} is allowed"
    return None
