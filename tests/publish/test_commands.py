"""The four commands that write: signals, a disk that fills, two at once. They run in processes (child.py)."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.every import every
from tests.meta.tree import ROOT
from tests.publish.child import SIGNALS
from tests.publish.rooms import WRITERS

_ROW = re.compile(r"^\| ([A-Z0-9]+) \| (\d+) \| (.+) \|$", re.MULTILINE)
DOCUMENTED = {
    name: (int(code), left)
    for name, code, left in _ROW.findall((ROOT / "docs/outputs.md").read_text(encoding="utf-8"))
}
LINE = {
    "removed": "No such file or directory",
    "appeared": r"exists already|is not a regular file|something is there already",
    "full": "No space left on device",
    "read-only": "Read-only file system",
    "forbidden": "Permission denied",
    "file limit": "File too large",
}
Found = dict[str, Any]


def run_parts(*parts: str) -> list[Found]:
    """Return what happened in each case of these parts of child.py."""
    memory = Path("/dev/shm")  # where fsync costs nothing
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        command = [sys.executable, "-m", "tests.publish.child", folder, *parts]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_table_has_every_signal_that_is_tried():
    assert sorted(DOCUMENTED) == sorted(SIGNALS)


@pytest.mark.parametrize(
    "part",
    [
        pytest.param("killed_in_turn", marks=pytest.mark.long),
        pytest.param("killed", marks=pytest.mark.exhaustive),
    ],
)
def test_a_signal_ends_as_documented_and_the_next_run_leaves_nothing(part):
    def as_documented(f: Found) -> None:
        code, left = DOCUMENTED[f["what"]]
        assert (f["code"], f["said"]) == (code, "")
        assert bool(f["left"]) == left.startswith("the hidden folder")
        assert (f["next"], f["left_after"]) == (0, [])
        in_time = f["moment"] == "renaming" or f["what"] == "XFSZ"
        mixed = ("mixed",) if f["what"] == "KILL" and in_time else ()
        assert f["state"] in (("new",) if in_time else ("nothing", "old")) + mixed

    found = run_parts(part)
    tried = {(f["command"], f["what"]) for f in found}
    assert tried == set(product(WRITERS, SIGNALS)) or part != "killed"
    assert ({c for c, _ in tried}, {s for _, s in tried}) == (set(WRITERS), set(SIGNALS))
    every(found)(as_documented)()


@pytest.mark.long
def test_what_goes_wrong_is_one_line_and_of_two_at_once_none_is_half():
    """Folders that go, names that appear, full and read-only disks, two writers."""
    found = run_parts(*CHECKS)
    here = [f for f in found if "skipped" not in f]
    assert {(f["command"], f["part"]) for f in found} == set(product(WRITERS, CHECKS))
    every(here)(lambda f: CHECKS[f["part"]](f))()
    if len(here) < len(found):
        why = next(f["skipped"] for f in found if "skipped" in f)
        pytest.skip(f"all but a full and a read-only disk was tried: no mount of our own here: {why}")


def one_line(f: Found) -> None:
    """Assert that a command ended with one line, which names the target."""
    assert f["code"] == 2
    assert re.fullmatch(rf"fos: .*({LINE[f['what']]}).*\n", f["said"])
    assert ".fos-" not in f["said"]
    assert any(f["said"].startswith(f"fos: {out.rstrip('/')}") for out in WRITERS[f["command"]].outputs)
    assert (f["left"], f.get("left_after", [])) == ([], [])
    assert f["state"] in ("nothing", "old")


def one_or_both(f: Found) -> None:
    """Assert that one of two got the name, or the last one of them."""
    replaces = f["command"] in ("report", "golden write") or f["what"].endswith("--force")
    assert f["codes"] == ([0, 0] if replaces else [0, 2])
    assert f["said"].count("\n") == (0 if replaces else 1)
    assert (f["left"], f["state"]) == ([], "new")


CHECKS = {"disturbed": one_line, "forbidden": one_line, "mounted": one_line, "together": one_or_both}
