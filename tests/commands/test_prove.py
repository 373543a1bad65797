"""`fos prove`: what holds, what fails, what differs from a committed finding, what could not be run."""

from __future__ import annotations

import json

import pytest

from fos_ref.cli import run
from fos_ref.proof import catalog
from fos_ref.proof.result import document, environment, Finding, Proof


def proof(name: str, found: Finding) -> Proof:
    def go(progress, jobs):
        assert jobs >= 1
        progress(1, 2)
        return found

    return Proof(name=name, claim=f"The claim of {name}.", run=go, minutes=0.1)


GOOD = Finding(compared=1_234, unexplained=0, figures={"a": 1, "b": {"c": "d"}})
BAD = Finding(compared=9, unexplained=2, figures={"a": 1})
PART = Finding(compared=3, unexplained=0, figures={"a": 2, "b": {"c": "d"}}, not_run={"a": "no compiler"})


@pytest.fixture
def proofs(monkeypatch):
    """Return a function that makes these findings the whole catalogue."""

    def put(**findings):
        monkeypatch.setattr(catalog, "PROOFS", {n: proof(n, f) for n, f in findings.items()})

    put(good=GOOD, bad=BAD)
    return put


@pytest.mark.usefixtures("proofs")
def test_a_claim_that_holds_is_said_and_written_whole(tmp_path, capsys):
    assert run(["prove", "good", "--out", str(tmp_path / "new"), "--jobs", "1"]) == 0
    out, err = capsys.readouterr()
    assert "good: holds. The claim of good." in out
    assert "1,234 compared, 0 unexplained" in out
    assert err == ""  # no bar when piped
    (path,) = (tmp_path / "new").iterdir()
    data = json.loads(path.read_bytes())
    assert path.name == "proof-good.json"
    assert (data["compared"], data["figures"], data["not_run"]) == (1_234, GOOD.figures, {})
    assert data["ran_on"].keys() == {"seconds", *environment()}


@pytest.mark.usefixtures("proofs")
def test_a_claim_that_fails_exits_1_and_writes_nothing(tmp_path, capsys):
    assert run(["prove", "--out", str(tmp_path)]) == 1
    out, err = capsys.readouterr()
    assert "good: holds" in out
    assert "bad: FAILED" in out
    assert err == "bad: 2 differences that no rule explains\n"
    assert [p.name for p in tmp_path.iterdir()] == ["proof-good.json"]


def test_the_committed_figures_are_asked_for_again(proofs, tmp_path, capsys):
    assert run(["prove", "good", "--out", str(tmp_path)]) == 0
    assert run(["prove", "good", "--against", str(tmp_path)]) == 0
    proofs(good=Finding(compared=1_234, unexplained=0, figures={"a": 1, "b": {"c": "e"}}))
    capsys.readouterr()
    assert run(["prove", "good", "--against", str(tmp_path)]) == 1
    assert 'good: b is {"c": "e"} here and {"c": "d"} in' in capsys.readouterr().err


def test_a_part_that_was_not_run_here_is_named_and_not_held_against_the_machine(proofs, tmp_path, capsys):
    assert run(["prove", "good", "--out", str(tmp_path)]) == 0
    proofs(good=PART)
    assert run(["prove", "good", "--against", str(tmp_path)]) == 0
    assert "not run: a: no compiler" in capsys.readouterr().out


def test_json_is_one_document_a_line(proofs, capsys):
    proofs(good=GOOD, part=PART)
    assert run(["prove", "--json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["good", "part"]


@pytest.mark.usefixtures("proofs")
def test_an_unknown_name_and_a_missing_folder_are_one_line_and_exit_2(tmp_path, capsys):
    assert run(["prove", "good", "nope"]) == 2
    assert capsys.readouterr() == ("", "fos: proof 'nope': one of good, bad is allowed\n")
    assert run(["prove", "good", "--against", str(tmp_path / "none")]) == 2
    assert "No such file" in capsys.readouterr().err


NO_FINDINGS = {
    "no json": "not JSON",
    "[" * 100_000: "nested too deep",
    "[]": "[]: object is allowed",
    "{}": "/compared: missing",
    '{"compared": 1, "figures": [], "not_run": {}}': "/figures: []: object is allowed",
    '{"compared": 1e999, "figures": {}, "not_run": {}}': "finite numbers",
}


@pytest.mark.sample(2)
@pytest.mark.parametrize("text", NO_FINDINGS)
def test_what_is_no_finding_is_refused_before_a_proof_runs(proofs, tmp_path, capsys, text):
    """A proof takes minutes: what it is held against is read first, for all that were asked for."""
    proofs(first=GOOD, second=GOOD)
    (tmp_path / "proof-first.json").write_text(json.dumps(document(proof("first", GOOD), GOOD, 1)))
    (tmp_path / "proof-second.json").write_text(text, encoding="utf-8")
    assert run(["prove", "--against", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""  # nothing ran
    assert NO_FINDINGS[text] in err
    assert err.count("\n") == 1
    assert len(err) < 1000


def test_the_machine_is_described_and_a_missing_package_left_out(monkeypatch):
    data = document(proof("good", GOOD), GOOD, 1.25)
    assert data["ran_on"]["seconds"] == 1.2
    assert "numpy" in data["ran_on"]["packages"]
    monkeypatch.setattr("fos_ref.proof.result.PACKAGES", ("numpy", "no-such-package"))
    assert set(environment()["packages"]) == {"numpy"}
