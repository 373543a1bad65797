"""The command that gathers a card's evidence: every part's status, and the reason where there is none."""

from __future__ import annotations

import json

import pytest

from fos_gpu.build.machine import slug
from fos_gpu.build.probe import Availability
from fos_gpu.proof import evidence
from fos_gpu.proof.evidence import FAILED, NOT_RUN, page, Part, PARTS, RAN, run_part

CARD = {"device": "NVIDIA H100 80GB HBM3 (sm_90), NVRTC 13.0", "driver's CUDA": "13.0", "NVRTC": "13.0"}
FINDING = {"compared": 7, "unexplained": 0, "not_run": {"E2M1: cvt": "needs sm_100a; this is sm_90"}}
WRITES = "import sys, pathlib; pathlib.Path(sys.argv[1], 'proof-small.json').write_text({text!r})"


@pytest.fixture
def part(tmp_path, monkeypatch):
    """Make a part of a module that holds some code."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def make(code):
        (tmp_path / "evidence_part.py").write_text(code, encoding="utf-8")
        return Part("small", "a small thing", "evidence_part", ("OUT",))

    return make


def test_a_part_brings_its_documents(part):
    found = run_part(part(WRITES.format(text=json.dumps(FINDING))), 60)
    assert found["status"] == RAN
    assert found["documents"] == {"proof-small.json": FINDING}
    assert found["command"] == "python -m evidence_part reports"


def test_a_part_that_fails_brings_the_end_of_its_output(part):
    found = run_part(part("print('x' * 5000 + 'the end'); raise SystemExit(1)"), 60)
    assert (found["status"], found["exit"]) == (FAILED, 1)
    assert found["output"].endswith("the end\n")
    assert len(found["output"]) == evidence.TAIL


@pytest.mark.parametrize("prefix", ["error", "not run"])
def test_a_part_that_cannot_run_says_why(part, prefix):
    code = f"import sys; sys.stderr.write('so far\\n{prefix}: no tool: install it\\n'); raise SystemExit(2)"
    found = run_part(part(code), 60)
    assert (found["status"], found["reason"]) == (NOT_RUN, "no tool: install it")


def test_a_part_that_is_not_there_is_not_run():
    found = run_part(Part("speed", "speed", "no_such_package.speed"), 60)
    assert found["reason"] == "no_such_package.speed is not here: run it from a checkout"


def test_a_part_past_its_limit_failed(part):
    found = run_part(part("import time; time.sleep(60)"), 0.3)
    assert (found["status"], found["exit"]) == (FAILED, 124)


def test_tests_are_counted_with_the_reasons_of_skips():
    xml = """<testsuites><testsuite><testcase name="a"/><testcase name="b"><failure/></testcase>
    <testcase name="c"><skipped message="no torch"/></testcase><testcase name="d"><error/></testcase>
    <testcase name="e"><skipped message="no torch"/></testcase></testsuite></testsuites>"""
    assert evidence.tests(xml) == {"passed": 1, "failed": ["b", "d"], "skipped": {"no torch": 2}}


@pytest.fixture
def on_a_card(monkeypatch):
    monkeypatch.setattr(evidence, "available", lambda: Availability(ok=True, reason="Card"))
    monkeypatch.setattr(evidence, "card", lambda: CARD)


@pytest.mark.usefixtures("on_a_card")
def test_the_file_names_the_card_and_every_part(monkeypatch, tmp_path, part):
    parts = (part(WRITES.format(text=json.dumps(FINDING))), Part("speed", "speed", "no_such_module"))
    monkeypatch.setattr(evidence, "PARTS", parts)
    assert evidence.main(["--out", str(tmp_path / "out")]) == 0
    name = "evidence-nvidia-h100-80gb-hbm3"
    data = json.loads((tmp_path / "out" / f"{name}.json").read_text(encoding="utf-8"))
    assert {k: p["status"] for k, p in data["parts"].items()} == {"small": RAN, "speed": NOT_RUN}
    assert data["ran_on"]["device"] == CARD["device"]
    text = (tmp_path / "out" / f"{name}.md").read_text(encoding="utf-8")
    assert "| small | a small thing | holds |" in text
    assert "7 compared, 0 differ; not run: E2M1: cvt (needs sm_100a; this is sm_90)" in text
    assert "| speed | speed | not run | no_such_module is not here" in text


@pytest.mark.usefixtures("on_a_card")
def test_a_failed_part_fails_the_command_and_is_written(monkeypatch, tmp_path, part):
    monkeypatch.setattr(evidence, "PARTS", (part("raise SystemExit(3)"),))
    assert evidence.main(["--out", str(tmp_path / "out")]) == 1
    assert "| small | a small thing | FAILED |" in next((tmp_path / "out").glob("*.md")).read_text("utf-8")


def test_without_a_card_nothing_is_written(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(evidence, "available", lambda: Availability(ok=False, reason="no card: buy one"))
    assert evidence.main(["--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err == "error: no card: buy one\n"
    assert not (tmp_path / "out").exists()


def test_an_unknown_part_is_refused(capsys):
    assert evidence.main(["--out", "x", "--only", "device,magic"]) == 2
    assert "part 'magic': one of conversions, device" in capsys.readouterr().err


def test_a_card_s_name_makes_a_file_name():
    assert slug("NVIDIA B200 (sm_100), NVRTC 13.5") == "nvidia-b200"
    assert slug(CARD["device"]) == "nvidia-h100-80gb-hbm3"


def test_the_parts_are_commands_of_this_project():
    assert [p.name for p in PARTS] == [
        "conversions",
        "device",
        "training",
        "subnormals",
        "golden",
        "products",
        "tests",
        "sanitizer",
        "benchmark",
    ]
    here = [p for p in PARTS if evidence._is_here(p.module)]
    assert {p.name for p in PARTS} - {p.name for p in here} <= {"benchmark"}
    assert page({"parts": {}, "ran_on": CARD}).startswith("# Evidence from one card: NVIDIA H100")
