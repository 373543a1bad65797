"""`fos recipes` without diff: the list, one recipe, and what it refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

import fos_ref
from fos_ref import PRESETS, STOCHASTIC
from fos_ref.cli import run
from fos_ref.inputs.distributions import make

EVERY = {**PRESETS, **STOCHASTIC}


def shown(capsys, *arguments, code=0):
    assert run(["recipes", *arguments]) == code
    return capsys.readouterr()


def test_the_list_names_every_preset_with_all_its_fields(capsys):
    rows = json.loads(shown(capsys, "--json").out)
    assert [r["preset"] for r in rows] == list(EVERY)
    for row in rows:
        r = EVERY[row["preset"]]
        assert row == {**r.to_dict(), "fingerprint": r.fingerprint(), "preset": row["preset"]}


@pytest.mark.long
def test_the_table_has_a_line_for_every_preset_and_says_which_are_second_names(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    lines = shown(capsys).out.splitlines()
    assert f"{len(EVERY)} recipes" in lines[0]
    first = [line.split()[0] for line in lines if line.strip()]
    assert [name for name in EVERY if name not in first] == []
    assert any("4over6-mse (= 4over6)" in line for line in lines)
    (row,) = [line.split() for line in lines if line.split()[:1] == ["nvfp4"]]
    assert row == ["nvfp4", "6", "448", "1x16", "tensor", "-", "own"]


def test_one_recipe_is_shown_axis_by_axis(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    r = PRESETS["te-mse-256"]
    assert json.loads(shown(capsys, r.name, "--json").out) == {**r.to_dict(), "fingerprint": r.fingerprint()}
    text = shown(capsys, r.name).out
    assert r.name in text
    assert r.fingerprint() in text
    assert all(axis in text for axis in r.axes())
    assert "TransformerEngine@" in text
    unset = shown(capsys, "nvfp4").out.splitlines()
    assert [line.split()[1] for line in unset if "error_metric" in line] == ["-"]


@pytest.mark.long
def test_what_it_cannot_do_is_one_line_and_exit_2(capsys):
    refusals = [
        (["te-mse-257"], "did you mean te-mse-256"),
        (["diff", "nvfp4"], "Missing argument 'B'"),
        (["nvfp4", "4over6"], "allowed is fos recipes"),
        (["nvfp4", "--distribution", "normal"], "No such option: --distribution"),
    ]
    for arguments, reason in refusals:
        out, err = shown(capsys, *arguments, code=2)
        assert out == ""
        assert reason in err
        assert err.count("\n") == 1


@pytest.mark.long
def test_options_stand_anywhere(capsys):
    one = shown(capsys, "nvfp4", "--json").out
    assert shown(capsys, "--json", "nvfp4").out == one
    both = shown(capsys, "diff", "nvfp4", "4over6", "--json").out
    assert shown(capsys, "--json", "diff", "nvfp4", "4over6").out == both
    assert shown(capsys, "diff", "--json", "nvfp4", "4over6").out == both
    assert json.loads(both)["a"] == "nvfp4"


def test_no_preset_is_called_like_a_command():
    assert "diff" not in EVERY


@pytest.mark.long
def test_a_recipe_of_ones_own_is_printed_and_read(capsys, tmp_path):
    printed = shown(
        capsys, "new", "mine", "--from", "te-mse-256", "--set", "tie=four", "--set", "scale_max=448"
    ).out
    r = fos_ref.Recipe.from_dict({k: v for k, v in json.loads(printed).items() if k != "fingerprint"})
    assert (r.name, r.evidence, r.source) == ("mine", "own", "")
    assert set(PRESETS["te-mse-256"].diff(r)) == {"tie", "scale_max"}
    path = tmp_path / "mine.json"
    path.write_text(printed)
    assert json.loads(shown(capsys, str(path), "--json").out) == json.loads(printed)
    assert "tie" in shown(capsys, "diff", "te-mse-256", str(path), "--distribution", "coarse").out
    unset = shown(capsys, "new", "plain", "--from", str(path), "--set", "candidates=6", *_no_choice()).out
    assert json.loads(unset)["tie"] is None


def _no_choice():
    axes = ("map4_scale", "error_domain", "error_metric", "reduction", "tie")
    return [word for axis in axes for word in ("--set", f"{axis}=-")]


@pytest.mark.long
def test_a_setting_that_is_none_is_one_line_and_exit_2(capsys):
    refusals = [
        (["--set", "ti=four"], "setting ti=four: AXIS=VALUE with one of the axes tie is allowed"),
        (["--set", "tie"], "setting tie: tie=VALUE with one of six, four is allowed"),
        (["--set", "scale_max"], "setting scale_max: scale_max=VALUE with a whole number is allowed"),
        (["--set", "name=x"], "AXIS=VALUE"),
        (["--set", "tie=five"], "one of six, four is allowed"),
        (["--set", "tie=-"], "tie not set"),
        (["--set", "scale_max=4" + "0" * 4000], "a whole number is allowed"),
    ]
    for arguments, reason in refusals:
        out, err = shown(capsys, "new", "mine", "--from", "te-mse-256", *arguments, code=2)
        assert (out, err.count("\n")) == ("", 1)
        assert reason in err
    assert "rename it" in shown(capsys, "new", "nvfp4", "--from", "te-mse-256", code=2).err


@pytest.mark.long
def test_check_and_quantize_take_the_file(capsys, tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(shown(capsys, "new", "mine", "--from", "te-mse-256", "--set", "tie=four").out)
    x = make("coarse", (32, 64), 0).astype(np.float32)
    q = fos_ref.quantize(x, path)
    names = [str(tmp_path / n) for n in ("x.npy", "c.npy", "s.npy")]
    for name, array in zip(names, (x, q.codes, q.block_scales), strict=True):
        np.save(name, array)
    assert run(["check", *names, "--recipe", str(path)]) == 0
    assert "mine: all 128 blocks equal" in capsys.readouterr().out
    assert run(["check", *names, "--recipe", "te-mse-256"]) == 1
    save_file({"a.weight": x}, tmp_path / "in.safetensors")
    assert (
        run(
            [
                "quantize",
                str(tmp_path / "in.safetensors"),
                str(tmp_path / "out.safetensors"),
                "--recipe",
                str(path),
            ]
        )
        == 0
    )
    with safe_open(tmp_path / "out.safetensors", "np") as f:
        assert json.loads(f.metadata()["fos_recipe"]) == fos_ref.recipe(path).to_dict()
