"""How well the checker names mistakes: alone, two at once, and none where there is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from itertools import combinations, product
from multiprocessing import get_context

import numpy as np

from fos_ref.check.api import check
from fos_ref.check.diagnosis import Diagnosis
from fos_ref.engines.front import quantize
from fos_ref.formats.arrays import F32, U8
from fos_ref.inputs.distributions import make
from fos_ref.proof.checker import judged, legal
from fos_ref.proof.checker.bugs import BUGS, NEEDS, planted, QUANTIZERS
from fos_ref.proof.checker.inputs import as_view, caller_amax, families, LARGE
from fos_ref.proof.checker.tally import LEAST_CASES, LEAST_FAMILIES, LEAST_FIRST, Tally
from fos_ref.proof.result import Finding, Progress, Proof
from fos_ref.recipes.axes import BlockShape
from fos_ref.recipes.catalog import PRESETS

SEED = 1
LEAST_BOTH = 85  #: percent of all cases of two mistakes
FIRST_OF = 3
PAIRED = ("4over6", "te-mse-448")  #: the presets under which two mistakes are planted
STRIDES = "StridesIgnored"
PER_PAIR = 1  #: inputs on which both mistakes of a pair show, a preset


# --- one mistake ---------------------------------------------------------------------------------------


def single(preset: str, flag: str) -> Tally:
    """Return how often the flag is named first where its mistakes show, on every family."""
    tally = Tally()
    for bug in BUGS[flag]:
        for family, x in inputs(preset) if makes_sense(preset, bug) else ():
            _one(tally, preset, (flag, bug), family, x)
    return tally


def large(preset: str, flag: str) -> Tally:
    """Return the same on large tensors, of the first of the flag's mistakes that shows on each."""
    tally = Tally()
    for name, shape in LARGE:
        x = make(name, shape, SEED)
        for bug in (b for b in BUGS[flag] if makes_sense(preset, b)):
            if _one(tally, preset, (flag, bug), f"{name} {shape[0]}x{shape[1]}", x, of_a_family=False):
                break
    return tally


def _one(
    t: Tally, preset: str, mistake: tuple[str, str], family: str, x: F32, *, of_a_family: bool = True
) -> bool:
    """Count one case; return whether the mistake shows."""
    flag, bug = mistake
    a = amax(preset, family, x)
    x = as_view(x) if flag == STRIDES else x
    given = planted(preset, bug)(x, a)
    found = check(x, *given, recipe=preset, amax=a)
    if found.equal:
        return False
    if (of_a_family and undecidable(preset, family, given)) or _says_nothing(
        flag, given[0], planted(preset)(x, a)[0]
    ):
        t.undecidable += 1
    else:
        _count(t, found, (flag,), f"{preset} {bug} {family}", family)
    return True


def _says_nothing(flag: str, codes: U8, right: U8) -> bool:
    """Return whether codes became one constant, signs aside: whatever kills all values gives them."""
    return flag != "NothingWritten" and _flat(codes) and not _flat(right)


def _flat(codes: U8) -> bool:
    return len(np.unique(codes & 0x77)) == 1


def undecidable(preset: str, family: str, given: tuple[U8, U8]) -> bool:
    """Return whether mistakes of two flags, made by the plain quantizer, give these very bytes."""
    return len(_makers(preset)[family].get(_digest(given), ())) > 1


@cache
def _makers(preset: str) -> dict[str, dict[bytes, set[str]]]:
    """Return family -> digest of bytes -> the flags of which a mistake gives them."""
    found: dict[str, dict[bytes, set[str]]] = {}
    for family, x in inputs(preset):
        flags = found.setdefault(family, {})
        for flag, bug in ((f, b) for f, bugs in BUGS.items() for b in bugs if makes_sense(preset, b)):
            made = planted(preset, bug)(as_view(x) if flag == STRIDES else x, amax(preset, family, x))
            flags.setdefault(_digest(made), set()).add(flag)
    return found


def _digest(made: tuple[U8, U8]) -> bytes:
    return sha256(made[0].tobytes() + made[1].tobytes()).digest()


def _count(t: Tally, d: Diagnosis, flags: Sequence[str], words: str, family: str) -> None:
    first = d.flags[: 1 if len(flags) == 1 else FIRST_OF]
    rivals = {r for c in d.causes for r in c.rivals}
    named = set(flags) <= set(first)
    t.cases += 1
    t.named += named
    t.alike += not named and set(flags) <= {*first, *rivals}
    t.families[family] += 1
    if not named:
        t.misses.append(f"{words}: {', '.join(d.flags[:FIRST_OF])}")


def makes_sense(preset: str, bug: str) -> bool:
    """Return whether a mistake can be made: rows cannot be turned under amaxes of their own, for one."""
    return bug not in NEEDS or NEEDS[bug](QUANTIZERS[preset])


@cache
def inputs(preset: str) -> tuple[tuple[str, F32], ...]:
    """Return the families for a preset."""
    return tuple(families(PRESETS[preset], SEED))


def amax(preset: str, family: str, x: F32) -> F32 | None:
    """Return the amax that the caller of a preset gives beside an input, if any."""
    return caller_amax(family, x, PRESETS[preset])


# --- two mistakes --------------------------------------------------------------------------------------


def double(preset: str, one: str, two: str) -> Tally:
    """Return how often both flags are among the first three, on inputs where each shows beside the other.

    The ways of making the two mistakes are tried in turn, until some inputs show both.
    """
    tally = Tally()
    for a, b in product(BUGS[one], BUGS[two]):
        if tally.cases < PER_PAIR and makes_sense(preset, a) and makes_sense(preset, b):
            tally.add(_together(preset, (one, a), (two, b), PER_PAIR - tally.cases))
    return tally


def _together(preset: str, one: tuple[str, str], two: tuple[str, str], most: int) -> Tally:
    """Return the tally of two (flag, mistake) on the first inputs, `most` of them, where both show."""
    tally = Tally()
    (first, a), (second, b) = one, two
    for family, x in inputs(preset):
        if tally.cases == most:
            break
        given = amax(preset, family, x)
        x = as_view(x) if STRIDES in (first, second) else x  # noqa: PLW2901
        made = [planted(preset, *bugs)(x, given) for bugs in ((), (a,), (b,), (a, b))]
        if not any(_same(u, v) for u, v in combinations(made, 2)):
            found = check(x, *made[-1], recipe=preset, amax=given)
            _count(tally, found, (first, second), f"{preset} {a} + {b} {family}", family)
    return tally


def _same(u: tuple[U8, U8], v: tuple[U8, U8]) -> bool:
    return all(p.size == q.size and np.array_equal(p.ravel(), q.ravel()) for p, q in zip(u, v, strict=True))


# --- none ----------------------------------------------------------------------------------------------


def clean(preset: str) -> int:
    """Return on how many inputs a cause is named where the preset's own bytes are given."""
    r = PRESETS[preset]
    named = 0
    tiles = r.block_shape is BlockShape.TILE_16X16
    for family, x in inputs("nvfp4" if tiles or not r.chooses else "4over6"):
        if x.shape[0] % r.block_rows or x.shape[1] % r.block_cols:
            continue
        a = amax(preset, family, x)
        q = quantize(x, r, amax=a, engine="numpy")
        named += bool(check(x, q.codes, q.block_scales, recipe=r, amax=a).causes)
    return named


def stands_for(preset: str) -> int:
    """Return how many bytes of the plain quantizer without a mistake differ from the preset's."""
    count = 0
    for family, x in inputs(preset):
        a = amax(preset, family, x)
        q = quantize(x, preset, amax=a, engine="numpy")
        codes, scales = planted(preset)(x, a)
        count += int(np.count_nonzero(codes != q.codes)) + int(np.count_nonzero(scales != q.block_scales))
    return count


# --- the proof -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Task:
    """One unit of work."""

    kind: str
    preset: str
    flags: tuple[str, ...] = ()


def tasks() -> list[Task]:
    """Return all of them: presets, flags, pairs of flags on two presets each."""
    presets = list(QUANTIZERS)
    return [
        *(Task("stands", p) for p in presets),
        *(Task("clean", r.name) for r in dict.fromkeys(PRESETS.values())),
        *(Task("single", p, (f,)) for p in presets for f in BUGS),
        *(Task("large", presets[i % len(presets)], (f,)) for i, f in enumerate(BUGS)),
        *(Task("judged", case) for case in judged.CASES),
        *(Task("legal", str(n)) for n in range(legal.TASKS)),
        *(Task("double", p, pair) for pair in combinations(BUGS, 2) for p in PAIRED),
    ]


def work(task: Task) -> tuple[Task, Tally | int]:
    """Return what a task finds."""
    if task.kind == "single":
        return task, single(task.preset, task.flags[0])
    if task.kind == "large":
        return task, large(task.preset, task.flags[0])
    if task.kind == "double":
        return task, double(task.preset, *task.flags)
    counted = {"clean": clean, "stands": stands_for, "judged": judged.missed, "legal": legal.wrongly_named}
    return task, counted[task.kind](task.preset)


def run(progress: Progress, jobs: int) -> Finding:
    """Run all tasks. A share below its limit, a cause on clean bytes, a wrong quantizer: each refutes it."""
    todo = tasks()
    found: list[tuple[Task, Tally | int]] = []
    progress(0, len(todo))
    for result in _in_order(todo, jobs):
        found.append(result)
        progress(len(found), len(todo))
    return finding(found)


def _in_order(todo: Sequence[Task], jobs: int) -> Iterator[tuple[Task, Tally | int]]:
    if jobs == 1:
        yield from map(work, todo)
        return
    with ProcessPoolExecutor(min(jobs, len(todo)), get_context("spawn")) as pool:
        yield from pool.map(work, todo)


def finding(found: Sequence[tuple[Task, Tally | int]]) -> Finding:
    """Return the table per flag, the pairs, and what refutes the claim."""
    flags = {f: Tally() for f in BUGS}
    pairs = Tally()
    wrong = {"clean": 0, "stands": 0, "judged": 0, "legal": 0}
    for task, result in found:
        if isinstance(result, int):
            wrong[task.kind] += result
        elif task.kind in ("single", "large"):
            flags[task.flags[0]].add(result)
        else:
            pairs.add(result)
    rare = [f for f, t in flags.items() if t.too_few]
    missed = 100 * pairs.named < LEAST_BOTH * pairs.cases
    return Finding(
        compared=sum(t.cases for t in flags.values()) + pairs.cases,
        unexplained=len(rare) + missed + sum(wrong.values()),
        figures={
            "flags": {f: t.figures() for f, t in flags.items()},
            "limits": f"{LEAST_CASES} cases, {LEAST_FAMILIES} families, {LEAST_FIRST} % first",
            "below the limit": rare,
            "two at once": pairs.figures(),
            "causes named on clean bytes": wrong["clean"],
            "bytes in which the plain quantizers differ": wrong["stands"],
            "judged outcomes that are missed": wrong["judged"],
            "outputs of other legal recipes": sum(t.kind == "legal" for t, _ in found) * legal.PER_TASK,
            "layout or degenerate flags on these": wrong["legal"],
        },
    )


PROOF = Proof(
    name="checker",
    claim="The checker names a planted mistake of each flag first in 95 % of at least 20 cases over at least "
    "5 families of input, 8x64 to 4096x4096, two at once among the first three in 85 %, none on clean bytes, "
    "and no layout on what another legal recipe gives.",
    run=run,
    minutes=120,
)
