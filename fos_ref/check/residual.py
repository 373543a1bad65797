"""What no flaw explains: near ties, judged by the errors themselves, and the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fos_ref.check.bench import CHUNK, Hypothesis
from fos_ref.check.flaws.flaw import steps_with
from fos_ref.check.population import USED
from fos_ref.check.steps import Steps, walk, Walked
from fos_ref.exactness.near_tie import near_ties
from fos_ref.formats.arrays import Bool, I64
from fos_ref.formats.bits import f32_bits
from fos_ref.model.quantize import keep
from fos_ref.recipes.axes import AmaxScope, ErrorDomain
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.layout import stored

#: |err4 - err6| in float32 steps up to which a choice counts as a near tie: one for each term of a row's sum.
NEAR_TIE_ULPS = 16


@dataclass(frozen=True, slots=True)
class Judged:
    """For some blocks: where the errors are nearly equal, and where the bytes are the other candidate's."""

    near: Bool  #: (N,)
    other: Bool  #: (N,)

    @property
    def near_ties(self) -> Bool:
        """Blocks that differ by a near tie alone."""
        return self.near & self.other


def judged(h: Hypothesis, r: Recipe, index: I64) -> Judged:
    """Return how the blocks at `index` look under the hypothesis' steps."""
    steps = steps_with(r, h.flaws)
    assert steps is not None
    near, other = np.zeros(len(index), dtype=np.bool_), np.zeros(len(index), dtype=np.bool_)
    if steps.recipe.chooses:
        for start in range(0, len(index), CHUNK):
            part = slice(start, min(start + CHUNK, len(index)))
            near[part], other[part] = _judge(h, steps, index[part])
    return Judged(near, other)


def _judge(h: Hypothesis, steps: Steps, index: I64) -> tuple[Bool, Bool]:
    w = walk(h.case.source.pick(index), steps)
    assert w.map6 is not None
    assert w.map4 is not None
    codes, scale = keep(w.map6, w.map4, ~w.picked4[:, None], steps.recipe)
    return ulps_apart(w) <= NEAR_TIE_ULPS, h.case.got.pick(index).equal(
        stored(codes[:, 0], steps.recipe), scale[:, 0]
    )


def exact_verdict(h: Hypothesis, r: Recipe, i: int) -> str | None:
    """Return what exact arithmetic says about the choice of block i; None where a flaw changed a step."""
    steps = steps_with(r, h.flaws)
    if steps is None or any(f.wraps for f in h.flaws) or steps.recipe.error_domain is ErrorDomain.TRIAL:
        return None
    p = h.case.source.pick(np.array([i]))
    used = p.amaxes[USED][0, 0]
    amax = np.array([used]) if steps.recipe.amax_scope is AmaxScope.ROW else used
    found = near_ties(p.x.reshape(r.block_rows, r.block_cols), steps.recipe, amax=amax, ulps=NEAR_TIE_ULPS)
    if not found:
        return None
    n = found[0]
    better = "an exact tie" if n.margin == 0 else f"exactly {'map4' if n.margin < 0 else 'map6'} is better"
    orders = f"{len(n.flipping)} of {len(n.orders)} orders of summation and error domains choose the other"
    return f"{better}: err4 - err6 = {float(n.margin):.3g}, {n.ulps} steps apart in float32; {orders}"


def ulps_apart(w: Walked) -> I64:
    """Return (N,) how many float32 steps lie between the two errors; very many where one is not finite."""
    assert w.map6 is not None
    assert w.map4 is not None
    assert w.map6.error is not None
    assert w.map4.error is not None
    err6, err4 = w.map6.error[:, 0], w.map4.error[:, 0]
    apart = np.abs(f32_bits(err4).astype(np.int64) - f32_bits(err6).astype(np.int64))
    return np.where(np.isfinite(err4) & np.isfinite(err6), apart, np.int64(1) << 40)
