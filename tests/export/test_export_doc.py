"""The commands of docs/vectors.md, "Other languages", run as they stand: the same output."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.docs.session import commands, said_by
from tests.export.exported import source
from tests.meta.tree import ROOT

TEXT = (ROOT / "docs" / "vectors.md").read_text(encoding="utf-8").split("## Other languages\n")[1]
SECTIONS = dict(part.split("\n", 1) for part in TEXT.split("\n### ")[1:])
NEEDS = {"SystemVerilog": "iverilog", "C": "gcc", "JSON": "grep", "npz": "ls"}


def steps(section: str) -> list[tuple[str, str]]:
    """Return the commands of a section and what each prints."""
    blocks = re.findall(r"```console\n(.*?)```", SECTIONS[section], flags=re.DOTALL)
    return [step for block in blocks for step in commands(block)]


#: Compiling all of 4over6 three times, and two runs of the testbench, take seconds.
LONG = {"SystemVerilog": pytest.mark.exhaustive, "C": pytest.mark.exhaustive}


@pytest.mark.sample(1)
@pytest.mark.parametrize("section", [pytest.param(s, marks=LONG.get(s, ())) for s in SECTIONS])
def test_the_commands_print_what_the_document_says(tmp_path, monkeypatch, section):
    if shutil.which(NEEDS[section]) is None:
        pytest.skip(f"{NEEDS[section]} is not installed: these commands were not run")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("fos_ref.export.source.load", lambda _files, names: source(*names))  # once
    Path("golden").symlink_to(ROOT / "golden")
    assert len(steps(section)) > 1
    for command, output in steps(section):
        assert (command, said_by(command)) == (command, output)
