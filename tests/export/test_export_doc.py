"""The commands of docs/vectors.md, "Other languages", run as they stand: the same output."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from fos_ref import cli
from tests.export.exported import source
from tests.meta.tree import ROOT

TEXT = (ROOT / "docs" / "vectors.md").read_text(encoding="utf-8").split("## Other languages\n")[1]
SECTIONS = dict(part.split("\n", 1) for part in TEXT.split("\n### ")[1:])
NEEDS = {"SystemVerilog": "iverilog", "C": "gcc", "JSON": "grep", "npz": "ls"}


def steps(section: str) -> list[tuple[str, str]]:
    """Return the commands of a section and what each prints."""
    found: list[tuple[str, str]] = []
    for block in re.findall(r"```console\n(.*?)```", SECTIONS[section], flags=re.DOTALL):
        for command, output in re.findall(
            r"^\$ ((?:.*\\\n)*.*\n)((?:(?!\$ ).*\n)*)", block, flags=re.MULTILINE
        ):
            found.append((command, output))
    return found


def said_by(command: str, capsys) -> str:
    """Run a command in the working directory, `fos` and `cd` within this process."""
    words = command.split()
    if words[0] == "cd":
        os.chdir(words[1])
        return ""
    if words[0] == "fos":
        assert cli.run(words[1:]) == 0
        return capsys.readouterr().out
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True, timeout=300)
    assert done.stderr == ""
    return done.stdout


#: Compiling all of 4over6 three times, and two runs of the testbench, take seconds.
LONG = {"SystemVerilog": pytest.mark.exhaustive, "C": pytest.mark.exhaustive}


@pytest.mark.parametrize("section", [pytest.param(s, marks=LONG.get(s, ())) for s in SECTIONS])
def test_the_commands_print_what_the_document_says(tmp_path, monkeypatch, capsys, section):
    if shutil.which(NEEDS[section]) is None:
        pytest.skip(f"{NEEDS[section]} is not installed: these commands were not run")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("fos_ref.export.source.load", lambda _files, names: source(*names))  # once
    Path("golden").symlink_to(ROOT / "golden")
    assert len(steps(section)) > 1
    for command, output in steps(section):
        assert (command, said_by(command, capsys)) == (command, output)
