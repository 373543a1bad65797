"""`fos report`: files that appear whole and twice the same, one JSON document, one line for bad input."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from safetensors.numpy import save_file

from fos_ref.cli import run
from fos_ref.errors.text import shown
from fos_ref.inputs.distributions import make
from fos_ref.report import dialects_figure, documents, figures, lineup
from fos_ref.report.dialects import DATA
from fos_ref.report.family import figures as family_figures
from fos_ref.report.lineup import Plan

TEXT = (
    "report.md",
    "errors.csv",
    "family.csv",
    "optimum.csv",
    "position.csv",
    "published.csv",
    "worked.csv",
    "wrong-choices.csv",
)
FIGURES = ("error-by-distribution.png", "share-choosing-4.png", "error-by-position.png")
FIGURES += ("sqnr-by-format.png", "distance-from-optimum.png")
TEXT += tuple(f"disagreement-{d}{tail}.csv" for d in DATA for tail in ("", "-16x16", "-plain"))
FIGURES += tuple(f"disagreement-{d}.png" for d in DATA)
LARGEST_PNG = 150_000
assert sorted(documents.REPORT_NAMES) == sorted(TEXT + FIGURES)  # known before anything is measured
ODD_NAME = "a|b`c\n$x$"


class Run(NamedTuple):
    folder: Path
    out: str
    err: str


def report(folder, *arguments):
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        assert run(["report", "--out", str(folder), *arguments]) == 0
    return Run(folder, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module", autouse=True)
def tiny():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lineup, "FULL", Plan(seeds=2, shape=(32, 64)))
        patch.setattr(lineup, "QUICK", Plan(seeds=2, shape=(16, 32)))
        yield


@pytest.fixture(scope="module", autouse=True)
def drawn_once():
    """Draw most matrices once for all reports of this file: that takes longer than all the rest.

    One of them is drawn each time; tests/report/test_dialects.py shows that equal matrices give equal bytes.
    """
    kept = {}

    def draw(m):
        key = (m.distribution, m.presets, m.blocks, m.counts.tobytes())
        if m.distribution == DATA[0] or key not in kept:
            kept[key] = dialects_figure.disagreement(m)
        return kept[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "disagreement", draw)
        yield


@pytest.fixture(scope="module")
def plain(tmp_path_factory, tiny):  # noqa: ARG001 -- the plans first
    return report(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "some|`model.safetensors"
    save_file({ODD_NAME: make("normal", (16, 64), 0), "w.weight": make("laplace", (32, 32), 1)}, path)
    return path


@pytest.fixture(scope="module")
def both(tmp_path_factory, tiny, weights):  # noqa: ARG001 -- the plans first
    folder = tmp_path_factory.mktemp("both")
    return report(folder, "--json", "--engine", "numpy", "--weights", str(weights))


def contents(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


@pytest.mark.long
def test_the_worked_block_comes_first_and_no_bar_is_drawn_when_piped(plain):
    assert plain.out.index("map-to-6") < plain.out.index("4.328125") < plain.out.index("MSE / power")
    assert plain.err == ""
    assert set(contents(plain.folder)) == {*TEXT, *FIGURES}


@pytest.mark.long
def test_a_second_run_writes_the_same_bytes_and_weights_go_to_files_of_their_own(plain, both, weights):
    first, second = contents(plain.folder), contents(both.folder)
    stem = f"weights-{weights.stem}"
    assert set(second) - set(first) == {f"{stem}.md", f"{stem}.csv", f"{stem}.png"}
    assert {k: second[k] for k in first} == first
    table = pd.read_csv(io.BytesIO(second[f"{stem}.csv"]))
    assert set(table["tensor"]) == {shown(ODD_NAME), "w.weight", "all tensors", "what fos quantize takes"}


@pytest.mark.long
def test_the_documents_hold_the_numbers(plain):
    errors = pd.read_csv(plain.folder / "errors.csv")
    assert len(errors) == 9 * len(lineup.LINEUP)
    text = (plain.folder / "report.md").read_text(encoding="utf-8")
    assert "a mean squared error of 4.328125; with 4/6 it costs 0." in text
    first = errors.iloc[0]
    assert f"| N(0, 1) | {first['mse_e3']:.3f} \u00b1 {first['mse_e3_ci']:.3f} |" in text
    steps = pd.read_csv(plain.folder / "worked.csv")
    assert list(steps["mse"]) == [4.328125] * 4 + [0.0] * 4
    assert all(f"({name})" in text for name in FIGURES)


@pytest.mark.long
def test_the_figures_are_small_and_can_be_read(both):
    pictures = [data for name, data in contents(both.folder).items() if name.endswith(".png")]
    assert len(pictures) == 9
    for data in pictures:
        assert len(data) < LARGEST_PNG
        assert Image.open(io.BytesIO(data)).width > 1000


@pytest.mark.long
def test_every_markdown_table_is_rectangular(both):
    documents = [data.decode() for name, data in contents(both.folder).items() if name.endswith(".md")]
    assert len(documents) == 2
    for text in documents:
        for above, below in pairwise(text.splitlines()):
            if above.startswith("| ") and below.startswith("| "):
                bars = [row.replace("\\|", "").count("|") for row in (above, below)]
                assert bars[0] == bars[1], (above, below)


@pytest.mark.long
def test_a_quick_report_never_stands_where_a_full_one_does(plain, monkeypatch):
    """Its pictures are drawn, but not saved: that takes longer than all the rest."""
    for module in (figures, family_figures, dialects_figure):
        monkeypatch.setattr(module, "png", lambda _: b"a picture")
    full = contents(plain.folder)
    report(plain.folder, "--quick")
    assert contents(plain.folder) == full
    assert set(contents(plain.folder / "quick")) == set(full)


@pytest.mark.long
def test_json_is_one_document_with_the_figures_of_the_csv(both, weights):
    document = json.loads(both.out)
    assert document["worked"]["mse"] == {"nvfp4": 4.328125, "4over6": 0.0}
    errors = pd.read_csv(both.folder / "errors.csv").replace({np.nan: None, np.inf: None})
    assert document["errors"] == errors.to_dict("records")
    assert document["weights"]["file"] == weights.name
    decided = {
        m["distribution"]: m["hardware_decides"] for m in document["disagreement"] if len(m["presets"]) > 80
    }
    assert 0 < decided["coarse"]["blocks"]["flashinfer-default-mse-256"] <= decided["coarse"]["of_blocks"]
    assert [Path(p).exists() for p in document["files"]] == [True] * 28


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--engine", "fast"], "'--engine': 'fast': one of auto, numpy"),
        (["--weights", "missing.safetensors"], "missing.safetensors: No such file"),
        (["--weights", __file__], "not a usable safetensors file"),
        (["--out", __file__], "Not a directory"),
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


def test_the_command_line_loads_no_table_or_figure_library():
    code = "import fos_ref.cli, sys; print(sorted({'pandas', 'matplotlib', 'PIL'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
