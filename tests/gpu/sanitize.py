"""`python -m tests.gpu.sanitize --out reports`: compute-sanitizer on the kernels, and on wrong ones.

Writes sanitizer.json: for each tool the errors in our kernels (0, or the command fails) and in a kernel that
is wrong on purpose (some, or the tool saw nothing and its 0 means nothing).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

from fos_gpu.build.machine import card
from fos_gpu.build.probe import available
from fos_ref.errors import FosError, ToolchainError
from fos_ref.publish.publication import check_targets, write_all
from fos_ref.publish.targets import Targets
from tests.gpu.sanitized import DONE

TOOLS = ("memcheck", "racecheck", "initcheck", "synccheck")
PROGRAM = "compute-sanitizer"
NAME = "sanitizer.json"
INSTALL = f"{PROGRAM} is not here: it comes with the CUDA toolkit, or pip install nvidia-cuda-sanitizer-api"
ERROR_EXIT = 99  #: of the tool where it found something
SUMMARY = re.compile(r"=+ (?:ERROR SUMMARY: (\d+) error|RACECHECK SUMMARY: (\d+) hazard)")
LIMIT, LIMIT_WRONG = 240, 60  #: seconds that a tool may take for the kernels, for a wrong one


def candidates() -> Iterator[str | None]:
    """Yield where the program may lie: on PATH, in a CUDA toolkit, in NVIDIA's wheel."""
    yield shutil.which(PROGRAM)
    homes = [os.environ.get(v) for v in ("CUDA_HOME", "CUDA_PATH")]
    toolkits = [*filter(None, homes), *sorted(map(str, Path("/usr/local").glob("cuda*")))]
    spec = find_spec("nvidia")
    wheels = [
        str(p) for b in (spec.submodule_search_locations or () if spec else ()) for p in Path(b).iterdir()
    ]
    for home in (*toolkits, *wheels):
        yield shutil.which(PROGRAM, path=f"{home}/bin:{home}/{PROGRAM}")


def find_program() -> str:
    """Return the path of compute-sanitizer; ToolchainError where there is none."""
    found = next(filter(None, candidates()), None)
    if found is None:
        raise ToolchainError(INSTALL)
    return found


def errors_in(output: str) -> int | None:
    """Return how many errors or hazards a tool counted, None where its summary is missing."""
    counts = [int(a or b) for a, b in SUMMARY.findall(output)]
    return sum(counts) if counts else None


def run_tool(program: str, tool: str, what: str) -> dict[str, object]:
    """Return what one tool found in one program: errors, whether it came to its end, and the rest."""
    command = [program, "--tool", tool, "--error-exitcode", str(ERROR_EXIT), "--print-limit", "20"]
    command += [sys.executable, "-m", "tests.gpu.sanitized", what]
    limit = LIMIT if what == "kernels" else LIMIT_WRONG
    start = time.perf_counter()
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=limit, env=environment()
        )
        output, code = done.stdout + done.stderr, done.returncode
    except subprocess.TimeoutExpired as e:
        output, code = _text(e.stdout) + _text(e.stderr), -1
    return {
        "errors": errors_in(output),
        "finished": DONE in output,
        "exit": code,
        "seconds": round(time.perf_counter() - start, 1),
        "output": output[-4000:],
    }


def environment() -> dict[str, str]:
    """Return the environment of the program: this folder is importable, whatever the caller's path is."""
    root = str(Path(__file__).parents[2])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))}


def _text(output: bytes | str | None) -> str:
    return output.decode(errors="replace") if isinstance(output, bytes) else output or ""


def problem(tool: str, ours: dict[str, object], wrong: dict[str, object]) -> str:
    """Return what a tool's two runs do not show, "" where they show that the kernels are clean."""
    if ours["errors"] is None or not ours["finished"]:
        return f"{tool}: the kernels did not run to their end: {ours['output']}"
    if ours["errors"] or ours["exit"]:
        return f"{tool}: {ours['errors']} errors, exit {ours['exit']}: {ours['output']}"
    if not wrong["errors"]:
        return f"{tool}: the wrong kernel was not reported: {wrong['output']}"
    return ""


def check(program: str, jobs: int) -> tuple[dict[str, object], list[str]]:
    """Return the figures of every tool, and what speaks against them; `jobs` programs at a time."""
    figures, problems = {}, []
    with ThreadPoolExecutor(jobs) as pool:
        ours_of = [pool.submit(run_tool, program, tool, "kernels") for tool in TOOLS]
        wrong_of = [pool.submit(run_tool, program, tool, tool) for tool in TOOLS]
    for tool, first, second in zip(TOOLS, ours_of, wrong_of, strict=True):
        ours, wrong = first.result(), second.result()
        problems += filter(None, [problem(tool, ours, wrong)])
        sys.stdout.write(f"{tool}: {ours['errors']} errors in {ours['seconds']} s\n")
        figures[tool] = {
            "errors in the kernels": ours["errors"],
            "errors in a wrong kernel": wrong["errors"],
            "seconds": ours["seconds"],
        }
    return figures, problems


def version(program: str) -> str:
    """Return the line of `compute-sanitizer --version` that has the number."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    return next((line for line in said.splitlines() if line.startswith("Version")), said.strip()[:200])


def document(program: str, figures: dict[str, object]) -> dict[str, object]:
    """Return what is written."""
    return {
        "format": 1,
        "name": "sanitizer",
        "claim": "compute-sanitizer finds nothing in the kernels, and errors in a kernel wrong on purpose.",
        "figures": figures,
        "ran_on": {"compute-sanitizer": version(program), **card()},
    }


def main(argv: list[str] | None = None) -> int:
    """Run every tool; return 0 if the kernels are clean, 1 if not, 2 if nothing could run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, metavar="DIR", help="write DIR/sanitizer.json")
    parser.add_argument("--jobs", type=int, default=4, help="programs at a time on the device")
    given = parser.parse_args(argv)
    try:
        if given.out is not None:
            check_targets(Targets(given.out, [NAME]))
        here = available()
        if not here:
            raise ToolchainError(here.reason)
        program = find_program()
        figures, problems = check(program, given.jobs)
        if given.out is not None and not problems:
            text = json.dumps(document(program, figures), indent=1) + "\n"
            write_all(Targets(given.out, [NAME]), {NAME: text.encode()})
    except (FosError, OSError) as e:
        sys.stderr.write(f"error: {e}\n")
        return 2
    sys.stdout.write("".join(f"{p}\n" for p in problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
