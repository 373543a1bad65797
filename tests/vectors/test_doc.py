"""docs/vectors.md: its examples run, its tables are those of the code and of the proof."""

from __future__ import annotations

import json
import re

import pytest

from fos_ref.mutants.catalogue import MUTANTS
from fos_ref.proof import vectors as proof
from fos_ref.proof.catalog import PROOFS
from fos_ref.vectors.chain import BLOCKS, FILES, NAME, STEPS
from fos_ref.vectors.cover import smallest_cover
from fos_ref.vectors.plan import GROUPS, HUNT, REPORTED
from fos_ref.vectors.words import MIX, STEP, words
from tests.docs.document import failing_examples, read_tables, text_of
from tests.vectors.folder import ROOT

TEXT = text_of("vectors.md")
TABLES = read_tables(TEXT)
REPORT = json.loads((ROOT / "reports" / "proof-vectors.json").read_text())


def test_every_example_prints_what_the_document_says(monkeypatch):
    monkeypatch.chdir(ROOT)
    count, report = failing_examples(TEXT)
    assert report == ""
    assert count >= 14


def test_every_group_is_in_the_table():
    named = []
    for cell in (row[0] for row in TABLES["group"][1]):
        first, *more = re.findall(r"`([\w-]+)`", cell)
        named += [first, *(m if not m.startswith("-") else first.rpartition("-")[0] + m for m in more)]
    assert named == [*GROUPS, HUNT, REPORTED]


def test_the_fields_of_a_vector_are_those_of_the_files():
    v = json.loads((ROOT / "golden/v1/4over6/worked.json").read_text())["vectors"][0]
    fields = [f for row in TABLES["field"][1] for f in re.findall(r"`(\w+)`", row[0])]
    assert sorted(fields) == sorted(v)
    assert sorted(re.findall(r"`(\w+)`", " ".join(r[0] for r in TABLES["`expected`"][1]))) == sorted(
        v["expected"]
    )
    steps = " ".join(row[0] for row in TABLES["`steps`"][1])
    block = v["steps"]["blocks"][0]
    for name in (*v["steps"], *block, *block["map6"]):
        assert name in steps


def test_the_chain_s_numbers_are_those_of_the_code():
    for constant in (STEP, *MIX):
        assert f"{constant:X}" in TEXT
    points = FILES[NAME].points
    assert (BLOCKS, STEPS, points[:3], points[-1]) == (10_000, 10_000, (1, 10, 100), 10_000)
    assert {name: file.steps for name, file in FILES.items()} == {NAME: 10_000, "v1/chains-3.json": 1_000}
    assert words(0, 2).tolist() == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4]  # SplitMix64's published outputs


def test_the_table_of_the_fewest_vectors_is_the_report_s():
    recipes = REPORT["figures"]["recipes"]
    rows = TABLES["recipe"][1]
    assert [r[0].strip("`") for r in rows] == list(recipes)
    for name, mutants, count, least, which in rows:
        f = recipes[name.strip("`")]
        assert [mutants, count, least] == [str(len(f["mutants"])), str(f["vectors"]), str(len(f["least"]))]
        assert [f"{name.strip('`')}/{i}" for i in re.findall(r"`([\w/-]+)`", which)] == f["least"]
    assert f"{REPORT['figures']['least']} vectors are enough" in " ".join(TEXT.split())
    assert REPORT["unexplained"] == 0
    assert {m for f in recipes.values() for m in f["mutants"]} == set(MUTANTS)
    assert PROOFS["vectors"] is proof.PROOF


@pytest.mark.long
def test_one_recipe_s_figures_are_found_again(monkeypatch):
    monkeypatch.chdir(ROOT)
    recipes = REPORT["figures"]["recipes"]
    found = proof.of_recipe("modelopt-nvfp4")
    assert found.pop("differ") == 0
    assert found == recipes["modelopt-nvfp4"]


def test_a_smallest_cover_is_smaller_than_a_greedy_one():
    """The greedy choice, 0, hits four of six at once; two others hit three each."""
    kills = {"a": [0, 1], "b": [0, 1], "c": [1, 3], "d": [0, 2], "e": [0, 2], "f": [2, 4]}
    assert smallest_cover(kills) == [1, 2]
    assert smallest_cover({"a": [7]}) == [7]
    assert smallest_cover({}) == []
