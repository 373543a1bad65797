"""The walk of a diagnosis: readings, what the bytes say, what is no evidence, mistakes, judged outcomes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fos_ref.check.bench import Case, Hypothesis
from fos_ref.check.causes import causes, outcome_cause
from fos_ref.check.closest import hint
from fos_ref.check.diagnosis import Cause, Diagnosis
from fos_ref.check.dossier import dossier
from fos_ref.check.evidence.codes import Counts
from fos_ref.check.evidence.fits import better_than_the_first
from fos_ref.check.evidence.gathered import Evidence, gathered
from fos_ref.check.evidence.padding import Padding, padding
from fos_ref.check.evidence.suspects import Suspects, suspects_of
from fos_ref.check.evidence.where import where
from fos_ref.check.explanation import Explanation, SEEN
from fos_ref.check.flaws.catalogue import catalogue
from fos_ref.check.flaws.flaw import Flaw
from fos_ref.check.outcomes import hardware
from fos_ref.check.outcomes.followed import follows_another_scale
from fos_ref.check.outcomes.nothing_written import constant_blocks, nothing_written
from fos_ref.check.outcomes.outcome import Outcome
from fos_ref.check.outcomes.region import scale_of_a_region
from fos_ref.check.outcomes.scale_search import scale_search
from fos_ref.check.outcomes.stochastic import stochastic_rounding
from fos_ref.check.search import Search
from fos_ref.check.subject import Subject

_JUDGED = 0.95  #: of the differing blocks, for an outcome to end the search
_SCALE = "TensorScale"
_HARMLESS = ("NothingWritten", "HardwareDecides", "NearTie")  #: flags beside which a cause is complete


@dataclass(frozen=True, slots=True)
class _Found:
    """The answer for one tensor."""

    explanation: Explanation
    set_aside: tuple[Outcome, ...]
    suspects: Suspects


def equal(s: Subject, blocks: int) -> Diagnosis:
    """Return the diagnosis of bytes that are the recipe's."""
    scales, codes = s.want.block_scales.size, s.recipe.codes_per_byte * s.want.codes.size
    evidence = Evidence(scales=Counts(scales, scales), codes=Counts(codes, codes))
    return Diagnosis(
        recipe=s.recipe.name, blocks=blocks, mismatching_blocks=0, evidence=evidence, notes=_notes(s)
    )


def _notes(s: Subject) -> tuple[Padding, ...]:
    """Return what is no difference but will hurt."""
    found = padding(s.scales, s.x.shape[0], s.x.shape[1] // s.recipe.block_cols, s.recipe, s.asked)
    return () if found is None else (found,)


def diagnosed(s: Subject) -> Diagnosis:
    """Return the diagnosis of bytes that differ."""
    cases = s.cases()
    first = cases[0]
    blocks = len(first.differing) if not first.flags else len(s.wanted().codes)
    mismatching = int(np.count_nonzero(first.differing)) if not first.flags else blocks
    found = _found(s, cases)
    e = found.explanation
    named = [outcome_cause(o, first, s.recipe) for o in found.set_aside]
    named += list(causes(e, s.recipe, mismatching))
    read = next(c for c in cases if c.flags == e.hypothesis.case.flags and c.what == e.hypothesis.case.what)
    return Diagnosis(
        recipe=s.recipe.name,
        blocks=blocks,
        mismatching_blocks=mismatching,
        causes=tuple(named),
        first=dossier(first, s.recipe, int(np.argmax(first.differing))),
        closest=hint(s, complete=_complete(named)),
        evidence=gathered(read, s.recipe, found.suspects, _scale_flaws(found), _where(first, s)),
        notes=_notes(s),
    )


def _where(first: Case, s: Subject) -> str | None:
    if first.flags:
        return None
    return where(
        first.differing.reshape(first.source.blocks.shape[:2]), s.recipe.block_rows, s.recipe.block_cols
    )


def _complete(named: list[Cause]) -> bool:
    """Return whether one cause, beside what is no mistake, explains every block."""
    causes = [c for c in named if c.flag not in _HARMLESS]
    return not causes or (len(causes) == 1 and causes[0].flag != "Unexplained")


def _scale_flaws(found: _Found) -> tuple[Flaw, ...]:
    """Return the tensor scale that the codes are judged under besides the recipe's, if there is one.

    That of the explanation; else the one that is solved from the scale bytes.
    """
    e = found.explanation
    own = tuple(f for f in e.hypothesis.flaws if f.flag == _SCALE)
    return own or (found.suspects.flaws[:1] if found.suspects.other and e.judged is None else ())


def _found(s: Subject, cases: list[Case]) -> _Found:
    clean = [c for c in cases if not c.differing.any() and _seen(c)]
    if clean:
        simplest = min(clean, key=lambda c: (len(c.flags), -np.count_nonzero(c.got.seen)))
        e = Explanation(Hypothesis(simplest), np.ones(simplest.source.size, dtype=np.bool_))
        return _Found(e, (), suspects_of([simplest], s)[id(simplest)])
    set_aside, left = _set_aside(s, better_than_the_first(cases, s.recipe))
    first = left[0]
    told = suspects_of(left, s)
    if not first.flags and not first.differing.any():
        return _Found(Explanation(Hypothesis(first), ~first.differing), set_aside, told[id(first)])
    e = _searched(s, left, told)
    return _Found(e, set_aside, told[id(e.hypothesis.case)])


def _seen(c: Case) -> bool:
    """Return whether a reading that makes every block right does so by what it read, not by what it lost."""
    return c.got.known is None or int(np.count_nonzero(c.at_stake & c.got.seen)) >= SEEN


def _set_aside(s: Subject, cases: list[Case]) -> tuple[tuple[Outcome, ...], list[Case]]:
    """Return what is no evidence for a mistake, and the readings without it."""
    first = cases[0]
    found: list[Outcome] = []
    nothing = None
    if constant_blocks(first, s.recipe).any():
        scales = suspects_of([first], s)[id(first)].every
        nothing = nothing_written(first, s.recipe, (*scales, *catalogue(s.recipe)))
    if nothing is not None:
        found.append(nothing)
        cases = [c.without(constant_blocks(c, s.recipe)) for c in cases]
    if not first.flags:
        decided = hardware.outcome(cases[0], s.recipe)
        if decided is not None:
            found.append(decided)
            cases = [c.without(decided.blocks) if c.source is first.source else c for c in cases]
    return tuple(found), cases


def _searched(s: Subject, cases: list[Case], told: dict[int, Suspects]) -> Explanation:
    """Return one mistake, a judged outcome, or several mistakes: what explains most, the simplest first."""
    seeds = {k: v.flaws for k, v in told.items() if v.flaws}
    search = Search(cases, s.recipe, seeds)
    simple = search.simple()
    if simple is not None:
        return simple
    outcome = _judged(s, cases, told)
    if outcome is not None:
        return outcome
    deep = search.deep()
    if deep.acceptable:
        return deep
    first = cases[0]
    own = Explanation(Hypothesis(first), ~first.differing)
    return follows_another_scale(first, s.recipe, told[id(first)]) or own


def _judged(s: Subject, cases: list[Case], told: dict[int, Suspects]) -> Explanation | None:
    """Return an outcome of one reading that accounts for nearly all blocks."""
    if not cases[0].flags:
        region = scale_of_a_region(cases[0], s.recipe, s.x, exactly=True)
        if region is not None:
            return region
    for c in cases:
        scales = told[id(c)].flaws[:1] if told[id(c)].other else ()
        least = _JUDGED * np.count_nonzero(c.differing)
        for judge, flaws in ((stochastic_rounding, ()), (scale_search, ()), (scale_search, scales)):
            found = judge(c, s.recipe, flaws)
            if found is not None and np.count_nonzero(found.blocks) >= least:
                return Explanation(Hypothesis(c, flaws), ~c.differing, judged=found)
    return None if cases[0].flags else scale_of_a_region(cases[0], s.recipe, s.x, exactly=False)
