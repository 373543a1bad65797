"""`fos report`: files that appear whole and twice the same, one JSON document, one line for bad input."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from safetensors.numpy import save_file

from fos_ref.cli import run
from fos_ref.report import files, lineup
from fos_ref.report.lineup import Plan
from fos_ref.verify.distributions import make

TINY = Plan(seeds=2, shape=(32, 64))
TEXT = ("report.md", "errors.csv", "position.csv", "published.csv", "worked.csv")
FIGURES = ("error-by-distribution.png", "share-choosing-4.png", "error-by-position.png")
LARGEST_PNG = 150_000


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    monkeypatch.setattr(lineup, "FULL", TINY)
    monkeypatch.setattr(lineup, "QUICK", Plan(seeds=2, shape=(16, 32)))


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "some|`model.safetensors"
    odd = "a|b`c\n$x$"
    save_file({odd: make("normal", (16, 64), 0), "w.weight": make("laplace", (32, 32), 1)}, path)
    return path


def contents(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def test_two_runs_write_the_same_bytes(tmp_path, capsys):
    assert run(["report", "--out", str(tmp_path / "a")]) == 0
    assert run(["report", "--out", str(tmp_path / "b"), "--engine", "numpy"]) == 0
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert set(contents(tmp_path / "a")) == {*TEXT, *FIGURES}
    shown = capsys.readouterr()
    assert shown.out.index("map-to-6") < shown.out.index("4.328125") < shown.out.index("MSE / power")
    assert shown.err == "", "no progress bar when piped"


def test_the_documents_hold_the_numbers(tmp_path):
    assert run(["report", "--out", str(tmp_path)]) == 0
    errors = pd.read_csv(tmp_path / "errors.csv")
    assert len(errors) == 81
    report = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "a mean squared error of 4.328125; with 4/6 it costs 0." in report
    first = errors.iloc[0]
    assert f"| N(0, 1) | {first['mse_e3']:.3f} \u00b1 {first['mse_e3_ci']:.3f} |" in report
    steps = pd.read_csv(tmp_path / "worked.csv")
    assert list(steps["mse"]) == [4.328125] * 4 + [0.0] * 4
    for name in FIGURES:
        data = (tmp_path / name).read_bytes()
        assert len(data) < LARGEST_PNG
        assert min(Image.open(io.BytesIO(data)).size) > 500
        assert f"({name})" in report


def test_every_markdown_table_is_rectangular(tmp_path, weights):
    assert run(["report", "--out", str(tmp_path / "r"), "--weights", str(weights)]) == 0
    for name, data in contents(tmp_path / "r").items():
        lines = data.decode().splitlines() if name.endswith(".md") else []
        assert not name.endswith(".md") or any(line.startswith("| ") for line in lines)
        for above, below in pairwise(lines):
            if above.startswith("| ") and below.startswith("| "):
                counts = {row.replace("\\|", "").count("|") for row in (above, below)}
                assert len(counts) == 1, (name, above, below)


def test_weights_go_to_files_of_their_own_and_change_no_other(tmp_path, weights):
    assert run(["report", "--out", str(tmp_path / "plain")]) == 0
    assert run(["report", "--out", str(tmp_path / "both"), "--weights", str(weights)]) == 0
    plain, both = contents(tmp_path / "plain"), contents(tmp_path / "both")
    stem = f"weights-{weights.stem}"
    assert set(both) - set(plain) == {f"{stem}.md", f"{stem}.csv", f"{stem}.png"}
    assert {k: both[k] for k in plain} == plain
    table = pd.read_csv(io.BytesIO(both[f"{stem}.csv"]))
    assert set(table["tensor"]) == {"a|b`c\n$x$", "w.weight", "all tensors", "what fos quantize takes"}


def test_a_quick_report_never_stands_where_a_full_one_does(tmp_path):
    assert run(["report", "--out", str(tmp_path)]) == 0
    full = {k: (tmp_path / k).read_bytes() for k in (*TEXT, *FIGURES)}
    assert run(["report", "--quick", "--out", str(tmp_path)]) == 0
    assert {k: (tmp_path / k).read_bytes() for k in full} == full
    assert set(contents(tmp_path / "quick")) == set(full)


def test_json_is_one_document_with_the_figures_of_the_csv(tmp_path, weights, capsys):
    assert run(["report", "--json", "--out", str(tmp_path / "r"), "--weights", str(weights)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["worked"]["mse"] == {"nvfp4": 4.328125, "4over6": 0.0}
    errors = pd.read_csv(tmp_path / "r" / "errors.csv").replace({np.nan: None, np.inf: None})
    assert document["errors"] == errors.to_dict("records")
    assert document["weights"]["file"] == weights.name
    assert [Path(p).exists() for p in document["files"]] == [True] * 11


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--engine", "fast"], "engine 'fast'"),
        (["--weights", "missing.safetensors"], "missing.safetensors: No such file"),
        (["--weights", __file__], "not a usable safetensors file"),
        (["--out", __file__], "File exists"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(tmp_path, monkeypatch, capsys, arguments, problem):
    monkeypatch.chdir(tmp_path)
    assert run(["report", *arguments]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert problem in shown.err
    assert shown.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_files_and_nothing_else(tmp_path, monkeypatch):
    files.write_all(tmp_path, {"a": b"old", "b": b"old"})
    real = files._write

    def full_disk(path, data, target):
        if target.name == "b":
            path.write_bytes(data[:1])
            raise OSError(28, "No space left on device", str(target))
        real(path, data, target)

    monkeypatch.setattr(files, "_write", full_disk)
    with pytest.raises(OSError, match="No space left"):
        files.write_all(tmp_path, {"a": b"new", "b": b"new"})
    assert contents(tmp_path) == {"a": b"old", "b": b"old"}


def test_the_command_line_loads_no_table_or_figure_library():
    code = "import fos_ref.cli, sys; print(sorted({'pandas', 'matplotlib', 'PIL'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
