"""The proof commands: exit codes, the file whole or not at all, and the comparison with a committed one."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from fos_gpu.proof.command import execute, parser, run
from fos_gpu.proof.shares import Share, shared
from fos_ref.errors import InputError, ToolchainError
from fos_ref.proof.result import Finding, Proof
from tests.meta.tree import ROOT

FOUND = Finding(compared=7, unexplained=0, figures={"blocks": {"4over6": 7}, "of": "text"})


def proof(found=FOUND):
    return Proof(name="small", claim="Seven are seven.", run=lambda _progress, _jobs: found, minutes=0)


def written(folder):
    return json.loads((folder / "proof-small.json").read_text(encoding="utf-8"))


def test_a_finding_is_written_with_the_facts_of_the_machine(tmp_path, capsys):
    assert run(proof(), ["--out", str(tmp_path)], {"card": "a card"}) == 0
    assert written(tmp_path)["figures"] == FOUND.figures
    assert written(tmp_path)["ran_on"]["card"] == "a card"
    assert capsys.readouterr().out.startswith("small: holds. Seven are seven.\n  7 compared, 0 differ")


def test_a_claim_that_fails_is_not_written(tmp_path, capsys):
    assert run(proof(replace(FOUND, unexplained=2)), ["--out", str(tmp_path)]) == 1
    assert list(tmp_path.iterdir()) == []
    assert "small: FAILED" in capsys.readouterr().out


def test_equal_figures_pass_and_others_are_named(tmp_path, capsys):
    run(proof(), ["--out", str(tmp_path)], {"card": "another"})
    against = ["--against", str(tmp_path)]
    assert run(proof(), against) == 0
    capsys.readouterr()
    assert run(proof(replace(FOUND, compared=8)), against) == 1
    assert "compared is 8 here and 7 in" in capsys.readouterr().out
    assert run(proof(replace(FOUND, figures={"of": "text"})), against) == 1
    assert "blocks is None here and {'4over6': 7} in" in capsys.readouterr().out


def test_the_shares_of_a_proof_are_the_whole_and_have_no_report(tmp_path, capsys):
    pieces = range(10)
    assert sorted(i for part in (1, 2, 3) for i in Share(part, 3).of(pieces)) == list(pieces)
    assert Share(2, 4).of(pieces) == (1, 5, 9)
    part = shared(parser(proof())).parse_args(["--share", "2/4", "--out", str(tmp_path)])
    assert part.share == Share(2, 4)
    assert execute(proof(), part) == 2
    assert "leave one out" in capsys.readouterr().err
    for wrong in ("0/4", "5/4", "1", "1/2/3", "a/b", "1/-2"):
        with pytest.raises(InputError, match="I/N is allowed"):
            shared(parser(proof())).parse_args(["--share", wrong])


def test_what_was_not_run_is_said_and_not_held_against_it(tmp_path, capsys):
    run(proof(), ["--out", str(tmp_path)])
    part = replace(FOUND, compared=0, figures={"of": "text"}, not_run={"blocks": "needs a card"})
    assert run(proof(part), ["--against", str(tmp_path)]) == 0
    assert "not run: blocks: needs a card" in capsys.readouterr().out
    run(proof(part), ["--out", str(tmp_path)])
    assert run(proof(), ["--against", str(tmp_path)]) == 0


@pytest.mark.parametrize("text", [None, "no JSON", "{}", "[[", '{"compared": 1, "figures": 1, "not_run": 1}'])
def test_a_file_that_cannot_be_compared_is_one_error_before_the_proof_runs(tmp_path, capsys, text):
    if text is not None:
        (tmp_path / "proof-small.json").write_text(text, encoding="utf-8")
    ran = []
    assert run(replace(proof(), run=lambda *_: ran.append(1)), ["--against", str(tmp_path)]) == 2
    assert ran == []
    err = capsys.readouterr().err
    assert "proof-small.json" in err
    assert err.count("\n") == 1


def test_what_is_missing_is_one_line_and_exit_2(capsys):
    def absent(_progress, _jobs):
        msg = "no compiler: install one"
        raise ToolchainError(msg)

    assert run(replace(proof(), run=absent), []) == 2
    assert capsys.readouterr().err == "error: no compiler: install one\n"


@pytest.mark.parametrize(
    "error", [MemoryError(), RecursionError(), PermissionError(13, "no", "a\x1b"), KeyError("k")]
)
def test_what_ends_a_proof_is_one_line_unless_it_is_a_fault(capsys, error):
    def fail(_progress, _jobs):
        raise error

    if isinstance(error, KeyError):
        with pytest.raises(KeyError):
            run(replace(proof(), run=fail), [])
        return
    assert run(replace(proof(), run=fail), []) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert "\x1b" not in said


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"figures": 1, "not_run": {}}', "[" * 100_000, "\ud800", "1" * 5_000]
)
def test_a_finding_is_read_before_the_proof_runs(tmp_path, capsys, text):
    ran = []
    (tmp_path / "proof-small.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    slow = replace(proof(), run=lambda *_: ran.append(1))
    assert run(slow, ["--against", str(tmp_path)]) == 2
    assert ran == []
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.long
def test_a_wrong_argument_is_one_line():
    for module in ("device", "host", "evidence", "targets"):
        words = [sys.executable, "-m", f"fos_gpu.proof.{module}", "--nope\x1b]0;pwn\x07\u202e"]
        done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=False)
        assert done.returncode == 2
        assert done.stderr.startswith("error: ")
        assert done.stderr.count("\n") == 1
        assert done.stderr.strip().isprintable()
