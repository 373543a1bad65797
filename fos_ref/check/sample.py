"""Which blocks to look at: those where one mistake or another would show first, and some at random."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np

from fos_ref.check.flaws.books import book_of
from fos_ref.check.population import Population, Source
from fos_ref.check.steps import steps_of, walk, Walked
from fos_ref.formats.arrays import Bool, F64, I64
from fos_ref.model.elements import ELEMENT_FORMAT, Grid, midpoints
from fos_ref.model.trace import Candidate
from fos_ref.recipes.recipe import Recipe

POOL = 1 << 15  #: blocks that are judged for their worth, of those that differ and of those that do not
_POWERS: F64 = np.ldexp(1.0, np.arange(-127, 128))
_TINY = float(np.finfo(np.float32).tiny)


def chosen(source: Source, among: Bool, r: Recipe, limit: int, seed: int = 0) -> I64:
    """Return the positions of about `limit` blocks at most for which `among` holds: telling ones first."""
    rng = np.random.Generator(np.random.Philox(key=np.array([seed, 0xC4EC], dtype=np.uint64)))
    found = np.flatnonzero(among)
    if len(found) <= limit:
        return found
    pool = np.sort(rng.choice(found, POOL, replace=False)) if len(found) > POOL else found
    p = source.pick(pool)
    ranks = list(_rankings(p, walk(p, steps_of(r)), r))
    each = limit // (len(ranks) + 2)
    picked = [np.argsort(k, kind="stable")[:each][np.sort(k)[:each] < np.inf] for k in ranks]
    picked.append(rng.choice(len(pool), 2 * each, replace=False))
    return pool[np.unique(np.concatenate(picked))]


def _rankings(p: Population, w: Walked, r: Recipe) -> Iterator[F64]:
    """Yield one number per block and kind of boundary, the smallest where it is nearest."""
    with np.errstate(all="ignore"):
        if w.map6 is not None and w.map4 is not None and w.map6.error is not None:
            yield from _choice(w)
        for side, grid in zip((w.map6, w.map4), ELEMENT_FORMAT[r.element_format], strict=True):
            if side is not None:
                yield from _scale(side, r)
                yield from _elements(side, grid)
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


@cache
def _scale_edges(r: Recipe) -> tuple[F64, float, float]:
    """Return where block scales are rounded to another byte, the least normal one, and the largest."""
    k = book_of(r)
    if k is None:
        return _POWERS, float(_POWERS[0]), float(_POWERS[-1])
    values = k.values[: k.nan].astype(np.float64)
    return (values[1:] + values[:-1]) / 2, float(k.least_normal), float(k.most)


def _scale(side: Candidate, r: Recipe) -> Iterator[F64]:
    base = side.base[:, 0].astype(np.float64)
    edges, normal, most = _scale_edges(r)
    at = np.clip(np.searchsorted(edges, base), 0, len(edges) - 1)
    below = edges[np.maximum(at - 1, 0)]
    apart = np.minimum(np.abs(edges[at] / base - 1), np.abs(below / base - 1))
    yield np.where(base > 0, apart, np.inf)
    yield np.where((base > 0) & (base < normal), base, np.inf)
    yield np.where((base > 0) & (side.scale[:, 0] == 0), -base, np.inf)
    yield np.where(base > most, -base, np.inf)


def _elements(side: Candidate, grid: Grid) -> Iterator[F64]:
    y = np.abs((side.scaled[:, 0] * grid.rescale).astype(np.float64))
    middles, largest = midpoints(grid.format).astype(np.float64), float(grid.values[grid.format.max_code])
    at = np.clip(np.searchsorted(middles, y), 0, len(middles) - 1)
    apart = np.minimum(np.abs(y - middles[at]), np.abs(y - middles[np.maximum(at - 1, 0)]))
    yield np.where(apart == 0, np.inf, apart).min(axis=-1)
    yield np.where((apart == 0).any(axis=-1), -(apart == 0).sum(axis=-1), np.inf)
    yield np.where(y.max(axis=-1) > largest, -y.max(axis=-1), np.inf)


def _values(p: Population) -> Iterator[F64]:
    x = p.x[:, 0]
    magnitude = np.abs(x.astype(np.float64))
    yield np.where(magnitude.max(axis=-1) == 0, 0.0, np.inf)
    yield np.where(((x == 0) & np.signbit(x)).any(axis=-1), 0.0, np.inf)
    yield np.where(((magnitude > 0) & (magnitude < _TINY)).any(axis=-1), magnitude.max(axis=-1), np.inf)
