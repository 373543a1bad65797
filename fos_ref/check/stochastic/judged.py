"""Codes against the random words, and the mistakes between them; or against what statistics say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import fsum
from typing import Any

import numpy as np

from fos_ref.check.api import check
from fos_ref.check.stochastic.bits import (
    chance_of,
    drawn,
    feed_of,
    read,
    rounding_of,
    rule_of,
    words_of,
    wrong_counters,
)
from fos_ref.check.stochastic.diagnosis import StochasticCause
from fos_ref.check.stochastic.given import codes_of, Given, masked, seen, values_of
from fos_ref.check.stochastic.settings import Setting
from fos_ref.engines.front import quantize
from fos_ref.formats import E2M1, encode
from fos_ref.formats.arrays import AnyArray, Bool, F32, U8, U32
from fos_ref.random.feeds import deal
from fos_ref.random.judge import Cause, causes, statistics, Verdict
from fos_ref.random.rules import stochastic
from fos_ref.recipes.axes import ElementRounding
from fos_ref.recipes.recipe import Recipe
from fos_ref.recipes.stochastic import word_of
from fos_ref.storage.layout import one_a_byte, stored

_LEFT = 0.5  #: of the wrong codes, at most, for a mistake to be named: chance alone explains less
_FEWEST_ROWS, _SOME = 160, 1 << 16  #: rows and values on which mistakes are tried
_MOST = 4  #: rivals that are named beside the best
_SHARE = 0.05  #: of all codes, at least, for other words to be the reason
_LEAST = 40  #: values that a fair chance takes to the farther neighbour


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What was found of codes under one setting."""

    causes: tuple[StochasticCause, ...]
    wrong: int | None  #: codes that the words do not give; None without words
    feed: str | None
    verdict: Verdict | None


def judged(g: Given, s: Setting, r: Recipe, random_bits: Any, rate: float) -> Judged:
    """Return what is wrong with codes under a setting."""
    if not r.rounds_elements:
        return _meant_nearest(g, s, r, random_bits, rate)
    if random_bits is None:
        return _by_statistics(g, s, read(r), rate)
    each = list(right_codes(g, s, r, random_bits))
    best, wrong = min(each, key=lambda e: int(e[1].sum()))
    feed, count = feed_of(best).value, int(wrong.sum())
    if not count:
        return Judged(causes=(), wrong=0, feed=feed, verdict=None)
    found = [c for c in _causes(g, s, best, random_bits, wrong) if c.differing <= _LEFT * c.of]
    if found:
        named = tuple(StochasticCause(flag=c.flag, what=c.what, left=c.differing) for c in found[:_MOST])
        return Judged(causes=named, wrong=count, feed=feed, verdict=None)
    unknown = _by_statistics(g, s, [best], rate)
    if not unknown.causes and not r.chooses and count > _SHARE * g.codes.size:
        other = StochasticCause(flag="RngCounterMap", what="fair draws, by other words than those given")
        return Judged(causes=(other,), wrong=count, feed=feed, verdict=unknown.verdict)
    return Judged(causes=unknown.causes, wrong=count, feed=feed, verdict=unknown.verdict)


def right_codes(g: Given, s: Setting, r: Recipe, random_bits: Any) -> Iterator[tuple[Recipe, Bool]]:
    """Yield each reading of the recipe's bits, and (R, C) where its words give other codes."""
    for each in read(r):
        if s.flag is None:
            q = quantize(s.x, each, random_bits=random_bits, **s.fixed.keywords())
            codes, same = one_a_byte(q.codes, each), q.block_scales == g.scales
        else:
            codes, same = _rounded(s, each, random_bits), s.scales == g.scales
        wrong = (codes != g.codes) | ~np.repeat(same, r.block_cols, axis=1)
        yield each, wrong & ~np.repeat(s.open, r.block_cols, axis=1)


def _rounded(s: Setting, r: Recipe, random_bits: Any) -> AnyArray:
    """Return the codes of scaled values that no recipe gives."""
    numbers = deal(_words(s, r, random_bits), feed_of(r), r.random_width)
    return _round(values_of(s).astype(np.float32), numbers, r)


def _round(y: F32, numbers: U32, r: Recipe) -> AnyArray:
    own = rounding_of(r)
    if own is not None:
        return own(y, numbers, r.random_width)
    return stochastic(y, numbers, rule_of(r), r.random_width)


def _words(s: Setting, r: Recipe, random_bits: Any) -> U32:
    """Return the words (R, G) of the candidate that stands in each block."""
    found = words_of(random_bits, r, (s.scaled.shape[0], s.scaled.shape[1]))
    each = r.block_cols // word_of(r.random_feed).elements
    words: U32 = np.where(np.repeat(s.second, each, axis=1), found[-1], found[0])
    return words


@dataclass(frozen=True, slots=True)
class _Tried:
    flag: str
    what: str
    differing: int
    of: int


def _causes(g: Given, s: Setting, r: Recipe, random_bits: Any, wrong: Bool) -> list[_Tried]:
    """Return the mistakes that explain codes better, on so many rows that some of them are wrong."""
    rows = max(_FEWEST_ROWS, _SOME // max(1, wrong.shape[1]))
    some = slice(rows) if wrong[:rows].any() else slice(None)
    away = (s.open | (s.scales != g.scales))[some]
    y = masked(values_of(s).astype(np.float32)[some], away, r.block_cols)
    codes = masked(codes_of(g, s, r)[some], away, r.block_cols)
    words = _words(s, r, random_bits)[some]
    others = {k: (f, w[some]) for k, (f, w) in _counters(random_bits, r, s).items()}
    of = int((_round(y, deal(words, feed_of(r), r.random_width), r) != codes).sum())
    found: tuple[Cause, ...] = causes(
        y,
        codes,
        words,
        rule=rule_of(r),
        feed=feed_of(r),
        bits=r.random_width,
        rounding=rounding_of(r),
        others=others,
    )
    return [_Tried(c.flag, c.what, c.differing, of) for c in found]


def _counters(random_bits: Any, r: Recipe, s: Setting) -> dict[str, tuple[str, U32]]:
    if r.draws > 1:
        return {}
    return wrong_counters(random_bits, r, (s.scaled.shape[0], s.scaled.shape[1]))


def _by_statistics(g: Given, s: Setting, readings: list[Recipe], rate: float) -> Judged:
    """Return what can be said without words: the reading with the fewest alarms counts."""
    found = [(r, _verdict(g, s, r, rate)) for r in readings]
    r, verdict = min(found, key=lambda f: (len(f[1].alarms), f[1].illegal))
    named = [] if not _all_nearest(g, s, r) else [StochasticCause(flag="SrMissing", what="nearest even")]
    for flag in verdict.flags:
        first = next((a.what for a in verdict.alarms if a.flag == flag), "codes that no random number gives")
        named.append(StochasticCause(flag=flag, what=first))
    feed = feed_of(r).value if len(readings) == 1 else None
    return Judged(causes=tuple(named), wrong=None, feed=feed, verdict=verdict)


def _verdict(g: Given, s: Setting, r: Recipe, rate: float) -> Verdict:
    """Return what statistics say of the blocks whose scale bytes are explained."""
    o = seen(g, s, r, chance_of(r), r.random_width)
    away = np.repeat(s.open | (s.scales != g.scales), r.block_cols, axis=1)
    quiet = o._replace(
        legal=o.legal | away,
        moved=o.moved & ~away & ~o.legal,
        up=o.up & ~away,
        chance=np.where(away, 0.0, o.chance),
    )
    if not r.chooses and r.element_rounding is not ElementRounding.FOUROVERSIX_TORCH:
        return statistics(quiet, np.abs(values_of(s)), false_alarm=rate)
    illegal, moved = int((~quiet.legal).sum()), int(quiet.moved.sum())
    return Verdict(g.codes.size, illegal, moved, (), rate)


def _all_nearest(g: Given, s: Setting, r: Recipe) -> bool:
    """Return whether every code is its value's nearest, where a fair chance would take many away."""
    y = values_of(s)
    codes: U8 = codes_of(g, s, r)
    nu = seen(g, s, r, None, 0).chance
    kept = ~np.repeat(s.open | (s.scales != g.scales), r.block_cols, axis=1) & ~np.isnan(s.scaled)
    far = fsum(np.minimum(nu, 1 - nu)[kept])
    return far >= _LEAST and bool((encode(y, E2M1) == codes)[kept].all())


def _meant_nearest(g: Given, s: Setting, r: Recipe, random_bits: Any, rate: float) -> Judged:
    """Return what is wrong where no code should be left to chance."""
    if random_bits is not None:
        words_of(
            random_bits, drawn(r)[0], (s.x.shape[0], s.x.shape[1])
        )  # refused before anything is compared
    q = quantize(s.x, r, **s.fixed.keywords())
    wrong = (one_a_byte(q.codes, r) != g.codes) & ~np.repeat(s.open, r.block_cols, axis=1)
    count = int(wrong.sum())
    if not count and not ((q.block_scales != g.scales) & ~s.open).any():
        return Judged(causes=(), wrong=0, feed=None, verdict=None)
    if random_bits is not None:
        for each in drawn(r):
            if (_rounded(s, each, random_bits) == codes_of(g, s, r)).all():
                what = f"rule A by the words given, feed {feed_of(each).value}"
                named = StochasticCause(flag="StochasticRounding", what=what, left=0)
                return Judged(causes=(named,), wrong=count, feed=feed_of(each).value, verdict=None)
    fair = _by_statistics(g, s, drawn(r), rate)
    if count >= _LEAST and not fair.causes:
        named = StochasticCause(flag="StochasticRounding", what="fair draws where nothing is left to chance")
        return Judged(causes=(named,), wrong=count, feed=None, verdict=fair.verdict)
    d = check(s.x, stored(g.codes, r), g.scales, recipe=r, **s.fixed.keywords())
    named_ = tuple(StochasticCause(flag=c.flag, what=c.what) for c in d.causes)
    return Judged(causes=named_, wrong=count, feed=None, verdict=None)
