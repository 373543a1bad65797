"""Bulk vectors: the same random tensors through every preset, codes, scales and choices in npz files.

Inputs are made of whole numbers (SplitMix64), so that no library's random stream is part of the vectors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fos_ref.engines.front import quantize
from fos_ref.errors import GoldenFormatError
from fos_ref.formats.arrays import AnyArray
from fos_ref.formats.bits import f32_hex
from fos_ref.inputs.distributions import DTYPES
from fos_ref.recipes.catalog import PRESETS
from fos_ref.recipes.recipe import Recipe
from fos_ref.vectors.bits import Json
from fos_ref.vectors.blocks import bell, wide
from fos_ref.vectors.canonical import canonical, FORMAT, parse
from fos_ref.vectors.distinguishing.check import Failure
from fos_ref.vectors.distinguishing.outcomes import amax_for, Input
from fos_ref.vectors.editions import LATER
from fos_ref.vectors.npz import read_npz, write_npz
from fos_ref.vectors.schema import check
from fos_ref.vectors.words import words

INDEX = "v1/bulk.json"
INPUTS = "v1/bulk/inputs.npz"
#: Presets that are younger than INDEX, which stays, have another.
INDICES = (INDEX, *(e.bulk_name for e in LATER))
KIND = "bulk"
SHAPE = (16, 128)
_COMMENT = (
    "Every preset on every input. v1/bulk/inputs.npz holds each input's bits under its name; a recipe's file "
    "holds codes, block_scales and picked4 with the inputs along the first axis, in the order given here."
)
_OUTPUTS = ("block_scales", "codes", "picked4")


@dataclass(frozen=True, slots=True)
class BulkInput:
    """One tensor that every preset quantizes."""

    name: str
    comment: str
    given: Input


def inputs() -> list[BulkInput]:
    """Return the inputs, in their order."""
    f32, bf16, f16 = (DTYPES[d] for d in ("float32", "bfloat16", "float16"))
    halves = (words(5, SHAPE[0] * SHAPE[1]) % np.uint64(25)).astype(np.int64).reshape(SHAPE) - 12
    coarse = (halves / 2 * 2.0 ** -(np.arange(SHAPE[0]) % 3)[:, None]).astype(f32)
    named: list[tuple[str, str, AnyArray, float | None]] = [
        ("bell-float32", "like a normal distribution", bell(1, SHAPE), None),
        ("bell-bfloat16", "like a normal distribution", bell(2, SHAPE).astype(bf16), None),
        ("bell-float16", "like a normal distribution", bell(3, SHAPE).astype(f16), None),
        ("bell-given", "like a normal distribution, the caller's amax", bell(4, SHAPE), 5.03125),
        ("coarse-bfloat16", "few significant bits, ties of every kind", coarse.astype(bf16), None),
        ("wide-float32", "exponents over 24 binades", wide(6, SHAPE, "float32", 140, 23), None),
        ("wide-bfloat16", "exponents over 16 binades", wide(7, SHAPE, "bfloat16", 127, 15), None),
        ("tiny-float32", "values whose squares are subnormal", bell(8, SHAPE, 2.0**-70), None),
    ]
    return [
        BulkInput(name, comment, Input(x=x, amax=None if amax is None else np.float32(amax)))
        for name, comment, x, amax in named
    ]


def recipes() -> list[Recipe]:
    """Return every preset, each under its first name."""
    return list({r.name: r for r in PRESETS.values()}.values())


def files() -> Iterator[tuple[str, bytes]]:
    """Yield the name and the bytes of every bulk file, the indices last."""
    given = inputs()
    bits = {i.name: _bits(i.given.x) for i in given}
    yield INPUTS, write_npz(bits)
    for r in recipes():
        yield name_of(r), write_npz(_made(r, given, "numpy"))
    for name in INDICES:
        index = {
            "format": FORMAT,
            "kind": KIND,
            "comment": _COMMENT,
            "inputs": [_described(i) for i in given],
            "recipes": _listed(name),
        }
        yield name, canonical(index)


def _listed(index: str) -> dict[str, str]:
    """Return the presets of an index and their fingerprints."""
    place = {name: e.bulk_name for e in LATER for name in e.presets}
    return {r.name: r.fingerprint() for r in recipes() if place.get(r.name, INDEX) == index}


def names() -> list[str]:
    """Return the names of `files`, in order."""
    return [INPUTS, *map(name_of, recipes()), *INDICES]


def name_of(r: Recipe) -> str:
    """Return the name of a recipe's file in the golden folder."""
    return f"v1/bulk/{r.name}.npz"


def _bits(x: AnyArray) -> AnyArray:
    return x.view(f"u{x.dtype.itemsize}")


def _described(i: BulkInput) -> Json:
    x, amax = i.given.x, i.given.amax
    return {
        "name": i.name,
        "comment": i.comment,
        "dtype": x.dtype.name,
        "shape": list(x.shape),
        "amax_bits": None if amax is None else f32_hex(amax),
    }


def _made(r: Recipe, given: Sequence[BulkInput], engine: str) -> dict[str, AnyArray]:
    """Return what an engine makes of every input, stacked: codes, block scales and choices."""
    found = [quantize(i.given.x, r, amax=amax_for(r, i.given), engine=engine) for i in given]
    choices = [np.asarray(q.picked4, dtype=np.uint8) for q in found]
    parts = ([q.block_scales for q in found], [q.codes for q in found], choices)
    return {name: np.stack(part) for name, part in zip(_OUTPUTS, parts, strict=True)}


def read(files: Mapping[str, bytes]) -> list[BulkInput]:
    """Return the inputs; GoldenFormatError where an index or the inputs are not those of this version."""
    if any(name not in files for name in (*INDICES, INPUTS)):
        msg = f"{', '.join(INDICES)}, {INPUTS}: all are needed to read a bulk file"
        raise GoldenFormatError(msg)
    parsed = {name: parse(files[name], name) for name in INDICES}
    for name, index in parsed.items():
        check(index, KIND, name)
    stored = read_npz(files[INPUTS], INPUTS)
    for name, index in parsed.items():
        _check_index(name, index, [*stored], files)
    return [_read_input(i, stored[i.name]) for i in inputs()]


def _check_index(name: str, index: Json, stored: list[str], files: Mapping[str, bytes]) -> None:
    expected = inputs()
    if index["inputs"] != [_described(i) for i in expected] or stored != sorted(i.name for i in expected):
        msg = f"{name}: the inputs of this version are {', '.join(i.name for i in expected)}"
        raise GoldenFormatError(msg)
    if index["recipes"] != _listed(name) or any(name_of(PRESETS[r]) not in files for r in _listed(name)):
        msg = f"{name}: recipes, fingerprints or files are not those of the presets"
        raise GoldenFormatError(msg)


def _read_input(i: BulkInput, bits: AnyArray) -> BulkInput:
    if bits.shape != i.given.x.shape or bits.dtype.itemsize != i.given.x.dtype.itemsize:
        msg = f"{INPUTS}: {i.name} is {bits.dtype} {bits.shape}: the index says {i.given.x.shape}"
        raise GoldenFormatError(msg)
    x = np.ascontiguousarray(bits.astype(f"u{bits.dtype.itemsize}", copy=False)).view(i.given.x.dtype)
    return BulkInput(i.name, i.comment, Input(x=x, amax=i.given.amax))


def failures(data: bytes, r: Recipe, given: Sequence[BulkInput], engine: str) -> Iterator[Failure]:
    """Yield, for each input and output of a recipe's file, how many bytes an engine gives otherwise."""
    want, got = read_npz(data, name_of(r)), _made(r, given, engine)
    shapes = {name: (a.shape, a.dtype.name) for name, a in got.items()}
    if {name: (a.shape, a.dtype.name) for name, a in want.items()} != shapes:
        msg = f"{name_of(r)}: arrays {shapes} are allowed"
        raise GoldenFormatError(msg)
    for n, i in enumerate(given):
        for name in _OUTPUTS:
            different = np.argwhere(got[name][n] != want[name][n])
            if different.size:
                at = tuple(int(v) for v in different[0])
                where = f"{name}, {len(different)} bytes, the first at {at}"
                values = (f"{int(a[name][n][at]):02X}" for a in (got, want))
                yield Failure(f"bulk/{r.name}/{i.name}", -1, where, *values)
