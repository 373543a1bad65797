"""The proof of the mutants on one mutant: its figures are the committed ones; a survivor is unexplained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fos_ref.errors import InputError
from fos_ref.mutants.catalogue import MUTANTS
from fos_ref.proof import mutants as proof
from fos_ref.proof.mutants import mutants

ROOT = Path(__file__).parents[2]
COMMITTED = json.loads((ROOT / "reports" / "proof-mutants.json").read_bytes())["figures"]
NAME = "nibbles-swapped"


@pytest.fixture(autouse=True)
def one(monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(proof, "MUTANTS", {NAME: MUTANTS[NAME]})


def test_the_figures_of_a_mutant_are_the_committed_ones():
    seen = []
    found = mutants(lambda *done: seen.append(done), 1)
    assert json.loads(json.dumps(found.figures)) == {NAME: COMMITTED[NAME]}
    assert found.unexplained == 0
    assert seen == [(0, 1), (1, 1)]


def test_a_mutant_that_no_vector_kills_is_unexplained(monkeypatch):
    monkeypatch.setattr(proof, "vector_failures", lambda *_: iter(()))
    assert mutants(lambda *_: None, 1).unexplained == 1


def test_without_the_golden_folder_it_says_where_to_run(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        InputError, match=r"distinguishing\.json is not here: run this in the project's folder"
    ):
        mutants(lambda *_: None, 1)
