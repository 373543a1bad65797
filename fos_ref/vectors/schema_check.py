"""A check of JSON against a closed JSON schema: the keywords that golden/schema.json uses, no others.

The schema itself is plain JSON Schema (2020-12), so any validator takes it; this one keeps `fos golden lint`
free of dependencies. A keyword that is not carried out here is an error, never ignored.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from fos_ref.errors import GoldenFormatError

Schema: TypeAlias = Mapping[str, Any]
_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
}
_SAID = frozenset({"$schema", "$id", "$defs", "title", "description"})  #: keywords that decide nothing


def violations(value: Any, schema: Schema, root: Schema, path: str = "") -> Iterator[str]:
    """Yield what of `value` breaks `schema`, each with its path; references are to `root`.

    Raises: GoldenFormatError for a keyword of the schema that is not known.
    """
    if "$ref" in schema:
        yield from violations(value, referred(schema["$ref"], root), root, path)
    for keyword, wanted in schema.items():
        if keyword in _KEYWORDS:
            yield from _KEYWORDS[keyword](value, wanted, schema, root, path)
        elif keyword not in _SAID and keyword != "$ref":
            msg = f"schema keyword {keyword!r}: one of {', '.join(sorted(_KEYWORDS))} is allowed"
            raise GoldenFormatError(msg)


def referred(reference: str, root: Schema) -> Schema:
    """Return the definition that "#/$defs/name" names."""
    name = reference.removeprefix("#/$defs/")
    if name not in root["$defs"]:
        msg = f"schema reference {reference!r}: one of {', '.join(root['$defs'])} is allowed"
        raise GoldenFormatError(msg)
    definition: Schema = root["$defs"][name]
    return definition


def _type(value: Any, wanted: Any, _: Schema, __: Schema, path: str) -> Iterator[str]:
    names = [wanted] if isinstance(wanted, str) else wanted
    if not any(_TYPES[name](value) for name in names):
        yield f"{path or 'document'}: {_short(value)}: {' or '.join(names)} is allowed"


def _properties(value: Any, wanted: Any, schema: Schema, root: Schema, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        return
    for name in value.keys() - wanted.keys():
        if schema.get("additionalProperties") is False:
            yield f"{path}/{name}: no field of this name is allowed"
    for name, part in wanted.items():
        if name in value:
            yield from violations(value[name], part, root, f"{path}/{name}")


def _additional(value: Any, wanted: Any, schema: Schema, root: Schema, path: str) -> Iterator[str]:
    """Check the members of a table, an object without `properties`; a closed object is checked with them."""
    if isinstance(value, dict) and isinstance(wanted, dict):
        for name in value.keys() - schema.get("properties", {}).keys():
            yield from violations(value[name], wanted, root, f"{path}/{name}")


def _names(value: Any, wanted: Any, _: Schema, root: Schema, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name in value:
            yield from violations(name, wanted, root, f"{path}/{name}")


def _required(value: Any, wanted: Any, _: Schema, __: Schema, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (f"{path}/{name}: missing" for name in wanted if name not in value)


def _items(value: Any, wanted: Any, _: Schema, root: Schema, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for i, item in enumerate(value):
            yield from violations(item, wanted, root, f"{path}/{i}")


def _count(value: Any, wanted: int, _: Schema, __: Schema, path: str, *, least: bool) -> Iterator[str]:
    if isinstance(value, list) and (len(value) < wanted if least else len(value) > wanted):
        yield f"{path}: {len(value)} items: {'at least' if least else 'at most'} {wanted} are allowed"


def _bound(value: Any, wanted: int, _: Schema, __: Schema, path: str, *, least: bool) -> Iterator[str]:
    if _TYPES["integer"](value) and (value < wanted if least else value > wanted):
        yield f"{path}: {value}: {'at least' if least else 'at most'} {wanted} is allowed"


def _unique(value: Any, wanted: Any, _: Schema, __: Schema, path: str) -> Iterator[str]:
    if wanted and isinstance(value, list) and any(v in value[:i] for i, v in enumerate(value)):
        yield f"{path}: an item stands there twice"


def _pattern(value: Any, wanted: str, _: Schema, __: Schema, path: str) -> Iterator[str]:
    if isinstance(value, str) and not re.search(wanted, value):
        yield f"{path}: {_short(value)}: {wanted} is allowed"


def _enum(value: Any, wanted: Any, _: Schema, __: Schema, path: str) -> Iterator[str]:
    if not any(value == w and type(value) is type(w) for w in wanted):
        yield f"{path}: {_short(value)}: one of {wanted} is allowed"


def _const(value: Any, wanted: Any, schema: Schema, root: Schema, path: str) -> Iterator[str]:
    yield from _enum(value, [wanted], schema, root, path)


def _one_of(value: Any, wanted: Any, _: Schema, root: Schema, path: str) -> Iterator[str]:
    tried = [list(violations(value, part, root, path)) for part in wanted]
    fitting = [found for found in tried if not found]
    if len(fitting) > 1:
        yield f"{path or 'document'}: {len(fitting)} of the allowed forms fit, one has to"
    if not fitting:
        yield from min(tried, key=_depth)


def _depth(found: list[str]) -> tuple[int, int]:
    """Return how far a form is from fitting: one that breaks deep inside is closer than another."""
    return -min(line.partition(":")[0].count("/") for line in found), len(found)


def _short(value: Any) -> str:
    return repr(value)[:60]


_KEYWORDS: Mapping[str, Callable[[Any, Any, Schema, Schema, str], Iterator[str]]] = {
    "type": _type,
    "properties": _properties,
    "additionalProperties": _additional,
    "propertyNames": _names,
    "required": _required,
    "items": _items,
    "minItems": lambda *a: _count(*a, least=True),
    "maxItems": lambda *a: _count(*a, least=False),
    "minimum": lambda *a: _bound(*a, least=True),
    "maximum": lambda *a: _bound(*a, least=False),
    "uniqueItems": _unique,
    "pattern": _pattern,
    "enum": _enum,
    "const": _const,
    "oneOf": _one_of,
}
