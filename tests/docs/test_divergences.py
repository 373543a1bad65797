"""docs/divergences.md: every block is quantized, every figure counted, every example run."""

import re
from functools import cache, partial

import pytest

import fos_ref
from fos_ref.dialects.disagreement import disagreement, partners, taking
from fos_ref.inputs.distributions import make
from fos_ref.recipes.axes import Tie
from tests.differential.divergences import DIVERGENCES
from tests.docs.divergences_document import COUNTED, one, ROWS, TABLES, TEXT, value_of
from tests.docs.document import failing_examples
from tests.every import every

SHAPE, SEED = (512, 1024), 0  # of `fos recipes diff --distribution`
ITEMS = 18


@every(ROWS, lambda r: f"{r.block} {r.value}")
def test_every_preset_of_a_row_has_its_value_and_gives_its_bytes(row):
    for r in row.recipes:
        assert value_of(r, row.axis) == row.value, r.name
        q = fos_ref.quantize(row.x, r, amax=row.amax_for(r), engine="numpy")
        assert f"{q.block_scales.tobytes().hex()} {q.codes.tobytes().hex()}" == row.output, r.name


@every(sorted({r.block for r in ROWS} - {"D18b", "D18c"}))
def test_the_rows_of_a_block_differ(block):
    """D18b is D18a in float32, and D18c shows that the same block is no divergence under another bound."""
    assert len({r.output for r in ROWS if r.block == block}) > 1


def test_every_example_prints_what_the_document_says():
    attempted, report = failing_examples(TEXT)
    assert attempted >= 25, "the examples were not found"
    assert report == ""


@cache
def tensor(distribution):
    return make(distribution, SHAPE, SEED, "bfloat16")


@pytest.fixture
def by_the_compiled_engine(monkeypatch):
    """Let `disagreement` quantize by the engine that is some twenty times as fast."""
    compiled = partial(fos_ref.quantize, engine="numba")
    monkeypatch.setattr("fos_ref.dialects.disagreement.quantize", compiled)


@pytest.mark.sample(14)
@pytest.mark.usefixtures("by_the_compiled_engine")
@pytest.mark.parametrize(
    ("label", "axis", "a", "b", "cells"), COUNTED, ids=lambda v: v if isinstance(v, str) else ""
)
def test_every_count(label, axis, a, b, cells):
    first, second = one(a), one(b)
    alone = taking(first, second, [axis, *partners(first, second, axis)])
    for distribution, cell in cells.items():
        x = tensor(distribution)
        n, m = (disagreement(x, first, r, explain=False).differing for r in (second, alone))
        assert cell == f"{n} ({m})", f"{label}, {distribution}"


def test_the_example_blocks_of_the_peers_suite_are_these():
    """tests/differential/divergences.py and this document may not say different things of one block."""
    of_document = {}
    for row in ROWS:
        for r in row.recipes:
            of_document.setdefault((row.x.tobytes(), float(row.amax), r.name), row.output)
    known = [
        (d.item, preset, output, of_document.get((d.x.tobytes(), d.amax, preset)))
        for d in DIVERGENCES
        for preset, output in d.outputs.items()
    ]
    assert [k for k in known if k[3] not in (k[2], None)] == []
    covered = {item for item, _, output, said in known if said == output}
    assert covered == {d.item for d in DIVERGENCES}


def test_every_item_has_an_entry_and_a_verdict():
    _, rows = TABLES["item"]
    assert [int(row[0]) for row in rows] == list(range(1, ITEMS + 1))
    entries = {r.block for r in ROWS} | set(re.findall(r"^## (D\d+)\. ", TEXT, flags=re.MULTILINE))
    for row in rows:
        assert set(row[2].split(", ")) <= entries
        assert row[3].startswith(("reproduced", "corrected"))


def test_every_entry_has_a_verdict_and_an_axis():
    sections = re.split(r"^## (?=D\d+\. )", TEXT, flags=re.MULTILINE)[1:]
    assert [s.split(".")[0] for s in sections] == [f"D{i}" for i in range(1, len(sections) + 1)]
    axes = set(fos_ref.recipe("nvfp4").axes())
    for s in sections:
        assert "**Verdict: " in s, s[:40]
        stated = re.search(r"^Axe?i?s `(\w+)`", s, flags=re.MULTILINE)
        assert stated is not None, s[:40]
        assert stated[1] in axes


def test_a_change_names_a_value_of_its_axis():
    assert one("te-mse-256 + tie=four").tie is Tie.FOUR
    with pytest.raises(ValueError, match="is not a valid"):
        one("te-mse-256 + tie=five")
