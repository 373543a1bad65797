"""The file of distinguishing vectors: one for each pair of axis values and for each mutant, bits only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from fos_ref.errors import GoldenFormatError, RecipeError
from fos_ref.foreign import shown
from fos_ref.recipes.catalog import PRESETS
from fos_ref.recipes.recipe import plain_values, Recipe
from fos_ref.vectors.bits import input_json, Json, read_input, result, Side
from fos_ref.vectors.canonical import FORMAT
from fos_ref.vectors.distinguishing.mutants import mutant_vectors
from fos_ref.vectors.distinguishing.outcomes import Input, Outcomes
from fos_ref.vectors.distinguishing.search import (
    axis_pairs,
    edition,
    find,
    INDISTINGUISHABLE,
    Pair,
    plain_name,
    Vector,
)

VALUES_AXIS = "dequantize"  #: this axis changes no byte of the quantized tensor, only what it stands for


#: Vectors that were found before, by axis and values.
Known: TypeAlias = Mapping[tuple[str, ...], Vector]
NOTHING: Known = MappingProxyType({})


def distinguishing(progress: Callable[[], None], known: Known = NOTHING) -> Json:
    """Search a vector for every pair of axis values and for every mutant; `progress` is called after each.

    known: the pairs for which nothing is searched: what their inputs give is computed again

    Raises: GoldenFormatError where a pair has neither a vector nor a stated reason, or a mutant no vector.
    """
    vectors = axis_vectors([p for p in axis_pairs() if edition(p) == 1], progress, known)
    reasons = [{"axis": k[0], "values": list(k[1:]), "reason": why} for k, why in INDISTINGUISHABLE.items()]
    mutants = mutant_vectors(progress)
    return {"format": FORMAT, "indistinguishable": reasons, "mutants": mutants, "vectors": vectors}


def axis_vectors(pairs: Iterable[Pair], progress: Callable[[], None], known: Known = NOTHING) -> list[Json]:
    """Search a vector for every pair of axis values that has no reason to have none."""
    seen, vectors = Outcomes(), []
    for axis, u, v in pairs:
        key = (axis, plain_name(u), plain_name(v))
        found = known.get(key) or find(axis, u, v, seen)
        if found is not None:
            vectors.append(_vector(found))
        elif key not in INDISTINGUISHABLE:
            msg = f"axis {axis}: no input tells {plain_name(u)!r} from {plain_name(v)!r}"
            raise GoldenFormatError(msg)
        progress()
    return vectors


def _vector(v: Vector) -> Json:
    axes = sorted({*v.base.diff(v.first), *v.base.diff(v.second), v.axis})
    return {
        "axis": v.axis,
        "values": list(v.values),
        "base": v.base.name,
        **input_json(v.input),
        "sides": [_side(r, v.input, axes, values=v.axis == VALUES_AXIS) for r in (v.first, v.second)],
    }


def _side(r: Recipe, given: Input, axes: list[str], *, values: bool) -> Json:
    """Return one recipe of a vector: the axes in which either departs from the base, and what it gives."""
    return {
        "axes": plain_values({axis: getattr(r, axis) for axis in axes}),
        "fingerprint": r.fingerprint(),
        "expected": result(r, given, "numpy", values=values),
    }


def known_vectors(vectors: Iterable[Json]) -> Known:
    """Return vectors of files, which fit their schema, as the search would have found them."""
    known: dict[tuple[str, ...], Vector] = {}
    for v in vectors:
        c = read_vector(v)
        first, second = (side.recipe for side in c.sides)
        known[c.axis, *c.values] = Vector(
            axis=c.axis, values=c.values, base=PRESETS[v["base"]], first=first, second=second, input=c.input
        )
    return known


@dataclass(frozen=True, slots=True)
class Committed:
    """A vector read back."""

    name: str  #: axis: value | value
    axis: str
    values: tuple[str, str]
    input: Input
    sides: tuple[Side, Side]


def read_vector(v: Json) -> Committed:
    """Return a vector of a file that fits its schema; GoldenFormatError where it tells nothing apart."""
    name = f"{v['axis']}: {' | '.join(map(str, v['values']))}"
    if v["base"] not in PRESETS:
        msg = f"{name}: base {shown(v['base'])}: the name of a preset is allowed"
        raise GoldenFormatError(msg)
    given = read_input(v, name)
    first, second = (_read_side(s, PRESETS[v["base"]], name) for s in v["sides"])
    if first.expected == second.expected:
        msg = f"{name}: both sides expect the same, so nothing is distinguished"
        raise GoldenFormatError(msg)
    return Committed(name, v["axis"], tuple(v["values"]), given, (first, second))


def _read_side(s: Json, base: Recipe, name: str) -> Side:
    try:
        r = Recipe.from_dict({**base.to_dict(), **s["axes"], "name": f"{base.name}+{'+'.join(s['axes'])}"})
    except RecipeError as e:
        msg = f"{name}: {e}"
        raise GoldenFormatError(msg) from e
    return Side(r, s["fingerprint"], s["expected"])
