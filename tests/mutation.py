"""Test the tests: run the default suite with each mutant planted, and write down which test sees it first.

    PYTHONPATH=. python3 tests/mutation.py run [--jobs N] [--out DIR] [MUTANT]...
    PYTHONPATH=. python3 tests/mutation.py table [--out DIR]

`run` starts one pytest per mutant (FOS_MUTANT in its environment, see tests/conftest.py), without the golden
vectors first, the cheap tests before the dear ones, and stops it at the first failure. That test then runs
alone without the mutant: a failure counts only if it passes there. The vectors are run only where nothing
else failed. The result is DIR/mutants-suite.json; some mutants alone are added to those that are there.
Exit 1 if a mutant lives.
`table` writes DIR/mutants.md from that file and from DIR/proof-mutants.json (`fos prove mutants --out DIR`).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from fos_ref.mutants.catalogue import MUTANTS
from fos_ref.proof.result import environment
from fos_ref.publish.publication import check_targets, write_all
from fos_ref.publish.targets import Targets
from fos_ref.report.tables import prose

ROOT = Path(__file__).parents[1]
SUITE, PROOF, TABLE = "mutants-suite.json", "proof-mutants.json", "mutants.md"
#: Not run: the rules of the house see no bits, and some files test the mutants and their vectors themselves.
LEFT_OUT = (
    "tests/meta/",
    "tests/mutants/",
    "tests/vectors/test_mutant_vectors",
    *(f"tests/proof/test_{of}" for of in ("edges", "engine", "mutants", "scale_path", "sweeps")),
)
VECTORS = "tests/vectors/"
#: The order of the run: (start of the path, rank); what is not named comes in between.
RANKS = (
    ("tests/model/test_steps", 0),
    ("tests/model/test_reduce", 0),
    ("tests/storage/test_layout", 1),
    ("tests/formats/", 1),
    ("tests/model/test_quantize.py", 2),
    ("tests/engines/test_front", 3),
    ("tests/docs/test_numerics", 4),
    ("tests/oracle/", 5),
    ("tests/property/test_choice", 6),
    ("tests/property/", 7),
    ("tests/report/", 10),
    ("tests/proof/test_corpus", 9),
    ("tests/fast/", 11),
)
MIDDLE = 8
TESTS_FAILED = 1
PYTEST = ("-m", "pytest", "-n", "0", "-q", "-p", "no:cacheprovider", "-rfE", "--no-header")


def suite(*, vectors: bool) -> list[str]:
    """Return the files of the default suite in the order of the run: those of the vectors, or all others."""
    every = [p.relative_to(ROOT).as_posix() for p in (ROOT / "tests").rglob("test_*.py")]
    kept = [p for p in every if not p.startswith(LEFT_OUT) and p.startswith(VECTORS) is vectors]
    return sorted(kept, key=lambda p: (rank(p), p))


def rank(path: str) -> int:
    return next((n for start, n in RANKS if path.startswith(start)), MIDDLE)


def failures(output: str) -> list[str]:
    """Return the tests (or files) that pytest's summary names as failed, in order."""
    lines = [line.split(" ", 1)[1] for line in output.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    return [line.split(" - ")[0] for line in lines]


def pytest_under(mutant: str, *arguments: str) -> tuple[list[str], int]:
    """Return (failing tests, exit status) of a pytest with `mutant` planted ("": none)."""
    with tempfile.TemporaryDirectory() as compiled:
        env = {
            **os.environ,
            "FOS_MUTANT": mutant,
            "HYPOTHESIS_PROFILE": "ci",
            "NUMBA_CACHE_DIR": compiled,
            "PYTHONPATH": str(ROOT),
        }
        done = subprocess.run(
            [sys.executable, *PYTEST, *arguments],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
    return failures(done.stdout), done.returncode


def unfit(*, collect_only: bool) -> list[str]:
    """Return the tests (or files) that fail here without any mutant: a package may be missing."""
    only = ["--collect-only"] if collect_only else []
    return pytest_under(
        "", *only, "--continue-on-collection-errors", *suite(vectors=False), *suite(vectors=True)
    )[0]


def of_mutant(name: str, left_out: list[str]) -> dict[str, Any]:
    """Return how the suite fares with one mutant."""
    start = time.perf_counter()
    unwanted = [f"--deselect={t}" for t in left_out]
    for vectors in (False, True):
        tests = [t for t in suite(vectors=vectors) if t not in left_out]
        failing, status = pytest_under(name, "-x", *unwanted, *tests)
        if status > TESTS_FAILED and not failing:
            msg = f"mutant {name}: pytest ended with status {status} and names no test"
            raise RuntimeError(msg)
        if failing:
            break
    seconds = round(time.perf_counter() - start, 1)
    first = failing[0] if failing else None
    sound = first is not None and pytest_under("", first) == ([], 0)
    return {"killed": sound, "by_vectors_only": vectors and sound, "first": first, "seconds": seconds}


def run(names: list[str], jobs: int, out: Path) -> int:
    """Run the suite under the mutants, write the result if all are known then, return the exit status."""
    unknown = [n for n in names if n not in MUTANTS]
    if unknown:
        say(f"mutant {unknown[0]!r}: one of {', '.join(MUTANTS)} is allowed")
        return 2
    targets = Targets(out, [SUITE])
    check_targets(targets)
    left_out = unfit(collect_only=names != list(MUTANTS))
    say(f"left out, because they fail without a mutant: {', '.join(left_out) or 'none'}")
    found = {}
    with ThreadPoolExecutor(jobs) as pool:
        results = pool.map(lambda name: of_mutant(name, left_out), names)
        for name, result in zip(names, results, strict=True):
            found[name] = result
            say(f"{len(found)}/{len(names)} {name}: {result['first'] or 'LIVES'} ({result['seconds']} s)")
    living = [n for n, r in found.items() if not r["killed"]]
    known = read(out / SUITE)
    whole = {name: {**known.get("mutants", {}), **found}.get(name) for name in MUTANTS}
    if None not in whole.values():
        document = {
            "format": 1,
            "left_out": list(LEFT_OUT),
            "unfit": sorted({*left_out, *(known.get("unfit", []) if names != list(MUTANTS) else [])}),
            "mutants": whole,
            "ran_on": environment(),
        }
        write_all(targets, {SUITE: (json.dumps(document, indent=1) + "\n").encode()})
    say(
        f"{len(found) - len(living)} of {len(found)} mutants killed" + "".join(f"; {n} lives" for n in living)
    )
    return 1 if living else 0


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_bytes()) if path.exists() else {}


HEAD = """# Mutants

Deliberately wrong quantizers (`fos_ref.verify.mutants`), each with one mistake, and what sees them first.
Written by `python3 tests/mutation.py table` from proof-mutants.json and mutants-suite.json.

- *vector*: the first vector of golden/v1/distinguishing.json, then of mutants.json, that the mutant fails;
  *axes*, *all*: how many of the axes' vectors and of all vectors it fails.
- *N(0, 1)*: how many random blocks of 16 (float32, the recipe named) it takes until one shows the mistake.
- *test*: the first test of the default suite that fails, the golden vectors left out; the seconds include
  starting pytest and every test before it.

"""


def table(folder: Path) -> str:
    """Return reports/mutants.md from the two files of `folder`; what has not been run says so."""
    proof, tests = read(folder / PROOF).get("figures", {}), read(folder / SUITE).get("mutants", {})
    columns = ("mutant", "flag", "recipe", "vector", "axes", "all", "N(0, 1)", "test", "s")
    rows = [_row(m.name, proof.get(m.name, {}), tests.get(m.name, {})) for m in MUTANTS.values()]
    comments = [f"- **{m.name}**: {m.comment}" for m in MUTANTS.values()]
    return HEAD + prose([list(columns), *rows]) + "\n## The mistakes\n\n" + "\n".join(comments) + "\n"


def _row(name: str, proof: dict[str, Any], tests: dict[str, Any]) -> list[str]:
    def shown(of: dict[str, Any], key: str) -> str:
        value = of.get(key, "not run")
        text = f"{value:,}" if isinstance(value, int) else str(value)
        return text.replace("|", "\\|")

    m = MUTANTS[name]
    keys = ("first", "axis_vectors", "vectors", "random_blocks")
    return [
        name,
        m.flag,
        m.recipe,
        *(shown(proof, k) for k in keys),
        shown(tests, "first"),
        shown(tests, "seconds"),
    ]


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    runs = commands.add_parser("run")
    runs.add_argument("names", nargs="*", metavar="MUTANT")
    runs.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    for p in (runs, commands.add_parser("table")):
        p.add_argument("--out", type=Path, default=ROOT / "reports")
    given = parser.parse_args()
    if given.command == "run":
        return run(given.names or list(MUTANTS), given.jobs, given.out)
    write_all(Targets(given.out, [TABLE]), {TABLE: table(given.out).encode()})
    return 0


if __name__ == "__main__":
    sys.exit(main())
