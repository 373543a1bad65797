"""`fos check` of stochastic recipes: by a map, by a file of words, and without either."""

import json

import numpy as np
import pytest

import fos_ref
from fos_ref.cli import run
from fos_ref.random import words
from fos_ref.verify.distributions import make

X = make("normal", (32, 128), 7)
RECIPE = "te-train-gradient-byte-lane"


@pytest.fixture
def files(tmp_path):
    q = fos_ref.quantize(X, RECIPE, random_bits=("te-tuned-row", 5, 8))
    arrays = {"x": X, "codes": q.codes, "scales": q.block_scales}
    arrays["words"] = words("te-tuned-row", X.shape, seed=5, offset=8)
    for name, a in arrays.items():
        np.save(tmp_path / f"{name}.npy", a)
    return tmp_path


def checked(files, *options, recipe=RECIPE):
    return run(
        ["check", *(str(files / f"{n}.npy") for n in ("x", "codes", "scales")), "--recipe", recipe, *options]
    )


@pytest.mark.long
def test_exit_codes_and_text(files, capsys):
    bits = ("te-tuned-row:5:8", str(files / "words.npy"))
    for given in bits:
        assert checked(files, "--random-bits", given) == 0
        assert "all 4,096 codes and 256 scale bytes are those of the words" in capsys.readouterr().out
    assert checked(files, recipe="te-train-gradient-cvt-rs") == 0
    assert "no alarm" in capsys.readouterr().out
    assert checked(files, "--random-bits", "te-tuned-row:6:8", "--json") == 1
    assert json.loads(capsys.readouterr().out)["causes"][0]["flag"] == "RngCounterMap"
    assert checked(files, "--random-bits", bits[0], recipe="te-cuda-nvfp4") == 1
    assert "StochasticRounding" in capsys.readouterr().out


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("te-tuned-row", "MAP:SEED[:OFFSET]"),
        ("nope:1:2", "map 'nope'"),
        ("te-tuned-row:99999999999999999999999:0", "seed"),
        ("missing.npy", "missing.npy"),
    ],
)
def test_what_is_no_random_bits_is_said_in_one_line(files, capsys, given, said):
    assert checked(files, "--random-bits", given) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
