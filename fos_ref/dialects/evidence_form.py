"""The form of the file that the peers' suite writes, as a closed JSON schema."""

from __future__ import annotations

from functools import cache
from typing import Any

FORMAT = 1
OUTPUTS = ("codes", "block_scales", "picked4")

_TEXT = {"type": "string", "pattern": "[ -~]{0,1000}"}
_NAME = {"pattern": "[ -~]{1,200}"}
_COUNT = {"type": "integer", "minimum": 0, "maximum": 1 << 62}
_NAMES = {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": 1000}


def _optional(form: dict[str, Any]) -> dict[str, Any]:
    return {"oneOf": [{"type": "null"}, form]}


def _table(values: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "propertyNames": _NAME, "additionalProperties": values}


def _closed(required: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": required | more,
        "required": list(required),
        "additionalProperties": False,
    }


def _schema() -> dict[str, Any]:
    differing = _closed({name: _optional(_COUNT) for name in OUTPUTS}, {})
    preset = _closed(
        {
            "peer": _TEXT,
            "version": _TEXT,
            "blocks": _COUNT,
            "differing_bytes": differing,
            "families": _NAMES,
            "dtypes": _NAMES,
            "fingerprint": _TEXT,
        },
        {
            "block": _TEXT,
            "blocks_left_out": _COUNT,
            "left_out_because": _optional(_TEXT),
            "ci": {"type": "boolean"},
        },
    )
    return _closed(
        {
            "format": {"const": FORMAT},
            "presets": _table(preset),
            "not_run": _table(_TEXT),
            "versions": _table(_TEXT),
        },
        {"conversions": _table(_table({"oneOf": [_COUNT, _TEXT]})), "peers": {"type": "object"}},
    )


@cache
def checker() -> Any:
    """Return what checks such a document; made once."""
    from fos_ref.outside.form import validator  # noqa: PLC0415 -- `fos --help` needs no jsonschema

    return validator(_schema())
