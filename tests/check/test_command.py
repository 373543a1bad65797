"""`fos check`: exit codes, JSON, text, errors in one line."""

from __future__ import annotations

import json

import ml_dtypes
import numpy as np
import pytest

import fos_ref
from fos_ref.cli import run
from fos_ref.inputs.distributions import make

X = make("normal", (16, 64), 7)


@pytest.fixture
def files(tmp_path):
    q = fos_ref.quantize(X, "nvfp4")
    arrays = {"x": X, "codes": q.codes, "scales": q.block_scales}
    for name, a in arrays.items():
        np.save(tmp_path / f"{name}.npy", a)
    return tmp_path


def checked(files, *options, scales="scales"):
    names = [str(files / f"{n}.npy") for n in ("x", "codes", scales)]
    return run(["check", *names, "--recipe", "nvfp4", *options])


def test_equal_bytes_exit_0(files, capsys):
    assert checked(files) == 0
    assert capsys.readouterr().out == "nvfp4: all 64 blocks equal, every bit\n"
    amax = str(np.abs(X).max().item())
    assert checked(files, "--json", "--amax", amax) == 0
    assert json.loads(capsys.readouterr().out)["equal"] is True


@pytest.mark.long
def test_swizzled_scales_exit_1_and_are_named(files, capsys):
    np.save(files / "swizzled.npy", fos_ref.swizzle(np.load(files / "scales.npy")))
    assert checked(files, "--json", scales="swizzled") == 1
    data = json.loads(capsys.readouterr().out)
    assert [c["flag"] for c in data["causes"]] == ["ScaleLayout"]
    assert data["mismatching_blocks"] == data["blocks"] == 64
    assert checked(files, scales="swizzled") == 1
    out = capsys.readouterr().out
    assert "ScaleLayout: 64 blocks: block scales are in the 128x4 swizzle" in out
    assert len(out.splitlines()) <= 30
    assert checked(files, "--scale-layout", "swizzled", scales="swizzled") == 0


def test_bfloat16_comes_as_bits(tmp_path):
    x = X.astype(ml_dtypes.bfloat16)
    q = fos_ref.quantize(x, "nvfp4")
    np.save(tmp_path / "x.npy", x.view(np.uint16))
    np.save(tmp_path / "codes.npy", q.codes)
    np.save(tmp_path / "scales.npy", q.block_scales)
    assert checked(tmp_path, "--x-dtype", "bfloat16") == 0
    assert checked(tmp_path) == 2
    assert checked(tmp_path, "--x-dtype", "float32") == 2


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--recipe", "nvfp5"], "did you mean"),
        (["--amax", "-1"], "amax -1.0: values of 0 and above"),
        (["--amax", "0.1"], "not a float32 value"),
        (["--scale-layout", "up"], "'--scale-layout': 'up': one of linear, swizzled is"),
    ],
)
def test_bad_arguments_exit_2_in_one_line(files, capsys, options, words):
    assert checked(files, *options) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert words in captured.err
    assert len(captured.err.splitlines()) == 1


@pytest.mark.long
def test_bad_files_exit_2_in_one_line(files, capsys):
    (files / "text.npy").write_text("no array")
    np.savez(files / "archive.npz", a=X)
    (files / "archive.npz").rename(files / "archive.npy")
    np.save(files / "short.npy", np.zeros((3, 4), np.uint8))
    for name in ("text", "archive", "short", "missing"):
        assert checked(files, scales=name) == 2
        captured = capsys.readouterr()
        assert len(captured.err.splitlines()) == 1
