"""The vectors of training in each form of an export: the file itself, arrays, a C header, memories."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from fos_ref.export.arrays import constants, memories
from fos_ref.formats.arrays import AnyArray
from fos_ref.vectors.bits import Json
from fos_ref.vectors.canonical import canonical
from fos_ref.vectors.npz import write_npz

_STEM = "training"
_RULES = ("sr-a", "sr-b", "sr-c")
_FEEDS = ("byte-lane", "pair-bit-reversed", "byte-natural", "half-bit-reversed", "half", "word")
_TENSOR = {"random_bits": "u4", "tensor_amax_bits": "u4", "codes": "u1", "block_scales": "u1"}
#: step -> field -> width of a number; x of a tensor is float32, widened from bfloat16. Numbers of one field
#: stand one after the other for all vectors of a step; those of vector i begin at FIELD_first[i] and end
#: before FIELD_first[i + 1].
FIELDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "philox": {"rounds": "u1", "counter": "u4", "key": "u4", "words": "u4"},
        "words": {"shape": "u4", "seed": "u8", "offset": "u8", "rounds": "u1", "rows": "u4", "words": "u4"},
        "rounding": {
            "rule": "u1",
            "feed": "u1",
            "bits": "u1",
            "values_bits": "u4",
            "random_bits": "u4",
            "numbers": "u4",
            "codes": "u1",
        },
        "rotation": {"signs": "u2", "x_bits": "u2", "y_bits": "u2", "decided": "u1"},
        "quantize": {"shape": "u4", "x_bits": "u4", "amax_given": "u1", "amax_bits": "u4", **_TENSOR},
        "chain": {"shape": "u4", "x_bits": "u2", "seed": "u8", "offset": "u8", "signs": "u2"}
        | {
            f"{side}_{k}": dtype
            for side in ("row", "column")
            for k, dtype in {**_TENSOR, "first_words": "u4"}.items()
            if k != "random_bits"
        },
    }
)


def vectors_of(document: Json, step: str) -> list[Json]:
    """Return the vectors of one step, in the order of the file."""
    return [v for v in document["vectors"] if v["step"] == step]


def columns(document: Json) -> dict[str, AnyArray]:
    """Return STEP_FIELD and STEP_FIELD_first for every field."""
    found: dict[str, AnyArray] = {}
    for step, fields in FIELDS.items():
        for name, dtype in fields.items():
            each = [_numbers(v, name) for v in vectors_of(document, step)]
            found[f"{step}_{name}"] = np.array([n for numbers in each for n in numbers], dtype)
            sizes = np.array([0, *map(len, each)], np.int64)
            found[f"{step}_{name}_first"] = np.cumsum(sizes).astype(np.uint32)
    return found


def _numbers(v: Json, name: str) -> list[int]:
    """Return the numbers of one field, flat."""
    side, _, inner = name.partition("_")
    if side in ("row", "column"):
        return _flat(v[side][inner])
    if name == "amax_given":
        return [int(v["amax_bits"] is not None)]
    if name == "rule":
        return [_RULES.index(v[name])]
    if name == "feed":
        return [_FEEDS.index(v[name])]
    found = _flat(v[name])
    return [n << 16 for n in found] if (v.get("dtype"), name) == ("bfloat16", "x_bits") else found


def _flat(value: Any) -> list[int]:
    if isinstance(value, list):
        return [n for part in value for n in _flat(part)]
    if isinstance(value, int):
        return [value]
    return [int(w, 16) for w in value.split(" ")] if value is not None else [0]


def _ids(document: Json) -> bytes:
    """Return a line a vector: its id and its comment, steps in the order of FIELDS."""
    each = [v for step in FIELDS for v in vectors_of(document, step)]
    return "".join(
        f"{v['id']}\t{v.get('recipe', v.get('map', '-'))}\t{v['comment']}\n" for v in each
    ).encode()


def _json(document: Json) -> dict[str, bytes]:
    return {f"{_STEM}/{_STEM}.json": canonical(document)}


def _npz(document: Json) -> dict[str, bytes]:
    ids = np.frombuffer(_ids(document), np.uint8)
    return {f"{_STEM}/{_STEM}.npz": write_npz(columns(document) | {"ids": ids})}


def _memh(document: Json) -> dict[str, bytes]:
    return {f"{_STEM}/ids.txt": _ids(document)} | memories(_STEM, columns(document))


def _c(document: Json) -> dict[str, bytes]:
    return {f"{_STEM}/fos_{_STEM}.h": "\n".join(_header(document)).encode("ascii")}


def _header(document: Json) -> Iterator[str]:
    yield "/* Golden vectors of training numerics: numbers of vector i of a step are FIELD[FIELD_first[i]] to"
    yield "   FIELD[FIELD_first[i + 1]] without it. Rules: 0 to 2 are sr-a, sr-b, sr-c. Feeds: 0 to 5 are"
    yield f"   {', '.join(_FEEDS)}. */"
    yield from ("#ifndef FOS_TRAINING_H", "#define FOS_TRAINING_H", "", "#include <stdint.h>", "")
    for step in FIELDS:
        vectors = vectors_of(document, step)
        yield f"#define FOS_TRAINING_{step.upper()}_COUNT {len(vectors)}"
        yield f"static const char *const fos_training_{step}_id[{len(vectors)}] = {{"
        yield from (f'    "{v["id"]}",' for v in vectors)
        yield "};"
    yield from constants("fos_training", columns(document))
    yield from ("", "#endif", "")


FORMS: Mapping[str, Callable[[Json], dict[str, bytes]]] = MappingProxyType(
    {"json": _json, "npz": _npz, "memh": _memh, "c": _c}
)


def training_files(form: str, document: Json) -> dict[str, bytes]:
    """Return the files of one form by name."""
    return FORMS[form](document)
