"""Which matrix of the original a quantized weight was made of: by name, number among experts, shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from fos_ref.errors import ToolchainError
from fos_ref.inspect.source import Source
from fos_ref.storage.gguf_names import original_names, row_order
from fos_ref.storage.held import Held
from fos_ref.storage.select import FLOATS
from fos_ref.storage.shards import Shards
from fos_ref.storage.tensor_info import TensorInfo

_TILES = (16, 32, 64, 128)  #: rows or columns to whose multiples codes may be padded
#: What vLLM stacks: the names that the rows of each expert, or of each half of one, have in a checkpoint.
_STACKED: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "w13_weight": (("w1", "gate_proj"), ("w3", "up_proj")),
    "w2_weight": (("w2", "down_proj"),),
}


@dataclass(frozen=True, slots=True)
class Originals:
    """The original's tensors, and how the names of a quantized file lead to them.

    renames: (old, new): a name that begins with old is looked up with new in its place; the first that fits
    converted: weights of a GGUF file, by the names that its converter gave them
    """

    file: Shards
    renames: Sequence[tuple[str, str]]
    metadata: Mapping[str, str] = field(default_factory=dict)
    converted: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, original: Shards, renames: Sequence[tuple[str, str]], quantized: Shards) -> Originals:
        """Return the originals of the weights of a quantized file."""
        try:
            names = original_names(quantized.metadata, quantized.tensors, original.tensors)
        except ToolchainError:  # without the package gguf no file of its kind was opened
            names = {}
        return cls(original, renames, quantized.metadata, names)

    def find(self, held: Held) -> list[Source] | str:
        """Return the matrices that a weight may be made of, the likeliest first, or why there is none."""
        for name, index in self._names(held):
            info = self.file.tensors.get(name)
            if info is None:
                continue
            given = f"{info.dtype} {list(info.shape)} in the original"
            found = list(self._placed(held, index, info)) if info.dtype in FLOATS else []
            return found or f"it is {given}: {', '.join(FLOATS)} {_wanted(held, index)} fits"
        return "the original has no tensor of this name"

    def _names(self, held: Held) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Return (tensor, index within it) under each name that a weight may have in the original."""
        yield renamed(held.parameter, self.renames), held.index
        if held.name in self.converted:
            yield self.converted[held.name], ()
        if held.parameter in self.converted:
            yield self.converted[held.parameter], held.index
        for name in _of_experts(held):
            yield renamed(name, self.renames), ()
        for name in _otherwise(held.parameter):
            yield renamed(name, self.renames), held.index

    def _placed(self, held: Held, index: tuple[int, ...], info: TensorInfo) -> Iterator[Source]:
        """Return where the matrix lies in a tensor; nothing where its shape is another."""
        if len(info.shape) != len(index[:1]) + 2 or (index and info.shape[0] != held.experts):
            return
        n, k = info.shape[-2:]
        halves = 2 if len(index) > 1 else 1
        first = (index[0] if index else 0) * n * k
        if _fits((n // halves, k), held.shape) and n % halves == 0:
            half = index[1] * (n // halves) * k if halves > 1 else 0
            plain = Source(self.file, info, held, first + half, (n // halves, k))
            yield plain
            order = row_order(self.metadata, held.name, n) if held.interleaved else None
            if order is not None:
                yield replace(plain, order=order)
        if index and halves == 1 and _fits((k, n), held.shape):
            yield Source(self.file, info, held, first, (n, k), turned=True)


def _of_experts(held: Held) -> Iterator[str]:
    """Return the names of an expert that is a tensor of its own: X.3.w1.weight of X.w13_weight."""
    if not held.index:
        return
    stem, _, last = held.parameter.removesuffix(".weight").rpartition(".")
    parts = _STACKED.get(last, ((last,),))
    if len(held.index) > 1 or len(parts) == 1:
        for member in parts[held.index[-1] if len(parts) > 1 else 0]:
            yield f"{stem}.{held.index[0]}.{member}.weight"


def _otherwise(parameter: str) -> Iterator[str]:
    """Return the other name of an expert's projection: llm-compressor writes Mixtral's w1 as gate_proj."""
    for pairs in _STACKED.values():
        for short, long in pairs:
            if parameter.endswith(f".{long}.weight") and ".experts." in parameter:
                yield parameter.removesuffix(f"{long}.weight") + f"{short}.weight"


def renamed(name: str, renames: Sequence[tuple[str, str]]) -> str:
    """Return a name under the first of the renamings that fits it."""
    for old, new in renames:
        if name.startswith(old):
            return new + name.removeprefix(old)
    return name


def _wanted(held: Held, index: tuple[int, ...]) -> list[int]:
    rows, cols = held.shape
    return [held.experts, rows * (2 if len(index) > 1 else 1), cols] if index else [rows, cols]


def _fits(real: tuple[int, int], stored: tuple[int, int]) -> bool:
    """Return whether codes are as large as a matrix, or that padded to whole blocks or tiles."""
    return all(a == b or _padded(a, b) for a, b in zip(real, stored, strict=True))


def _padded(side: int, stored: int) -> bool:
    return side < stored < 2 * side and any(-(-side // n) * n == stored for n in _TILES)
