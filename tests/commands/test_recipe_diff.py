"""`fos recipes diff A B --on FILE | --distribution NAME`: the counts, the tables, the errors."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
from safetensors.numpy import save_file

from fos_ref import PRESETS
from fos_ref.cli import run
from fos_ref.dialects.disagreement import disagreement
from fos_ref.inputs.distributions import make

A, B = "te-mse-256", "fouroversix-mae"


def shown(capsys, *arguments, code=0):
    assert run(["recipes", "diff", *arguments]) == code
    return capsys.readouterr()


def counts(x, a=A, b=B):
    return json.loads(json.dumps(asdict(disagreement(x, PRESETS[a], PRESETS[b]))))


def test_without_a_tensor_only_the_axes_are_shown(capsys):
    data = json.loads(shown(capsys, A, B, "--json").out)
    assert data["tensors"] == []
    assert list(data["axes"]) == list(PRESETS[A].diff(PRESETS[B]))
    assert data["axes"]["error_metric"] == ["mse", "mae"]
    assert data["same_bits"] is False


def test_two_names_of_one_recipe_have_the_same_bits(capsys):
    data = json.loads(shown(capsys, "4over6", "4over6-mse", "--json").out)
    assert (data["same_bits"], data["axes"]) == (True, {})
    assert "the same bits" in " ".join(shown(capsys, "4over6", "4over6-mse").out.split())


def test_a_distribution_is_counted_on_a_tensor_that_the_output_names(capsys):
    data = json.loads(shown(capsys, A, B, "--distribution", "coarse", "--json").out)
    (tensor,) = data["tensors"]
    assert tensor.pop("tensor") == "coarse 512x1024 bfloat16"
    assert tensor == counts(make("coarse", (512, 1024), 0, "bfloat16"))
    assert tensor["blocks"] == 32768
    assert tensor["differing"] > 0


def test_a_npy_file_is_counted(capsys, tmp_path):
    x = make("normal", (32, 64), 3)
    np.save(tmp_path / "x.npy", x)
    data = json.loads(shown(capsys, A, B, "--on", str(tmp_path / "x.npy"), "--json").out)
    (tensor,) = data["tensors"]
    assert tensor.pop("tensor") == "x.npy"
    assert tensor == counts(x)


def test_the_tensors_of_a_checkpoint_that_fit_are_counted_one_by_one(capsys, tmp_path):
    fits, other = make("normal", (16, 64), 1), make("coarse", (32, 32), 1)
    file = tmp_path / "m.safetensors"
    tensors = {
        "a.weight": fits,
        "b.weight": other,
        "bias": fits[0].copy(),
        "odd": np.zeros((4, 24), np.float32),
    }
    save_file({**tensors, "ids": np.zeros((16, 16), np.int64)}, file)
    data = json.loads(shown(capsys, A, B, "--on", str(file), "--json").out)
    found = {t.pop("tensor"): t for t in data["tensors"]}
    assert found == {"a.weight": counts(fits), "b.weight": counts(other)}


def test_tiles_need_rows_that_fit(capsys, tmp_path):
    file = tmp_path / "m.safetensors"
    save_file({"a": make("normal", (16, 64), 1), "b": make("normal", (24, 64), 1)}, file)
    data = json.loads(shown(capsys, "4over6-16x16", "4over6-mae-16x16", "--on", str(file), "--json").out)
    assert [t["tensor"] for t in data["tensors"]] == ["a"]


def test_the_tables_hold_the_numbers(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    d = counts(make("coarse", (512, 1024), 0, "bfloat16"))
    text = " ".join(shown(capsys, A, B, "--distribution", "coarse").out.split())
    assert f"{len(PRESETS[A].diff(PRESETS[B]))} axes differ" in text
    assert f"{d['differing']:,} of 32,768 blocks differ" in text
    assert f"{d['choice']:,} choose otherwise, {d['block_scale']:,} other scale byte" in text
    largest = d["axes"][0]
    assert " + ".join(largest["axes"]) in text
    assert f"{largest['explained']:,} ({largest['explained'] / d['differing']:.1%})" in text


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["nvfp4", "nvfp5"], "no recipe is called 'nvfp5'"),
        (["nvfp4"], "Missing argument 'B'"),
        ([A, B, "--distribution", "norml"], "no distribution is called 'norml'"),
        ([A, B, "--on", "missing.npy"], "missing.npy: No such file"),
        ([A, B, "--on", "missing.safetensors"], "missing.safetensors"),
        ([A, B, "--on", "x.txt"], "a .npy or .safetensors file is allowed"),
        ([A, B, "--on", "x.npy", "--distribution", "normal"], "both given"),
        (["nvfp4", "fouroversix-mxfp4-static6", "--distribution", "normal"], "blocks of 16"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(capsys, arguments, problem):
    result = shown(capsys, *arguments, code=2)
    assert result.out == ""
    assert result.err.count("\n") == 1
    assert problem in result.err


def test_a_file_without_a_tensor_that_fits_is_an_error(capsys, tmp_path):
    file = tmp_path / "m.safetensors"
    save_file({"odd": np.zeros((4, 24), np.float32)}, file)
    assert "no 2-D float32" in shown(capsys, A, B, "--on", str(file), code=2).err
    (tmp_path / "text.npy").write_bytes(b"not an array")
    assert "not a .npy array" in shown(capsys, A, B, "--on", str(tmp_path / "text.npy"), code=2).err
    np.save(tmp_path / "odd.npy", np.zeros((4, 24), np.float32))
    assert shown(capsys, A, B, "--on", str(tmp_path / "odd.npy"), code=2).err.startswith("fos: ")


def test_a_tensor_that_no_block_fits_is_refused_by_its_shape(capsys, tmp_path):
    """An empty one of 2^40 rows has a file of 128 bytes: it cost time and memory by its rows."""
    path = tmp_path / "x.npy"
    for shape in ((2**40, 0), (0, 16), (0,), (4,), (2, 4, 16), (4, 24)):
        with path.open("wb") as f:
            header = {"descr": "<f4", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(f, header)
            f.write(bytes(4 * int(np.prod(shape, dtype=object))))
        err = shown(capsys, A, B, "--on", str(path), code=2).err
        assert "whose blocks fit both recipes is allowed" in err
        assert err.count("\n") == 1
    np.save(path, np.zeros((4, 32), np.float64))
    assert "dtype float64" in shown(capsys, A, B, "--on", str(path), code=2).err
