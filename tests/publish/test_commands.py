"""The four commands that write: signals, a disk that fills, two at once. They run in processes (child.py)."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

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
    "file limit": "File too large",
}
Found = dict[str, Any]


@pytest.fixture(scope="module")
def found() -> list[Found]:
    """Return what happened in each case."""
    memory = Path("/dev/shm")  # where fsync costs nothing
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        command = [sys.executable, "-m", "tests.publish.child", folder]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


def of(found: list[Found], part: str, **what: str) -> list[Found]:
    chosen = [f for f in found if f["part"] == part and what.items() <= f.items()]
    assert chosen
    return chosen


def test_the_table_has_every_signal_that_is_tried():
    assert sorted(DOCUMENTED) == sorted(SIGNALS)


@pytest.mark.parametrize("command", WRITERS)
@pytest.mark.parametrize("signal", SIGNALS)
def test_a_signal_ends_as_documented_and_the_next_run_leaves_nothing(found, command, signal):
    code, left = DOCUMENTED[signal]
    for f in of(found, "killed", command=command, what=signal):
        assert f["code"] == code
        assert f["said"] == ""
        assert bool(f["left"]) == left.startswith("the hidden folder")
        assert (f["next"], f["left_after"]) == (0, [])
        in_time = f["moment"] == "renaming" or signal == "XFSZ"
        mixed = ("mixed",) if signal == "KILL" and f["moment"] == "renaming" else ()
        assert f["state"] in (("new",) if in_time else ("nothing", "old")) + mixed


@pytest.mark.parametrize("command", WRITERS)
@pytest.mark.parametrize("what", LINE)
def test_what_goes_wrong_is_one_line_about_the_target_and_nothing_changes(found, command, what):
    (f,) = of(found, "disturbed", command=command, what=what)
    if "skipped" in f:
        pytest.skip(f"no mount of our own here: {f['skipped']}")
    assert f["code"] == 2
    assert re.fullmatch(rf"fos: .*({LINE[what]}).*\n", f["said"])
    assert ".fos-" not in f["said"]
    assert any(f["said"].startswith(f"fos: {out.rstrip('/')}") for out in WRITERS[command].outputs)
    assert (f["left"], f.get("left_after", [])) == ([], [])
    assert f["state"] in ("nothing", "old")


@pytest.mark.parametrize("command", WRITERS)
def test_of_two_at_once_one_gets_the_name_or_the_last_one_wins(found, command):
    for f in of(found, "together", command=command):
        replaces = command in ("report", "golden write") or f["what"].endswith("--force")
        assert f["codes"] == ([0, 0] if replaces else [0, 2])
        assert f["said"].count("\n") == (0 if replaces else 1)
        assert (f["left"], f["state"]) == ([], "new")
