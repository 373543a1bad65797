"""A run: worker processes, what is done when one of them ends, and what they counted together."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from fos_ref.proof.result import environment
from tests.fuzz.judge import BAD, CLASSES
from tests.fuzz.worker import cells, NANOSECONDS, Plan, row, RUNNING, Work, work

MOST_ENDS = 200  #: of worker processes, in one run
PATIENCE = 6  #: times the limit, for an input that is run again by itself
_BEHIND = 1.0  #: seconds between two looks at the processes


def run(plan: Plan, by: Work = work) -> dict[str, Any]:
    """Run a plan and return what is written to reports/fuzz.json."""
    context, start = multiprocessing.get_context("forkserver"), time.monotonic()
    context.set_forkserver_preload([work.__module__])  # the readers are imported once, not by every process
    until = start + (plan.seconds if plan.seconds is not None else 1e9)
    counts = [context.RawArray("q", cells(plan)) for _ in range(plan.jobs)]
    ends: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="fos-fuzz-", dir=_in_memory()) as logs:

        def begin(number: int) -> Any:
            log = str(Path(logs, f"{number}-{len(ends)}"))
            p = context.Process(target=by, args=(plan, number, counts[number], until, log), daemon=True)
            p.start()
            return p, log

        running = {n: begin(n) for n in range(plan.jobs)}
        while running:
            for number, (process, log) in list(running.items()):
                process.join(_BEHIND / plan.jobs)
                if process.is_alive():
                    continue
                del running[number]
                if process.exitcode:
                    ends.append(_ended(plan, counts[number], process.exitcode, log))
                    if ends[-1]["kind"] == "hang":
                        _try_again(plan, ends[-1], counts[number], by, log)
                    if ends[-1]["target"] and len(ends) < MOST_ENDS:
                        running[number] = begin(number)
    return document(plan, counts, ends, time.monotonic() - start)


def _in_memory() -> str | None:
    """Return a folder in memory, where there is one with room."""
    shared = "/dev/shm"
    return shared if os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > 1 << 28 else None


def _ended(plan: Plan, counts: Any, code: int, log: str) -> dict[str, Any]:
    """Return what a process was doing that ended early: an input past its limit, or one that ended it."""
    told = Path(log).read_text(encoding="utf-8") if Path(log).exists() else ""
    name = next((n for n in plan.names if row(counts, plan, n)[RUNNING]), "")
    index = row(counts, plan, name)[RUNNING] - 1 if name else -1
    kind = "hang" if "Timeout" in told else "died"
    if name:
        at = plan.names.index(name) * (cells(plan) // len(plan.names))
        counts[at + CLASSES.index(kind)] += 1
        counts[at + RUNNING] = 0
    places = [line.strip() for line in told.splitlines() if "File " in line]
    where = next((p for p in places if "fos_ref" in p or "fos_gpu" in p), f"exit {code}")
    facts = {
        "target": name,
        "index": index,
        "seed": plan.seed,
        "kind": kind,
        "where": where,
        "detail": told[-2000:],
    }
    if name:
        folder = _place(plan, kind, index)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "failure.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    return facts


def _try_again(plan: Plan, end: dict[str, Any], counts: Any, by: Work, log: str) -> None:
    """Run an input that was past its limit once more, by itself: on a busy machine it may only have waited.

    If it takes no more than the limit of a processor's time, it is counted as what it is, and as slow.
    """
    context = multiprocessing.get_context("spawn")
    alone = replace(plan, one=(end["target"], end["index"]), limit=PATIENCE * plan.limit)
    found = context.RawArray("q", cells(plan))
    process = context.Process(target=by, args=(alone, 0, found, 1e18, f"{log}-again"), daemon=True)
    process.start()
    process.join()
    seen = row(found, plan, end["target"])
    if process.exitcode == 0 and seen[NANOSECONDS] <= plan.limit * 1e9:
        at = plan.names.index(end["target"]) * (cells(plan) // len(plan.names))
        counts[at + CLASSES.index("hang")] -= 1
        counts[at + seen.index(1)] += 1
        end["kind"] = "slow"
        shutil.rmtree(_place(plan, "hang", end["index"]))


def _place(plan: Plan, kind: str, index: int) -> Path:
    return Path(plan.failures, f"{kind}-{index}")


def document(plan: Plan, counts: list[Any], ends: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
    """Return a run's figures: inputs and outcomes by target and in all, failures, and on what it ran."""
    targets = {name: _figures([row(c, plan, name) for c in counts]) for name in plan.names}
    outcomes = {k: sum(t["outcomes"][k] for t in targets.values()) for k in CLASSES}
    failures = sorted(Path(plan.failures).glob("*/failure.json"))
    lost = [e for e in ends if not e["target"]]
    return {
        "format": 1,
        "name": "fuzz",
        "claim": (
            "Every mutated file is read, or refused in one printable line: no traceback, no input past its "
            "limit, nothing left behind."
        ),
        "seed": plan.seed,
        "jobs": plan.jobs,
        "limit_s": plan.limit,
        "seconds": round(seconds, 1),
        "slow": sum(e["kind"] == "slow" for e in ends),
        "inputs": sum(t["inputs"] for t in targets.values()),
        "outcomes": outcomes,
        "bad": sum(outcomes[k] for k in BAD) + len(lost),
        "targets": targets,
        "failures": [_brief(json.loads(p.read_text(encoding="utf-8"))) for p in failures] + lost,
        "ran_on": environment(),
    }


def _brief(failure: dict[str, Any]) -> dict[str, Any]:
    return {k: failure[k] for k in ("target", "index", "seed", "kind", "where")}


def _figures(rows: list[list[int]]) -> dict[str, Any]:
    both = [sum(column) for column in zip(*rows, strict=True)]
    outcomes = dict(zip(CLASSES, both, strict=False))
    return {
        "inputs": sum(outcomes.values()),
        "outcomes": outcomes,
        "seconds": round(both[NANOSECONDS] / 1e9, 1),
    }
