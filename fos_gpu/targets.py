"""`python -m fos_gpu.targets`: every kernel compiled for every target, its PTX read; no GPU is needed.

What is compiled here is not run here.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from fos_gpu import kernels, nvrtc
from fos_gpu.beside import SUPPORTED
from fos_gpu.command import execute, parser
from fos_gpu.lower import AXES, definitions, fused, INPUTS
from fos_gpu.ptx import count_fused, entries, violations
from fos_ref.errors import ToolchainError
from fos_ref.proof.result import Finding, Progress, Proof
from fos_ref.proof.sweep_pool import Tally, total
from fos_ref.recipes.catalog import PRESETS
from fos_ref.recipes.recipe import Recipe

TARGETS = ("sm_80", "sm_90", "sm_100a", "sm_120a")
MAIN = "bfloat16"  #: the dtype in which every recipe is compiled
ELF = b"\x7fELF"
FILES, WRONG, LISTED = "files", "violations", "entries"  #: what a tally counts


class Task(NamedTuple):
    """One call of NVRTC."""

    recipe: str
    dtype: str
    target: str


def distinct() -> tuple[Recipe, ...]:
    """Return the recipes that have kernels, one for each set of compile-time constants."""
    return tuple({definitions(r): r for r in reversed(SUPPORTED)}.values())[::-1]


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
    """Return what to compile for each target: all recipes in bfloat16, the covering ones in each dtype.

    every: all recipes in each dtype. few: the covering recipes in bfloat16 alone.
    """
    wanted = {
        dtype: covering() if few or (dtype != MAIN and not every) else distinct()
        for dtype in INPUTS
        if dtype == MAIN or not few
    }
    return [Task(r.name, dtype, t) for dtype, recipes in wanted.items() for r in recipes for t in TARGETS]


def compile_one(task: Task) -> Tally:
    """Compile one kernel and read its PTX; return what was found under the task's dtype and target."""
    r = PRESETS[task.recipe]
    cubin, ptx = kernels.compile_kernels(r, task.dtype, task.target)
    if cubin[:4] != ELF or f".target {task.target}\n" not in ptx:
        msg = f"NVRTC gave no cubin for {task.target}: {r.name}, {task.dtype}"
        raise ToolchainError(msg)
    found: Tally = Counter({(FILES, task.target): 1, (FILES, task.dtype): 1})
    found.update((LISTED, name) for name in entries(ptx) if name)
    wrong = violations(ptx, fused=fused(r))
    if fused(r) != (count_fused(ptx) > 0):
        wrong.append(f"{count_fused(ptx)} fma")
    found.update((WRONG, f"{' '.join(task)}: {word}") for word in wrong)
    return found


def run(tasks: Sequence[Task], progress: Progress, jobs: int) -> Finding:
    """Compile the tasks; ToolchainError where NVRTC is missing or refuses one."""
    nvrtc.version()
    found = total(compile_one, tasks, jobs, progress)
    wrong = {what: n for (kind, what), n in sorted(found.items()) if kind == WRONG}
    recipes = {task.recipe for task in tasks}
    return Finding(
        compared=len(tasks),
        unexplained=sum(wrong.values()),
        figures={
            "kernels": len(recipes),
            "of these with fma": sum(fused(PRESETS[name]) for name in recipes),
            "constants": len({c for name in recipes for c in definitions(PRESETS[name])}),
            "axes": len(AXES),
            "files by target": {t: found[FILES, t] for t in TARGETS},
            "files by input dtype": {d: n for d in INPUTS if (n := found[FILES, d])},
            "entries": {what: n for (kind, what), n in sorted(found.items()) if kind == LISTED},
            "violations": wrong,
        },
    )


PROOF = Proof(
    name="targets",
    claim="Every kernel compiles for sm_80, sm_90, sm_100a, sm_120a, and its PTX rounds as the recipe says.",
    run=lambda progress, jobs: run(plan(), progress, jobs),
    minutes=1.2,
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
