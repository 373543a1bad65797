"""Measure line and branch coverage of fos_ref under the default tests; write reports/coverage.json.

    PYTHONPATH=. python tests/measure_coverage.py [FILE]

Needs coverage 7.10 or later, because tests that start a Python of their own are measured too. The body of a
compiled function (fos_ref/fast) runs as machine code, which no Python tool can trace: those lines are left
out of both sides of the fraction and counted apart, with the few that only a type checker reads. Nothing
compiled before is used, because what writes compiled code runs only then.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from fos_ref.publish.publication import write_all
from fos_ref.publish.targets import Targets
from tests.environments import tests_of

ROOT = Path(__file__).parents[1]
REPORT = ROOT / "reports" / "coverage.json"
COMMAND = "PYTHONPATH=. python tests/measure_coverage.py"
COMPILED = r"^\s*@(numba\.)?(njit|intrinsic|step|walk)\b"
CONFIG = r"""
[run]
branch = true
source = fos_ref
patch = subprocess
parallel = true
data_file = {folder}/data
[report]
exclude_also =
    {compiled}
"""


def measured(folder: Path) -> tuple[dict[str, Any], dict[str, Any], int]:
    """Run the default tests under coverage; return (its JSON report, counts of tests, exit code)."""
    config = folder / "config"
    config.write_text(CONFIG.format(folder=folder, compiled=COMPILED), encoding="utf-8")
    settings = {"COVERAGE_RCFILE": config, "HYPOTHESIS_PROFILE": "ci", "NUMBA_CACHE_DIR": folder / "kernels"}
    surroundings = {**os.environ, **{k: str(v) for k, v in settings.items()}}
    junit = folder / "junit.xml"
    tests = ["-m", "pytest", "-n", "0", "-q", "tests", "-o", "junit_family=xunit1", f"--junitxml={junit}"]

    def coverage(*arguments: str) -> int:
        run = [sys.executable, "-m", "coverage", arguments[0], f"--rcfile={config}", *arguments[1:]]
        return subprocess.run(run, cwd=ROOT, env=surroundings, check=False).returncode

    code = coverage("run", *tests)
    coverage("combine", "-q")
    coverage("json", "-q", "-o", str(folder / "report.json"))
    report = json.loads((folder / "report.json").read_bytes())
    return report, tests_of(junit, "python -m pytest -q tests"), code


def counts(files: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the sums over files: lines and branches, covered and in all, and those left out."""
    total = Counter[str]()
    for f in files:
        total += Counter({k: v for k, v in f["summary"].items() if isinstance(v, int)})
    lines, branches = total["num_statements"], total["num_branches"]
    return {
        "lines": lines,
        "lines_covered": total["covered_lines"],
        "line_percent": share(total["covered_lines"], lines),
        "branches": branches,
        "branches_covered": total["covered_branches"],
        "branch_percent": share(total["covered_branches"], branches),
        "lines_left_out": total["excluded_lines"],
    }


def share(covered: int, of: int) -> str:
    """Return a percentage, rounded down, so that 100.00 means all."""
    hundredths = covered * 10_000 // of if of else 10_000
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def ranges(lines: list[int]) -> Iterator[str]:
    """Yield runs of line numbers, e.g. 3-5."""
    for _, run in groupby(enumerate(lines), lambda pair: pair[1] - pair[0]):
        numbers = [line for _, line in run]
        yield str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]}-{numbers[-1]}"


def missing(f: dict[str, Any]) -> dict[str, list[str]]:
    """Return what of a file was not run: lines, and branches between lines that were."""
    lines = f["missing_lines"]
    arcs = [(a, b) for a, b in f["missing_branches"] if a not in lines and b not in lines]
    return {
        "lines": list(ranges(lines)),
        "branches": [f"{a}->{b if b > 0 else 'exit'}" for a, b in arcs],
    }


def folder_of(name: str) -> str:
    """Return the folder of fos_ref that a file is in."""
    parts = name.split("/")
    return "/".join(parts[:2]) if len(parts) > 2 else parts[0]


def summary(report: dict[str, Any], tests: dict[str, Any]) -> dict[str, Any]:
    """Return the document of reports/coverage.json."""
    files = report["files"]
    folders = sorted({folder_of(name) for name in files})
    gaps = {name: missing(f) for name, f in sorted(files.items())}
    return {
        "format": 1,
        "command": COMMAND,
        "versions": {"python": sys.version.split()[0], "coverage": report["meta"]["version"]},
        "tests": tests,
        "total": counts(list(files.values())),
        "folders": {d: counts([f for n, f in files.items() if folder_of(n) == d]) for d in folders},
        "not_covered": {name: gap for name, gap in gaps.items() if gap["lines"] or gap["branches"]},
    }


def main(target: Path) -> int:
    """Measure, write, print the totals; return the exit code of the tests."""
    with tempfile.TemporaryDirectory() as folder:
        report, tests, code = measured(Path(folder))
    document = summary(report, tests)
    text = json.dumps(document, indent=1) + "\n"
    write_all(Targets(target.parent, [target.name]), {target.name: text.encode()})
    print(json.dumps(document["total"], indent=1))  # noqa: T201
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else REPORT))
