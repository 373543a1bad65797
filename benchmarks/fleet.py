"""What workers cost beside one process, and how much memory each takes: `python -m benchmarks.fleet`.

One run measures the same shards in this process, by four processes of the pool, and by four of Dask. Time is
processor time of all processes together, so that other programs on the machine do not decide; a task that
skips a finished shard costs what the engine costs. Memory is the peak of each worker by the system's count.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from benchmarks.machine import machine
from fos_ref.engines.conversion.asked import Asked
from fos_ref.fleet.places.find import origin, place
from fos_ref.fleet.plan import Fleet
from fos_ref.fleet.planning import make_plan
from fos_ref.fleet.run import workers_of
from fos_ref.fleet.task import DONE, How, SKIPPED
from fos_ref.fleet.workers.here import Here
from fos_ref.fleet.workers.work import Job, run_job, Workers
from fos_ref.formats.arrays import AnyArray
from fos_ref.outside.json import read_json_file
from fos_ref.publish.publication import write_all
from fos_ref.publish.targets import Targets
from fos_ref.recipes.catalog import recipe
from fos_ref.storage.conventions import convention
from fos_ref.storage.safetensors_write import SafetensorsWriter
from fos_ref.storage.tensor_info import TensorInfo

WORKERS = 4
LARGE, SMALL = 4, 28  #: shards; a worker each has a large one, and the small ones tell what a task costs
RECIPE = "4over6"
_MIB, _KIB = 1 << 20, 1 << 10
_COLUMNS = 4096


def shard(path: Path, name: str, rows: int, part: AnyArray) -> None:
    """Write a shard with one matrix of bfloat16, the same rows again and again."""
    info = TensorInfo.of(name, "BF16", (rows, _COLUMNS))
    with SafetensorsWriter(path, [info], {"format": "pt"}) as out:
        for at in range(0, rows, len(part)):
            out.write(name, part[: rows - at])


def checkpoint(folder: Path, mib: Sequence[int]) -> Path:
    """Write shards of one matrix of so many MiB each, and their index."""
    folder.mkdir()
    rng = np.random.Generator(np.random.Philox(1))
    part = rng.standard_normal((256, _COLUMNS), dtype=np.float32).astype(ml_dtypes.bfloat16)
    weight_map = {}
    for n, size in enumerate(mib):
        name, file = f"m.{n}.weight", f"model-{n:05d}.safetensors"
        shard(folder / file, name, size * _MIB // (2 * _COLUMNS), part)
        weight_map[name] = file
    index = {"metadata": {"total_size": sum(mib) * _MIB}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    return folder


def plan(source: Path, target: Path) -> Fleet:
    """Plan a checkpoint."""
    r = recipe(RECIPE)
    c = convention("modelopt", r)
    asked = Asked.checked(r, c, selection=None, share="none", padding=False, experts=None)
    return make_plan(origin(source), place(target), asked)


def peaked(job: Job) -> tuple[str, str, int, int]:
    """Run a job; return its shard, its state, the pid and the peak of the process in KiB."""
    found = run_job(job)
    return found.shard, found.state, os.getpid(), peak_kib()


def peak_kib() -> int:
    """Return the most that this process has held; its own, where ru_maxrss begins with its parent's."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0])


@contextmanager
def spent(into: dict[str, Any], what: str) -> Iterator[None]:
    """Note processor seconds, of children that have ended too, and seconds of the clock."""
    before, began = _processor(), time.perf_counter()
    yield
    into[what] = {
        "processor_s": round(_processor() - before, 3),
        "clock_s": round(time.perf_counter() - began, 3),
    }


def _processor() -> float:
    return sum(
        u.ru_utime + u.ru_stime
        for u in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def measure(folder: Path, mib: int, compute: str) -> dict[str, Any]:
    """Measure all three ways; every one gives the same bytes, or this fails."""
    sizes = [mib] * LARGE + [1] * SMALL
    source, warm = checkpoint(folder / "src", sizes), checkpoint(folder / "warm", [4])
    _run(Here(), plan(warm, folder / "w"), folder / "w", DONE, compute)  # the compiled code is there
    found: dict[str, Any] = {"compute": compute, "matrices_mib": sizes, "workers": WORKERS, "ways": {}}
    digests: dict[str, list[str]] = {}
    ways: dict[str, Callable[[], Any]] = {
        "here": lambda: workers_of("local", 1),
        "local": lambda: workers_of("local", WORKERS),
        "dask": lambda: workers_of("dask", WORKERS),
    }
    for way, start in ways.items():
        target = folder / way
        fleet, own = plan(source, target), dict[str, Any]()
        with spent(own, "made"), start() as workers:
            peaks = _run(workers, fleet, target, DONE, compute)
        with spent(own, "skipped"), start() as workers:
            _run(workers, fleet, target, SKIPPED, compute)
        with spent(own, "nothing"), start() as workers:
            list(workers.map(run_job, []))
        own["peak_mib"] = sorted(round(p / _KIB, 1) for p in peaks.values())
        found["ways"][way] = own
        digests[way] = [_recorded(target, n) for n in fleet.parts]
    assert digests["here"] == digests["local"] == digests["dask"]
    return found | {"same_sha256": True, **_figures(found)}


def _run(workers: Workers, fleet: Fleet, target: Path, state: str, compute: str) -> dict[int, int]:
    """Run every task; return the peak of each process."""
    how = How(engine=compute, threads=1)
    peaks: dict[int, int] = {}
    for name, got, pid, peak in workers.map(
        peaked, [Job(str(target), fleet.id, n, how) for n in fleet.parts]
    ):
        assert got == state, f"{name} {got}"
        peaks[pid] = max(peak, peaks.get(pid, 0))
    return peaks


def _recorded(target: Path, shard: str) -> str:
    """Return the digest that a done record has."""
    record = read_json_file(target / ".fos/done" / f"{shard}.json")
    return str(record["sha256"])


def _figures(found: dict[str, Any]) -> dict[str, Any]:
    """Return what the ways cost beyond this process, and what workers hold beyond the largest tensor."""
    here, sizes = found["ways"]["here"], found["matrices_mib"]
    figures: dict[str, Any] = {}
    for way in ("local", "dask"):
        own = found["ways"][way]
        more = {k: own[k]["processor_s"] - here[k]["processor_s"] for k in ("made", "skipped", "nothing")}
        figures[way] = {
            "overhead_in_all_s": round(more["made"], 3),
            "overhead_of_start_s": round(more["nothing"], 3),
            "overhead_per_task_s": round((more["skipped"] - more["nothing"]) / len(sizes), 4),
            "largest_peak_over_largest_tensor": round(max(own["peak_mib"]) / max(sizes), 3),
        }
    seconds = here["made"]["processor_s"] - here["nothing"]["processor_s"]
    figures["processor_s_per_gib"] = round(seconds / (sum(sizes) / _KIB), 3)
    return {"figures": figures}


def main() -> None:
    """Measure and write reports/fleet.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("reports"))
    parser.add_argument("--matrix-mib", type=int, default=768, help=f"of each of {LARGE} large shards")
    parser.add_argument("--compute", choices=("numba", "numpy"), default="numba", help="the engine")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fleet-") as folder:
        found = {"machine": machine(), **measure(Path(folder), given.matrix_mib, given.compute)}
    data = (json.dumps(found, indent=1) + "\n").encode()
    write_all(Targets(given.out, ["fleet.json"]), {"fleet.json": data})
    print(json.dumps(found["figures"], indent=1))  # noqa: T201 -- what was asked for


if __name__ == "__main__":
    main()
