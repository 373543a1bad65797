"""Which mistakes a vector catches: every mutant is run on it, and where bytes differ its flag is set.

A flag says something that was computed, never what somebody meant. Most mistakes act block by block, so that
vectors are run as rows of one tensor; those of layout and of the tensor's own amax get each vector alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from fos_ref.engines.front import Padding, quantize, trace
from fos_ref.errors import InputError, ShapeError
from fos_ref.exactness.near_tie import _places
from fos_ref.formats.arrays import AnyArray, Bool, F32, U8
from fos_ref.model.quantize import tensor_amax
from fos_ref.mutants import layout
from fos_ref.mutants.catalogue import Mutant, MUTANTS
from fos_ref.mutants.reported import layout as reported_layout
from fos_ref.mutants.reported import scales as reported_scales
from fos_ref.recipes.axes import AmaxScope, ErrorDomain
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.tensor import QuantizedTensor
from fos_ref.vectors.case import Case
from fos_ref.vectors.notes import NOTES

#: By mutant, which cases (by position) it shows on.
Kills: TypeAlias = dict[str, set[int]]
_LAYOUT = frozenset(m.name for m in (*layout.MUTANTS, *reported_layout.MUTANTS))
_ULPS = 4  #: float32 steps between the errors of a near tie, as near_tie.near_ties has it


@dataclass(frozen=True, slots=True)
class Stack:
    """Cases that are run as one tensor, one below the other."""

    indices: tuple[int, ...]
    starts: tuple[int, ...]  #: the first row of each, and the end
    x: AnyArray
    amax: Any
    recipe: Recipe
    padding: Padding = "error"


def kills(cases: Sequence[Case], r: Recipe, mutants: Mapping[str, Mutant] = MUTANTS) -> Kills:
    """Return which of the cases each mutant fails when it is planted under the recipe r."""
    alone = [_alone(i, case, r) for i, case in enumerate(cases)]
    together = list(_together(cases, alone, r))
    own_amax = [s for s in alone if s.amax is None]
    runs = ((_is_layout, alone), (_is_of_tensor_amax, own_amax), (_is_of_blocks, together))
    found: Kills = {}
    for is_chosen, stacks in runs:
        right = [_made(s) for s in stacks]
        with layout.remembered() if is_chosen is _is_layout else nullcontext():
            found |= {m.name: _killed(m, stacks, right) for m in filter(is_chosen, mutants.values())}
    return {name: found[name] for name in mutants}


def flags(cases: Sequence[Case], r: Recipe, killed: Kills) -> list[list[str]]:
    """Return the flags of each case, in the order of the notes."""
    found: list[set[str]] = [set() for _ in cases]
    for name, indices in killed.items():
        flag = MUTANTS[name].flag
        for i in indices if flag in NOTES else ():
            found[i].add(flag)
    for i, case in enumerate(cases):
        if _has_near_tie(case, r):
            found[i].add("NearTie")
    return [[flag for flag in NOTES if flag in one] for one in found]


def _is_layout(m: Mutant) -> bool:
    """Return whether a mistake is in the place of bytes or takes values of other blocks: see it alone."""
    return m.name in _LAYOUT or m.name in reported_scales.OF_NEIGHBOURS


def _is_of_tensor_amax(m: Mutant) -> bool:
    """Return whether a mistake is in the tensor's own amax: it shows only where nobody gives one."""
    return any(s.old is tensor_amax for s in m.swaps)


def _is_of_blocks(m: Mutant) -> bool:
    return not _is_layout(m) and not _is_of_tensor_amax(m)


def _alone(i: int, case: Case, r: Recipe) -> Stack:
    return Stack((i,), (0, case.x.shape[0]), case.x, case.amax(r), r, case.padding)


def _together(cases: Sequence[Case], alone: Sequence[Stack], r: Recipe) -> Iterator[Stack]:
    """Yield every case once, those together whose rows can have a tensor amax of their own each.

    A row-scaled recipe does to each row what the recipe does to a tensor of that amax. Tiles have no such
    form, and a case that a recipe may refuse would take the others with it.
    """
    groups: dict[tuple[str, int], list[int]] = {}
    for i, (case, s) in enumerate(zip(cases, alone, strict=True)):
        x = s.x.astype(np.float32)
        fits = case.padding == "error" and r.block_rows == 1 and x.shape[1] % r.block_cols == 0
        if fits and np.isfinite(x).all():
            groups.setdefault((s.x.dtype.name, x.shape[1]), []).append(i)
        else:
            yield s
    by_row = replace(r, amax_scope=AmaxScope.ROW) if r.block_rows == 1 else r
    for indices in groups.values():
        x = np.concatenate([alone[i].x for i in indices])
        amax = np.concatenate([_row_amaxes(alone[i]) for i in indices])
        starts = np.cumsum([0, *(alone[i].x.shape[0] for i in indices)])
        yield Stack(tuple(indices), tuple(starts.tolist()), x, amax, by_row)


def _row_amaxes(s: Stack) -> F32:
    """Return the tensor amax of each row: the caller's, or the model's own."""
    own: F32 = tensor_amax(s.x.astype(np.float32), s.recipe) if s.amax is None else np.asarray(s.amax)
    return np.broadcast_to(own, s.x.shape[:1]).astype(np.float32)


def _killed(m: Mutant, stacks: Sequence[Stack], right: Sequence[QuantizedTensor | None]) -> set[int]:
    found: set[int] = set()
    with m.planted(), np.errstate(all="ignore"):
        for s, want in zip(stacks, right, strict=True):
            got = _made(s)
            if got is None or want is None:
                found.update(s.indices if (got is None) != (want is None) else ())
                continue
            rows = _rows_differ(want, got)
            spans = zip(s.indices, s.starts, s.starts[1:], strict=False)
            found.update(i for i, a, b in spans if rows[a:b].any())
    return found


def _made(s: Stack) -> QuantizedTensor | None:
    """Return what the model makes of a stack, mistakes planted in it included; None where it refuses."""
    try:
        return quantize(s.x, s.recipe, amax=s.amax, engine="numpy", padding=s.padding)
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
