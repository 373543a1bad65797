"""The file of distinguishing vectors: one per pair of axis values, bits only, in canonical JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fos_ref.engines.front import dequantize, quantize
from fos_ref.errors import GoldenFormatError, InputError, RecipeError
from fos_ref.formats.bits import f32_hex, from_f32_hex
from fos_ref.recipes.catalog import PRESETS
from fos_ref.recipes.recipe import plain_values, Recipe
from fos_ref.verify.bits_text import from_hex, to_hex
from fos_ref.verify.distinguish import axis_pairs, find, INDISTINGUISHABLE, plain_name, Vector
from fos_ref.verify.distributions import DTYPES
from fos_ref.verify.outcomes import amax_for, Input, Outcomes

FORMAT = 1
RAISES = "raises"
VALUES_AXIS = "dequantize"  #: this axis changes no byte of the quantized tensor, only what it stands for
_FIELDS = {"amax_bits", "axis", "base", "dtype", "shape", "sides", "values", "x_bits"}
_SIDE_FIELDS = {"axes", "expected", "fingerprint"}

Json = dict[str, Any]


def canonical(document: Json) -> bytes:
    """Return JSON as it is committed: keys sorted, one space a level, ASCII, a newline at the end."""
    return (json.dumps(document, sort_keys=True, indent=1, ensure_ascii=True) + "\n").encode()


def parse(data: bytes, name: str) -> Json:
    """Return the document of `canonical` bytes; GoldenFormatError for any other form."""
    try:
        document = json.loads(data)
    except ValueError as e:
        msg = f"{name}: not JSON ({e})"
        raise GoldenFormatError(msg) from e
    if not isinstance(document, dict) or canonical(document) != data:
        msg = f"{name}: not in canonical form: `fos golden write` writes it"
        raise GoldenFormatError(msg)
    if document.get("format") != FORMAT:
        msg = f"{name}: format {document.get('format')!r}: {FORMAT} is allowed"
        raise GoldenFormatError(msg)
    return document


def distinguishing(progress: Callable[[], None]) -> Json:
    """Search a vector for every pair of axis values; `progress` is called after each.

    Raises: GoldenFormatError where a pair has neither a vector nor a stated reason.
    """
    seen, vectors = Outcomes(), []
    for axis, u, v in axis_pairs():
        found = find(axis, u, v, seen)
        if found is not None:
            vectors.append(_vector(found))
        elif (axis, plain_name(u), plain_name(v)) not in INDISTINGUISHABLE:
            msg = f"axis {axis}: no input tells {plain_name(u)!r} from {plain_name(v)!r}"
            raise GoldenFormatError(msg)
        progress()
    reasons = [{"axis": k[0], "values": list(k[1:]), "reason": why} for k, why in INDISTINGUISHABLE.items()]
    return {"format": FORMAT, "indistinguishable": reasons, "vectors": vectors}


def _vector(v: Vector) -> Json:
    x, amax = v.input.x, v.input.amax
    axes = sorted({*v.base.diff(v.first), *v.base.diff(v.second), v.axis})
    return {
        "axis": v.axis,
        "values": list(v.values),
        "base": v.base.name,
        "dtype": next(name for name, dtype in DTYPES.items() if dtype == x.dtype),
        "shape": list(x.shape),
        "x_bits": to_hex(x),
        "amax_bits": None if amax is None else f32_hex(amax),
        "sides": [_side(r, v.input, axes, values=v.axis == VALUES_AXIS) for r in (v.first, v.second)],
    }


def _side(r: Recipe, given: Input, axes: list[str], *, values: bool) -> Json:
    """Return one recipe of a vector: the axes in which either departs from the base, and what it gives."""
    return {
        "axes": plain_values({axis: getattr(r, axis) for axis in axes}),
        "fingerprint": r.fingerprint(),
        "expected": result(r, given, "numpy", values=values),
    }


def result(r: Recipe, given: Input, engine: str, *, values: bool) -> Json | str:
    """Return what a recipe makes of an input, as hex; "raises" where it refuses it."""
    try:
        q = quantize(given.x, r, amax=amax_for(r, given), engine=engine)
    except InputError:
        return RAISES
    out: Json = {"codes": to_hex(q.codes), "block_scales": to_hex(q.block_scales)}
    return out | {"values_bits": to_hex(dequantize(q))} if values else out


@dataclass(frozen=True, slots=True)
class Side:
    """One recipe of a committed vector, and what it has to give."""

    recipe: Recipe
    fingerprint: str
    expected: Any


@dataclass(frozen=True, slots=True)
class Committed:
    """A vector read back."""

    name: str  #: axis: value | value
    axis: str
    values: tuple[str, str]
    input: Input
    sides: tuple[Side, Side]


def read_vector(v: Any) -> Committed:
    """Return a vector of the file; GoldenFormatError for anything that `distinguishing` would not write."""
    if not isinstance(v, dict) or set(v) != _FIELDS or not _are_two(v["values"]) or not _are_two(v["sides"]):
        msg = f"vector {str(v)[:60]}: fields {sorted(_FIELDS)}, two values and two sides are allowed"
        raise GoldenFormatError(msg)
    name = f"{v['axis']}: {' | '.join(map(str, v['values']))}"
    known = isinstance(v["base"], str) and v["base"] in PRESETS and v["dtype"] in list(DTYPES)
    if not known or not _is_shape(v["shape"]):
        msg = f"{name}: base {v['base']!r}, dtype {v['dtype']!r}, shape {v['shape']!r}: not all are known"
        raise GoldenFormatError(msg)
    x = from_hex(v["x_bits"], v["dtype"], (v["shape"][0], v["shape"][1]), f"{name}: x_bits")
    given = Input(x=x, amax=_amax(v["amax_bits"], name))
    first, second = (_read_side(s, PRESETS[v["base"]], name) for s in v["sides"])
    if first.expected == second.expected:
        msg = f"{name}: both sides expect the same, so nothing is distinguished"
        raise GoldenFormatError(msg)
    return Committed(name, v["axis"], tuple(v["values"]), given, (first, second))


def _are_two(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2  # noqa: PLR2004


def _is_shape(shape: Any) -> bool:
    return _are_two(shape) and all(type(n) is int and n > 0 for n in shape)


def _amax(text: Any, name: str) -> np.float32 | None:
    try:
        return None if text is None else from_f32_hex(text)
    except (TypeError, ValueError, OverflowError):
        msg = f"{name}: amax_bits {text!r}: eight hex digits or null are allowed"
        raise GoldenFormatError(msg) from None


def _read_side(s: Any, base: Recipe, name: str) -> Side:
    if not isinstance(s, dict) or set(s) != _SIDE_FIELDS or not isinstance(s["axes"], dict):
        msg = f"{name}: a side has exactly the fields {sorted(_SIDE_FIELDS)}"
        raise GoldenFormatError(msg)
    try:
        r = Recipe.from_dict({**base.to_dict(), **s["axes"], "name": f"{base.name}+{'+'.join(s['axes'])}"})
    except RecipeError as e:
        msg = f"{name}: {e}"
        raise GoldenFormatError(msg) from e
    return Side(r, s["fingerprint"], s["expected"])
