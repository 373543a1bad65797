"""What the golden schema is written with: closed objects, arrays, hex words."""

from __future__ import annotations

from typing import Any

from fos_ref.vectors.bits import Json
from fos_ref.vectors.canonical import FORMAT

NULL: Json = {"type": "null"}
TEXT: Json = {"type": "string", "pattern": "^[ -~]+$"}
SHA: Json = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
FLAG: Json = {"$ref": "#/$defs/flag"}


def closed(**properties: Any) -> Json:
    """Return an object with exactly these fields."""
    return {
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
        "additionalProperties": False,
    }


def ref(name: str) -> Json:
    """Return a reference to a definition."""
    return {"$ref": f"#/$defs/{name}"}


def either(*forms: Json) -> Json:
    """Return what fits exactly one of the forms."""
    return {"oneOf": list(forms)}


def array(items: Json, least: int = 1, most: int | None = None) -> Json:
    """Return a list of such items."""
    found: Json = {"type": "array", "items": items, "minItems": least}
    return found if most is None else found | {"maxItems": most}


def table(values: Json, names: Json) -> Json:
    """Return an object whose names and values have these forms."""
    return {"type": "object", "propertyNames": names, "additionalProperties": values}


def whole_number(least: int = 0) -> Json:
    """Return an integer."""
    return {"type": "integer", "minimum": least}


def hex_words(*digits: int) -> Json:
    """Return numbers of so many hex digits in one string, with a space between them."""
    one = "|".join(f"[0-9A-F]{{{n}}}( [0-9A-F]{{{n}}})*" for n in digits)
    return {"type": "string", "pattern": f"^({one})$"}


WORD: Json = {"type": "string", "pattern": "^[0-9A-F]{8}$"}
BYTE: Json = {"type": "string", "pattern": "^[0-9A-F]{2}$"}
SHAPE: Json = {"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 2, "maxItems": 2}
RECIPE: Json = {"$ref": "#/$defs/recipe"}
FILE_FORMAT: Json = {"const": FORMAT}
#: An axis value as JSON: a name, a bound, or null where the axis does not apply.
