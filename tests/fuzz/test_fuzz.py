"""A moment of fuzzing for every reader; the fuzzer finds planted faults, and repeats itself exactly."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from fos_ref.errors import FosError
from tests.fuzz.__main__ import main
from tests.fuzz.judge import BAD, CLASSES, judged, made, samples
from tests.fuzz.of_models import OF_MODELS
from tests.fuzz.planted import COUNT, PLANTED
from tests.fuzz.reduce import save, smaller
from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).parents[2]
SECONDS = 0.5
NEWER = {
    "conventions, inspect",
    "gguf",
    "gguf, inspect",
    "model, quantize",
    *OF_MODELS,
}  #: targets that the recorded run did not have
RECORDED = ROOT / "reports" / "fuzz.json"


@pytest.mark.sample(6)
@pytest.mark.parametrize("name", TARGETS)
def test_every_reader_answers_mutated_files_well(name, tmp_path):
    end, index = time.monotonic() + SECONDS, 0
    while index < 12 or (time.monotonic() < end and index < 400):
        found = judged(made(name, TARGETS[name], 20, index), tmp_path)
        assert found.kind not in BAD, f"seed 20, {name}, input {index}: {found}"
        index += 1
    assert list(tmp_path.iterdir()) == []


class AnotherFile(Exception):  # noqa: N818
    """A door is for another of a target's samples."""


def refused(door, folder):
    """Call a door; AnotherFile where it says that the sample is not for it."""
    others = ("no recipe manifest", "was made with recipe", "the inputs of this version", "not an npz")
    try:
        door(folder)
    except FosError as e:
        if any(text in str(e) for text in others):
            raise AnotherFile from e
        raise


@pytest.mark.sample(8)
@pytest.mark.parametrize("name", TARGETS)
def test_a_valid_file_is_read_by_every_door(name, tmp_path):
    """Otherwise a target would show nothing but refusals at its first step."""
    target = TARGETS[name]
    for sample in samples(target):
        for door in target.doors:
            for file, data in sample.files.items():
                (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / file).write_bytes(data)
            with contextlib.suppress(AnotherFile):
                refused(door, tmp_path)


def test_the_same_number_is_the_same_input_and_another_seed_another():
    for name, target in TARGETS.items():
        first, again = ([made(name, target, 3, i) for i in order] for order in (range(6), reversed(range(6))))
        assert [(g.files, g.changed, g.reader) for g in first] == [
            (g.files, g.changed, g.reader) for g in reversed(again)
        ]
        other = [made(name, target, 4, i) for i in range(6)]
        assert [g.files for g in other] != [g.files for g in first]


@pytest.mark.long
def test_most_inputs_are_other_files_and_some_are_still_read(tmp_path):
    for name in ("recipe JSON", "npz", "proof --against"):
        inputs = [made(name, TARGETS[name], 1, i) for i in range(300)]
        assert sum(g.files != g.sample.files for g in inputs) > 250
        kinds = {judged(g, tmp_path).kind for g in inputs}
        assert {"result", "refused"} <= kinds


def test_a_planted_error_is_a_traceback_with_its_place(monkeypatch, tmp_path):
    """A parser that raises what its door does not know."""

    def broken(*_given, **_named):
        return {}["shape"]

    monkeypatch.setattr("fos_ref.outside.json.json", SimpleNamespace(loads=broken))
    found = judged(made("evidence", TARGETS["evidence"], 0, 0), tmp_path)
    assert found.kind == "refused"  # the guard around the parser answers that
    monkeypatch.setattr("fos_ref.dialects.evidence.read_json_file", broken)
    found = [judged(made("evidence", TARGETS["evidence"], 0, i), tmp_path) for i in range(80)]
    assert {(f.kind, f.where) for f in found} == {
        ("traceback", "KeyError in fos_ref/dialects/evidence.py:_load")
    }


def test_a_line_that_a_terminal_acts_on_is_a_bad_line(monkeypatch, tmp_path):
    def said(_folder):
        msg = "a\x1b[31m\u202eb" + "c" * 2000
        raise OSError(5, msg)

    monkeypatch.setattr("tests.fuzz.targets.TARGETS", {})
    given = made("planted", PLANTED["read_key"], 0, 0)
    found = judged(type(given)(given.files, given.changed, given.sample, said), tmp_path)
    assert found.kind == "bad line"
    assert "not printable" in found.detail


def test_a_failing_input_is_made_small_and_saved(tmp_path):
    (tmp_path / "work").mkdir()
    target = PLANTED["read_key"]
    inputs = ((i, made("read_key", target, 0, i)) for i in range(200))
    index, given = next((i, g) for i, g in inputs if judged(g, tmp_path / "work").kind == "traceback")
    found = judged(given, tmp_path / "work")
    small = smaller(given, found, tmp_path / "work", seconds=2)
    again = judged(small, tmp_path / "work")
    assert (again.kind, again.where) == (found.kind, found.where)
    assert len(small.files["a.json"]) <= len(given.files["a.json"])
    folder = save(small, found, {"target": "read_key", "index": index, "seed": 0}, tmp_path / "kept")
    assert (folder / "files" / "a.json").read_bytes() == small.files["a.json"]
    assert json.loads((folder / "failure.json").read_text())["kind"] == "traceback"


def told(*arguments):
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.long
def test_a_run_finds_every_kind_of_planted_fault_and_goes_on(tmp_path):
    """Hangs and deaths of a process too: the inputs after them are run by another process."""
    found = json.loads(told("tests.fuzz.planted", str(tmp_path / "kept")))
    kinds = {name: {k for k, n in t["outcomes"].items() if n} for name, t in found["targets"].items()}
    assert "traceback" in kinds["read_key"]
    assert kinds["wait_for_ever"] == {"hang", "result"}
    assert found["slow"] >= 1
    assert kinds["end_the_process"] == {"died", "result"}
    assert kinds["leave_a_file"] == {"debris"}
    assert all(t["inputs"] == COUNT for t in found["targets"].values())
    assert {f["kind"] for f in found["failures"]} == {"traceback", "hang", "died", "debris"}
    assert found["bad"] == sum(found["outcomes"][k] for k in BAD) > 4


@pytest.mark.long
def test_a_run_writes_its_figures(tmp_path):
    out = tmp_path / "fuzz.json"
    arguments = [
        "--count",
        "9",
        "--only",
        "recipe JSON;npz",
        "--jobs",
        "2",
        "--failures",
        str(tmp_path / "kept"),
    ]
    printed = told("tests.fuzz", *arguments, "--seed", "5", "--out", str(out))
    assert "18 inputs, seed 5" in printed
    assert "all answered well" in printed
    figures = json.loads(out.read_bytes())
    check_figures(figures)
    assert set(figures["targets"]) == {"recipe JSON", "npz"}
    assert not (tmp_path / "kept").exists()
    (tmp_path / "earlier" / "seen").mkdir(parents=True)
    assert main(["--count", "1", "--failures", str(tmp_path / "earlier")]) == 2


def check_figures(figures):
    """Check the form of what a run writes, and that its sums are sums."""
    assert (figures["format"], figures["name"]) == (1, "fuzz")
    assert set(figures["ran_on"]) >= {"machine", "cores", "python", "packages"}
    assert {"seed", "jobs", "limit_s", "slow", "seconds", "claim", "failures"} <= set(figures)
    for kind in CLASSES:
        assert figures["outcomes"][kind] == sum(t["outcomes"][kind] for t in figures["targets"].values())
    for t in figures["targets"].values():
        assert t["inputs"] == sum(t["outcomes"].values())
    assert figures["inputs"] == sum(t["inputs"] for t in figures["targets"].values())
    assert figures["bad"] == len(figures["failures"]) == 0


@pytest.mark.skipif(not RECORDED.exists(), reason="no run is recorded in reports/fuzz.json")
def test_the_recorded_run_is_long_and_found_nothing():
    figures = json.loads(RECORDED.read_bytes())
    check_figures(figures)
    assert figures["inputs"] >= 1_000_000
    assert figures["seconds"] * figures["jobs"] >= 1800  # of the workers together
    assert set(figures["targets"]) <= set(TARGETS)
    assert all(t["inputs"] > 1000 for t in figures["targets"].values())
    refused = [n for n, t in figures["targets"].items() if t["outcomes"]["refused"]]
    assert set(TARGETS) - set(refused) - NEWER == {"config.json"}  # it only says what else stands there


@pytest.mark.long
def test_the_readers_that_these_replaced_would_be_found_out(monkeypatch, tmp_path):
    """NumPy's reader of .npy files, and evidence that no schema checks: what the field had as tracebacks."""

    def kinds(name, count):
        found = [judged(made(name, TARGETS[name], 8, i), tmp_path) for i in range(count)]
        return {f.where.split(" ")[0] for f in found if f.kind == "traceback"}

    assert kinds("npy", 120) == kinds("evidence", 60) == set()
    monkeypatch.setattr("tests.fuzz.targets.read_npy", lambda path: np.load(path, allow_pickle=False))
    assert len(kinds("npy", 120)) > 3
    monkeypatch.setattr("fos_ref.outside.form.problem", lambda *_: None)
    assert {"AttributeError", "KeyError", "TypeError"} <= kinds("evidence", 400)


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "guard"),
    [
        ("pretraining, results", "fos_ref.outside.form.problem"),
        ("models' matrix", "fos_ref.models.matrix.form.problem"),
    ],
)
def test_resumes_that_no_form_is_held_against_would_be_found_out(name, guard, monkeypatch, tmp_path):
    def kinds():
        return {judged(made(name, TARGETS[name], 9, i), tmp_path).kind for i in range(60)}

    assert kinds() <= {"result", "refused"}
    monkeypatch.setattr(guard, lambda *_: None)
    assert "traceback" in kinds()
