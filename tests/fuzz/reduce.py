"""A failing input made small, and saved with what is needed to see it again."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from pathlib import Path

from tests.fuzz.judge import finished, Input, judged, Outcome

SECONDS = 5.0  #: spent on one input


def smaller(given: Input, found: Outcome, folder: Path, seconds: float = SECONDS) -> Input:
    """Return the input with parts of its changed file taken out, as long as it fails in the same way."""
    end, size = time.monotonic() + seconds, len(given.files[given.changed]) // 2
    while size and time.monotonic() < end:
        data, at, shrunk = given.files[given.changed], 0, False
        while at < len(data) and time.monotonic() < end:
            tried = data[:at] + data[at + size :]
            other = replace(given, files=finished(given.sample, given.changed, tried))
            if _same(judged(other, folder), found):
                given, data, shrunk = other, tried, True
            else:
                at += size
        size = size if shrunk and size > 1 else size // 2
    return given


def _same(a: Outcome, b: Outcome) -> bool:
    return (a.kind, a.where) == (b.kind, b.where)


def save(given: Input, found: Outcome, facts: dict[str, object], failures: Path) -> Path:
    """Write the files of a failing input, and failure.json beside them; return their folder."""
    place = re.sub(r"[^a-z0-9]+", "-", f"{facts['target']} {facts['index']}".lower()).strip("-")
    folder = failures / place
    for name, data in given.files.items():
        (folder / "files" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "files" / name).write_bytes(data)
    reader = given.reader if isinstance(given.reader, str) else given.reader.__name__
    told = facts | {"kind": found.kind, "where": found.where, "detail": found.detail}
    told |= {"reader": reader, "changed": given.changed}
    (folder / "failure.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return folder
