"""`fos recipes` without diff: the list, one recipe, and what it refuses."""

from __future__ import annotations

import json

from fos_ref import PRESETS
from fos_ref.cli import run


def shown(capsys, *arguments, code=0):
    assert run(["recipes", *arguments]) == code
    return capsys.readouterr()


def test_the_list_names_every_preset_with_all_its_fields(capsys):
    rows = json.loads(shown(capsys, "--json").out)
    assert [r["preset"] for r in rows] == list(PRESETS)
    for row in rows:
        r = PRESETS[row["preset"]]
        assert row == {**r.to_dict(), "fingerprint": r.fingerprint(), "preset": row["preset"]}


def test_the_table_has_a_line_for_every_preset_and_says_which_are_second_names(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    lines = shown(capsys).out.splitlines()
    assert f"{len(PRESETS)} recipes" in lines[0]
    first = [line.split()[0] for line in lines if line.strip()]
    assert [name for name in PRESETS if name not in first] == []
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


def test_options_stand_anywhere(capsys):
    one = shown(capsys, "nvfp4", "--json").out
    assert shown(capsys, "--json", "nvfp4").out == one
    both = shown(capsys, "diff", "nvfp4", "4over6", "--json").out
    assert shown(capsys, "--json", "diff", "nvfp4", "4over6").out == both
    assert shown(capsys, "diff", "--json", "nvfp4", "4over6").out == both
    assert json.loads(both)["a"] == "nvfp4"


def test_no_preset_is_called_like_a_command():
    assert "diff" not in PRESETS
