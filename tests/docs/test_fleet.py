"""The figures of docs/fleet.md are those of reports/fleet.json, and what is computed follows from them."""

from __future__ import annotations

import json

import pytest

from tests.docs.document import read_tables, ROOT, text_of

REPORT = json.loads((ROOT / "reports" / "fleet.json").read_text(encoding="utf-8"))
FIGURES, TABLES = REPORT["figures"], read_tables(text_of("fleet.md"))
PEAK = "largest_peak_over_largest_tensor"
BYTES = 2e12  #: of a model of 10^12 parameters in bfloat16
CORES, LINE = 32, 1.25e9  #: of a machine; bytes a second of its network
_GIB, _HOUR = 1 << 30, 3600


@pytest.mark.parametrize("way", ["local", "dask"])
def test_what_workers_cost(way):
    header, rows = TABLES["beside one process"]
    column = header.index({"local": "pool of 4", "dask": "Dask, 4"}[way])
    spent = ("overhead_in_all_s", "overhead_of_start_s", "overhead_per_task_s")
    assert [float(row[column]) for row in rows] == [FIGURES[way][k] for k in (*spent, PEAK)]


def test_the_seconds_a_gibibyte():
    assert f"**{FIGURES['processor_s_per_gib']:.2f} s**" in text_of("fleet.md")


def test_what_a_model_of_a_trillion_parameters_takes():
    _, rows = TABLES["machines"]
    seconds = FIGURES["processor_s_per_gib"] * BYTES / _GIB
    for machines, computing, network in rows:
        n = int(machines)
        assert computing == f"{seconds / (n * CORES) / 60:.1f} min"
        assert network == f"{BYTES * (1 + 0.5625 / 2) / (n * LINE) / 60:.1f} min"
    assert f"{seconds / _HOUR:.1f} core hours" in text_of("fleet.md")


def test_a_worker_stays_under_one_and_a_half_times_the_largest_tensor():
    assert all(FIGURES[way][PEAK] < 1.5 for way in ("local", "dask"))
    assert REPORT["same_sha256"] is True
