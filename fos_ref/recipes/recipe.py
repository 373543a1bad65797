"""A recipe: one dialect of NVFP4 as a value. Two recipes differ exactly where `diff` says."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from enum import Enum
from functools import cache
from typing import Any, cast, get_type_hints, TypeGuard

from fos_ref.errors import RecipeError
from fos_ref.errors.text import listed
from fos_ref.foreign import shown
from fos_ref.notebook import markup
from fos_ref.recipes.dialect import BLOCK, DESCRIPTIVE, Dialect, MX_BLOCK, NO_BOUND, SCALE_BOUNDS, YOUNGER
from fos_ref.recipes.legal import broken_rows, given, MX_BLOCK_SCALES

__all__ = [
    "BLOCK",
    "DESCRIPTIVE",
    "MX_BLOCK",
    "MX_BLOCK_SCALES",
    "NO_BOUND",
    "SCALE_BOUNDS",
    "Recipe",
    "field_kind",
    "plain_values",
]

_FIELDS = 3  #: unknown or missing fields of JSON that a message names
LONGEST_TEXT = 500  #: characters of each of these


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe(Dialect):
    """One dialect as a value: a field for every decision that moves a bit, and where it was learnt.

    Two recipes give different bits only if `diff` lists an axis. Change an axis with
    `dataclasses.replace(recipe, name=..., axis=value)`. docs/numerics.md has a table of values for each axis.
    The five fields that default to None belong to the choice between two candidates and are None without one.
    Two of them can be None with a choice: `reduction` for the ABS_MAX metric, which has no order, and
    `map4_scale` where the candidates are not 4/6.

    Raises: RecipeError for a combination that has no meaning, for a value of the wrong type, and for a name
    or a source that is not of printable characters.
    """

    source: str = ""  #: repo@commit:path::symbol
    evidence: str = "own"  #: ran | read | own

    def __post_init__(self) -> None:
        _check_types(self)
        for broken, why in broken_rows(self):
            if broken:
                msg = f"recipe {self.name!r}: {why}"
                raise RecipeError(msg)

    def __hash__(self) -> int:
        """Return the hash of the name: equal recipes have one name, and caches ask often."""
        return hash(self.name)

    def diff(self, other: Recipe) -> dict[str, tuple[Any, Any]]:
        """Return {axis: (mine, other's)} for every axis that differs; empty means the same bits.

        Raises: RecipeError for what is no `Recipe`.
        """
        if not issubclass(type(other), Recipe):  # isinstance would ask the object itself
            msg = f"recipe {self.name!r} beside {shown(other)}: a Recipe is allowed"
            raise RecipeError(msg)
        mine, theirs = self.every_axis(), other.every_axis()
        return {k: (mine[k], theirs[k]) for k in mine if mine[k] != theirs[k]}

    def fingerprint(self) -> str:
        """Return the sha256 of the axes as canonical JSON: equal fingerprints mean equal bits."""
        text = json.dumps(plain_values(self.axes()), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def _repr_html_(self) -> str:
        """Return the recipe for a notebook: a row for each axis, its source and fingerprint above."""
        rows = [[axis, "none" if v is None else v] for axis, v in plain_values(self.every_axis()).items()]
        about = f"{self.name}: {self.source or 'own'} ({self.evidence}), {self.fingerprint()[:12]}"
        return markup.table(["axis", "value"], rows, about)

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as plain JSON values; a younger axis is left out where it has its default."""
        told = {*DESCRIPTIVE, *self.axes()}
        return plain_values({f.name: getattr(self, f.name) for f in fields(self) if f.name in told})

    @classmethod
    def from_dict(cls, data: object) -> Recipe:
        """Return the recipe of `to_dict` output. Raises RecipeError that names a missing or wrong field."""
        known = [f.name for f in fields(cls)]
        given = cast("dict[Any, Any]", data) if issubclass(type(data), dict) else None
        if given is None or set(given) | set(YOUNGER) != set(known):
            what = "not an object" if given is None else _fields_apart(given, known)
            msg = f"recipe JSON: {what}: exactly the fields {', '.join(known)} are allowed"
            raise RecipeError(msg)
        return cls(**{k: _parse(k, v) for k, v in given.items()})


def _fields_apart(data: dict[Any, Any], known: list[str]) -> str:
    """Return which fields are unknown and which are missing, the first of each."""
    apart = {
        "unknown": [k if type(k) is str else shown(k) for k in data if k not in known],
        "missing": [k for k in known if k not in data and k not in YOUNGER],
    }
    return "; ".join(f"{what} {listed(names, _FIELDS)}" for what, names in apart.items() if names)


def _is_axis(value: Any) -> TypeGuard[Enum]:
    return issubclass(type(value), Enum)


def plain_values(values: dict[str, Any]) -> dict[str, Any]:
    """Return `values` with every axis member as its JSON name."""
    return {k: v.value if _is_axis(v) else v for k, v in values.items()}


@cache
def _field_types(name: str) -> tuple[type, ...]:
    """Return the types a field may hold, its own first; cached because reading annotations is slow."""
    hint: type = get_type_hints(Recipe)[name]
    kinds: tuple[type, ...] = getattr(hint, "__args__", ()) or (hint,)
    return tuple(sorted(kinds, key=lambda t: t is type(None)))


def field_kind(name: str) -> type:
    """Return the type of a field: an axis enum, int or str."""
    return _field_types(name)[0]


def _optional(name: str) -> bool:
    return type(None) in _field_types(name)


def _parse(name: str, value: object) -> Any:
    kind = field_kind(name)
    if not issubclass(kind, Enum) or (value is None and _optional(name)):
        return value
    try:
        return kind(value)
    except ValueError:
        allowed = [str(m.value) for m in kind]
        msg = f"recipe JSON: {name} {given(value)}: one of {', '.join(allowed)} is allowed"
        raise RecipeError(msg) from None


def _check_types(r: Recipe) -> None:
    for f in fields(r):
        value, kind = getattr(r, f.name), field_kind(f.name)
        if type(value) is not kind and not (value is None and _optional(f.name)):
            msg = f"recipe {shown(r.name)}: {f.name} {given(value)}: {_wanted(kind)} is allowed"
            raise RecipeError(msg)
    if not r.name:
        msg = "recipe '': a name is needed"
        raise RecipeError(msg)
    for name in DESCRIPTIVE:  # they go into messages, tables, file names and pages
        text = getattr(r, name)
        if not text.isprintable() or len(text) > LONGEST_TEXT:
            allowed = f"{LONGEST_TEXT} printable characters are allowed"
            msg = f"recipe {shown(r.name)}: {name} {given(text)}: {allowed}"
            raise RecipeError(msg)


def _wanted(kind: type) -> str:
    """Return what a field takes: of an axis its type and every value."""
    if not issubclass(kind, Enum):
        return {str: "a text", int: "a whole number"}[kind]
    return f"a {kind.__name__} ({', '.join(str(m.value) for m in kind)})"
