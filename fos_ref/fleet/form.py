"""The documents of a fleet: canonical JSON, and the digests that name a plan and its tasks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from fos_ref.errors import CheckpointError
from fos_ref.fleet.places.place import Place, PLAN
from fos_ref.outside.form import Json, problem, validator
from fos_ref.outside.json import MOST_BYTES, read_json


def canonical(value: object) -> bytes:
    """Return JSON of which there is one: names sorted, no blanks."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(value: object) -> str:
    """Return the sha256 of a value's canonical JSON."""
    return hashlib.sha256(canonical(value)).hexdigest()


def document(value: object) -> bytes:
    """Return a file of a fleet, to be read by people too; names in their order, which outputs keep."""
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def read_form(at: Place, name: str, schema: Json) -> dict[str, Any] | None:
    """Return a document of a place; None where there is none. Raises: CheckpointError for another form."""
    data = at.read(name, MOST_BYTES)
    if data is None:
        return None
    value = read_json(data, at.path(name), CheckpointError, infinite=name == PLAN)  # a model's own numbers
    wrong = problem(validator(schema), value)
    if wrong is not None:
        msg = f"{at.path(name)}: {wrong}"
        raise CheckpointError(msg)
    found: dict[str, Any] = value
    return found


def of_fields(required: Mapping[str, Json]) -> Json:
    """Return the schema of an object that has these fields and no others."""
    return {
        "type": "object",
        "properties": dict(required),
        "required": sorted(required),
        "additionalProperties": False,
    }


TEXT: Json = {"type": "string"}
COUNT: Json = {"type": "integer", "minimum": 0}
SHA256: Json = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
OBJECT: Json = {"type": "object"}
REAL: Json = {"type": "number"}


def or_null(schema: Json) -> Json:
    """Return a schema that null fits too."""
    return {"anyOf": [schema, {"type": "null"}]}
