"""What an installed package has to do, away from its source: run by tests/wheel/everywhere.py, file by file.

python -m pytest -p no:cacheprovider smoke.py
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import fos_ref
from fos_ref.cli import run

COMMANDS = ("report", "recipes", "quantize", "check", "inspect", "fleet", "matmul", "model", "leak", "golden")
X = np.random.default_rng(0).normal(size=(64, 256)).astype(np.float32)


def test_it_is_the_installed_one():
    assert "site-packages" in Path(fos_ref.__file__).parts
    assert not (Path(fos_ref.__file__).parents[1] / "pyproject.toml").exists()
    done = subprocess.run(
        [sys.executable, "-c", "import fos_gpu; print(fos_gpu.available())"], capture_output=True, check=False
    )
    assert done.returncode == 0


def test_the_worked_block():
    x = np.zeros((1, 16), np.float32)
    x[0, :4] = 10, 20, 30, 40
    q = fos_ref.quantize(x, "4over6", tensor_scale=1.0)
    assert (q.codes[0, :2].tobytes().hex(), q.block_scales.tobytes().hex()) == ("4265", "52")


@pytest.mark.parametrize("command", ["", *COMMANDS, "evidence", "prove", "doctor"])
def test_every_command_has_its_help(command, capsys):
    assert run([*command.split(), "--help"]) == 0
    assert capsys.readouterr().out.startswith("Usage: fos")


def test_the_vectors_came_with_it(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["golden", "lint"]) == 0
    assert run(["golden", "verify", "--engine", "numpy", "--only", "v1/4over6-16x16/*.json"]) == 0
    assert run(["golden", "export", "--format", "c", "--recipe", "4over6", "-o", "c"]) == 0
    assert (tmp_path / "c" / "fos_vectors.h").exists() or any((tmp_path / "c").iterdir())
    capsys.readouterr()


def test_every_preset_quantizes_and_the_oracle_agrees_where_a_block_is_asked():
    for name, recipe in fos_ref.PRESETS.items():
        q = fos_ref.quantize(X, recipe, padding="zero")
        assert fos_ref.dequantize(q).shape == X.shape, name


def test_a_mistake_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    wrong = fos_ref.quantize(X, "te-mse-448")
    for name, array in (("x", X), ("codes", wrong.codes), ("scales", wrong.block_scales)):
        np.save(f"{name}.npy", array)
    assert run(["check", "x.npy", "codes.npy", "scales.npy", "--recipe", "te-mse-256", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["causes"][0]["flag"] == "Bound"


def test_a_checkpoint_there_and_back(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    save_file({"a.weight": X}, "w.safetensors")
    assert run(["quantize", "w.safetensors", "q.safetensors", "--recipe", "4over6"]) == 0
    assert run(["inspect", "q.safetensors", "--against", "w.safetensors"]) == 0
    capsys.readouterr()


def test_the_doctor_finds_the_engines(capsys):
    assert run(["doctor", "--json"]) == 0
    found = {f["name"]: f["state"] for f in json.loads(capsys.readouterr().out)["findings"]}
    assert found["numpy"] == "works"
    assert found["numba"] in ("works", "later")


def test_the_report_or_one_line_that_says_what_it_needs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    if find_spec("pandas") is None:
        assert run(["report", "--quick"]) == 2
        assert "pip install 'fos-ref[report]'" in capsys.readouterr().err
    else:
        assert run(["report", "--quick", "--engine", "numpy"]) == 0
        assert (tmp_path / "reports" / "quick" / "report.md").is_file()


@pytest.mark.compiled
def test_the_compiled_engine_gives_the_model_s_bytes():
    for name in ("4over6", "nvfp4", "te-mse-256", "fouroversix-if4-mse", "ocp-mxfp4"):
        one, other = (fos_ref.quantize(X, name, engine=e) for e in ("numba", "numpy"))
        assert (one.codes == other.codes).all(), name
        assert (one.block_scales == other.block_scales).all(), name
