"""A recipe of your own from a JSON file: the same bits, and one clear error for everything else."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import fos_ref
from fos_ref.errors import RecipeError
from fos_ref.recipes import PRESETS, recipe
from fos_ref.recipes.axes import Tie

OWN = replace(PRESETS["te-mse-256"], name="mine", tie=Tie.FOUR)


def written(path, data):
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return path


def test_a_recipe_comes_back_from_its_file(tmp_path):
    path = written(tmp_path / "mine.json", OWN.to_dict())
    x = np.ones((2, 32), np.float32)
    assert recipe(path) == recipe(str(path)) == OWN
    assert fos_ref.quantize(x, path).recipe == OWN
    assert fos_ref.quantize(x, str(path)).codes.tobytes() == fos_ref.quantize(x, OWN).codes.tobytes()


def test_what_the_command_prints_is_read(tmp_path):
    data = {**OWN.to_dict(), "fingerprint": OWN.fingerprint()}
    assert recipe(written(tmp_path / "mine.JSON", data)) == OWN


def test_a_preset_s_own_file_is_that_preset(tmp_path):
    r = PRESETS["nvfp4"]
    assert recipe(written(tmp_path / "n.json", r.to_dict())) == r


def test_a_path_without_the_suffix_is_a_path_if_it_is_one(tmp_path):
    assert recipe(written(tmp_path / "mine", OWN.to_dict())) == OWN
    with pytest.raises(RecipeError, match="no recipe is called"):
        recipe(str(tmp_path / "mine"))


AXES = OWN.to_dict()
WRONG = {
    "no JSON": ("{", "not JSON"),
    "nothing": ("", "not JSON"),
    "a list": ([1], "not an object"),
    "deep": ("[" * 60_000, "nested too deep"),
    "NaN": ('{"name": NaN}', "JSON with NaN"),
    "twice": ('{"name": "a", "name": "b"}', "is given twice"),
    "not UTF-8": (None, "not JSON"),
    "a field too many": ({**AXES, "colour": 1}, "exactly the fields"),
    "a field too few": ({k: v for k, v in AXES.items() if k != "tie"}, "exactly the fields"),
    "another type": ({**AXES, "scale_max": "448"}, "a whole number is allowed"),
    "another value": ({**AXES, "tie": "five"}, "tie = 'five': one of"),
    "not legal": ({**AXES, "scale_max": 449}, "2 to 448 is allowed"),
    "a fingerprint of others": ({**AXES, "fingerprint": "0"}, "fingerprint is that of other axes"),
    "a preset's name": (
        {**AXES, "name": "te-mse-256"},
        "differs from the preset of that name in .*: rename it",
    ),
    "large": (" " * 70_000, "65,536"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_recipe_is_one_error(case, tmp_path):
    data, says = WRONG[case]
    path = tmp_path / "r.json"
    if data is None:
        path.write_bytes(b"\xff\xfe{")
    else:
        written(path, data)
    with pytest.raises(RecipeError, match=says) as caught:
        recipe(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_no_file_and_no_regular_file_are_said(tmp_path):
    with pytest.raises(RecipeError, match=r"(?i)no such file|regular file"):
        recipe(str(tmp_path / "none.json"))
    with pytest.raises(RecipeError, match=r"(?i)no such file|regular file"):
        recipe(tmp_path)
