"""JSON in one form only: every golden file is written in it, and read back byte for byte."""

from __future__ import annotations

import json

from fos_ref.errors import GoldenFormatError
from fos_ref.foreign import shown
from fos_ref.outside.json import read_json
from fos_ref.vectors.bits import Json

FORMAT = 1  #: of every golden file


def canonical(document: Json) -> bytes:
    """Return JSON as it is committed: keys sorted, one space a level, ASCII, a newline at the end."""
    return (json.dumps(document, sort_keys=True, indent=1, ensure_ascii=True) + "\n").encode()


def parse(data: bytes, name: str) -> Json:
    """Return the document of `canonical` bytes; GoldenFormatError for any other form."""
    document = read_json(data, name, GoldenFormatError)
    if not isinstance(document, dict) or canonical(document) != data:
        msg = f"{name}: not in canonical form: `fos golden write` writes it"
        raise GoldenFormatError(msg)
    if document.get("format") != FORMAT:
        msg = f"{name}: format {shown(document.get('format'))}: {FORMAT} is allowed"
        raise GoldenFormatError(msg)
    return document
