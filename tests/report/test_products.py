"""`fos report --products`: its figures against witnesses, its files whole and small."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import fos_ref
from fos_ref import matmul
from fos_ref.attention import SCHEMES
from fos_ref.cli import run
from fos_ref.matmul.alpha import ALPHAS
from fos_ref.oracle import products as rational
from fos_ref.report import saving
from fos_ref.report.products import documents, leaking, measured, plan, programs, sums, vectors
from fos_ref.report.products.alphas import form_shares
from fos_ref.report.products.plan import operands_of, Plan
from fos_ref.report.products.text import products_markdown
from tests.matmul.lines import lines
from tests.matmul.shares import row as share_row
from tests.matmul.test_models import TABLE

TINY = Plan(lengths=(64, 256), outputs=4, longest_half=64, pairs=1, amaxes=5, tokens=4)
KEPT = ("nvfp4-v-head", "nvfp4-v-tokens", "k-mean")
ROUNDINGS = Fraction(1, 2**40)  #: what those of float64 sums come to
LARGEST_PNG = 150_000


@pytest.fixture(scope="module", autouse=True)
def little():
    """Take shorter products and coarser pictures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(programs, "LENGTH", 128)
        patch.setattr(saving, "DPI", 40)
        patch.setattr(leaking, "SCHEMES", {name: SCHEMES[name] for name in KEPT})
        yield


@pytest.fixture(scope="module")
def found(little):  # noqa: ARG001 -- the lengths first
    calls = []
    p = measured.measure_products(TINY, lambda: calls.append(1))
    assert len(calls) == measured.jobs(TINY)
    return p


def test_the_shares_are_those_of_the_document():
    table = sums.measure(Plan(**(vars_of(TINY) | {"lengths": (256,), "outputs": 32})), lambda: None).shares
    for _, row in table.iterrows():
        assert [f"{v:.3g}" for v in row.iloc[2:6]] == share_row(row["data"], 256), row["data"]
    assert table["block_pct"].min() < 90 < table["te_exact_pct"].max()


def vars_of(p):
    return {name: getattr(p, name) for name in p.__dataclass_fields__}


SUMMED = {
    "te": (rational.group_terms, rational.sequential),
    "cutlass": (rational.element_terms, rational.sequential),
}


@pytest.mark.long
@pytest.mark.parametrize("name", list(SUMMED))
def test_a_distance_is_that_of_rational_numbers(found, name):
    """Terms, sum and accumulator once more, on Fractions."""
    terms_of, accumulated = SUMMED[name]
    a, b = operands_of("blocks lognormal(3)", 256, TINY.outputs)
    distances = []
    for x in lines(a):
        for y in lines(b):
            terms = [Fraction(t) for t in terms_of(x, y)]
            unit = sum(map(abs, terms)) / 2**24
            distances.append(abs(accumulated(terms_of(x, y)) - sum(terms)) / unit)
    d = found.distances.set_index(["data", "k", "accumulator"]).loc["blocks lognormal(3)", 256, name]
    assert abs(Fraction(float(d["largest"])) / max(distances) - 1) < ROUNDINGS
    assert abs(Fraction(float(d["mean"])) * len(distances) / sum(distances) - 1) < ROUNDINGS
    assert d["exact_pct"] == 100 * distances.count(0) / len(distances)
    assert 0 < d["largest"] <= d["bound"] <= d["any_order"] * 1.01


@pytest.mark.long
def test_the_vectors_are_those_of_the_document(found):
    table = found.accumulators
    assert {r.iloc[0]: tuple(r.iloc[1:]) for _, r in table.iterrows()} == TABLE
    assert [vectors.measured_by(name) for name in TABLE] == list(vectors.MEASURES.values())


def test_forms_of_alpha_pair_by_pair():
    amaxes = 5
    rng = np.random.default_rng(11)
    left, right = (rng.lognormal(size=amaxes).astype(np.float32) for _ in range(2))
    template = fos_ref.quantize(np.ones((1, 16), np.float32), "nvfp4")
    differ = dict.fromkeys(((f, g) for f in ALPHAS for g in ALPHAS), 0)
    for x in left:
        for y in right:
            a, b = (
                fos_ref.from_bytes(template.codes, template.block_scales, "nvfp4", amax=v) for v in (x, y)
            )
            value = {name: form(a, b) for name, form in ALPHAS.items()}
            for f, g in differ:
                differ[f, g] += bool(value[f] != value[g])
    table = form_shares(TINY).set_index(["form", "other"])["differ_pct"]
    assert table.to_dict() == {pair: 100 * n / amaxes**2 for pair, n in differ.items()}
    assert any(differ.values())


def test_programs_beside_one_another(found):
    cells = found.programs.set_index(["data", "out", "program", "other"])["differ_pct"]
    assert len(cells) == 2 * 2 * len(matmul.MODELS) ** 2
    a, b = operands_of("normal", programs.LENGTH, 16, 100)
    x, y = (matmul.run(a, b, m, "bfloat16") for m in ("te", "torchao"))
    assert cells["normal", "bfloat16", "te", "torchao"] == 100 * np.mean(x != y) > 0
    for (data, out, left, right), value in cells.items():
        assert value == cells[data, out, right, left]
        assert left != right or value == 0


@pytest.mark.long
def test_leaks_are_those_of_the_detector(monkeypatch):
    monkeypatch.setattr(leaking, "SCHEMES", {name: SCHEMES[name] for name in KEPT[:2]})
    found = leaking.leak_table(Plan(**(vars_of(TINY) | {"tokens": 17})), lambda: None)
    rows = found.table.set_index("scheme")
    assert rows["leak"].to_dict() == {"nvfp4-v-head": "none", "nvfp4-v-tokens": "block-scale"}
    assert rows.loc["nvfp4-v-tokens", "pairs_v"] == found.matrices["nvfp4-v-tokens"].sum() == 15 * 16 // 2
    assert not found.matrices["nvfp4-v-head"].any()


@pytest.fixture(scope="module")
def files(found):
    return documents.products_files(found)


@pytest.mark.long
def test_the_files_are_announced_and_small(found, files):
    assert sorted(files) == sorted(documents.NAMES)
    assert products_markdown(found) == files["products.md"]
    for name, data in files.items():
        if name.endswith(".png"):
            Image.open(io.BytesIO(data)).verify()
            assert len(data) < LARGEST_PNG
        else:
            assert b"nan" not in data.lower()


@pytest.mark.long
def test_the_page_shows_the_tables(files):
    page = files["products.md"].decode()
    for m in matmul.MODELS.values():
        assert m.says in page
    certified = pd.read_csv(io.BytesIO(files["products-certified.csv"]))
    for _, row in certified.iterrows():
        assert f"| {row['data']} | {row['k']} | {row['element_pct']:.3g} | {row['block_pct']:.3g} |" in page
    assert "| V3 | the rounding | 1.5 | 2 | 2 | 2 | 0 | 0 | 0 |" in page
    assert all(name in page for name in files if name.endswith(".png"))
    assert all(f"| {s} |" in page for s in KEPT)


def call(*arguments):
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run(["report", *arguments])
    return code, out.getvalue(), err.getvalue()


@pytest.mark.long
def test_the_command_writes_them_whole(found, files, tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "QUICK", TINY)
    monkeypatch.setattr(measured, "measure_products", lambda _plan, _done: found)
    monkeypatch.setattr(documents, "products_files", lambda _found: files)
    code, out, err = call("--products", "--quick", "--json", "--out", str(tmp_path))
    assert (code, err) == (0, "")
    written = {p.name: p.read_bytes() for p in (tmp_path / "quick").iterdir()}
    assert written == files
    document = json.loads(out)
    assert document["plan"]["outputs"] == TINY.outputs
    assert [r["vector"] for r in document["accumulators"]] == list(TABLE)


def test_what_stands_in_the_way_is_found_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr(measured, "measure_products", None)
    (tmp_path / "products.md").mkdir()
    for arguments in (
        ("--products", "--out", str(tmp_path)),
        ("--products", "--weights", "w.safetensors", "--out", str(tmp_path)),
        ("--products", "--engine", "numba", "--out", str(tmp_path)),
    ):
        code, out, err = call(*arguments)
        assert (code, out, err.count("\n")) == (2, "", 1), err
    assert [p.name for p in tmp_path.iterdir()] == ["products.md"]
