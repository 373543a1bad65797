"""What the parts of a file say without any original: parts that are missing, scales that are no numbers."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from math import prod

import numpy as np

from fos_ref.formats.arrays import AnyArray
from fos_ref.inspect.problems import counted, joined, Kind, Problem, some
from fos_ref.storage.fused import fused_groups, halves
from fos_ref.storage.held import BlockFormat, Held
from fos_ref.storage.held_bytes import tensor_scale_of
from fos_ref.storage.held_find import Found
from fos_ref.storage.parts import Group, Part
from fos_ref.storage.shards import Shards
from fos_ref.storage.tensor_info import TensorInfo

_MOST_SCALES = 1 << 16  #: values of a tensor of scales that is looked through
_DIGITS = re.compile(r"\d+")
_FLOATS = ("F32", "F16", "BF16")
_WHAT = {
    "zero": (Kind.ZERO_OR_NAN, "is 0"),
    "NaN": (Kind.ZERO_OR_NAN, "is NaN"),
    "infinite": (Kind.NOT_FINITE, "is infinite"),
    "negative": (Kind.TENSOR_SCALE, "is negative"),
}


def missing_parts(found: Found, file: Shards, told: Collection[str]) -> list[Problem]:
    """Return what is missing of the weights of a file; `told` are those whose tensor scale is said to be."""
    said: list[tuple[Kind, str, str]] = []
    for g in found.groups:
        said += [(Kind.MISSING_PART, g.parameter, what) for what in _missing(g, file)]
    whole = [g for g in found.groups if not any(True for _ in _missing(g, file))]
    powers = {w.parameter for w in found.weights if w.format is BlockFormat.MXFP4}
    for family in dict.fromkeys(g.family.name for g in whole):
        said += _without_input([g for g in whole if g.family.name == family and g.parameter not in powers])
    said += _without_tensor_scale(whole, powers)
    return joined(s for s in said if s[1] not in told or "no tensor scale" not in s[2])


def _missing(g: Group, file: Shards) -> Iterator[str]:
    there = set(g.parts)
    if Part.CODES not in there and g.named(Part.CODES) not in file.tensors:
        yield f"{some_parts(there)} without codes"
    if Part.BLOCK_SCALES not in there and g.named(Part.BLOCK_SCALES) is not None:
        yield "no block scales (weight_scale): nothing can be decoded"


def some_parts(parts: Iterable[Part]) -> str:
    """Return the names of parts, in the order of a weight's."""
    return " and ".join(p.value for p in Part if p in set(parts))


def _pattern(name: str) -> str:
    return _DIGITS.sub("#", name)


def _without_input(whole: Sequence[Group]) -> list[tuple[Kind, str, str]]:
    """Return the weights whose input scale is missing where others of their kind have one.

    Of a kind are weights whose names differ in digits only, and those that runtimes join. A kind that has
    none at all is left alone, and so are embeddings: they may be quantized in their weights only.
    whole: NVFP4 weights of one family
    """
    have = {g.parameter for g in whole if Part.INPUT_SCALE in g.parts}
    lack = {g.parameter for g in whole} - have
    if not have or not lack:
        return []
    kinds: dict[str, list[str]] = {}
    for g in whole:
        kinds.setdefault(_pattern(g.parameter), []).append(g.parameter)
    excused = {n for n in lack if "embed" in n}
    excused |= {n for names in kinds.values() if len(names) > 1 and not have & set(names) for n in names}
    joined_to = {
        n for group in fused_groups([g.parameter for g in whole]) if have & set(group) for n in group
    }
    bad = sorted(lack & joined_to | lack - excused)
    has = f"which {len(have):,} of {len(whole):,} weights have: it is read as 0 or as garbage"
    by_name = {g.parameter: _last(g, Part.INPUT_SCALE) for g in whole}
    return [(Kind.MISSING_PART, n, f"no {by_name[n]}, {has}") for n in bad]


def _without_tensor_scale(whole: Sequence[Group], powers: Collection[str]) -> list[tuple[Kind, str, str]]:
    """Return the weights without a tensor scale where the family needs one, or others of the file have one.

    powers: those of MXFP4, which has none
    """
    having = {_kind(g) for g in whole if Part.TENSOR_SCALE in g.parts}
    bad = []
    for g in whole:
        needs = g.family.needs_tensor_scale or (g.family.name == "torchao" and _kind(g) in having)
        needs |= g.family.name == "gguf" and (g.family.name, _pattern(g.parameter)) in having
        if Part.TENSOR_SCALE not in g.parts and needs and g.parameter not in powers:
            bad.append(g)
    return [(Kind.MISSING_PART, g.parameter, f"no tensor scale ({_last(g, Part.TENSOR_SCALE)})") for g in bad]


def _kind(g: Group) -> tuple[str, str]:
    """Return the family, of GGUF also the kind of weight: its converter leaves out a tensor scale of 1."""
    return g.family.name, _pattern(g.parameter) if g.family.name == "gguf" else ""


def _last(g: Group, part: Part) -> str:
    return str(g.named(part)).rpartition(".")[2]


def scale_values(found: Found, file: Shards) -> list[Problem]:
    """Return the tensor and input scales, and those of other tensors, that are no positive finite numbers."""
    said: list[tuple[Kind, str, str]] = []
    seen: set[str] = set()
    for held in found.weights:
        stored = tensor_scale_of(file, held)
        if held.tensor_scale is not None and stored is not None:
            seen.add(held.tensor_scale.name)
            said += _odd(np.asarray([stored]), held.name, "its tensor scale")
        if held.input_scale is not None and held.input_scale.dtype in _FLOATS:
            seen.add(held.input_scale.name)
            said += _odd(_input_scales(file, held, held.input_scale), held.name, _named(held.input_scale))
    for info in file.tensors.values():
        if info.name not in seen and _is_scale(info):
            said += _odd(file.read_values(info.name, 0, prod(info.shape)), info.name, "it")
    return joined(said)


def _named(info: TensorInfo) -> str:
    return f"its {info.name.rpartition('.')[2]}"


def _input_scales(file: Shards, held: Held, info: TensorInfo) -> AnyArray:
    """Return the input scales of a weight: all there are, or those of its expert."""
    size = prod(info.shape)
    if not held.index or size % held.experts or size > _MOST_SCALES:
        return file.read_values(info.name, 0, min(size, _MOST_SCALES))
    each = size // held.experts
    start = held.index[0] * each
    if len(held.index) > 1 and each > 1:
        start, each = start + held.index[1] * (each // 2), each // 2
    return file.read_values(info.name, start, start + each)


def _is_scale(info: TensorInfo) -> bool:
    last = info.name.rpartition(".")[2]
    telling = last.endswith(("_scale", "_scale_2", "_scale_inv")) or last == "input_scale"
    return telling and info.dtype in _FLOATS and 0 < prod(info.shape) <= _MOST_SCALES


def _odd(values: AnyArray, weight: str, what: str) -> list[tuple[Kind, str, str]]:
    found = {
        "zero": values == 0,
        "NaN": np.isnan(values),
        "infinite": np.isinf(values),
        "negative": (values < 0) & np.isfinite(values),
    }
    said = []
    for word, where in found.items():
        n = int(np.count_nonzero(where))
        kind, verb = _WHAT[word]
        of = f" in {n:,} of {values.size:,} values" if values.size > 1 else ""
        said += [(kind, weight, f"{what} {verb}{of}")] if n else []
    return said


def fused_siblings(weights: Sequence[Held], stored: Sequence[np.float32 | None]) -> list[Problem]:
    """Return the weights that runtimes join and whose tensor scales differ.

    Those of torchao and of GGUF are left alone: their own runtimes multiply each with its own tensor scale.
    """
    given = [(w, s) for w, s in zip(weights, stored, strict=True) if w.family.needs_tensor_scale]
    scale = {w.name: s for w, s in given if s is not None and s > 0 and np.isfinite(s)}
    kinds: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for group in (*fused_groups(scale), *halves(scale)):
        kinds.setdefault(tuple(_member(n) for n in group), []).append(group)
    found = []
    for members, groups in kinds.items():
        bad = [g for g in groups if len({scale[n] for n in g}) > 1]
        if bad:
            apart = max(float(max(scale[n] for n in g)) / float(min(scale[n] for n in g)) for g in bad)
            names = tuple(n for g in bad for n in g)
            what = (
                f"{some(names)}: {len(bad):,} of {counted(len(groups), 'group')} of {'/'.join(members)} have "
                f"different tensor scales, up to {apart:.4g} times apart: "
                "a fused product uses one of them for all"
            )
            found.append(Problem(Kind.FUSED_SIBLINGS, names, what))
    return found


def _member(name: str) -> str:
    if name.endswith(("][0]", "][1]")):
        return "w1" if name.endswith("[0]") else "w3"
    return name.partition("[")[0].removesuffix(".weight").rpartition(".")[2]
