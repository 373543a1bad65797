"""What commands print besides tables: lines that may hold names from outside, and JSON documents."""

from __future__ import annotations

import json
from math import isfinite
from typing import Any

import typer

from fos_ref.errors.text import lines

_WHOLE = 1 << 16  #: a block in hex, with its candidates, is shorter; nothing of ours is cut


def say(text: str) -> None:
    """Print lines. The breaks are ours; whatever else is not printable is escaped."""
    typer.echo(lines(text, _WHOLE))


def say_json(document: Any, *, indent: int | None = 2) -> None:
    """Print one JSON document in ASCII: JSON escapes the rest. What is not finite has no place in it."""
    typer.echo(json.dumps(document, indent=indent, allow_nan=False))


def finite(document: Any) -> Any:
    """Return a document with null where a number is not finite: the losses of a model that diverged."""
    if isinstance(document, float):
        return document if isfinite(document) else None
    if isinstance(document, dict):
        return {k: finite(v) for k, v in document.items()}
    return [finite(v) for v in document] if isinstance(document, list | tuple) else document
