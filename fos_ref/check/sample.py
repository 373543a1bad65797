"""Which blocks to look at: those where one mistake or another would show first, and some at random."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fos_ref.check.population import Population, Source
from fos_ref.check.steps import steps_of, walk, Walked
from fos_ref.formats import decode, UE4M3
from fos_ref.formats.arrays import Bool, F64, I64
from fos_ref.model.trace import Candidate
from fos_ref.recipes.recipe import Recipe

POOL = 1 << 15  #: blocks that are judged for their worth, of those that differ and of those that do not
_MIDPOINTS = np.array([0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0])
_SCALES: F64 = decode(np.arange(127), UE4M3)
_SCALE_MIDPOINTS = (_SCALES[1:] + _SCALES[:-1]) / 2
_LARGEST, _LARGEST_SCALE = 6, 448
_TINY = float(np.finfo(np.float32).tiny)


def chosen(source: Source, among: Bool, r: Recipe, limit: int, seed: int = 0) -> I64:
    """Return the positions of about `limit` blocks at most for which `among` holds: telling ones first."""
    rng = np.random.Generator(np.random.Philox(key=np.array([seed, 0xC4EC], dtype=np.uint64)))
    found = np.flatnonzero(among)
    if len(found) <= limit:
        return found
    pool = np.sort(rng.choice(found, POOL, replace=False)) if len(found) > POOL else found
    p = source.pick(pool)
    ranks = list(_rankings(p, walk(p, steps_of(r))))
    each = limit // (len(ranks) + 2)
    picked = [np.argsort(k, kind="stable")[:each][np.sort(k)[:each] < np.inf] for k in ranks]
    picked.append(rng.choice(len(pool), 2 * each, replace=False))
    return pool[np.unique(np.concatenate(picked))]


def _rankings(p: Population, w: Walked) -> Iterator[F64]:
    """Yield one number per block and kind of boundary, the smallest where it is nearest."""
    with np.errstate(all="ignore"):
        if w.map6 is not None and w.map4 is not None and w.map6.error is not None:
            yield from _choice(w)
        for side in (w.map6, w.map4):
            if side is not None:
                yield from _scale(side)
                yield from _elements(side)
        yield from _values(p)


def _choice(w: Walked) -> Iterator[F64]:
    assert w.map6 is not None
    assert w.map4 is not None
    err6, err4 = (np.asarray(s.error, dtype=np.float64)[:, 0] for s in (w.map6, w.map4))
    alike = w.map6.scale[:, 0] == w.map4.scale[:, 0]
    apart = np.abs(err4 - err6) / np.maximum(err6, 1e-300)
    apart = np.where(alike | ~np.isfinite(apart), np.inf, apart)
    yield np.where(apart == 0, np.inf, apart)
    yield np.where(apart == 0, 0.0, np.inf)
    yield np.where(np.maximum(err4, err6) > 0, np.maximum(err4, err6), np.inf)
    yield np.where(np.isnan(err4) | np.isnan(err6), 0.0, np.inf)


def _scale(side: Candidate) -> Iterator[F64]:
    base = side.base[:, 0].astype(np.float64)
    at = np.clip(np.searchsorted(_SCALE_MIDPOINTS, base), 0, len(_SCALE_MIDPOINTS) - 1)
    below = _SCALE_MIDPOINTS[np.maximum(at - 1, 0)]
    apart = np.minimum(np.abs(_SCALE_MIDPOINTS[at] / base - 1), np.abs(below / base - 1))
    yield np.where(base > 0, apart, np.inf)
    yield np.where((base > 0) & (base < 2.0**-6), base, np.inf)
    yield np.where((base > 0) & (side.scale[:, 0] == 0), -base, np.inf)
    yield np.where(base > _LARGEST_SCALE, -base, np.inf)


def _elements(side: Candidate) -> Iterator[F64]:
    y = np.abs(side.scaled[:, 0].astype(np.float64))
    at = np.clip(np.searchsorted(_MIDPOINTS, y), 0, len(_MIDPOINTS) - 1)
    apart = np.minimum(np.abs(y - _MIDPOINTS[at]), np.abs(y - _MIDPOINTS[np.maximum(at - 1, 0)]))
    yield np.where(apart == 0, np.inf, apart).min(axis=-1)
    yield np.where((apart == 0).any(axis=-1), -(apart == 0).sum(axis=-1), np.inf)
    yield np.where(y.max(axis=-1) > _LARGEST, -y.max(axis=-1), np.inf)


def _values(p: Population) -> Iterator[F64]:
    x = p.x[:, 0]
    magnitude = np.abs(x.astype(np.float64))
    yield np.where(magnitude.max(axis=-1) == 0, 0.0, np.inf)
    yield np.where(((x == 0) & np.signbit(x)).any(axis=-1), 0.0, np.inf)
    yield np.where(((magnitude > 0) & (magnitude < _TINY)).any(axis=-1), magnitude.max(axis=-1), np.inf)
