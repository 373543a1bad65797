"""`fos prove oracle`: who is checked on how much, on which inputs, and that a wrong model is found."""

from __future__ import annotations

import hashlib
import os
import re

import numpy as np
import pytest

import fos_ref
from fos_ref.proof.catalog import PROOFS
from fos_ref.proof.oracle import plan as oracle_plan
from fos_ref.proof.oracle import proof as oracle_proof
from fos_ref.proof.oracle.inputs import ROWS, SHORT
from fos_ref.proof.oracle.plan import BLOCKS, families, plan, size, TILES, Unit
from fos_ref.proof.oracle.proof import measure

UNITS = [Unit("nvfp4", 0), Unit("quartet2-triton-4over6-16x16", 0)]


def silent(done: int, total: int) -> None:
    assert 0 < done <= total


def test_every_preset_belongs_to_one_family():
    members = [name for names in families().values() for name in names]
    assert sorted(members) == sorted(r.name for n, r in fos_ref.PRESETS.items() if n == r.name)
    assert families()["own"][:2] == ["nvfp4", "4over6"]
    assert {"te", "te-cuda", "flashinfer", "fouroversix", "modelopt"} < set(families())
    assert {"llmcompressor", "compressed-tensors", "torchao", "quartet2"} < set(families())
    assert all(name.startswith(f"{f}-") for f, names in families().items() if f != "own" for name in names)


@pytest.mark.long
def test_the_plan_gives_each_family_its_million_and_each_tiled_preset_its_tiles():
    units = plan()
    assert len(set(units)) == len(units)
    rows = dict.fromkeys(families(), 0)
    for u in units:
        rows[oracle_plan.family(u.preset)] += size(u.preset, oracle_plan.ROWS) * (u.recipe.block_rows == 1)
    assert min(rows.values()) >= BLOCKS == 1_000_000
    tiled = [n for names in families().values() for n in names if n.endswith("-16x16")]
    assert len(tiled) == 45
    for name in tiled:
        assert sum(size(u.preset, oracle_plan.ROWS) for u in units if u.preset == name) >= TILES


@pytest.mark.parametrize("name", ["te-mse-256", "4over6", "compressed-tensors-nvfp4", "te-mse-256-16x16"])
def test_the_size_of_a_unit_is_what_it_has(name):
    r = fos_ref.PRESETS[name]
    for rows in (ROWS, 64):
        values = sum(c.x.size for c in Unit(name, 3).cases(rows))
        assert size(name, rows) * r.block_rows * r.block_cols == values


def test_units_have_inputs_of_their_own_the_same_on_every_machine():
    def digest(u: Unit) -> str:
        return hashlib.sha256(b"".join(c.x.tobytes() for c in u.cases(ROWS))).hexdigest()[:16]

    assert len({digest(u) for u in (Unit("4over6", 0), Unit("4over6", 1), Unit("nvfp4", 0))}) == 3
    assert digest(Unit("te-mse-256", 7)) == "caf75724363362e8"
    dtypes = {c.x.dtype for c in Unit("4over6", 0).cases(ROWS)}
    assert dtypes == {np.dtype(np.float32), *SHORT}


@pytest.mark.long
def test_a_small_proof_counts_what_it_compared(monkeypatch):
    monkeypatch.setattr(oracle_proof, "plan", lambda *_: UNITS)
    found = measure(silent, 1, blocks=0, tiles=0, rows=ROWS)
    assert found.unexplained == 0
    assert found.figures["blocks"]["own"] == found.figures["presets"]["own"]["nvfp4"] == size("nvfp4", ROWS)
    assert found.figures["tiles"]["quartet2-triton"] == size(UNITS[1].preset, ROWS) > 50
    assert found.compared == size("nvfp4", ROWS) + size(UNITS[1].preset, ROWS)
    assert found.figures["reached"]["own"]["subnormal block scale"] > 20
    assert found.figures["reached"]["quartet2-triton"]["map-to-4 kept"] > 10


@pytest.mark.long
def test_workers_find_what_one_process_finds(monkeypatch):
    monkeypatch.setattr(oracle_proof, "plan", lambda *_: UNITS)
    alone, together = (measure(silent, jobs, blocks=0, tiles=0, rows=ROWS) for jobs in (1, 2))
    assert alone == together


@pytest.mark.long
def test_one_wrong_bit_in_one_step_of_one_block_is_found(monkeypatch):
    def wrong(x, r, **arguments):
        t = fos_ref.trace(x, r, **arguments)
        if x.dtype == np.float16 and not x.any():
            t.map6.multiplier[5, 1] = np.nextafter(t.map6.multiplier[5, 1], np.float32(9))
        return t

    monkeypatch.setattr(oracle_proof, "trace", wrong)
    monkeypatch.setattr(oracle_proof, "plan", lambda *_: UNITS[:1])
    found = measure(silent, 1, blocks=0, tiles=0, rows=ROWS)
    assert found.unexplained == 1
    where = r"nvfp4, round 0, float16 zeros: multiplier, map6 of \(5, 1\)"
    assert re.fullmatch(where + ": model [0-9A-F]{8}, oracle [0-9A-F]{8}", found.figures["first_difference"])


def test_the_command_has_the_proof():
    assert PROOFS["oracle"].run is oracle_proof.oracle


@pytest.mark.exhaustive
def test_model_equals_oracle_on_many_blocks():
    found = measure(silent, os.cpu_count() or 1, blocks=20_000, tiles=40, rows=64)
    assert found.unexplained == 0
    assert min(found.figures["blocks"].values()) >= 20_000
