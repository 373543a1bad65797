"""`fos matmul check`: exit codes, words and JSON."""

import json

import ml_dtypes
import numpy as np
import pytest

import fos_ref
from fos_ref import matmul
from fos_ref.cli import run
from fos_ref.commands.matmul import PROGRAMS
from fos_ref.matmul.models import MODELS


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(50)
    a, b = (
        fos_ref.quantize(rng.normal(size=(6, 64)).astype(np.float32), "4over6", engine="numpy")
        for _ in range(2)
    )
    for name, q in (("a", a), ("b", b)):
        np.save(f"{name}c.npy", q.codes)
        np.save(f"{name}s.npy", q.block_scales)
    np.save("out.npy", matmul.run(a, b, "te"))
    np.save("raw.npy", matmul.raw(a, b, "te").total)
    np.save("half.npy", matmul.run(a, b, "te", "bfloat16").view(np.uint16))
    return [repr(float(q.tensor_amax)) for q in (a, b)]


def check(out, *more):
    return run(["matmul", "check", out, "ac.npy", "as.npy", "bc.npy", "bs.npy", "--recipe", "4over6", *more])


@pytest.mark.long
def test_a_right_product(files, capsys):
    amaxes = ("--amax-a", files[0], "--amax-b", files[1])
    assert check("out.npy", *amaxes) == 0
    assert capsys.readouterr().out.startswith("certified-exact: every output")
    assert check("raw.npy") == 0
    assert check("half.npy", *amaxes, "--dtype", "bfloat16") == 0
    assert check("raw.npy", "--alpha", "1", "--model", "cutlass", "--json") == 0
    found = json.loads(capsys.readouterr().out.partition("{")[2].join(["{", ""]))
    assert found["verdict"] == "certified-exact"
    assert {"te", "cutlass", "blackwell-fp4"} <= set(found["models"])


def test_a_wrong_product_exits_with_1(files, capsys):
    assert check("raw.npy", "--amax-a", files[0], "--amax-b", files[1]) == 1
    assert "AlphaMissing" in capsys.readouterr().out
    np.save("nan.npy", np.full((6, 6), np.nan, ml_dtypes.bfloat16).view(np.uint16))
    assert check("nan.npy", "--dtype", "bfloat16", "--json") == 1
    assert json.loads(capsys.readouterr().out)["verdict"] == "outside"


@pytest.mark.usefixtures("files")
def test_what_cannot_be_used_exits_with_2(capsys):
    assert check("ac.npy") == 2
    assert check("out.npy", "--dtype", "float16") == 2
    assert check("out.npy", "--alpha", "0.1") == 2
    assert "alpha 0.1" in capsys.readouterr().err


def test_the_models_of_the_help_are_the_models():
    assert tuple(MODELS) == PROGRAMS
