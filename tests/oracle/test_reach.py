"""The oracle's inputs reach what they are for: each special occurs, in numbers, or this fails."""

# ruff: noqa: ARG005 -- every test in the table takes the trace and the candidate

from __future__ import annotations

import numpy as np
import pytest

import fos_ref
from fos_ref.model.reduce import REDUCE
from fos_ref.proof.oracle.inputs import arguments_for, cases, taken
from fos_ref.proof.oracle.lists import differences

FLT_MAX = np.finfo(np.float32).max
TIES = np.array([0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5], np.float32)


@pytest.fixture(scope="module")
def candidates():
    """Return {recipe: [(trace, candidate)]} over every case the recipe takes."""
    found = {}
    for name in ("4over6", "te-mse-448", "fouroversix-mse", "te-nvfp4"):
        r = fos_ref.PRESETS[name]
        traces = [fos_ref.trace(c.x, r, **arguments_for(c, r)) for c in taken(r, cases()) if c.finite]
        found[name] = [(t, c) for t in traces for c in (t.map6, t.map4) if c is not None]
    return found


def count(pairs, what) -> int:
    with np.errstate(all="ignore"):
        return sum(int(np.count_nonzero(what(t, c))) for t, c in pairs)


REACHED = {
    "subnormal block scale": ("4over6", 50, lambda t, c: (c.scale_code > 0) & (c.scale_code < 8)),
    "zero block scale over data": ("4over6", 20, lambda t, c: (c.scale == 0) & (t.block_amax > 0)),
    "saturated block scale": ("4over6", 20, lambda t, c: c.base > 448),
    "infinite base": ("fouroversix-mse", 20, lambda t, c: np.isinf(c.base)),
    "NaN base": ("fouroversix-mse", 1, lambda t, c: np.isnan(c.base)),
    "E4M3 tie": (
        "4over6",
        10,
        lambda t, c: (c.base > 2**-6) & (np.abs(c.base).view(np.uint32) % 2**20 == 2**19),
    ),
    "clamped multiplier": ("te-mse-448", 20, lambda t, c: c.multiplier == FLT_MAX),
    "infinite multiplier": ("fouroversix-mse", 20, lambda t, c: np.isinf(c.multiplier)),
    "E2M1 tie": ("4over6", 50, lambda t, c: np.isin(np.abs(c.scaled), TIES)),
    "saturated element": ("4over6", 50, lambda t, c: np.abs(c.scaled) > 7),
    "infinite element": ("te-mse-448", 5, lambda t, c: np.isinf(c.scaled)),
    "element wrapped to 8": ("fouroversix-mse", 20, lambda t, c: c.codes & 0x17 == 0),
    "element wider than a nibble": ("fouroversix-mse", 20, lambda t, c: c.codes > 15),
    "element past 2**127": (
        "fouroversix-mse",
        1,
        lambda t, c: (np.abs(c.scaled) >= 2.0**127) & np.isfinite(c.scaled),
    ),
    "minus zero scaled": ("4over6", 20, lambda t, c: (c.scaled == 0) & np.signbit(c.scaled)),
    "negative to zero": ("4over6", 50, lambda t, c: (c.codes == 8) & (c.scaled < 0)),
    "infinite error": ("4over6", 5, lambda t, c: np.isinf(c.error)),
    "NaN error": ("fouroversix-mse", 5, lambda t, c: np.isnan(c.error)),
    "subnormal error": ("4over6", 5, lambda t, c: (c.error > 0) & (c.error < 2.0**-126)),
    "tie between candidates": (
        "4over6",
        20,
        lambda t, c: (t.map6.error == t.map4.error) & (t.block_amax > 0),
    ),
    "picked 4": ("4over6", 100, lambda t, c: t.picked4),
    "picked 6": ("4over6", 100, lambda t, c: ~t.picked4),
    "folded and divided base differ": (
        "te-nvfp4",
        20,
        lambda t, c: c.base != (t.block_amax / np.float32(6)) * t.scales.encode,
    ),
    "orders of the sum differ": (
        "4over6",
        100,
        lambda t, c: np.not_equal(*(order(differences(t, c) ** 2) for order in REDUCE.values())),
    ),
}


@pytest.mark.parametrize("what", REACHED)
def test_the_inputs_reach(what, candidates, record_property):
    name, least, test = REACHED[what]
    found = count(candidates[name], test)
    record_property("found", found)
    assert found >= least
