"""The NumPy model against the exact oracle: every step of every block, a million blocks of each family.

The steps are those of fos_ref.proof.oracle.agree: tensor scales, block amax, base, both candidates' scales,
multipliers, scaled values, codes, values, differences and errors, what is kept, and what it dequantizes to.
"""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from fos_ref.engines.front import trace
from fos_ref.formats.arrays import F32
from fos_ref.formats.bits import f32_bits
from fos_ref.model.trace import Trace
from fos_ref.proof.oracle.agree import problems
from fos_ref.proof.oracle.inputs import arguments_for
from fos_ref.proof.oracle.plan import BLOCKS, families, plan, ROWS, TILES, Unit
from fos_ref.proof.result import Finding, Progress, Proof
from fos_ref.recipes.catalog import PRESETS

FEW_ULPS = 4
_SMALLEST_NORMAL = np.float32(2.0**-6)  #: of E4M3


@dataclass(slots=True)
class Result:
    """What one unit found."""

    blocks: int = 0
    wrong: list[str] = field(default_factory=list)
    reached: Counter[str] = field(default_factory=Counter)


def oracle(progress: Progress, jobs: int) -> Finding:
    """Compare a million blocks of each family, and 16x16 tiles on top."""
    return measure(progress, jobs, blocks=BLOCKS, tiles=TILES, rows=ROWS)


def measure(progress: Progress, jobs: int, *, blocks: int, tiles: int, rows: int) -> Finding:
    """Return how many blocks were compared, per preset, and how many differ in any step."""
    units = plan(blocks, tiles, rows)
    total = {name: Result() for names in families().values() for name in names}
    for done, (unit, result) in enumerate(zip(units, _results(units, rows, jobs), strict=True), start=1):
        preset = total[unit.preset]
        preset.blocks += result.blocks
        preset.wrong += result.wrong
        preset.reached += result.reached
        progress(done, len(units))
    wrong = [w for r in total.values() for w in r.wrong]
    return Finding(
        compared=sum(r.blocks for r in total.values()),
        unexplained=len(wrong),
        figures={**_figures(total), **({"first_difference": wrong[0]} if wrong else {})},
    )


def _figures(total: dict[str, Result]) -> dict[str, Any]:
    """Return blocks of a row and tiles per family, blocks per preset, and what the inputs reached."""
    counts: dict[str, Any] = {"blocks": {}, "tiles": {}, "presets": {}, "reached": {}}
    for name, presets in families().items():
        in_rows = [p for p in presets if PRESETS[p].block_rows == 1]
        counts["blocks"][name] = sum(total[p].blocks for p in in_rows)
        counts["tiles"][name] = sum(total[p].blocks for p in presets if p not in in_rows)
        counts["presets"][name] = {p: total[p].blocks for p in presets}
        reached = sum((total[p].reached for p in presets), start=Counter())
        counts["reached"][name] = dict(sorted(reached.items()))
    return counts


def _results(units: Sequence[Unit], rows: int, jobs: int) -> Iterator[Result]:
    """Yield the result of each unit in order."""
    if jobs == 1:
        yield from (work(u, rows) for u in units)
        return
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(partial(work, rows=rows), units)


def work(unit: Unit, rows: int) -> Result:
    """Compare every block of a unit."""
    r, result = unit.recipe, Result()
    for case in unit.cases(rows):
        arguments = arguments_for(case, r)
        t = trace(case.x, r, **arguments)
        found = list(problems(case.x, t, arguments))
        result.blocks += len(found)
        result.wrong += [f"{r.name}, round {unit.number}, {case.name}: {p}" for p in found if p]
        result.reached += reached(t)
    return result


def reached(t: Trace) -> Counter[str]:
    """Return how many blocks of a trace have what the inputs were made for."""
    kept = t.map6 if t.map6 is not None else t.map4
    assert kept is not None
    found = {
        "zero block scale over values": (kept.scale == 0) & (t.block_amax > 0),
        "subnormal block scale": (kept.scale > 0) & (kept.scale < _SMALLEST_NORMAL),
        "not finite": ~np.isfinite(t.block_amax),
    }
    if t.map6 is not None and t.map4 is not None:
        assert t.map6.error is not None
        assert t.map4.error is not None
        ulps = _steps_apart(t.map4.error, t.map6.error)
        found["map-to-4 kept"] = t.picked4[:: t.recipe.block_rows]
        found["equal errors over values"] = (ulps == 0) & (t.block_amax > 0)
        found[f"errors 1 to {FEW_ULPS} ulps apart"] = (ulps > 0) & (ulps <= FEW_ULPS)
    return Counter({what: int(np.count_nonzero(v)) for what, v in found.items()})


def _steps_apart(a: F32, b: F32) -> Any:
    """Return how many float32 lie between two errors, both 0 or above."""
    return np.abs(f32_bits(a).astype(np.int64) - f32_bits(b).astype(np.int64))


PROOF = Proof(
    name="oracle",
    claim=(
        "Every step of the NumPy model is the correctly rounded result of that step: the exact oracle, which "
        "shares no arithmetic with it, agrees on at least a million blocks of every family of presets."
    ),
    run=oracle,
    minutes=25,
)
