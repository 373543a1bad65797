"""Hostile names in a report: Markdown, CSV, the figure and the link between them show them as text."""

from __future__ import annotations

import csv
import io
import re
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from fos_ref.dialects.evidence import read_status
from fos_ref.report import weights_figure
from fos_ref.report.console import output
from fos_ref.report.documents import weights_files
from fos_ref.report.status import status_markdown
from fos_ref.report.tables import cell, link, word
from fos_ref.report.terminal import show_weights
from fos_ref.report.weights import measure_weights, TOTAL, TOTAL_DEFAULT
from tests.meta.tree import ROOT

STEM = "x](javascript:alert(1)) $a\u202e"
NAMES = (
    "=HYPERLINK(1)",
    "+1",
    "-1",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "\uff1d1",
    TOTAL,
    f"{TOTAL}.weight",
    f"'{TOTAL}'",
    TOTAL_DEFAULT,
    "a|b`c",
    "<img src=x>",
    "\x1b]0;pwn\x07",
    "\u202etxet",
    "two\nlines",
    "日本語.weight",
    "$\\frac{1}{2}$",
    "x" * 3_000,
)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("hostile") / f"{STEM}.safetensors"
    x = np.arange(1, 257, dtype=np.float32).reshape(16, 16)
    save_file(dict.fromkeys(NAMES, x) | {f"left {n}": x[0] for n in NAMES}, path)
    return measure_weights(path, "numpy", lambda _: None)


@pytest.fixture(scope="module")
def files(weights):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return weights_files(weights)


def text(files, suffix):
    return next(data for name, data in files.items() if name.endswith(suffix)).decode()


@pytest.mark.long
def test_no_document_holds_a_character_that_acts(files):
    for suffix in (".md", ".csv"):
        found = text(files, suffix)
        assert all(line.isprintable() for line in found.splitlines()), suffix
        assert found.count("\u202e") == 0


@pytest.mark.long
def test_no_cell_of_the_csv_is_a_formula_and_every_name_is_told_apart(files):
    rows = list(csv.DictReader(io.StringIO(text(files, ".csv"))))
    names = {r["tensor"] for r in rows if r["rows"]}
    totals = {r["tensor"] for r in rows if not r["rows"]}
    assert len(names) == len(NAMES)
    assert totals == {TOTAL, TOTAL_DEFAULT}
    assert not names & totals
    assert [n for n in names if n[0] in "=+-@\t\r\uff1d"] == []
    assert "日本語.weight" in names


def test_the_page_shows_markup_as_code_and_links_to_its_figure(files):
    page = text(files, ".md")
    target = re.search(r"!\[[^]]*\]\(([^)]*)\)", page)[1]
    assert target == link(next(n for n in files if n.endswith(".png")))
    assert re.fullmatch(r"[\w%.~-]+", target)
    outside = re.sub(r"`[^`]*`", "", page.replace(target, ""))
    for sign in ("<img", "javascript", "frac", "HYPERLINK"):
        assert sign not in outside
        assert sign in page
    widths = {len(re.split(r"(?<!\\)\|", x)) for x in page.splitlines() if x.startswith("| `")}
    assert len(widths) == 1  # no name makes a cell of its own


@pytest.mark.long
def test_the_figure_names_the_total_once(weights, monkeypatch):
    seen = []
    monkeypatch.setattr(weights_figure, "rows", lambda _, labels: seen.append(labels))
    weights_figure.error_by_tensor(weights)
    assert seen[0].count(TOTAL) == 1
    assert len(set(seen[0])) == len(seen[0])
    assert all(label.isprintable() and len(label) < 300 for label in seen[0])


def test_a_terminal_shows_the_name_of_the_file_as_text(weights, capsys):
    show_weights(output(), replace(weights, name="[red]a\x1b[2J.safetensors"))
    assert "'[red]a\\x1b[2J.safetensors': all tensors" in capsys.readouterr().out


def test_a_cell_and_a_word_are_plain_or_quoted():
    assert [cell(x) for x in ("a.weight", "=1", "'a'", "a\tb")] == [
        "a.weight",
        "'=1'",
        "'\\'a\\''",
        "'a\\tb'",
    ]
    assert cell("a", quoted=True) == "'a'"
    assert word("2^-127, 1.5 * x") == "2^-127, 1.5 * x"
    assert word("[a](b)") == "`[a](b)`"
    assert word("a\nb") == "`'a\\nb'`"


def test_the_status_page_shows_what_a_file_says_as_text():
    status = read_status(ROOT / "reports" / "evidence-peers.json")
    hostile = "![x](javascript:1)\n# <b>\x1b"
    changed = replace(
        status,
        versions={hostile: hostile},
        not_run={hostile: hostile},
        problems=(hostile,),
        conversions={hostile: {hostile: hostile}},
    )
    page = status_markdown(changed).decode()
    outside = re.sub(r"`[^`]*`", "", page)
    assert "javascript" not in outside
    assert "<b>" not in outside
    assert "\x1b" not in page


def test_numbers_stay_numbers(files):
    table = pd.read_csv(io.StringIO(text(files, ".csv")))
    assert table["mse_e3"].dtype == np.float64
