"""`fos leak`: exit codes, one line for every error, JSON, and functions of every kind of module."""

import json
import sys

import pytest

from fos_ref.cli import run

SOURCE = """
import sys
import numpy as np
from fos_ref.attention import SCHEMES

leaky, clean = SCHEMES["nvfp4-v-tokens"], SCHEMES["nvfp4-v-head"]


def sums(x):
    print("computing")
    return np.cumsum(x, axis=-2)


def ahead(x):
    return x / np.abs(x).max()


def heads(q, k, v):
    return np.stack([clean(*one) for one in zip(q, k, v)])


def once(q, k, v, calls=[]):
    calls.append(q)
    return q + np.float32(len(calls))


def quits(q, k, v):
    sys.exit(0)


class Model:
    forward = staticmethod(clean)


number = 5
"""


@pytest.fixture
def user(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "userleak.py").write_text(SOURCE)
    (tmp_path / "broken.py").write_text("1 / 0\n")
    (tmp_path / "leaves.py").write_text("raise SystemExit(0)\n")
    (tmp_path / "wrong.py").write_text("def f(:\n")
    yield tmp_path
    for name in ("userleak", "broken", "leaves", "wrong"):
        sys.modules.pop(name, None)


pytestmark = pytest.mark.usefixtures("user")
SMALL = ["--tokens", "17", "--dim", "16", "--sweep", "20"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["userleak:clean"], 0),
        (["userleak.py:Model.forward"], 0),
        (["userleak:heads", "--heads", "2"], 0),
        (["userleak:sums", "--arguments", "x", "--dtype", "bfloat16"], 0),
        (["userleak:ahead", "--arguments", "x"], 1),
        (["userleak:leaky"], 1),
    ],
)
def test_the_exit_code_is_the_answer(capsys, words, code):
    assert run(["leak", *words, *SMALL]) == code
    out = capsys.readouterr().out
    assert out.startswith("leak by " if code else "no leak: no output depends on a later token\n")
    assert "computing" not in out


@pytest.mark.long
def test_what_is_printed_of_a_leak(capsys):
    assert run(["leak", "userleak:leaky", *SMALL, "--prefix"]) == 1
    first, bits, kind, prefixes = capsys.readouterr().out.splitlines()
    assert first.startswith(
        "leak by block-scale: 120 pairs (q 0, k 0, v 120), reach 15, in blocks of 16, up to "
    )
    assert bits.startswith("output ")
    assert kind == "block-scale: a block scale is made of tokens to come"
    assert "of 16 prefixes give other rows (" in prefixes
    assert "of 1 tokens: row 0" in prefixes


@pytest.mark.long
def test_json_is_one_document_whatever_the_function_prints(capsys):
    assert run(["leak", "userleak:sums", "--arguments", "x", *SMALL, "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["pairs_by_tensor"] == {"x": 0}
    assert "computing" in err
    assert run(["leak", "userleak:leaky", *SMALL, "--json", "--prefix"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["kind"], found["period"], found["pairs"], found["width"]) == ("block-scale", 16, 120, 32)
    assert found["kinds"] == {"q": None, "k": None, "v": "block-scale"}
    assert 2 < found["bits"] <= 4.4  # of 20 magnitudes
    assert found["prefix"]["equal"] is False
    assert found["prefix"]["differing"]["5"] == [0, 1, 2, 3, 4]


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["userleak"], "MODULE:FUNCTION is allowed"),
        (["nosuchmodule:f"], "ModuleNotFoundError"),
        (["nosuch.py:f"], "no such file"),
        (["broken:f"], "ZeroDivisionError"),
        (["leaves:f"], "SystemExit"),
        (["wrong.py:f"], "SyntaxError"),
        (["userleak:nothing"], "has no attribute 'nothing'"),
        (["userleak:number"], "a function is allowed"),
        (["userleak:once"], "other bits for the same input"),
        (["userleak:quits"], "SystemExit (0)"),
        (["userleak:sums"], "positional argument"),
        (["userleak:clean", "--tokens", "1"], "from 2 to 4096"),
    ],
)
def test_what_cannot_be_judged_is_one_line_and_exit_2(capsys, words, said):
    assert run(["leak", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.count("\n") == 1
    assert err.startswith("fos: ")
