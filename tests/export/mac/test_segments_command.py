"""`fos matmul segments`: the folder is what its manifest says, the sample is the committed one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fos_ref import cli
from fos_ref.commands import matmul_segments as command
from fos_ref.export import segments as export
from fos_ref.export.segments import segment_files
from fos_ref.matmul.units.decode import CODE_8
from fos_ref.matmul.units.segments import MOST
from fos_ref.vectors.manifest import digest

PINNED = json.loads((Path(__file__).parent / "segments.json").read_text())
SAMPLE = Path(__file__).parent / "sample"


def test_the_command_writes_the_files(tmp_path, capsys):
    out = tmp_path / "out"
    asked = ["--unit", "if4", "--count", "20", "--seed", "3", "--code8", "assert"]
    assert cli.run(["matmul", "segments", *asked, "-o", str(out)]) == 0
    want = segment_files("if4", 20, 3, "assert")
    assert {p.name: p.read_bytes() for p in out.iterdir()} == want
    said = capsys.readouterr().out
    assert said.startswith(f"{out}: if4, 20 segments, ")
    manifest = json.loads(want["MANIFEST.json"])
    assert {n: f["sha256"] for n, f in manifest["files"].items()} == {
        n: digest(d) for n, d in want.items() if n != "MANIFEST.json"
    }
    assert cli.run(["matmul", "segments", *asked, "-o", str(out)]) == 2


def test_the_committed_sample_is_made_again():
    """The first segments of the pinned set: what a reader can look at, and what any machine must give."""
    for unit in export.UNITS:
        made = segment_files(unit, PINNED["sample"], 0)
        for path in (SAMPLE / unit).iterdir() if (SAMPLE / unit).exists() else ():
            assert made[path.name] == path.read_bytes(), path.name
    assert len(list(SAMPLE.glob("*/*.memh"))) >= 8


@pytest.mark.exhaustive
@pytest.mark.parametrize(("unit", "policy"), [("if4", "assert"), ("if4-folded", "datapath")])
def test_the_pinned_sets_are_made_again(unit, policy):
    """Of the others test_mac_verilator.py has two, and pin_segments.py all."""
    manifest = json.loads(segment_files(unit, PINNED["count"], 0, policy)["MANIFEST.json"])
    want = PINNED[unit][policy]
    assert {n: manifest["files"][n]["sha256"] for n in want["files"]} == want["files"]
    assert (manifest["results"], manifest["lost"]) == (want["results"], want["lost"])


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--unit", "mxfp4"], "one of nvfp4, if4, nvfp4-folded, if4-folded is allowed"),
        (["--unit", "if4", "--count", "0"], "a whole number from 1 to 10000000 is allowed"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path, capsys, more, said):
    assert cli.run(["matmul", "segments", "-o", str(tmp_path / "out"), *more]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_the_options_are_those_of_the_code():
    assert tuple(export.UNITS) == command.UNITS
    assert set(command.POLICIES) == set(CODE_8)
    assert command.MOST == MOST
