"""docs/mac.md: its figures are those of the code, of the pinned segments and of the committed report."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks.mac_size_page import page, sums, table
from fos_ref.export.segments import UNITS
from fos_ref.matmul.units import folded, mac, segments
from tests.docs.document import read_tables, ROOT, text_of
from tests.matmul.test_folded import LARGEST, NEAR

TEXT = text_of("mac.md")
TABLES = {name: rows for name, (_, rows) in read_tables(TEXT).items()}
PINNED = json.loads((ROOT / "tests/export/mac/segments.json").read_text())
SIZES = json.loads((ROOT / "reports/mac-size.json").read_text())


def test_the_units_and_when_their_results_come():
    want = {name: (design, run) for name, (run, _, design) in UNITS.items()}
    late = {mac: "c + 6", folded: "c + 2"}
    assert [[r[0], r[1], r[3]] for r in TABLES["unit"]] == [
        [f"`{n}`", f"`{design}`", late[run]] for n, (design, run) in want.items()
    ]
    beats = segments(5, 1)
    starts = np.flatnonzero(beats.first & beats.enable)
    for run, delay in ((mac, 6), (folded, 2)):
        found = run("nvfp4", beats, "datapath")
        assert found.cycles.tolist() == (starts[1:][found.segments] + delay).tolist()


def test_the_segments_are_the_pinned_ones():
    rows = dict(TABLES["what"])
    lanes, whole = PINNED["nvfp4"]["datapath"], PINNED["nvfp4-folded"]["datapath"]
    assert PINNED["if4"]["datapath"]["results"] == lanes["results"]
    assert rows["cycles"] == f"{lanes['cycles']:,}"
    assert rows["results of the published units"] == f"{lanes['results']:,}"
    assert rows["lost in their reducer"] == f"{lanes['lost']:,}"
    assert rows["results of the folded units"] == f"{whole['results']:,}"


@pytest.mark.exhaustive
def test_how_long_they_are():
    rows = dict(TABLES["what"])
    beats = segments(100_000, 0)
    lengths = np.diff(np.flatnonzero(beats.first[beats.enable]))
    assert rows["beats"] == f"{int(beats.enable.sum()):,}"
    assert rows["segments of 1 to 4 beats"] == f"{int((lengths < 5).sum()):,}"


def test_how_near_the_folded_unit_comes():
    rows = [
        [f"`{u}`", f"{n:,}", f"{ours:,}", f"{theirs:,}", f"{n - ours - theirs:,}"]
        for u, (theirs, ours, n) in NEAR.items()
    ]
    assert TABLES["compared unit"] == rows
    assert f"up to {LARGEST:,}" in TEXT


def test_the_sizes_are_those_of_the_report():
    assert table(SIZES) in TEXT
    assert sums(SIZES) in TEXT
    assert page(SIZES) == (ROOT / "reports/mac-size.md").read_text()
