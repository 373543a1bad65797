"""`fos_ref.verify.check`: compare bytes with a recipe and name the mistake that explains a difference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypedDict

import numpy as np

from fos_ref.check.bench import Case, Hypothesis, reproduced
from fos_ref.check.closest import closest
from fos_ref.check.diagnosis import Cause, Diagnosis
from fos_ref.check.dossier import dossier
from fos_ref.check.flags import OF_LAST_BITS
from fos_ref.check.residual import exact_verdict, judged, NEAR_TIE_ULPS
from fos_ref.check.search import Explanation, Search
from fos_ref.check.subject import Subject, subject
from fos_ref.formats.arrays import I64
from fos_ref.recipes.catalog import recipe as get_recipe
from fos_ref.recipes.recipe import Recipe

_LEAST_SHARE = 0.6  #: of the differing blocks, for an explanation that leaves some
_MOST_BROKEN = 0.05  #: of what it explains
_NEAR_PERFECT = 0.9  #: of the blocks, for the preset to be mentioned


class Asked(TypedDict, total=False):
    """The keywords of `check`, for those that hand them on."""

    recipe: Recipe | str
    amax: Any
    scale_layout: str


def check(
    x: Any,
    codes: Any,
    scales: Any,
    *,
    recipe: Recipe | str = "4over6",
    amax: Any = None,
    scale_layout: str = "linear",
) -> Diagnosis:
    """Compare codes and block scales with what `recipe` makes of x; name the mistake behind a difference.

    Returns a `Diagnosis`: true if every byte is equal, else `causes`, the first block that differs, and the
    closest preset. docs/checker.md says how the mistake is found and what each field means.

    Shapes:   x (..., C) as `quantize` takes it; codes (..., C/2), scales (..., C/16), or flat in that order.
              Scales padded to whole 128x4 tiles and the shapes of the transposed tensor are read too.
    Dtypes:   x float32, float16 or bfloat16; codes and scales uint8 or a one-byte float. NumPy, torch, CuPy,
              JAX, `__array__` or DLPack
    amax:     the caller's tensor amax, as for `quantize`
    scale_layout: the layout that was asked for, "linear" or "swizzled"
    Rounding: none; bytes are compared.
    Specials: as in `quantize`: an x that the recipe refuses is an InputError.
    Raises:   RecipeError for an unknown preset, ShapeError, DtypeError, InputError.
    """
    s = subject(x, codes, scales, recipe=get_recipe(recipe), amax=amax, scale_layout=scale_layout)
    blocks = len(s.wanted().codes)
    asked = s.asked_reading()
    if asked is not None:
        want = s.wanted()
        different = int(np.count_nonzero(~asked.blocks(s.recipe).equal(want.codes, want.scales[:, 0])))
        if not different:
            return Diagnosis(recipe=s.recipe.name, blocks=blocks, mismatching_blocks=0)
    return _diagnosed(s, blocks)


def _diagnosed(s: Subject, blocks: int) -> Diagnosis:
    cases = s.cases()
    first = cases[0]
    mismatching = int(np.count_nonzero(first.differing)) if not first.flags else blocks
    clean = [c for c in cases if not c.differing.any()]
    if clean:
        simplest = min(clean, key=lambda c: len(c.flags))
        found = Explanation(Hypothesis(simplest), np.ones(blocks, dtype=np.bool_))
    else:
        found = Search(cases, s.recipe).best()
    causes = tuple(_causes(found, s, first, mismatching))
    return Diagnosis(
        recipe=s.recipe.name,
        blocks=blocks,
        mismatching_blocks=mismatching,
        causes=causes,
        first=dossier(first, s.recipe, int(np.argmax(first.differing))),
        closest=_closest(s),
    )


def _closest(s: Subject) -> str | None:
    """Return the preset that fits better than the recipe, as a question; None where none nearly fits."""
    near = closest(s)
    if near is None or near.share < _NEAR_PERFECT or near.equal <= near.own:
        return None
    percent = "100" if near.equal == near.of else f"{min(100 * near.share, 99.99):.4g}"
    return f"{percent} % of blocks equal {near.preset}: did you mean that?"


def _causes(e: Explanation, s: Subject, first: Case, mismatching: int) -> Iterator[Cause]:
    """Yield the flags of an explanation, most blocks first, then what it leaves."""
    if not _acceptable(e):
        e = Explanation(Hypothesis(first), ~first.differing)
    h = e.hypothesis
    if h.flags:
        yield from sorted(_named(e, s, mismatching), key=lambda c: -c.blocks)
    left = np.flatnonzero(~e.right & h.case.at_stake)
    near = judged(h, s.recipe, left).near_ties
    for flag, index in (("NearTie", left[near]), ("Unexplained", left[~near])):
        if len(index):
            yield _leftover(flag, index, h, s)


def _acceptable(e: Explanation) -> bool:
    enough = e.gain >= _LEAST_SHARE * e.hypothesis.case.wrong and e.broken <= _MOST_BROKEN * e.explained
    return bool(e.hypothesis.flags) and (e.perfect or enough)


def _named(e: Explanation, s: Subject, mismatching: int) -> Iterator[Cause]:
    """Yield a cause for each flag: alone, the blocks explained; in company, those that need it."""
    h, flags = e.hypothesis, e.hypothesis.flags
    for i, flag in enumerate(flags):
        on_layout = i < len(h.case.flags)
        flaw = None if on_layout else h.flaws[i - len(h.case.flags)]
        blocks = min(e.explained, mismatching) if on_layout or len(flags) == 1 else _needing(e, h, i, s)
        sample = np.flatnonzero(e.right & h.case.at_stake)
        near = judged(Hypothesis(h.case), s.recipe, sample).near if flag in OF_LAST_BITS else np.zeros(0)
        yield Cause(
            flag=flag,
            blocks=blocks,
            what=h.case.what if flaw is None else flaw.what,
            together=tuple(f for f in flags if f != flag),
            rivals=tuple(dict.fromkeys(f for r in e.rivals for f in r.flags if f not in flags)),
            breaks=e.broken,
            near_ties=min(int(np.count_nonzero(near)), blocks),
            example=_example(h, sample, s),
        )


def _needing(e: Explanation, h: Hypothesis, i: int, s: Subject) -> int:
    """Return how many blocks are no longer reproduced without the i-th flag."""
    at = i - len(h.case.flags)
    rest = Hypothesis(h.case, (*h.flaws[:at], *h.flaws[at + 1 :]))
    right = np.flatnonzero(e.right)
    return int(np.count_nonzero(~reproduced(rest, s.recipe, right)))


def _example(h: Hypothesis, index: I64, s: Subject) -> Any:
    return dossier(h.case, s.recipe, int(index[0])) if len(index) else None


def _leftover(flag: str, index: I64, h: Hypothesis, s: Subject) -> Cause:
    what = {
        "NearTie": f"the other candidate, with errors at most {NEAR_TIE_ULPS} float32 steps apart",
        "Unexplained": "no known mistake, alone or with another, gives these bytes",
    }[flag]
    near = len(index) if flag == "NearTie" else 0
    exact = exact_verdict(h, s.recipe, int(index[0])) if near else None
    words = f"{what}; the first one: {exact}" if exact else what
    return Cause(flag=flag, blocks=len(index), what=words, near_ties=near, example=_example(h, index, s))
