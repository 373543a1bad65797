"""What else is in the file: FP8 weights, scales of other kinds, plain tensors, each kind with a count."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from fos_ref.storage.parts import FP8
from fos_ref.storage.tensor_info import TensorInfo

_NAMES = 3
_CACHE = ("k_scale", "v_scale", "kv_scale", "k_zero_point", "v_zero_point")
_SCALES = ("_scale", "_scale_inv", "_scale_2", "input_scale", ".scale", ".scales", "_global_scale")
_NOTES = ("comfy_quant",)  #: a tensor of JSON text that says how a weight beside it is stored


@dataclass(frozen=True, slots=True)
class Other:
    """Tensors of one kind and dtype."""

    what: str
    dtype: str
    tensors: int
    nbytes: int
    names: tuple[str, ...]  #: the first ones

    def to_dict(self) -> dict[str, Any]:
        """Return the kind as plain JSON values."""
        return {
            "what": self.what,
            "dtype": self.dtype,
            "tensors": self.tensors,
            "bytes": self.nbytes,
            "names": list(self.names),
        }


def others_of(tensors: Iterable[TensorInfo], known: Collection[str]) -> tuple[Other, ...]:
    """Return the kinds of the tensors that are not `known`, in the order of the file."""
    kinds: dict[tuple[str, str], list[TensorInfo]] = {}
    for info in tensors:
        if info.name not in known:
            kinds.setdefault((_what(info), info.dtype), []).append(info)
    return tuple(
        Other(what, dtype, len(infos), sum(i.nbytes for i in infos), tuple(i.name for i in infos[:_NAMES]))
        for (what, dtype), infos in kinds.items()
    )


def _what(info: TensorInfo) -> str:
    """Return what a tensor is, by its dtype and its name."""
    return next(_said(info), "plain tensors")


def _said(info: TensorInfo) -> Iterator[str]:
    last = info.name.rpartition(".")[2]
    if last in _NOTES:
        yield "notes of ComfyUI"
    if last in _CACHE or last.endswith(("k_scale", "v_scale")):
        yield "scales of the KV cache"
    if info.name.endswith(_SCALES):
        yield "scales"
    if info.dtype in FP8:
        yield "FP8 weights"
    if info.dtype in ("U8", "I8", "U32", "I32") and len(info.shape) > 1:
        yield "packed or whole numbers"
    if info.dtype.startswith(("Q", "IQ", "TQ")):
        yield "weights in another format of ggml"
