"""A search for block scales: other scale bytes than the recipe's, codes right for them, smaller errors."""

from __future__ import annotations

import numpy as np

from fos_ref.check.bench import Case
from fos_ref.check.evidence.cells import scale_values
from fos_ref.check.evidence.codes import CHUNK, nearest_codes
from fos_ref.check.flaws.flaw import Flaw, steps_with
from fos_ref.check.outcomes.outcome import Outcome
from fos_ref.check.steps import tensor_scales, walk
from fos_ref.formats.arrays import Bool, F64, I64, U8
from fos_ref.model.dequantize import element_values, holds_second
from fos_ref.model.elements import ELEMENT_FORMAT
from fos_ref.recipes.axes import ErrorMetric
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.layout import one_a_byte

FLAG = "ScaleSearch"
_FEW = 1 << 10  #: blocks that are looked at first
_NEARLY = 0.98  #: of the differing blocks
_LEAST_BLOCKS = 8


def scale_search(c: Case, r: Recipe, flaws: tuple[Flaw, ...] = ()) -> Outcome | None:
    """Return the blocks that a search of their scale explains; None where it does not for nearly all."""
    index = np.flatnonzero(c.differing & c.got.seen)
    if len(index) < _LEAST_BLOCKS:
        return None
    if _better(c, r, index[:: max(1, len(index) // _FEW)], flaws).mean() < _NEARLY:
        return None
    better = np.concatenate(
        [_better(c, r, index[at : at + CHUNK], flaws) for at in range(0, len(index), CHUNK)]
    )
    if better.mean() < _NEARLY:
        return None
    blocks: Bool = np.zeros(c.source.size, dtype=np.bool_)
    blocks[index] = better
    name = "largest" if r.error_metric is ErrorMetric.ABS_MAX else (r.error_metric or ErrorMetric.MSE).value
    what = f"codes are the nearest under other scales than the recipe's, with smaller {name} errors"
    return Outcome(FLAG, what, blocks)


def _better(c: Case, r: Recipe, index: I64, flaws: tuple[Flaw, ...]) -> Bool:
    """Return where the scale is another, the codes are right for it, and the error is smaller."""
    got = c.got.pick(index)
    right, known = nearest_codes(c, r, index, flaws)
    p = c.source.pick(index)
    steps = steps_with(r, flaws)
    assert steps is not None
    decode = tensor_scales(p, steps).decode.astype(np.float64)
    x = p.x[:, 0].astype(np.float64)
    w = walk(p, steps)  # what the recipe makes of the blocks under that tensor scale
    here = _error(x, got.codes, got.scales[:, :1], decode, r)
    there = _error(x, w.codes, w.scale[:, None], decode, r)
    other = (got.scales != w.scale[:, None]).all(axis=1)
    return np.asarray(right.all(axis=1) & known & other & (here < there))


def _error(x: F64, codes: U8, scales: U8, decode: F64, r: Recipe) -> F64:
    second = holds_second(scales, r)
    unit = np.where(second, np.float64(ELEMENT_FORMAT[r.element_format][1].unit), 1.0)
    elements = element_values(one_a_byte(codes, r), second, r).astype(np.float64)
    values = elements * scale_values(scales, r) * decode * unit
    d = np.abs(values - x)
    if r.error_metric is ErrorMetric.ABS_MAX:
        return np.asarray(d.max(axis=1))
    return np.asarray((d if r.error_metric is ErrorMetric.MAE else d * d).sum(axis=1))
