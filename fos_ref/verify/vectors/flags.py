"""Which mistakes a vector catches: every mutant is run on it, and where bytes differ its flag is set.

A flag says something that was computed, never what somebody meant. Most mistakes act block by block, so
that vectors under the same caller's amax are run as one tensor; those of layout get each vector alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from fos_ref.engines.front import quantize, trace
from fos_ref.errors import InputError, ShapeError
from fos_ref.formats.arrays import Bool, U8
from fos_ref.formats.bits import f32_hex
from fos_ref.recipes.axes import ErrorDomain
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.tensor import QuantizedTensor
from fos_ref.verify import mutant_layout
from fos_ref.verify.mutants import Mutant, MUTANTS
from fos_ref.verify.near_tie import _places
from fos_ref.verify.outcomes import Input
from fos_ref.verify.vectors.case import Case
from fos_ref.verify.vectors.notes import NOTES

#: By mutant, which cases (by position) it shows on.
Kills: TypeAlias = dict[str, set[int]]
#: Cases that are run as one: their positions and the tensor of all their rows.
Stack: TypeAlias = tuple[list[int], Case]
_LAYOUT = frozenset(m.name for m in mutant_layout.MUTANTS)
_ULPS = 4  #: float32 steps between the errors of a near tie, as near_tie.near_ties has it
_SPELT = {"MetricAbsmax": "MetricAbsMax"}  #: a mutant's flag that the notes spell otherwise


def kills(cases: Sequence[Case], r: Recipe) -> Kills:
    """Return which of the cases each mutant fails when it is planted under the recipe r."""
    alone: list[Stack] = [([i], case) for i, case in enumerate(cases)]
    together = _stacks(cases)
    found: Kills = {}
    for stacks, is_chosen in ((alone, _is_layout), (together, lambda m: not _is_layout(m))):
        right = [_made(case, r) for _, case in stacks]
        for m in filter(is_chosen, MUTANTS.values()):
            found[m.name] = _killed(m, stacks, right, cases, r)
    return {name: found[name] for name in MUTANTS}


def flags(cases: Sequence[Case], r: Recipe, killed: Kills) -> list[list[str]]:
    """Return the flags of each case, in the order of the notes."""
    found: list[set[str]] = [set() for _ in cases]
    for name, indices in killed.items():
        flag = flag_of(MUTANTS[name])
        for i in indices if flag in NOTES else ():
            found[i].add(flag)
    for i, case in enumerate(cases):
        if _has_near_tie(case, r):
            found[i].add("NearTie")
    return [[flag for flag in NOTES if flag in one] for one in found]


def flag_of(m: Mutant) -> str:
    """Return a mutant's flag as the notes spell it."""
    return _SPELT.get(m.flag, m.flag)


def _is_layout(m: Mutant) -> bool:
    return m.name in _LAYOUT


def _stacks(cases: Sequence[Case]) -> list[Stack]:
    """Return the cases, those of equal amax, dtype and width one below the other."""
    groups: dict[Any, list[int]] = {}
    for i, case in enumerate(cases):
        amax, x = case.given.amax, case.given.x
        has_nan = not np.isfinite(x.astype(np.float32)).all()  # a recipe may refuse the whole stack
        own = amax is None or case.buffer is not None or case.padding != "error"
        key = i if own or has_nan else (f32_hex(np.float32(amax)), x.dtype.name, x.shape[1])
        groups.setdefault(key, []).append(i)
    return [(indices, _stacked([cases[i] for i in indices])) for indices in groups.values()]


def _stacked(cases: Sequence[Case]) -> Case:
    if len(cases) == 1:
        return cases[0]
    x = np.concatenate([case.x for case in cases])
    return Case(comment="stacked", given=Input(x=x, amax=cases[0].given.amax))


def _killed(
    m: Mutant, stacks: Sequence[Stack], right: Sequence[Any], cases: Sequence[Case], r: Recipe
) -> set[int]:
    found: set[int] = set()
    with m.planted(), np.errstate(all="ignore"):
        for (indices, case), want in zip(stacks, right, strict=True):
            got = _made(case, r)
            if got is None or want is None:
                found.update(indices if (got is None) != (want is None) else ())
                continue
            rows = _rows_differ(want, got)
            starts = np.cumsum([0, *(cases[i].x.shape[0] for i in indices)])
            found.update(i for i, a, b in zip(indices, starts, starts[1:], strict=False) if rows[a:b].any())
    return found


def _made(case: Case, r: Recipe) -> QuantizedTensor | None:
    """Return what the model makes of a case, mistakes planted in it included; None where it refuses."""
    try:
        return quantize(case.x, r, amax=case.amax(r), engine="numpy", padding=case.padding)
    except (InputError, ShapeError):
        return None


def _rows_differ(a: QuantizedTensor, b: QuantizedTensor) -> Bool:
    differ: Callable[[U8, U8], Bool] = lambda u, v: np.asarray((u != v).any(axis=-1))  # noqa: E731
    return differ(a.codes, b.codes) | differ(a.block_scales, b.block_scales)


def _has_near_tie(case: Case, r: Recipe) -> bool:
    if not r.chooses or r.error_domain is ErrorDomain.TRIAL or case.padding != "error":
        return False
    try:
        return bool(_places(trace(case.x, r, amax=case.amax(r)), _ULPS))
    except (InputError, ShapeError):
        return False
