"""Why the blocks of a weight are not all what a dialect gives: another reading, or another tensor scale.

Tried on a few rows first: every reading that leaves a small error, with the tensor scale as stored and with
the one that the weight's own amax gives. What explains more blocks than before is then tried on all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fos_ref.errors.text import shown
from fos_ref.inspect.compare import Pair
from fos_ref.inspect.contenders import Contender
from fos_ref.inspect.problems import DETAIL
from fos_ref.inspect.reading import CLOSE, Misfit, percent, Reading, Sample
from fos_ref.inspect.scales import WeightScales
from fos_ref.inspect.search import Search
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.conventions import amax_of, TensorScaleForm

_SAME = 1e-6  #: relative: two float32 that are one number but for their last bits
_PLAINLY = 0.9  #: share of a few rows that the own amax explains: no more is tried
_READINGS = 4  #: tried, the closest first


@dataclass(frozen=True, slots=True)
class Better:
    """What explains more of a weight."""

    reading: Reading
    own_amax: bool
    contender: Contender


def better(pair: Pair, sample: Sample, search: Search, before: Reading) -> Better | None:
    """Return the reading, tensor scale and contender that explain most of a few rows, if any does."""
    live = search.live
    counts, blocks = pair.look(search, live, own=True)
    i = _first_most(counts, live)
    if counts[i] >= _PLAINLY * blocks:
        return Better(before, own_amax=True, contender=live[i])
    sample.explore(short=True)
    best, most = None, 0
    for reading in _readings(sample, before):
        tried = replace(pair, reading=reading)
        for own in (False, True):
            counts, blocks = tried.look(search, search.contenders, own=own)
            i = _first_most(counts, search.contenders)
            if counts and counts[i] > most and 2 * counts[i] > blocks:
                best, most = Better(reading, own, search.contenders[i]), counts[i]
    return best


def _first_most(counts: Sequence[int], contenders: Sequence[Contender]) -> int:
    """Return the contender with most equal blocks; among equals one that is still compared with the file."""
    return max(range(len(counts)), key=lambda i: (counts[i], not contenders[i].dropped))


def _readings(sample: Sample, before: Reading) -> list[Reading]:
    """Return the readings worth trying: the closest, those before all that the file has."""
    near = sorted(sample.misfits, key=lambda r: (sample.misfits[r].at_best, sample.misfits[r].as_stored))
    close = [r for r in near if sample.misfits[r].at_best < CLOSE and r.form is before.form][:_READINGS]
    return [before, *(r for r in close if r != before)]


def no_reading(misfit: Misfit | None, stored: np.float32 | None) -> str | None:
    """Return the sentence for a weight that no reading brings close to its original."""
    if misfit is None or misfit.as_stored < CLOSE:
        return None
    what = f"no reading is within {CLOSE:.0%} of the original (nearest {percent(misfit.as_stored)})"
    if stored is not None and misfit.at_best < CLOSE:
        what += (
            f"; with a tensor scale {misfit.factor:.4g} times as large it would be {percent(misfit.at_best)}"
        )
    return what


def foreign_scale(known: WeightScales, r: Recipe, counts: tuple[int, int], part: str) -> str:
    """Return what a stored tensor scale is that is not the weight's own: the sentence, without its name.

    counts: (equal, of) blocks under the weight's own amax
    part:   what a file calls its tensor scale
    """
    wanted = known.expected(r)
    given = f"by its own amax it would be {wanted:.6g}, which gives {counts[0]:,} of {counts[1]:,} blocks"
    if known.stored is None:
        c = f"amax/{r.range_max:g}" if known.form is TensorScaleForm.MULTIPLIER else f"{r.range_max:g}/amax"
        return (
            f"no tensor scale ({part}){DETAIL}{c} = {wanted:.6g} gives {counts[0]:,} of {counts[1]:,} blocks"
        )
    return f"its tensor scale is {_identified(known, r, wanted)}{DETAIL}{known.stored:.6g}; {given}"


def _identified(known: WeightScales, r: Recipe, wanted: np.float32 | None) -> str:
    """Return the name of a stored tensor scale."""
    stored, amax = float(known.stored or 0), float(known.amaxes[known.name])
    if not np.isfinite(stored) or stored <= 0 or wanted is None:
        return "no positive finite number"
    own = float(wanted)
    ratio = stored / own
    for name, value in {
        "1": 1.0,
        "the amax itself": amax,
        "1/amax": 1 / amax if amax else 0.0,
        "its reciprocal (a multiplier where a divisor is meant, or the reverse)": 1 / own,
    }.items():
        if _same(stored, value):
            return name
    for name, value in {
        "256/448": 256 / 448,
        "448/256": 448 / 256,
        "6": 6.0,
        "1/6": 1 / 6,
        "4": 4.0,
        "1/4": 0.25,
        "448": 448.0,
        "1/448": 1 / 448,
        "2688": 2688.0,
        "1/2688": 1 / 2688,
        "2": 2.0,
        "1/2": 0.5,
    }.items():
        if _same(ratio, value):
            return f"{name} of its own"
    return _another(known, r) or f"{ratio:.4g} times its own, and of no amax in the original"


def _another(known: WeightScales, r: Recipe) -> str | None:
    """Return whose tensor scale it is, where another weight's amax makes it."""
    assert known.stored is not None
    for bound in dict.fromkeys((r.range_max, 2688.0, 1536.0)):
        wanted = float(amax_of(known.stored, r, known.convention)) * bound / r.range_max
        near = [(a, n) for a, n in known.amaxes.near(wanted) if n != known.name and _same(float(a), wanted)]
        largest = known.amaxes.largest()
        if near:
            whose = f"that of {shown(near[0][1])}"
            top = largest is not None and near[0][0] == largest[0]
            return f"{whose}, the largest of all weights" if top else whose
    return None


def _same(a: float, b: float) -> bool:
    return bool(b) and abs(a / b - 1) < _SAME
