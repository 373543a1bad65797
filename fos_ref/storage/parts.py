"""Which tensors of a file belong together: codes, block scales, tensor scale and input scale, by their names.

With P the name of the original parameter, and B the same without a last "weight" (X.weight -> X.,
X.w13_weight -> X.w13_, X.gate_up_proj -> X.gate_up_proj_), codes, block scales, tensor scale, input scale are

    modelopt            P               P_scale           P_scale_2                   Binput_scale
                        P               Bweight_scale     Bweight_scale_2             Binput_scale
    compressed-tensors  P_packed        P_scale           P_global_scale              Binput_global_scale
    gpt-oss             P_blocks        P_scales          -                           -
    torchao             M._w_qdata      M._w_scale        M._w_per_tensor_scale       M._w_act_per_...
    mlx                 P (U32)         Bscales           -                           -
    gguf                P (NVFP4, ...)  in the blocks     Bscale                      Binput_scale

where P is M.w for torchao. A part may be missing: what is there still makes a group.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from fos_ref.storage.conventions import COMPRESSED_TENSORS, MODELOPT, TensorScaleForm
from fos_ref.storage.tensor_info import TensorInfo

WEIGHT = "weight"
#: Dtypes of packed codes: bytes of two, safetensors' own 4-bit dtype, MLX's words of eight, ggml's blocks.
BYTES, NIBBLES, WORDS = "U8", "F4", "U32"
GGML = ("NVFP4", "MXFP4")
FP8 = ("F8_E4M3", "F8_E5M2")
_E4M3 = "F8_E4M3"
_STACKED = ("w13_", "w2_", "w1_", "w3_")  #: what precedes `weight` in the names of stacked experts


class Part(Enum):
    """A part of a quantized weight."""

    CODES = "codes"
    BLOCK_SCALES = "block scales"
    TENSOR_SCALE = "tensor scale"
    INPUT_SCALE = "input scale"


@dataclass(frozen=True, slots=True)
class Family:
    """The names of one convention's parts: what follows P, B (|) or M._w (~)."""

    name: str
    suffixes: Mapping[Part, str]
    form: TensorScaleForm = TensorScaleForm.MULTIPLIER
    needs_tensor_scale: bool = False  #: its readers take no weight without one
    dtypes: tuple[str, ...] = (BYTES, NIBBLES)  #: of its codes

    def named(self, parameter: str, part: Part) -> str | None:
        """Return what a part of P is called; None where the family has no such part."""
        suffix = self.suffixes.get(part)
        if suffix is None:
            return None
        return _STEMS.get(suffix[:1], str)(parameter) + suffix.lstrip(_ANCHORS)

    def parameters(self, name: str, part: Part) -> Iterator[str]:
        """Return the P of which a tensor called so may be a part."""
        suffix = self.suffixes.get(part)
        if suffix is not None and name.endswith(suffix.lstrip(_ANCHORS)):
            stem = name.removesuffix(suffix.lstrip(_ANCHORS))
            module, _, last = stem.rpartition(".")
            if suffix.startswith("|"):
                yield from _with_base(stem)
            elif not suffix.startswith("~"):
                yield stem
            elif last.startswith("_"):
                yield f"{module}.{last[1:]}" if module else last[1:]


def base(parameter: str) -> str:
    """Return B of P."""
    return parameter.removesuffix(WEIGHT) if parameter.endswith(WEIGHT) else f"{parameter}_"


def _hidden(parameter: str) -> str:
    """Return M._w of M.w."""
    module, dot, last = parameter.rpartition(".")
    return f"{module}{dot}_{last}"


_STEMS = {"|": base, "~": _hidden}
_ANCHORS = "".join(_STEMS)
_MODELOPT = {
    Part.CODES: "",
    Part.BLOCK_SCALES: "_scale",
    Part.TENSOR_SCALE: "_scale_2",
    Part.INPUT_SCALE: "|input_scale",
}
FAMILIES = (
    Family(
        "torchao",
        {
            Part.CODES: "~_qdata",
            Part.BLOCK_SCALES: "~_scale",
            Part.TENSOR_SCALE: "~_per_tensor_scale",
            Part.INPUT_SCALE: "~_act_per_tensor_scale",
        },
    ),
    Family(
        COMPRESSED_TENSORS.name,
        {
            Part.CODES: "_packed",
            Part.BLOCK_SCALES: "_scale",
            Part.TENSOR_SCALE: "_global_scale",
            Part.INPUT_SCALE: "|input_global_scale",
        },
        TensorScaleForm.DIVISOR,
        needs_tensor_scale=True,
    ),
    Family("gpt-oss", {Part.CODES: "_blocks", Part.BLOCK_SCALES: "_scales"}, dtypes=(BYTES,)),
    Family("mlx", {Part.CODES: "", Part.BLOCK_SCALES: "|scales"}, dtypes=(WORDS,)),
    Family(
        "gguf",
        {Part.CODES: "", Part.TENSOR_SCALE: "|scale", Part.INPUT_SCALE: "|input_scale"},
        dtypes=GGML,
    ),
    Family(MODELOPT.name, _MODELOPT, needs_tensor_scale=True),
    Family(
        MODELOPT.name,
        {**_MODELOPT, Part.BLOCK_SCALES: "|weight_scale", Part.TENSOR_SCALE: "|weight_scale_2"},
        needs_tensor_scale=True,
    ),
)


@dataclass(frozen=True, slots=True)
class Group:
    """The parts of one parameter that are there."""

    parameter: str
    family: Family
    parts: Mapping[Part, TensorInfo]

    def named(self, part: Part) -> str | None:
        """Return what a part is called, whether it is there or not."""
        return self.family.named(self.parameter, part)


def _with_base(b: str) -> Iterator[str]:
    """Return each P that has the base B."""
    if b.endswith("_") and not b.endswith(_STACKED):
        yield b.removesuffix("_")
    yield b + WEIGHT


def groups(tensors: Mapping[str, TensorInfo]) -> list[Group]:
    """Return the groups of parts that look like a weight of 4-bit codes, in the order of the file."""
    found, taken = [], set[str]()
    for name, info in tensors.items():
        group = next((g for g in _coded(name, info, tensors)), None)
        if group is not None:
            found.append(group)
            taken.update(i.name for i in group.parts.values())
    usual = {g.family.name for g in found}
    for name, info in tensors.items():
        if name not in taken and (group := _orphaned(name, info, tensors, usual)) is not None:
            found.append(group)
            taken.update(i.name for i in group.parts.values())
    return found


def _coded(name: str, info: TensorInfo, tensors: Mapping[str, TensorInfo]) -> Iterator[Group]:
    """Return the group whose codes a tensor is, one for each family that it may belong to."""
    for family in FAMILIES:
        for p in family.parameters(name, Part.CODES):
            parts = _parts(p, family, tensors)
            own = Part.CODES in parts and parts[Part.CODES].name == name
            sure = bool(family.suffixes[Part.CODES]) or info.dtype in GGML or Part.BLOCK_SCALES in parts
            if own and info.dtype in family.dtypes and (sure or Part.TENSOR_SCALE in parts):
                yield Group(p, family, parts)


def _parts(p: str, family: Family, tensors: Mapping[str, TensorInfo]) -> dict[Part, TensorInfo]:
    names = {part: family.named(p, part) for part in Part}
    return {part: tensors[n] for part, n in names.items() if n is not None and n in tensors}


def _orphaned(
    name: str, info: TensorInfo, tensors: Mapping[str, TensorInfo], usual: Collection[str]
) -> Group | None:
    """Return the group of block scales, or of a tensor scale, whose codes are not there or are no codes.

    usual: the families that the file has whole weights of; names that say little count among these only
    """
    found = []
    for family in FAMILIES:
        sure = family.needs_tensor_scale or family.name == "torchao"
        for part in (Part.BLOCK_SCALES, Part.TENSOR_SCALE) if sure or family.name in usual else ():
            bytes_ = (_E4M3, "F8_E8M0") if sure else (_E4M3, "F8_E8M0", BYTES)
            if part is Part.TENSOR_SCALE or (info.dtype in bytes_ and len(info.shape) > 1):
                found += [Group(p, family, _parts(p, family, tensors)) for p in family.parameters(name, part)]
    return max(found, key=lambda g: (len(g.parts), g.family.name in usual), default=None)
