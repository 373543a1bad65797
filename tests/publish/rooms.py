"""The four commands that write, each with work that takes no time, in a folder of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest
from safetensors.numpy import save_file

from fos_ref.report import documents
from fos_ref.storage.checkpoint import QuantizedCheckpoint
from fos_ref.vectors import layout
from fos_ref.vectors.canonical import canonical, FORMAT
from fos_ref.vectors.manifest import FROZEN, MANIFEST, manifest
from tests.vectors.folder import files

GOLDEN = ("notes.json", layout.NAME, "v1/nvfp4/worked.json")
EMPTY = canonical({"format": FORMAT})
OLD_LIST = manifest(dict.fromkeys(GOLDEN, EMPTY))
OLD = (b"old", EMPTY, b"mine", OLD_LIST)
EXPORTED = {"MANIFEST.json": b"[]", "c/a.c": b"int a;", "c/b.c": b"int b;"}


class Writer(NamedTuple):
    """A command that writes."""

    arguments: tuple[str, ...]  #: in a folder that `prepare` filled
    again: tuple[str, ...]  #: the same, where an output that is there is no error
    outputs: tuple[str, ...]  #: below the folder


QUANTIZE = ("quantize", "in.safetensors", "out.safetensors", "--engine", "numpy")
REPORT = ("report", "--quick", "--engine", "numpy", "--out", "reports")
WRITE = ("golden", "write", "--dir", "golden")
EXPORT = ("golden", "export", "--format", "c", "--dir", "golden", "-o")
WRITERS = {
    "quantize": Writer(QUANTIZE, (*QUANTIZE, "--force"), ("out.safetensors",)),
    "report": Writer(REPORT, REPORT, ("reports/quick/",)),
    "golden write": Writer(WRITE, WRITE, ("golden/",)),
    "golden export": Writer((*EXPORT, "out"), (*EXPORT, "next"), ("out/", "next/")),
}


def prepare(folder: Path) -> None:
    """Fill a folder with what the four commands read, and files that they will replace."""
    x = np.linspace(-3, 5, 4096, dtype=np.float32).reshape(64, 64)
    save_file({"a.weight": x, "b.weight": x[:16] / 3, "c.bias": x[0].copy()}, folder / "in.safetensors")
    for name in (*GOLDEN, FROZEN, MANIFEST):
        path = folder / "golden" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes({FROZEN: files()[FROZEN], MANIFEST: OLD_LIST}.get(name, EMPTY))
    for name in ("report.md", "errors.csv"):
        path = folder / "reports/quick" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"old")


def state(folder: Path, outputs: tuple[str, ...]) -> str:
    """Return what lies at the outputs: nothing, old, new, mixed; or the first file that is neither."""
    found = set()
    for path in (p for out in outputs for p in _files(folder / out)):
        name, data = path.relative_to(folder).as_posix(), path.read_bytes()
        kind = "old" if data in OLD else "new" if _is_new(path, data) else name
        found |= {kind} if path.name not in (FROZEN, "mine") else set()
    return (
        ", ".join(found - {"old", "new"}) or {0: "nothing", 1: next(iter(found), ""), 2: "mixed"}[len(found)]
    )


def _files(path: Path) -> list[Path]:
    inside = [p for p in path.rglob("*") if p.is_file() and not p.relative_to(path).parts[0].startswith(".")]
    return sorted(inside) if path.is_dir() else [p for p in (path,) if p.exists()]


def _is_new(path: Path, data: bytes) -> bool:
    """Return whether a file is as its command writes it."""
    if path.suffix == ".safetensors":
        with QuantizedCheckpoint(path) as f:
            return f.names == ("a.weight", "b.weight")
    known = {*files().values(), *EXPORTED.values(), b"new " + path.name.encode()}
    return data in known or (path.name == MANIFEST and json.loads(data)["kind"] == "manifest")


def no_work(patch: pytest.MonkeyPatch) -> None:
    """Let the commands measure, make and read nothing; what they write is small and known."""
    made = {n: files()[n] for n in GOLDEN}
    patch.setattr("fos_ref.vectors.folder.generated", lambda *_: made)
    patch.setattr("fos_ref.commands.report._measure", lambda *_, **__: (None, None))
    new = {n: b"new " + n.encode() for n in documents.REPORT_NAMES}
    patch.setattr("fos_ref.report.documents.report_files", lambda _: new)
    patch.setattr("fos_ref.export.source.load", lambda *_: SimpleNamespace(vectors=[]))
    patch.setattr("fos_ref.export.document.documents", lambda *_: EXPORTED)


Hook = Callable[[], None]


def at(patch: pytest.MonkeyPatch, moment: str, act: Hook) -> None:
    """Call `act` once: when a file has been opened, or after the first of the renames."""
    owner, name = {
        "writing": ("fos_ref.publish.publication.Publication.open", "open"),
        "renaming": ("fos_ref.publish.moves._move", "_move"),
    }[moment]
    from fos_ref.publish import moves, publication  # noqa: PLC0415 -- what `owner` names

    real = getattr(publication.Publication if name == "open" else moves, name)
    called = []

    def then(*args: object, **more: object) -> object:
        found = real(*args, **more)
        if not called:
            called.append(1)
            act()
        return found

    patch.setattr(owner, then)
