"""The form of the file that the peers' suite writes, as a closed JSON schema."""

from __future__ import annotations

from functools import cache
from typing import Any

from fos_ref.outside.closed import closed, COUNT, items, optional, table, TEXT

FORMAT = 1
OUTPUTS = ("codes", "block_scales", "picked4")

_NAMES = items(TEXT, 1, 1000)


def _schema() -> dict[str, Any]:
    differing = closed({name: optional(COUNT) for name in OUTPUTS})
    preset = closed(
        {
            "peer": TEXT,
            "version": TEXT,
            "blocks": COUNT,
            "differing_bytes": differing,
            "families": _NAMES,
            "dtypes": _NAMES,
            "fingerprint": TEXT,
        },
        {
            "block": TEXT,
            "blocks_left_out": COUNT,
            "left_out_because": optional(TEXT),
            "ci": {"type": "boolean"},
        },
    )
    return closed(
        {
            "format": {"const": FORMAT},
            "presets": table(preset),
            "not_run": table(TEXT),
            "versions": table(TEXT),
        },
        {"conversions": table(table({"oneOf": [COUNT, TEXT]})), "peers": {"type": "object"}},
    )


@cache
def checker() -> Any:
    """Return what checks such a document; made once."""
    from fos_ref.outside.form import validator  # noqa: PLC0415 -- `fos --help` needs no jsonschema

    return validator(_schema())
