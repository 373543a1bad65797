"""`python -m tests.fuzz --seconds N`: mutated files at every reader; exit 1 where one is not answered well.

The same seed gives the same inputs: input INDEX of a target depends on seed, target and INDEX alone, and
`--count` runs the first so many of each target.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # each worker is one thread; who imports this keeps the threads it has
    for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ.setdefault(_variable, "1")


#: Seconds of a processor for one input. The longest honest answer, the checker's whole search, takes 4 s on a
#: core of 2024 and three times as long on an old one that does two things at once.
LIMIT = 30.0


def main(argv: list[str] | None = None) -> int:
    """Run the fuzzer from the command line; 0 if every input was answered well, 1 if not."""
    from tests.fuzz.run import run  # noqa: PLC0415 -- after the environment
    from tests.fuzz.targets import TARGETS  # noqa: PLC0415
    from tests.fuzz.worker import Plan  # noqa: PLC0415

    given = _arguments(list(TARGETS)).parse_args(argv)
    names = tuple(n for n in TARGETS if not given.only or any(part in n for part in given.only.split(";")))
    jobs = given.jobs or os.cpu_count() or 1
    seconds = given.seconds if given.seconds is not None or given.count is not None else 10.0
    if given.failures.exists() and any(given.failures.iterdir()):
        sys.stderr.write(
            f"{given.failures}: holds what an earlier run left: remove it, or name another folder\n"
        )
        return 2
    plan = Plan(names, given.seed, jobs, seconds, given.count, given.limit, str(given.failures))
    found = run(plan)
    show(found, given.failures)
    if given.out is not None:
        given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return int(bool(found["bad"]))


def _arguments(names: list[str]) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzz every reader of files.")
    made.add_argument("--seconds", type=float, help="how long; 10 where neither this nor --count is given")
    made.add_argument("--count", type=int, help="inputs of each target")
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--jobs", type=int, default=0, help="processes; 0: one per core")
    made.add_argument("--limit", type=float, default=LIMIT, metavar="S", help="seconds one input may take")
    made.add_argument(
        "--only", default="", metavar="TEXT;...", help=f"targets with it in their name: {names}"
    )
    made.add_argument("--out", type=Path, metavar="FILE.json", help="write the figures")
    made.add_argument("--failures", type=Path, default=Path("fuzz-failures"), metavar="DIR")
    return made


def show(found: dict[str, Any], failures: Path) -> None:
    """Print the figures of a run."""
    for name, t in found["targets"].items():
        told = ", ".join(f"{n:,} {k}" for k, n in t["outcomes"].items() if n)
        sys.stdout.write(f"{name}: {t['inputs']:,} in {t['seconds']} s: {told}\n")
    verdict = f"{found['bad']:,} not answered well, see {failures}" if found["bad"] else "all answered well"
    sys.stdout.write(f"{found['inputs']:,} inputs, seed {found['seed']}, {found['seconds']} s: {verdict}\n")
    for f in found["failures"]:
        sys.stdout.write(f"  {f['target']} {f['index']}: {f['kind']}: {f['where']}\n")


if __name__ == "__main__":
    sys.exit(main())
