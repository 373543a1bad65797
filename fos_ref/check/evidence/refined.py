"""The one tensor scale of an interval: what the scale bytes leave open, the codes and whole blocks tell."""

from __future__ import annotations

import numpy as np

from fos_ref.check.bench import Case, Hypothesis, reproduced
from fos_ref.check.evidence.cells import code_cells
from fos_ref.check.evidence.codes import scaled
from fos_ref.check.evidence.names import constant
from fos_ref.check.evidence.some import some_of
from fos_ref.check.evidence.tensor_scale import bounds, Solved
from fos_ref.formats.arrays import Bool, F64, I64
from fos_ref.recipes.recipe import Recipe

_REFINED = 1 << 11  #: blocks whose codes narrow a tensor scale down
_LEAST_CODES = 0.95  #: of the values, that allow it
_WHOLE, _MANY = 1 << 10, 1 << 17  #: blocks that are computed under each tensor scale, and under one
_TRIED, _ROUNDS = 9, 8  #: tensor scales a round; each round leaves a fourth of the interval or less
_WIDEST = 2.0**-7  #: to either side of the start


def refined(c: Case, r: Recipe, solved: Solved) -> np.float32:
    """Return the tensor scale under which the most blocks come out as they were given."""
    start = _by_codes(c, r, solved)
    low = max(solved.low, start * (1 - _WIDEST))
    high = min(solved.high, start * (1 + _WIDEST))
    best, some = np.float32(start), _seen(c, _WHOLE)
    if not len(some) or not 0 < low <= high < np.inf:
        return best
    for round_ in range(_ROUNDS):
        points = np.unique(np.append(np.linspace(low, high, _TRIED), best).astype(np.float32))
        shares = np.array([_right(c, r, s, some).mean() for s in points])
        if shares.max() == 0 or len(points) == 1:
            break
        good = np.flatnonzero(shares == shares.max())
        best = points[good[len(good) // 2]]
        low, high = float(points[max(0, good[0] - 1)]), float(points[min(len(points) - 1, good[-1] + 1)])
        if len(good) == len(points) or round_ == _ROUNDS // 2:  # look where it fails
            many = _seen(c, _MANY)
            wrong = many[~_right(c, r, best, many)][:_WHOLE]
            if not len(wrong):
                break
            some = np.union1d(some[: len(wrong)], wrong)
    return best


def _seen(c: Case, limit: int) -> I64:
    """Return some blocks, of those whose bytes tell something."""
    index = some_of(c.source.size, limit)
    seen: I64 = index[c.got.seen[index]]
    return seen


def _right(c: Case, r: Recipe, s: np.float32, index: I64) -> Bool:
    return reproduced(Hypothesis(c, (constant(s),)), r, index)


def _by_codes(c: Case, r: Recipe, solved: Solved) -> float:
    """Return the tensor scale that the codes allow too; the middle of the interval where they allow none."""
    middle = solved.middle
    if r.element.second is not None:
        return middle
    index = some_of(c.source.size, _REFINED)
    b = bounds(c, r, index, solved.rounding)
    if b is None:
        return middle
    index = b.index[b.allow(middle)]
    y, codes, zero = scaled(c, r, index, (constant(np.float32(middle)),))
    cells = code_cells(r.element.first.format, "nearest")
    with np.errstate(all="ignore"):  # y grows with S: what S would move y to the borders of its code?
        ends = np.stack([cells.low[codes] / y, cells.high[codes] / y])
    low, high = np.fmin(*ends), np.fmax(*ends)
    tells = (y != 0) & np.isfinite(y) & ~zero[:, None] & (high > 0)
    low, high = np.maximum(low[tells], 2.0**-8), np.minimum(high[tells], 2.0**8)
    if not low.size or np.mean((low <= 1) & (high >= 1)) < _LEAST_CODES:
        return middle
    factor = _best_factor(low, high, (solved.low / middle, solved.high / middle))
    return middle * factor


def _best_factor(low: F64, high: F64, within: tuple[float, float]) -> float:
    """Return the middle of where the most intervals meet, inside `within`."""
    low, high = np.clip(low, *within), np.clip(high, *within)
    at = np.concatenate([low, high])
    order = np.lexsort((np.repeat([0, 1], len(low)), at))
    depth = np.cumsum(np.where(order < len(low), 1, -1))
    i = int(np.argmax(depth))
    return float((at[order[i]] + at[order[min(i + 1, len(order) - 1)]]) / 2)
