"""`python -m fos_gpu.proof.evidence --out reports`: all that a GPU can show, run on this one.

From a checkout: the proofs, the tests marked gpu, compute-sanitizer and the benchmark, each as the command
that stands in the file. Writes evidence-<card>.json and .md: cards do not overwrite one another. A part
that cannot run here is listed with the reason; a part that fails is listed as failed, and the exit code is 1.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

from fos_gpu.build.machine import card, slug
from fos_gpu.build.probe import available
from fos_gpu.proof.command import Parser
from fos_ref.errors import InputError, ToolchainError
from fos_ref.errors.guard import guarded
from fos_ref.errors.text import line
from fos_ref.proof.result import environment
from fos_ref.publish.publication import check_targets, write_all
from fos_ref.publish.targets import Targets

RAN, FAILED, NOT_RUN = "holds", "FAILED", "not run"
CANNOT = 2  #: exit code of a command that could not run here; its last line says why
JUNIT = "tests.xml"
TAIL = 2000  #: characters of the output of a part that failed


class Part(NamedTuple):
    """One command; OUT in its arguments is a folder of its own, whose JSON files belong to the evidence."""

    name: str
    shows: str
    module: str  #: it is `python -m` this, and not run where there is no such module
    arguments: tuple[str, ...] = ("--out", "OUT")


_TESTS = ("-q", "-m", "gpu", "tests/gpu", "-p", "no:cacheprovider", f"--junitxml=OUT/{JUNIT}")
PARTS = (
    Part("conversions", "all 2^32 inputs of the conversion instructions", "fos_gpu.proof.conversions"),
    Part("device", "the kernels beside the model, every preset", "fos_gpu.proof.device"),
    Part("training", "stochastic rounding, word maps, rotations and MS-EDEN", "fos_gpu.proof.training"),
    Part(
        "subnormals",
        "subnormals, kept here and lost where CuPy compiles",
        "tests.gpu.subnormals",
        ("OUT/a.json",),
    ),
    Part("golden", "the golden vectors", "fos_gpu.proof.golden"),
    Part("products", "exact sums, certificates, FP8's accumulation", "fos_gpu.proof.products"),
    Part("tests", "the tests marked gpu", "pytest", _TESTS),
    Part("sanitizer", "memcheck, racecheck, initcheck, synccheck", "tests.gpu.sanitize"),
    Part("benchmark", "speed beside a copy and the peers", "benchmarks.gpu"),
)


def run_part(part: Part, limit: float) -> dict[str, Any]:
    """Return one part's status, seconds and documents; the reason or the end of its output without them."""
    command = f"python -m {part.module} {' '.join(part.arguments)}"
    found: dict[str, Any] = {"shows": part.shows, "command": command.replace("OUT", "reports")}
    if not _is_here(part.module):
        return found | {"status": NOT_RUN, "reason": f"{part.module} is not here: run it from a checkout"}
    with tempfile.TemporaryDirectory() as work:
        start = time.perf_counter()
        code, output = _call(part, work, limit)
        found["seconds"] = round(time.perf_counter() - start, 1)
        documents = _documents(Path(work))
    if code == CANNOT and part.module != "pytest":
        return found | {"status": NOT_RUN, "reason": _reason(output)}
    if code:
        return found | {"status": FAILED, "exit": code, "output": output[-TAIL:], "documents": documents}
    return found | {"status": RAN, "documents": documents}


def _call(part: Part, work: str, limit: float) -> tuple[int, str]:
    """Run a part's command; return (exit code, output), 124 where it ran past its limit."""
    command = [sys.executable, "-m", part.module, *(a.replace("OUT", work) for a in part.arguments)]
    try:
        done = subprocess.run(  # noqa: S603 -- fixed words
            command, capture_output=True, encoding="utf-8", errors="replace", check=False, timeout=limit
        )
    except subprocess.TimeoutExpired:
        return 124, f"past its limit of {limit:g} s"
    return done.returncode, done.stdout + done.stderr


def _is_here(module: str) -> bool:
    """Return whether `python -m module` has something to run."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _documents(folder: Path) -> dict[str, Any]:
    """Return what a part wrote: its JSON files by name, and the counts of its tests."""
    found = {p.name: json.loads(p.read_bytes()) for p in sorted(folder.glob("*.json"))}
    junit = folder / JUNIT
    return found | ({"tests": tests(junit.read_text(encoding="utf-8"))} if junit.exists() else {})


def tests(xml: str) -> dict[str, Any]:
    """Return how many tests ran, failed, and were skipped for which reason, from pytest's own XML."""
    cases = list(ET.fromstring(xml).iter("testcase"))  # noqa: S314 -- pytest wrote it just now
    reasons: dict[str, int] = {}
    for skipped in (c.find("skipped") for c in cases):
        if skipped is not None:
            reason = skipped.get("message", "")
            reasons[reason] = reasons.get(reason, 0) + 1
    failed = [
        c.get("name", "") for c in cases if c.find("failure") is not None or c.find("error") is not None
    ]
    return {"passed": len(cases) - len(failed) - sum(reasons.values()), "failed": failed, "skipped": reasons}


def _reason(output: str) -> str:
    """Return the last line, in which a command that cannot run says why."""
    last = (output.strip().splitlines() or ["no reason given"])[-1]
    return re.sub(r"^(?:error|not run): ", "", last)


def document(parts: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return what is written to evidence-<card>.json."""
    return {"format": 1, "name": "evidence", "parts": parts, "ran_on": {**environment(), **card()}}


def page(data: dict[str, Any]) -> str:
    """Return the same as a table."""
    here = data["ran_on"]
    lines = [f"# Evidence from one card: {here['device']}", ""]
    versions = [f"{k} {here[k]}" for k in ("driver's CUDA", "NVRTC", "CuPy", "python") if k in here]
    lines += [f"Written by `python -m fos_gpu.proof.evidence --out reports`. {', '.join(versions)}.", ""]
    lines += ["| part | what it shows | status | figures |", "| --- | --- | --- | --- |"]
    for name, part in data["parts"].items():
        lines.append(f"| {name} | {part['shows']} | {part['status']} | {_cell(_figures(part))} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return line(text).replace("|", "\\|")


def _figures(part: dict[str, Any]) -> str:
    """Return a part's counts in one line: compared and differing, tests, or why there are none."""
    if part["status"] == NOT_RUN:
        return str(part["reason"])
    found = [f"{part['seconds']} s"]
    for data in part["documents"].values():
        if "compared" in data:
            found.append(f"{data['compared']:,} compared, {data['unexplained']:,} differ")
            found += [
                f"not run: {k} ({why})"
                for k, why in data["not_run"].items()
                if "instruction" in k or "cvt" in k
            ]
        if "passed" in data:
            skips = sum(data["skipped"].values())
            found.append(f"{data['passed']} passed, {len(data['failed'])} failed, {skips} skipped")
    return "; ".join(found)


def gather(out: Path, only: Sequence[str], limit: float) -> int:
    """Run the parts, write the evidence; return 1 if one failed."""
    here = available()
    if not here:
        raise ToolchainError(here.reason)
    name = f"evidence-{slug(card()['device'])}"
    targets = Targets(out, [f"{name}.json", f"{name}.md"])
    check_targets(targets)
    parts = {}
    for part in PARTS:
        if part.name in only:
            parts[part.name] = run_part(part, limit)
            sys.stdout.write(f"{part.name}: {parts[part.name]['status']}, {_figures(parts[part.name])}\n")
            sys.stdout.flush()
    data = document(parts)
    text = json.dumps(data, indent=1) + "\n"
    write_all(targets, {f"{name}.json": text.encode(), f"{name}.md": page(data).encode()})
    return int(any(p["status"] == FAILED for p in parts.values()))


@guarded
def main(argv: Sequence[str] | None = None) -> int:
    """Gather the evidence from the command line; 0 if nothing failed, 1 if a part did, 2 without a GPU."""
    names = [p.name for p in PARTS]
    parser = Parser(description="Everything that a GPU can show, run on this one.")
    parser.add_argument("--out", type=Path, metavar="DIR", required=True, help="where the evidence goes")
    parser.add_argument("--only", metavar="PART,...", default=",".join(names), help=f"of {','.join(names)}")
    parser.add_argument("--limit", type=float, default=1200, help="seconds that one part may take")
    given = parser.parse_args(argv)
    unknown = [p for p in given.only.split(",") if p not in names]
    if unknown:
        msg = f"part {unknown[0]!r}: one of {', '.join(names)} is allowed"
        raise InputError(msg)
    return gather(given.out, given.only.split(","), given.limit)


if __name__ == "__main__":
    sys.exit(main())
