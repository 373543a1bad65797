"""What `fos model quantize` refuses before the work, which recipes it stores, and the windows of a text."""

from __future__ import annotations

import importlib.util
import json

import pytest

import fos_ref
from fos_ref.commands.model import quantize as command
from fos_ref.errors import CheckpointError, InputError, RecipeError, ToolchainError
from fos_ref.ptq import asked, needs
from fos_ref.ptq.asked import Asked
from fos_ref.ptq.calibration import Calibration, rows
from fos_ref.ptq.storable import names, storable


@pytest.fixture
def model(tmp_path):
    """Return a folder with a configuration."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text(json.dumps({"model_type": "llama"}))
    (tmp_path / "text.txt").write_text("some words")
    return tmp_path / "model"


def test_the_command_has_the_methods():
    assert command.METHODS == asked.METHODS


def test_a_good_question_is_taken(model, tmp_path):
    text = Calibration(path=tmp_path / "text.txt", windows=2, length=4)
    found = Asked.checked(model, tmp_path / "new", "4over6", "gptq", text)
    assert (found.method, found.recipe, found.text) == ("gptq", fos_ref.recipe("4over6"), text)
    assert not (tmp_path / "new").exists()


def test_what_is_refused_before_the_work(model, tmp_path):
    text = Calibration(path=tmp_path / "text.txt")
    for recipe, method, given, error, words in (
        ("fouroversix-if4-mse", "rtn", None, RecipeError, "compressed-tensors stores"),
        ("4over6", "awq", None, InputError, "needs a text"),
        ("4over6", "rtn", text, InputError, "takes no text"),
        ("4over6", "spinquant", None, InputError, "rtn, smoothquant, awq, gptq"),
    ):
        with pytest.raises(error, match=words):
            Asked.checked(model, tmp_path / "new", recipe, method, given)
    (model / "config.json").write_text(json.dumps({"quantization_config": {}}))
    with pytest.raises(CheckpointError, match="not quantized"):
        Asked.checked(model, tmp_path / "new", "4over6", "rtn", None)


def test_what_can_be_stored_is_E2M1_under_one_amax():  # noqa: N802 -- the format's name
    can = names()
    assert {"nvfp4", "4over6", "4over6-16x16", "scale-optimum", "ocp-mxfp4", "fpquant-4over6-mse"} <= set(can)
    for name in ("fouroversix-if4-mse", "ggml-nvfp4", "te-nvfp4-row", "ocp-mxfp8-e4m3", "te-train-gradient"):
        assert name not in can
        with pytest.raises(RecipeError, match=f"stores {len(can)} presets: nvfp4, 4over6"):
            storable(name)


def test_a_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setattr(needs, "find_spec", lambda name: None if name == "datasets" else importlib.util)
    with pytest.raises(ToolchainError, match=r"not installed: datasets: pip install 'fos-ref\[ptq\]'"):
        needs.check_packages()


def test_windows_lie_behind_one_another(tmp_path):
    (tmp_path / "text").write_text("ignored")

    def tokenizer(words, **_):
        assert words == "ignored"
        return {"input_ids": list(range(11))}

    text = Calibration(path=tmp_path / "text", windows=2, length=5)
    assert rows(text, tokenizer) == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]
    with pytest.raises(InputError, match="11 tokens, 2 windows"):
        rows(Calibration(path=tmp_path / "text", windows=3, length=5), tokenizer)
    (tmp_path / "text").write_bytes(b"a\xff")
    with pytest.raises(InputError, match="byte 1 is no UTF-8"):
        rows(text, tokenizer)
