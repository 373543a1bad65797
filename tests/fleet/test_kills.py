"""Two workers, processes of Dask or a pool: one killed over an attempt, then the driver, then two at once."""

from __future__ import annotations

import json
import os
import signal

import pytest

from fos_ref.engines.convert import quantize_checkpoint
from fos_ref.fleet.places.find import place
from fos_ref.fleet.records import Done
from fos_ref.fleet.status import status
from tests.fleet import models, processes

pytestmark = pytest.mark.exhaustive
COUNT = 24


@pytest.mark.parametrize("engine", ["dask", "local"])
def test_kills_leave_one_result_and_no_debris(tmp_path, engine):
    if engine == "dask":
        pytest.importorskip("distributed", reason="pip install 'fos-ref[fleet]'")
    source = models.checkpoint(tmp_path / "src", COUNT, (512, 1024))
    quantize_checkpoint(source, tmp_path / "one", "4over6", engine="numpy")
    fleet, target = models.planned(source, tmp_path / "q"), tmp_path / "q"
    by = ("fleet", "run", str(target), "--engine", engine, "--workers", "2", "--compute", "numpy", "--json")

    def done() -> int:
        return len(list((target / ".fos" / "done").glob("*.json")))

    first = processes.driver(*by, log=tmp_path / "first")
    processes.until(lambda: done() >= 2, what="two shards by two workers")
    killed = processes.until(lambda: processes.writing(processes.below(first.pid), target), what="an attempt")
    os.kill(killed, signal.SIGKILL)
    attempts = models.debris(target)
    before = done()
    processes.until(lambda: done() >= before + 3, what="three shards after the worker's death")
    assert first.poll() is None
    family = processes.below(first.pid)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    processes.gone(family)
    assert attempts, "no attempt was under way when the worker was killed"
    assert done() < COUNT, "the driver had finished before it was killed"

    both = [processes.driver(*by, log=tmp_path / name) for name in ("second", "third")]
    assert [d.wait(300) for d in both] == [0, 0], [(tmp_path / n).read_text() for n in ("second", "third")]
    texts = [(tmp_path / n).read_text() for n in ("second", "third")]
    said = [json.loads(t[t.index("{") :]) for t in texts]
    assert said[0]["sha256"] == said[1]["sha256"]
    assert models.sums(target) == models.sums(tmp_path / "one")
    assert models.debris(target) == []
    assert status(fleet, place(target)).finished
    records = {n: Done.read(place(target), n) for n in fleet.parts}
    assert {n: r.sha256 for n, r in records.items()} == {n: models.sums(target)[n] for n in fleet.parts}
    assert {r.source_sha256 for r in records.values()} == {models.sums(source)[n] for n in fleet.parts}
