"""The units' own designs under Verilator: no warning, and 100,000 segments to the bit and to the cycle."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from fos_ref.export.segments import UNITS
from tests.export.exported import run
from tests.export.mac.segment_folder import SOURCES, written

pytestmark = pytest.mark.skipif(
    shutil.which("verilator") is None, reason="verilator is not installed: nothing was linted or run by it"
)
#: sha256 of every file of 100,000 segments, seed 0, by unit and policy; pin_segments.py writes it.
PINNED = json.loads((Path(__file__).parent / "segments.json").read_text())
FAST = ["--binary", "--timing", "-O3", "-MAKEFLAGS", "OPT_FAST=-O1 OPT_GLOBAL=-O0 OPT_SLOW=-O0"]
TOP = ["--top-module", "fos_mac_tb"]


@pytest.mark.sample(1)
@pytest.mark.parametrize("unit", UNITS)
def test_there_is_no_warning(tmp_path, unit):
    folder = written(tmp_path, unit, 2)
    assert run(["verilator", "--lint-only", "--timing", *TOP, *SOURCES], folder) == (0, "")


@pytest.mark.exhaustive
@pytest.mark.parametrize(("unit", "count"), [(u, 20_000 if "folded" in u else 100_000) for u in UNITS])
def test_a_hundred_thousand_segments(tmp_path, unit, count):
    """The folded units of own design have 20,000 of them."""
    folder = written(tmp_path, unit, count)
    manifest = json.loads((folder / "MANIFEST.json").read_text())
    want = PINNED[unit]["datapath"]
    if count == PINNED["count"]:
        assert {n: manifest["files"][n]["sha256"] for n in want["files"]} == want["files"]
        assert (manifest["results"], manifest["lost"]) == (want["results"], want["lost"])
    assert run(["verilator", *FAST, *TOP, *SOURCES], folder)[0] == 0
    code, said = run(["obj_dir/Vfos_mac_tb"], folder)
    line = f"PASS: {unit}: {manifest['cycles']} cycles, {manifest['results']} results"
    assert (code, said.splitlines()[0]) == (0, line)
