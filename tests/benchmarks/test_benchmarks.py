"""The benchmarks measure what they say: turns, shares, bits, what is missing; the report is theirs."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import count
from pathlib import Path

import numpy as np
import pytest

import fos_ref
from benchmarks import first_call, peers, sizes, speed
from benchmarks.__main__ import main
from benchmarks.clock import alternate, ratios, Rounds, Spread, Subject, visit
from benchmarks.document import markdown, number
from benchmarks.peers import Prepared
from benchmarks.subjects import Case, Copy, DTYPES, GIVEN, INCLUDED, our_bits, ours, RECIPES, tensor
from tests.differential.peers.base import Peer, PeerMissing

ROOT = Path(__file__).parents[2]
REPORT = ROOT / "reports" / "benchmark-cpu.json"
BRIEF = Rounds(2, 0.0)


@pytest.fixture(autouse=True)
def no_collection(monkeypatch):
    """Leave a whole test run's objects where they are: to collect them takes seconds."""
    monkeypatch.setattr("benchmarks.clock.gc.collect", lambda: 0)


def test_every_round_visits_all_and_starts_elsewhere():
    calls = []
    subjects = [Subject(n, lambda n=n: calls.append(n)) for n in "abc"]
    times = alternate(subjects, Rounds(2, 0.0))
    assert "".join(calls) == "aabbcc" + "bbccaa"  # the first call of a visit does not count
    assert {n: len(t) for n, t in times.items()} == {"a": 2, "b": 2, "c": 2}


def test_a_visit_is_the_median_of_its_counted_calls():
    ticks = iter([0.0, 5.0])
    assert visit(lambda: None, Rounds(1, 0.0, lambda: next(ticks))) == 5.0
    clock = count()
    assert visit(lambda: None, Rounds(1, 0.001, lambda: float(next(clock)))) == 1.0


def test_spreads_and_ratios_are_of_the_same_round():
    assert Spread.of([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0)
    assert Spread.of([1 / 3]).document(3) == {"median": 0.333, "low": 0.333, "high": 0.333}
    assert ratios([4.0, 9.0, 8.0], [2.0, 3.0, 1.0]) == Spread(3.0, 2.0, 8.0)


def test_a_value_moves_its_input_codes_scale_and_choice():
    assert Case("4over6", "float32", GIVEN).bytes_per_value(passes=1) == 4.625
    assert Case("4over6", "float32", INCLUDED).bytes_per_value(passes=2) == 8.625
    assert Case("4over6", "bfloat16", INCLUDED).bytes_per_value(passes=2) == 4.625
    x = tensor((16, 1024), "bfloat16")
    q = fos_ref.quantize(x)
    assert (x.nbytes + q.codes.nbytes + q.block_scales.nbytes + q.picked4.nbytes) / x.size == 2.625


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_copy_copies_every_byte(threads):
    copy = Copy(tensor((7, 16), "bfloat16"), threads)
    assert not np.array_equal(copy.source, copy.target)
    copy()
    assert np.array_equal(copy.source, copy.target)


def test_the_share_of_the_copy_is_counted_in_bytes_a_second():
    x, case = tensor((16, 1024), "float32"), Case("4over6", "float32", INCLUDED)
    table = speed.Table(x, {case.name: [2.0, 2.0, 4.0], speed.COPY: [1.0, 1.0, 1.0]}, 1)
    row = table.case(case)
    assert table.copied("float32")["gigabytes_per_second"]["median"] == 0.0001311  # 2 * 65,536 bytes a second
    assert row["milliseconds"] == {"median": 2000.0, "low": 2000.0, "high": 4000.0}
    assert row["share_of_copy_compulsory"]["median"] == 0.2891  # 4.625 / 8 / 2
    assert row["share_of_copy_as_read"]["median"] == 0.5391  # 8.625 / 8 / 2


class _Absent(Peer):
    name, version = "absent", "1"


def _absent(x, threads):  # noqa: ARG001 -- a peer's maker
    msg = "absent is not installed"
    raise PeerMissing(msg)


def _wrong(x, threads):  # noqa: ARG001 -- a peer's maker
    codes, scales = our_bits(x, "te-mse-256")
    codes[3, 5] ^= 0x10
    return Prepared("wrong", "1", "te-mse-256", lambda: None, lambda _: (codes, scales))


def test_a_peer_that_is_not_installed_is_named_and_one_wrong_byte_is_counted(monkeypatch):
    monkeypatch.setattr(peers, "PEERS", {_Absent(): _absent, Peer(): _wrong})
    found = speed.measure((16, 1024), BRIEF, 1)
    assert found["not_run"] == {"absent 1": "absent is not installed"}
    assert [(p["differing_bytes"], p["blocks_compared"]) for p in found["peers"]] == [(1, 1024)] * 2
    assert len(found["ours"]) == len(RECIPES) * len(DTYPES) * 2
    assert "Not run: absent 1: absent is not installed." in markdown(_framed(speed=found))


def _framed(**parts):
    """Return a document of some parts."""
    machine = {
        "processor": "p",
        "compiled for": "c",
        "cores": 2,
        "memory_gib": 1,
        "system": "s",
        "python": "3",
    }
    frame = {"command": "python -m benchmarks", "data": "x.json", "threads": 2, "others_share": None}
    return {**frame, "machine": {**machine, "packages": {}}, **parts}


def test_what_is_timed_is_the_engine_that_is_named():
    x = tensor((16, 1024), "float32")
    codes, scales = our_bits(x, "4over6-mae")
    given = ours(x, Case("4over6-mae", "float32", GIVEN))()
    included = ours(x, Case("4over6-mae", "float32", INCLUDED))()
    assert np.array_equal(codes, given[0])
    assert np.array_equal(scales, given[1])
    assert np.array_equal(codes, included.codes)


def test_sizes_that_do_not_fit_are_named(monkeypatch):
    monkeypatch.setattr(sizes, "available_bytes", lambda: 500_000)
    found = sizes.measure([10_000, 100_000], BRIEF)
    assert [(r["dtype"], r["values"]) for r in found["rows"]] == [("float32", 10_000), ("bfloat16", 10_000)]
    assert set(found["not_run"]) == {"100000 values of float32", "100000 values of bfloat16"}
    assert sizes.filled(20_000, "bfloat16").shape == (2, 10_000)


def test_a_cliff_is_a_size_that_costs_more_than_a_smaller_one():
    rows = [
        {"dtype": "float32", "values": n, "nanoseconds_per_value": {"median": ns}}
        for n, ns in ((10, 50.0), (100, 2.0), (1000, 2.5), (10000, 3.0))
    ]
    assert sizes.rise({"rows": rows}, "float32") == 1.5
    assert sizes.rise({"rows": rows[:2]}, "float32") == 0.04
    assert sizes.rise({"rows": rows[:1]}, "float32") is None


@pytest.mark.long
def test_memory_and_first_call_are_measured_in_processes_of_their_own():
    command = [sys.executable, "-m", "benchmarks.memory", "1024", "4096", "float32", "4over6"]
    row = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    assert (row["input_mib"], row["output_mib"]) == (16.0, 2.5)
    assert -3 < row["extra_mib"] < 64
    command = [sys.executable, "-m", "benchmarks.first_call", str(1 << 20)]
    row = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    assert tuple(row) == first_call.PARTS
    assert row["import the engine"] > row["second call"]


@pytest.mark.parametrize(
    ("value", "text"), [(0.0123456, "0.0123"), (1234567.0, "1,230,000"), (12.0, "12"), (0.5, "0.5")]
)
def test_numbers_are_plain(value, text):
    assert number(value) == text


def test_the_command_writes_both_files_and_says_how_it_was_called(tmp_path, capsys):
    assert main(["--quick", "--only", "sizes", "--threads", "1", "--out", str(tmp_path)]) == 0
    written = sorted(p.name for p in (tmp_path / "quick").iterdir())
    assert written == ["benchmark-cpu.json", "benchmark-cpu.md"]
    found = json.loads((tmp_path / "quick" / "benchmark-cpu.json").read_text())
    assert found["command"] == "python -m benchmarks --quick --threads 1 --only sizes"
    assert (tmp_path / "quick" / "benchmark-cpu.md").read_text() == markdown(found)
    assert "| 10,000 | bfloat16 |" in markdown(found)
    assert capsys.readouterr().out.count("benchmark-cpu") == 2
    with pytest.raises(SystemExit, match="2"):
        main(["--threads", "0"])


@pytest.mark.exhaustive
def test_the_whole_command_runs(tmp_path):
    assert main(["--quick", "--out", str(tmp_path)]) == 0
    text = (tmp_path / "quick" / "benchmark-cpu.md").read_text()
    assert text.count("\n## ") == 7


@pytest.mark.skipif(
    not REPORT.exists(), reason="no committed benchmark: run `python -m benchmarks` on quiet cores"
)
def test_the_committed_report_is_what_the_command_writes_and_no_byte_differs():
    found = json.loads(REPORT.read_text())
    assert REPORT.with_suffix(".md").read_text() == markdown(found)
    assert "--quick" not in found["command"]
    assert [p["differing_bytes"] for p in found["speed"]["peers"]] == [0] * 4
    assert found["speed"]["not_run"] == {}
