"""One process of a run: inputs of every target in turn, counted where the parent sees it even if it dies."""

from __future__ import annotations

import faulthandler
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fuzz.judge import BAD, CLASSES, judged, made, Outcome, samples
from tests.fuzz.reduce import save, smaller
from tests.fuzz.targets import TARGETS

MEMORY = 3 << 30  #: bytes of address space above what the process has when it begins
TURN = 0.25  #: seconds for a target until the next one has its turn
_COLUMNS = len(CLASSES) + 3
NEXT, NANOSECONDS, RUNNING = len(CLASSES), len(CLASSES) + 1, len(CLASSES) + 2


@dataclass(frozen=True)
class Plan:
    """What a run does."""

    names: tuple[str, ...]
    seed: int
    jobs: int
    seconds: float | None  #: of the whole run
    count: int | None  #: inputs of each target
    limit: float  #: seconds for one input, of the clock; one that is past it has so many of a processor
    failures: str
    one: tuple[str, int] | None = None  #: this input of this target alone, and its processor time


def cells(plan: Plan) -> int:
    """Return how many numbers a worker counts in: of each target classes, next input, time, what runs."""
    return len(plan.names) * _COLUMNS


def row(counts: Any, plan: Plan, name: str) -> list[int]:
    """Return the numbers of a target."""
    at = plan.names.index(name) * _COLUMNS
    return list(counts[at : at + _COLUMNS])


def work(plan: Plan, number: int, counts: Any, until: float, log: str) -> None:
    """Run the inputs number, number + jobs, ... of every target until the time or the count is over.

    log: the file for the traceback of an input that hangs; its files are beside it. The parent removes both.

    An input past its limit ends the process: what waits in C is ended too. The parent sees in `counts` which
    input it was, and starts another process after it.
    """
    with Path(log).open("w", encoding="utf-8") as told:
        folder = Path(f"{log}-files")
        folder.mkdir()
        for name in plan.names if plan.one is None else plan.one[:1]:
            samples(TARGETS[name])
        _bound_memory()
        turns = [_Turn(plan, name, number, counts, folder, told) for name in plan.names]
        if plan.one is not None:
            turns[plan.names.index(plan.one[0])].alone(plan.one[1])
            return
        while turns and time.monotonic() < until:
            turns = [t for t in turns if t.take(min(time.monotonic() + TURN, until))]
        faulthandler.cancel_dump_traceback_later()


@dataclass
class _Turn:
    """The inputs of one target that fall to one worker."""

    plan: Plan
    name: str
    number: int
    counts: Any
    folder: Path
    told: Any

    def take(self, until: float) -> bool:
        """Run inputs until a time; return whether more are to come."""
        base, start = self.plan.names.index(self.name) * _COLUMNS, time.monotonic_ns()
        try:
            while time.monotonic() < until:
                index = self.counts[base + NEXT] * self.plan.jobs + self.number
                if self.plan.count is not None and index >= self.plan.count:
                    return False
                self.counts[base + RUNNING] = index + 1
                self.counts[base + NEXT] += 1
                kind = self.one(index)
                self.counts[base + CLASSES.index(kind)] += 1
                self.counts[base + RUNNING] = 0
        finally:
            self.counts[base + NANOSECONDS] += time.monotonic_ns() - start
        return True

    def alone(self, index: int) -> None:
        """Run one input; count it, and the processor's time in place of the clock's."""
        base, start = self.plan.names.index(self.name) * _COLUMNS, time.process_time_ns()
        self.counts[base + CLASSES.index(self.one(index))] += 1
        self.counts[base + NANOSECONDS] += time.process_time_ns() - start

    def one(self, index: int) -> str:
        """Run one input and return the class of its outcome; a bad one is made small and saved."""
        given = made(self.name, TARGETS[self.name], self.plan.seed, index)
        faulthandler.dump_traceback_later(self.plan.limit, exit=True, file=self.told)
        found = judged(given, self.folder)
        faulthandler.cancel_dump_traceback_later()
        if found.kind in BAD and self.is_new(found):
            facts: dict[str, object] = {"target": self.name, "index": index, "seed": self.plan.seed}
            save(smaller(given, found, self.folder), found, facts, Path(self.plan.failures))
        return found.kind

    def is_new(self, found: Outcome) -> bool:
        """Return whether no input failed so before, in this process or another."""
        seen = Path(self.plan.failures, "seen")
        seen.mkdir(parents=True, exist_ok=True)
        key = "".join(c if c.isalnum() else "_" for c in f"{self.name} {found.kind} {found.where}")[:200]
        try:
            (seen / key).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


def _bound_memory() -> None:
    """Let an input take MEMORY at most: more is a MemoryError."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    most = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))


#: What a process runs: `work`, or in a test something that plants a fault first.
Work = Callable[[Plan, int, Any, float, str], None]
