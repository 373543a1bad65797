"""Errors: what helps is data, so that a call and a command each name their own; near names."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from safetensors.numpy import save_file

import fos_ref
from fos_ref.cli import OPTIONS, run
from fos_ref.engines.convert import quantize_checkpoint
from fos_ref.errors import InputError, near, Remedy


def test_a_call_names_its_argument():
    error = InputError("x is taken", remedy=Remedy("overwrite=True", "replaces it"))
    assert str(error) == "x is taken (overwrite=True replaces it)"
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 -- our own bytes
    assert (str(again), again.said, again.remedy) == (str(error), "x is taken", error.remedy)
    assert str(InputError("x is taken")) == "x is taken"
    assert InputError("a").args == ("a",)


def test_a_command_names_its_option(tmp_path, capsys):
    source, target = tmp_path / "in.safetensors", tmp_path / "out.safetensors"
    save_file({"a.weight": np.ones((16, 16), np.float32)}, source)
    target.write_bytes(b"")
    with pytest.raises(InputError, match=r"exists already \(overwrite=True replaces it\)"):
        quantize_checkpoint(source, target)
    assert run(["quantize", str(source), str(target)]) == 2
    assert capsys.readouterr().err == f"fos: {target} exists already (--force replaces it)\n"


def test_an_argument_that_is_no_option_is_not_named(tmp_path, capsys):
    x = np.ones((3, 17), np.float32)
    with pytest.raises(fos_ref.errors.ShapeError, match=r"multiple of 16 \(padding='zero' pads it\)"):
        fos_ref.quantize(x)
    for name in ("x", "codes", "scales"):
        np.save(tmp_path / f"{name}.npy", x)
    files = [str(tmp_path / f"{name}.npy") for name in ("x", "codes", "scales")]
    assert run(["check", *files, "--recipe", "4over6"]) == 2
    assert capsys.readouterr().err == "fos: x of shape (3, 17): the last axis must be a multiple of 16\n"
    assert "padding='zero'" not in OPTIONS


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("4OVER6", ["4over6", "4over6-mse", "4over6-mae"]),
        ("NVFP4", ["nvfp4", "te-nvfp4", "qwix-nvfp4"]),
        ("TE", ["te-nvfp4", "te-nvfp4-16x16", "te-nvfp4-row"]),
        ("", []),
        ("zzz", []),
    ],
)
def test_near_names_are_found_in_other_case_and_by_their_beginning(name, names):
    assert near(name, fos_ref.PRESETS) == names


def test_a_command_in_other_case_is_near(capsys):
    assert run(["RECIPES"]) == 2
    assert capsys.readouterr().err == "fos: no command of `fos` is called 'RECIPES': did you mean recipes?\n"
    assert run(["golden", "zzz"]) == 2
    assert "`fos golden` is called 'zzz': one of write, " in capsys.readouterr().err
