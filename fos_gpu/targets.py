"""`python -m fos_gpu.targets`: every kernel compiled for every target, its PTX read; no GPU is needed.

What is compiled here is not run here.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from importlib.resources import files
from typing import Any, NamedTuple

from fos_gpu import kernels, modules, nvrtc, sweep
from fos_gpu.beside import SUPPORTED
from fos_gpu.command import execute, parser
from fos_gpu.lower import definitions, fused, INPUTS, source
from fos_gpu.ptx import count_fused, Declared, entries, FMA, violations
from fos_ref.errors import ToolchainError
from fos_ref.proof.result import Finding, Progress, Proof
from fos_ref.proof.sweep_pool import Tally, total
from fos_ref.recipes.recipe import Recipe

TARGETS = ("sm_80", "sm_90", "sm_100a", "sm_120a")
MAIN = "bfloat16"  #: the dtype in which every recipe is compiled
ELF = b"\x7fELF"
FILES, WRONG, LISTED = "files", "violations", "entries"  #: what a tally counts
#: What single entries hold on purpose, by source file; a kernel of the recipe's own words holds nothing else.
DECLARED: dict[str, Declared] = {sweep.KERNELS: sweep.DECLARED}


class Task(NamedTuple):
    """One call of NVRTC."""

    source: str
    options: tuple[str, ...]
    name: str  #: the recipe and dtype, in words
    target: str
    fused: bool  #: whether the recipe itself says fma


@cache
def distinct() -> tuple[Recipe, ...]:
    """Return the recipes that have kernels, one for each set of compile-time constants."""
    return tuple({definitions(r): r for r in reversed(SUPPORTED)}.values())[::-1]


@cache
def covering() -> tuple[Recipe, ...]:
    """Return few recipes in which each value of each constant occurs, the ones with most new values first."""
    left = {value for r in distinct() for value in definitions(r)}
    chosen = []
    while left:
        best = max(distinct(), key=lambda r: len(left & set(definitions(r))))  # the first of equals
        chosen.append(best)
        left -= set(definitions(best))
    return tuple(chosen)


def plan(*, every: bool = False, few: bool = False) -> list[Task]:
    """Return what to compile for each target: every recipe in bfloat16, the covering ones in each dtype.

    The other kernels' list is theirs. every: all recipes in each dtype. few: the covering recipes in bfloat16
    and the sweep, nothing else.
    """
    wanted = [(r, MAIN) for r in (covering() if few else distinct())]
    if not few:
        wanted += [(r, d) for d in INPUTS if d != MAIN for r in (distinct() if every else covering())]
    return [
        task
        for target in TARGETS
        for task in (
            *(_quantize(r, dtype, target) for r, dtype in wanted),
            Task(sweep.KERNELS, sweep.options(target), "conversions", target, fused=False),
            *(() if few else _others(target)),
        )
    ]


def _quantize(r: Recipe, dtype: str, target: str) -> Task:
    given = kernels.options(r, dtype, target)
    return Task(kernels.KERNELS, given, f"{r.name} {dtype}", target, fused(r))


def _others(target: str) -> list[Task]:
    """Return the tasks of the kernels beside the quantizer's."""
    return [
        Task(u.source, given, " ".join(given[1:]), target, any("=fused" in o for o in given))
        for u in modules.units()
        for given in (modules.options(u, target),)
    ]


@cache
def headers() -> dict[str, str]:
    """Return every text that a kernel may include, by name."""
    names = sorted(p.name for p in (files("fos_gpu") / "csrc").iterdir())
    return {name: source(name) for name in names if name.endswith((".h", ".cuh"))}


def compile_one(task: Task) -> Tally:
    """Compile one file and read its PTX; return what was found, by target and by source."""
    cubin, ptx = nvrtc.compile_source(source(task.source), headers(), task.options)
    if cubin[:4] != ELF or f".target {task.target}\n" not in ptx:
        msg = f"NVRTC gave no cubin for {task.target}: {task.source}, {task.name}"
        raise ToolchainError(msg)
    found: Tally = Counter({(FILES, task.target): 1, (FILES, task.source): 1})
    found.update((LISTED, name) for name in entries(ptx) if name)
    wrong = violations(ptx, fused=task.fused, declared=DECLARED.get(task.source))
    if task.source == kernels.KERNELS and task.fused and not count_fused(ptx):
        wrong.append(f"no {FMA}")
    found.update((WRONG, f"{task.source} {task.name} {task.target}: {word}") for word in wrong)
    return found


def run(tasks: Sequence[Task], progress: Progress, jobs: int) -> Finding:
    """Compile the tasks; ToolchainError where NVRTC is missing or refuses one."""
    nvrtc.version()
    found = total(compile_one, tasks, jobs, progress)
    wrong = _kind(found, WRONG)
    counted = _kind(found, FILES)
    return Finding(
        compared=len(tasks),
        unexplained=sum(wrong.values()),
        figures={
            "files by target": {t: counted.pop(t, 0) for t in TARGETS},
            "files by source": counted,
            "entries": _kind(found, LISTED),
            "files of recipes that say fma": sum(task.fused for task in tasks),
            "violations": wrong,
        },
    )


def _kind(found: Tally, kind: str) -> dict[str, int]:
    return {what: n for (k, what), n in sorted(found.items()) if k == kind}


PROOF = Proof(
    name="targets",
    claim="Every kernel compiles for sm_80, sm_90, sm_100a, sm_120a, and its PTX rounds as the recipe says.",
    run=lambda progress, jobs: run(plan(), progress, jobs),
    minutes=1.5,
)


def _compiler() -> dict[str, Any]:
    """Return what compiled; empty where there is no NVRTC, which the proof then says itself."""
    try:
        major, minor = nvrtc.version()
    except ToolchainError:
        return {}
    return {"NVRTC": f"{major}.{minor}", "options": " ".join((*nvrtc.LANGUAGE, *nvrtc.ARITHMETIC))}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the proof from the command line."""
    arguments = parser(PROOF)
    arguments.add_argument("--every", action="store_true", help="every recipe in every input dtype")
    arguments.add_argument("--few", action="store_true", help="few recipes, every constant, bfloat16 alone")
    given = arguments.parse_args(argv)
    proof = replace(PROOF, run=partial(run, plan(every=given.every, few=given.few)))
    return execute(proof, given, _compiler())


if __name__ == "__main__":
    sys.exit(main())
