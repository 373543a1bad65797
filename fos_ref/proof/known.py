"""A finding that was written before, read to hold another against it: before the proof runs, not after."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from fos_ref.errors import InputError
from fos_ref.outside.json import read_json_file

_COUNT = {"type": "integer", "minimum": 0}
_SCHEMA = {
    "type": "object",
    "properties": {
        "compared": _COUNT,
        "unexplained": _COUNT,
        "figures": {"type": "object"},
        "not_run": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "required": ["compared", "figures", "not_run"],
}


def file_name(proof: str) -> str:
    """Return the name of a proof's file in a folder of findings."""
    return f"proof-{proof}.json"


def read_known(path: Path) -> dict[str, Any]:
    """Return what `document` wrote. Raises: OSError; InputError for a file that is none."""
    from fos_ref.outside.form import problem  # noqa: PLC0415 -- `fos --help` needs no jsonschema

    found = read_json_file(path)
    wrong = problem(_checker(), found)
    if wrong is not None:
        msg = f"{path}: not the finding of a proof: {wrong}"
        raise InputError(msg)
    known: dict[str, Any] = found
    return known


@cache
def _checker() -> Any:
    from fos_ref.outside.form import validator  # noqa: PLC0415

    return validator(_SCHEMA)
