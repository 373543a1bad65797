"""Kernels that correct block scales and round these stochastically: scale bytes against the random words."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from fos_ref.check.stochastic.bits import wrong_counters
from fos_ref.check.stochastic.diagnosis import StochasticCause, StochasticDiagnosis
from fos_ref.check.stochastic.given import Given, givens
from fos_ref.check.stochastic.scale_mistakes import (
    ends,
    nearest_bytes,
    of_draws,
    of_subnormals,
    unrounded,
)
from fos_ref.check.subject import Subject, subject
from fos_ref.engines.front import trace
from fos_ref.engines.given import Fixed
from fos_ref.engines.inputs import as_numpy
from fos_ref.formats.arrays import Bool, F32, U8, U32
from fos_ref.model.candidates import cast_random
from fos_ref.model.trace import Trace
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.layout import one_a_byte

_MANY = 2  #: another layout has to fit so many times better
_LEFT = 0.5  #: of the wrong scale bytes, at most, for a mistake to be named
_MOST = 4  #: rivals that are named beside the best
_SHARE = 0.05  #: of all scale bytes, at least, for other words to be the reason
_LEAST = 40  #: scales that a fair chance takes to the farther neighbour


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """Scale bytes as given, and what the recipe makes of x."""

    t: Trace
    r: Recipe
    got: U8  #: (R, B)
    words: U32  #: (R, B); zeros where none are given
    given: Any  #: as the caller gave them; None: without words
    fixed: bool


def judge_scales(
    x: Any, codes: Any, scales: Any, r: Recipe, *, random_bits: Any, fixed: Fixed, scale_layout: str
) -> StochasticDiagnosis:
    """Return what is wrong with a corrected recipe's bytes: codes are nearest, scales follow the words."""
    bits = _zeros(x, r) if random_bits is None else random_bits
    s = subject(x, codes, scales, recipe=r, fixed=fixed, scale_layout=scale_layout, random_bits=bits)
    g = _best(s, r)
    bits = np.zeros((0, 0), np.uint32) if not s.x.size else bits
    t = trace(s.x, r, random_bits=bits, **s.fixed.keywords())
    assert t.random_bits is not None
    words = t.random_bits.words[0]
    case = _Case(t=t, r=r, got=g.scales, words=words, given=random_bits, fixed=s.fixed.scaled)
    wrong = int((one_a_byte(s.want.codes, r) != g.codes).sum())
    assert t.map6 is not None
    off = _illegal(case, t.map6.base)
    differing = off if random_bits is None else g.scales != s.want.block_scales
    causes = [StochasticCause(flag=f, what=g.what or f) for f in g.flags]
    causes += _without(case, off) if random_bits is None else _with(case, differing)
    if wrong:
        causes.append(StochasticCause(flag="Unexplained", what=f"{wrong:,} codes are not the nearest"))
    return StochasticDiagnosis(
        recipe=r.name,
        values=g.codes.size,
        scales=g.scales.size,
        wrong_scales=int(differing.sum()),
        wrong_codes=None if random_bits is None else wrong,
        illegal=wrong,
        causes=tuple(causes),
    )


def _zeros(x: Any, r: Recipe) -> U32 | None:
    """Return words of zero for x: its codes and its scales before their rounding depend on none."""
    shape = as_numpy(x).shape
    return np.zeros((math.prod(shape[:-1]), shape[-1] // r.block_cols), np.uint32) if shape else None


def _best(s: Subject, r: Recipe) -> Given:
    """Return the reading that fits; another one than was asked for only if it is far better."""
    want, scales = one_a_byte(s.want.codes, r), s.want.block_scales
    best: tuple[int, Given] | None = None
    for g in givens(s, r):
        wrong = int((g.codes != want).sum()) + r.block_cols * int((g.scales != scales).sum())
        if best is None or _MANY * wrong < best[0]:
            best = wrong, g
    assert best is not None
    return best[1]


def _illegal(c: _Case, scale: F32) -> Bool:
    low, high = ends(scale, c.r)
    found: Bool = (c.got < low) | (c.got > high)
    return found


def _with(c: _Case, differing: Bool) -> list[StochasticCause]:
    """Return the mistakes that explain scale bytes whose words are known, the best first."""
    wrong = int(differing.sum())
    if not wrong:
        return []
    found = [(int((made != c.got).sum()), flag, what) for flag, what, made in _mistakes(c)]
    kept = sorted((f for f in found if f[0] <= _LEFT * wrong), key=lambda f: f[0])
    if kept:
        return [StochasticCause(flag=flag, what=what, left=left) for left, flag, what in kept[:_MOST]]
    assert c.t.map6 is not None
    illegal = int(_illegal(c, c.t.map6.base).sum())
    if not illegal and wrong > _SHARE * c.got.size:
        what = "neighbours of the scales, by other words than those given"
        return [StochasticCause(flag="RngCounterMap", what=what)]
    what = f"{wrong:,} scale bytes are not those of the words, {illegal:,} are no neighbour of their scale"
    return [StochasticCause(flag="Unexplained", what=what)]


def _mistakes(c: _Case) -> Iterator[tuple[str, str, U8]]:
    own, *others = unrounded(c.t, c.r, fixed=c.fixed)
    for other in others:
        assert other.flag is not None
        yield other.flag, other.what, cast_random(other.scale, c.words, c.r)[0]
    yield from of_subnormals(own.scale, c.words, c.r)
    yield from of_draws(own.scale, c.words, c.r)
    shape = (c.got.shape[0], c.got.shape[1] * c.r.block_cols)
    for what, (flag, words) in wrong_counters(c.given, c.r, shape).items():
        cut = words & np.uint32((1 << c.r.random_width) - 1)
        yield flag, what, cast_random(own.scale, cut, c.r)[0]


def _without(c: _Case, illegal: Bool) -> list[StochasticCause]:
    """Return what is wrong without words: bytes that no random number gives, or the nearest everywhere."""
    count = int(illegal.sum())
    own, *others = unrounded(c.t, c.r, fixed=c.fixed)
    if not count:
        return _all_nearest(c, own.scale)
    for other in others:
        left = int(_illegal(c, other.scale).sum())
        if left <= _LEFT * count:
            assert other.flag is not None
            return [StochasticCause(flag=other.flag, what=other.what, left=left)]
    if not (illegal & (own.scale >= np.float32(2**-6))).any():
        what = "scale bytes below 2^-6 that no random number gives"
        return [StochasticCause(flag="ScaleSrSubnormal", what=what)]
    what = f"{count:,} scale bytes are no neighbour of their scale"
    return [StochasticCause(flag="Unexplained", what=what)]


def _all_nearest(c: _Case, scale: F32) -> list[StochasticCause]:
    low, high = ends(scale, c.r)
    if int((low != high).sum()) < 2 * _LEAST or (nearest_bytes(scale) != c.got).any():
        return []
    return [StochasticCause(flag="SrMissing", what="nearest even")]
