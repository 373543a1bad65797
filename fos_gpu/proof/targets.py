"""`python -m fos_gpu.proof.targets`: every kernel compiled for every target, its PTX read; no GPU is needed.

What is compiled here is not run here.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from importlib.resources import files
from typing import Any, NamedTuple, TypeVar

from fos_gpu.build import kernels, modules, nvrtc, training_units
from fos_gpu.build.lower import admitted, definitions, fused, INPUTS, numerics, source
from fos_gpu.build.ptx import count_fused, Declared, entries, FMA, unused, violations
from fos_gpu.build.training import DEFINITIONS, texts
from fos_gpu.proof import sweep
from fos_gpu.proof.beside import SUPPORTED
from fos_gpu.proof.command import execute, parser
from fos_gpu.proof.shares import shared
from fos_ref.errors import ToolchainError
from fos_ref.errors.guard import guarded
from fos_ref.proof.result import Finding, Progress, Proof
from fos_ref.proof.sweeps.pool import Tally, total
from fos_ref.recipes.recipe import Recipe

TARGETS = ("sm_80", "sm_90", "sm_100a", "sm_120a")
TRAINED = (*TARGETS, "sm_103a")  #: targets of training's kernels: sm_103a has the stochastic conversion too
T = TypeVar("T")
MAIN = "bfloat16"  #: the dtype in which every recipe is compiled
ELF = b"\x7fELF"
FILES, WRONG, LISTED, SAID = "files", "violations", "entries", "declared"  #: what a tally counts


class Task(NamedTuple):
    """One call of NVRTC."""

    source: str
    options: tuple[str, ...]
    name: str  #: the recipe and dtype, in words
    target: str
    fused: bool = False  #: whether the recipe itself says fma
    declared: tuple[tuple[str, tuple[str, ...]], ...] = ()  #: entry -> what it holds on purpose, as pairs


@cache
def distinct() -> tuple[Recipe, ...]:
    """Return the recipes that have kernels, one for each set of compile-time constants."""
    return tuple({definitions(r): r for r in reversed(SUPPORTED)}.values())[::-1]


@cache
def covering() -> tuple[Recipe, ...]:
    """Return few recipes in which each value of each constant occurs."""
    return _cover({r: set(definitions(r)) for r in distinct()})


@cache
def covering_units() -> tuple[modules.Unit, ...]:
    """Return few units in which each value of each constant occurs, of each source."""
    return _cover({u: {f"{u.source} {value}" for value in ("", *u.definitions)} for u in modules.units()})


def _cover(values: dict[T, set[str]]) -> tuple[T, ...]:
    """Return keys that have all values together, the ones with most new values first."""
    left, chosen = set().union(*values.values()), []
    while left:
        best = max(values, key=lambda k: len(left & values[k]))  # the first of equals
        chosen.append(best)
        left -= values[best]
    return tuple(chosen)


def plan(selection: str = "") -> list[Task]:
    """Return what to compile.

    selection: "": the covering recipes for each target and dtype, every other recipe for one target in turn;
               the other kernels likewise. "few": the covering recipes for each target, in bfloat16.
               "every": every recipe for each target and dtype, and the other kernels for each target.
    """
    recipes, units = (distinct(), modules.units()) if selection == "every" else (covering(), covering_units())
    dtypes = (MAIN,) if selection == "few" else INPUTS
    tasks = [_quantize(r, dtype, t) for r in recipes for dtype in dtypes for t in TARGETS]
    if selection != "few":
        tasks += [_other(u, t) for u in units for t in TARGETS]
        along = INPUTS if selection == "every" else (MAIN,)
        tasks += [task for r in recipes for dtype in along for t in TARGETS for task in _columns(r, dtype, t)]
    if not selection:
        tasks += [_quantize(r, MAIN, _turn(i)) for i, r in enumerate(distinct())]
        tasks += [_other(u, _turn(i)) for i, u in enumerate(modules.units())]
    if selection != "few":
        tasks += [_training(u, t) for u in training_units.units() for t in TRAINED]
    tasks += [Task(sweep.KERNELS, sweep.options(t), "", t, declared=_pairs(sweep.DECLARED)) for t in TARGETS]
    return list(dict.fromkeys(tasks))


def _turn(i: int) -> str:
    return TARGETS[i % len(TARGETS)]


def _quantize(r: Recipe, dtype: str, target: str) -> Task:
    """Return the task of a recipe's kernels: its own words, and the fast path where it has one."""
    fast = admitted(r)
    given = kernels.fast_options(r, dtype, target) if fast else kernels.options(r, dtype, target)
    declared = kernels.declared(given, target)
    return Task(kernels.KERNELS, given, f"{r.name} {dtype}", target, fused(r), _pairs(declared))


def _columns(r: Recipe, dtype: str, target: str) -> list[Task]:
    """Return the task of a recipe's kernels along columns with the fast path, none where it has none."""
    unit = modules.fast_columns_unit(r, dtype)
    if unit is None:
        return []
    return [_other(unit, target)._replace(fused=fused(r), name=f"{r.name} {dtype}")]


def _other(unit: modules.Unit, target: str) -> Task:
    said = any("=fused" in o for o in unit.definitions)
    declared = _pairs(modules.declared(unit, target))
    return Task(
        unit.source, modules.options(unit, target), " ".join(unit.definitions), target, said, declared
    )


def _training(unit: modules.Unit, target: str) -> Task:
    own = [o for o in unit.definitions if o not in DEFINITIONS]
    declared = _pairs(training_units.declared(unit, target))
    return Task(unit.source, modules.options(unit, target), " ".join(own), target, declared=declared)


def _pairs(declared: Declared) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((entry, tuple(sorted(words))) for entry, words in declared.items())


@cache
def headers() -> dict[str, str]:
    """Return every text that a kernel may include, by name."""
    names = sorted(p.name for p in (files("fos_gpu") / "csrc").iterdir())
    return numerics() | texts() | {name: source(name) for name in names if name.endswith((".h", ".cuh"))}


def compile_one(task: Task) -> Tally:
    """Compile one file and read its PTX; return what was found, by target and by source."""
    cubin, ptx = nvrtc.compile_source(source(task.source), headers(), task.options)
    if cubin[:4] != ELF or f".target {task.target}\n" not in ptx:
        msg = f"NVRTC gave no cubin for {task.target}: {task.source}, {task.name}"
        raise ToolchainError(msg)
    found: Tally = Counter({(FILES, task.target): 1, (FILES, task.source): 1})
    found.update((LISTED, name) for name in entries(ptx) if name and not name.startswith("_Z"))
    missing = unused(ptx, dict(task.declared))
    said = [f"{entry}: {word}" for entry, words in task.declared for word in words]
    found.update((SAID, words) for words in said if words not in missing)
    wrong = violations(ptx, fused=task.fused, declared=dict(task.declared))
    if task.source == kernels.KERNELS and task.fused and not count_fused(entries(ptx)[kernels.ENTRY]):
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
            "files by target": {t: counted.pop(t, 0) for t in TRAINED},
            "files by source": counted,
            "entries": _kind(found, LISTED),
            "files of recipes that say fma": sum(task.fused for task in tasks),
            "declared instructions, files that hold them": _kind(found, SAID),
            "violations": wrong,
        },
    )


def _kind(found: Tally, kind: str) -> dict[str, int]:
    return {what: n for (k, what), n in sorted(found.items()) if k == kind}


PROOF = Proof(
    name="targets",
    claim=(
        "The kernels compile for sm_80, sm_90, sm_100a and sm_120a, those of training for sm_103a too; their "
        "PTX rounds as the recipes say."
    ),
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


@guarded
def main(argv: Sequence[str] | None = None) -> int:
    """Run the proof from the command line."""
    arguments = shared(parser(PROOF))
    arguments.add_argument("--every", action="store_true", help=f"every recipe, {len(INPUTS)} input dtypes")
    arguments.add_argument(
        "--few", action="store_true", help="few recipes that hold every constant, bfloat16"
    )
    given = arguments.parse_args(argv)
    selection = "every" if given.every else "few" if given.few else ""
    name = "-".join(filter(None, (PROOF.name, selection)))
    tasks = given.share.of(plan(selection))
    return execute(replace(PROOF, name=name, run=partial(run, tasks)), given, _compiler())


if __name__ == "__main__":
    sys.exit(main())
