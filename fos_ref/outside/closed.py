"""Parts of a closed JSON schema: objects with these names and no other, tables, lists, what may be null."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Json = dict[str, Any]

TEXT: Json = {"type": "string", "pattern": "[ -~]{0,1000}"}
NAME: Json = {"pattern": "[ -~]{1,200}"}
COUNT: Json = {"type": "integer", "minimum": 0, "maximum": 1 << 62}
#: A NaN is one of them, where the reader of the document lets it stand.
NUMBER: Json = {"type": "number", "minimum": -1e12, "maximum": 1e12}


def optional(form: Json) -> Json:
    """Return the form of what may be null."""
    return {"oneOf": [{"type": "null"}, form]}


def table(values: Json, names: Json = NAME) -> Json:
    """Return the form of an object with any names of a form, and values of another."""
    return {"type": "object", "propertyNames": names, "additionalProperties": values}


def closed(required: Json, more: Json | None = None) -> Json:
    """Return the form of an object that has every required name, may have `more`, and has no other."""
    return {
        "type": "object",
        "properties": required | (more or {}),
        "required": list(required),
        "additionalProperties": False,
    }


def items(form: Json, least: int = 0, most: int = 1_000_000) -> Json:
    """Return the form of a list."""
    return {"type": "array", "items": form, "minItems": least, "maxItems": most}


def one_of(values: Iterable[str]) -> Json:
    """Return the form of one of some texts."""
    return {"type": "string", "enum": list(values)}
