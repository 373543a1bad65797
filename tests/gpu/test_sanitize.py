"""The script around compute-sanitizer, with a stand-in that prints what the tool prints."""

from __future__ import annotations

import json
import sys

import pytest

from fos_gpu.build.probe import Availability
from fos_ref.errors import ToolchainError
from tests.gpu import sanitize
from tests.gpu.sanitized import DONE, WRONG

OURS = {"errors": 0, "finished": True, "exit": 0, "output": "o"}
SEEN = {"errors": 64, "finished": True, "exit": 99, "output": "o"}


@pytest.mark.parametrize(
    ("output", "count"),
    [
        ("========= COMPUTE-SANITIZER\n========= ERROR SUMMARY: 0 errors", 0),
        ("========= ERROR SUMMARY: 3 errors\n", 3),
        ("========= ERROR SUMMARY: 1 error\n", 1),
        ("========= RACECHECK SUMMARY: 2 hazards displayed (2 errors, 0 warnings)", 2),
        ("========= Error: Target application terminated before first instrumented API call", None),
        ("", None),
    ],
)
def test_a_summary_is_read(output, count):
    assert sanitize.errors_in(output) == count


@pytest.mark.parametrize(
    ("ours", "wrong", "says"),
    [
        ({}, {}, ""),
        ({"errors": 2}, {}, "2 errors"),
        ({"exit": 99}, {}, "exit 99"),
        ({"finished": False}, {}, "did not run to their end"),
        ({"errors": None}, {}, "did not run to their end"),
        ({}, {"errors": 0}, "the wrong kernel was not reported"),
        ({}, {"errors": None}, "the wrong kernel was not reported"),
    ],
)
def test_only_a_tool_that_sees_and_finds_nothing_passes(ours, wrong, says):
    found = sanitize.problem("memcheck", OURS | ours, SEEN | wrong)
    assert says in found
    assert bool(found) == bool(says)


def test_every_tool_has_a_kernel_to_report():
    assert set(WRONG) == set(sanitize.TOOLS)


STAND_IN = """#!{python}
import sys
if "--version" in sys.argv:
    print("NVIDIA (R) Compute Sanitizer\\nVersion 1.2.3 (build 4)")
    sys.exit()
wrong = sys.argv[-1] != "kernels"
print("{done}" if not wrong or "{done_in_wrong}" else "")
print("========= ERROR SUMMARY: %d errors" % ({ours} if not wrong else 5))
sys.exit(99 if wrong or {ours} else 0)
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    def put(ours=0):
        program = tmp_path / sanitize.PROGRAM
        text = STAND_IN.format(python=sys.executable, done=DONE, done_in_wrong="", ours=ours)
        program.write_text(text, encoding="utf-8")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setattr(sanitize, "available", lambda: Availability(ok=True, reason="Card"))
        monkeypatch.setattr(sanitize, "card", lambda: {"device": "Card"})
        out = tmp_path / "out"
        out.mkdir()
        return out

    return put


def test_clean_kernels_are_written_with_both_counts(place):
    out = place()
    assert sanitize.main(["--out", str(out)]) == 0
    found = json.loads((out / "sanitizer.json").read_text(encoding="utf-8"))
    assert list(found["figures"]) == list(sanitize.TOOLS)
    assert {f["errors in the kernels"] for f in found["figures"].values()} == {0}
    assert {f["errors in a wrong kernel"] for f in found["figures"].values()} == {5}
    assert found["ran_on"] == {"compute-sanitizer": "Version 1.2.3 (build 4)", "device": "Card"}


def test_an_error_fails_and_writes_nothing(place, capsys):
    out = place(ours=1)
    assert sanitize.main(["--out", str(out)]) == 1
    assert list(out.iterdir()) == []
    assert "memcheck: 1 errors, exit 99" in capsys.readouterr().out


def test_without_the_program_the_error_says_where_it_comes_from(monkeypatch):
    monkeypatch.setattr(sanitize, "candidates", lambda: iter([None]))
    with pytest.raises(ToolchainError, match="pip install nvidia-cuda-sanitizer-api"):
        sanitize.find_program()


def test_without_a_device_the_reason_is_said(monkeypatch, capsys):
    monkeypatch.setattr(sanitize, "available", lambda: Availability(ok=False, reason="no card: buy one"))
    assert sanitize.main([]) == 2
    assert capsys.readouterr().err == "error: no card: buy one\n"
