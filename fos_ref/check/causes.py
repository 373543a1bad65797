"""From an explanation to the causes of a diagnosis: a flag, its blocks, its evidence, and what is left."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from fos_ref.check.bench import Case, Hypothesis, reproduced
from fos_ref.check.diagnosis import Cause
from fos_ref.check.dossier import dossier
from fos_ref.check.explanation import Explanation
from fos_ref.check.flags import OF_LAST_BITS
from fos_ref.check.outcomes import hardware, nothing_written
from fos_ref.check.outcomes.outcome import Outcome
from fos_ref.check.residual import exact_verdict, judged, NEAR_TIE_ULPS
from fos_ref.formats.arrays import I64
from fos_ref.recipes.recipe import Recipe


def causes(e: Explanation, r: Recipe, mismatching: int) -> Iterator[Cause]:
    """Yield the flags of an explanation, most blocks first, then what it leaves."""
    h = e.hypothesis
    if h.flags:
        yield from sorted(_named(e, r, mismatching), key=lambda c: -c.blocks)
    if e.judged is not None:
        yield outcome_cause(e.judged, h.case, r, together=h.flags)
    left = ~e.right & h.case.at_stake
    if e.judged is not None:
        left &= ~e.judged.blocks
    yield from _leftovers(np.flatnonzero(left), h, r)


def outcome_cause(o: Outcome, c: Case, r: Recipe, *, together: tuple[str, ...] = ()) -> Cause:
    """Return an outcome as a cause."""
    index = np.flatnonzero(o.blocks)
    return Cause(
        flag=o.flag, blocks=len(index), what=o.what, together=together, example=_example(c, index, r)
    )


def _leftovers(left: I64, h: Hypothesis, r: Recipe) -> Iterator[Cause]:
    """Yield the harmless outcomes of blocks that no flaw explains, then what nobody knows."""
    constant = nothing_written.constant_blocks(h.case, r)[left]
    if constant.any():
        blocks = np.zeros(h.case.source.size, dtype=np.bool_)
        blocks[left[constant]] = True
        yield outcome_cause(nothing_written.outcome(h.case, r, blocks), h.case, r)
        left = left[~constant]
    decided = hardware.hardware(h.case, r, left, h.flaws)
    if decided.any():
        yield _leftover(hardware.FLAG, hardware.WHAT, left[decided], h, r)
        left = left[~decided]
    near = judged(h, r, left).near_ties
    if near.any():
        yield _near_tie(left[near], h, r)
    if not near.all():
        what = "no known mistake, alone or with another, gives these bytes"
        yield _leftover("Unexplained", what, left[~near], h, r)


def _named(e: Explanation, r: Recipe, mismatching: int) -> Iterator[Cause]:
    """Yield a cause for each flag: alone, the blocks explained; in company, those that need it."""
    h, flags = e.hypothesis, e.hypothesis.flags
    for i, flag in enumerate(flags):
        on_layout = i < len(h.case.flags)
        flaw = None if on_layout else h.flaws[i - len(h.case.flags)]
        blocks = min(e.explained, mismatching) if on_layout or len(flags) == 1 else _needing(e, h, i, r)
        sample = np.flatnonzero(e.right & h.case.at_stake & h.case.got.seen)
        near = judged(Hypothesis(h.case), r, sample).near if flag in OF_LAST_BITS else np.zeros(0)
        yield Cause(
            flag=flag,
            blocks=blocks,
            what=h.case.what if flaw is None else flaw.what,
            together=tuple(f for f in flags if f != flag),
            rivals=tuple(dict.fromkeys(f for r in e.rivals for f in r.flags if f not in flags)),
            breaks=e.broken,
            near_ties=min(int(np.count_nonzero(near)), blocks),
            example=_example(h.case, sample, r),
        )


def _needing(e: Explanation, h: Hypothesis, i: int, r: Recipe) -> int:
    """Return how many blocks are no longer reproduced without the i-th flag."""
    at = i - len(h.case.flags)
    rest = Hypothesis(h.case, (*h.flaws[:at], *h.flaws[at + 1 :]))
    right = np.flatnonzero(e.right)
    return int(np.count_nonzero(~reproduced(rest, r, right)))


def _example(c: Case, index: I64, r: Recipe) -> Any:
    return dossier(c, r, int(index[0])) if len(index) else None


def _near_tie(index: I64, h: Hypothesis, r: Recipe) -> Cause:
    what = f"the other candidate, with errors at most {NEAR_TIE_ULPS} float32 steps apart"
    exact = exact_verdict(h, r, int(index[0]))
    words = f"{what}; the first one: {exact}" if exact else what
    return _leftover("NearTie", words, index, h, r)


def _leftover(flag: str, what: str, index: I64, h: Hypothesis, r: Recipe) -> Cause:
    near = len(index) if flag == "NearTie" else 0
    return Cause(flag=flag, blocks=len(index), what=what, near_ties=near, example=_example(h.case, index, r))
