"""`python -m benchmarks`: measure, and write reports/benchmark-cpu.json and .md."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numba

from benchmarks import first_call, inputs, memory, profile, scaling, sizes, speed
from benchmarks.clock import Rounds
from benchmarks.document import markdown
from benchmarks.machine import cores, machine, Others
from benchmarks.subjects import DTYPES
from fos_ref.publish.publication import check_targets, write_all
from fos_ref.publish.targets import Targets

NAME = "benchmark-cpu"
QUICK_FOLDER = "quick"


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    shape: tuple[int, int]
    rounds: Rounds
    sizes: tuple[int, ...]
    size_rounds: Rounds
    processes: int  #: of the first call


FULL = Plan(
    shape=(4096, 4096),
    rounds=Rounds(11, 0.1),
    sizes=tuple(10**n for n in range(4, 10)),
    size_rounds=Rounds(5, 0.1),
    processes=7,
)
QUICK = Plan(
    shape=(64, 4096),
    rounds=Rounds(2, 0.002),
    sizes=(10**4, 10**5),
    size_rounds=Rounds(2, 0.002),
    processes=1,
)
Part = Callable[[Plan, int], dict[str, Any]]
PARTS: dict[str, Part] = {
    "speed": lambda p, threads: speed.measure(p.shape, p.rounds, threads),
    "inputs": lambda p, _: inputs.measure(p.shape, p.size_rounds),
    "sizes": lambda p, _: _with_rises(sizes.measure(list(p.sizes), p.size_rounds)),
    "memory": lambda p, _: memory.measure(p.shape),
    "scaling": lambda p, threads: scaling.measure(p.shape, p.rounds, threads),
    "first_call": lambda p, _: first_call.measure(1 << 20, p.processes),
    "profile": lambda p, _: profile.measure(p.shape, p.rounds),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is asked for and write it, whole or not at all."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if not 1 <= given.threads <= numba.config.NUMBA_NUM_THREADS:
        parser.error(f"--threads {given.threads}: 1 to {numba.config.NUMBA_NUM_THREADS} are allowed here")
    plan = QUICK if given.quick else FULL
    folder = given.out / QUICK_FOLDER if given.quick else given.out
    targets = Targets(folder, [f"{NAME}.json", f"{NAME}.md"])
    check_targets(targets)
    numba.set_num_threads(given.threads)
    found: dict[str, Any] = {"format": 1, "command": _command(given), "threads": given.threads}
    with Others() as others:
        for name in given.only or PARTS:
            sys.stderr.write(f"{name} ...\n")
            found[name] = PARTS[name](plan, given.threads)
    found |= {"machine": machine(), "others_share": others.share and round(others.share, 3)}
    found["data"] = f"{NAME}.json"
    documents = {
        f"{NAME}.json": json.dumps(found, indent=1).encode() + b"\n",
        f"{NAME}.md": markdown(found).encode(),
    }
    for path in write_all(targets, documents):
        sys.stdout.write(f"{path}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small tensors; written to OUT/quick")
    parser.add_argument("--threads", type=int, default=cores(), help="of ours, the peers and the copy alike")
    parser.add_argument("--out", type=Path, default=Path("reports"), help="where the files go")
    parser.add_argument("--only", nargs="+", choices=PARTS, help="measure these parts only")
    return parser


def _command(given: argparse.Namespace) -> str:
    """Return the command as it is typed, without the folder."""
    words = ["python -m benchmarks"] + ["--quick"] * given.quick + [f"--threads {given.threads}"]
    return " ".join(words + ([f"--only {' '.join(given.only)}"] if given.only else []))


def _with_rises(found: dict[str, Any]) -> dict[str, Any]:
    return found | {"largest_rise": {d: sizes.rise(found, d) for d in DTYPES}}


if __name__ == "__main__":
    sys.exit(main())
