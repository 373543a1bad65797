"""What the checker compares over many blocks, what it suggests, and the inputs of its proof."""

from __future__ import annotations

import time

import numpy as np
import pytest

import fos_ref
from fos_ref.check import bench
from fos_ref.check.bench import Hypothesis, reproduced
from fos_ref.check.flaws.catalogue import catalogue
from fos_ref.check.subject import subject
from fos_ref.engines.given import Fixed
from fos_ref.inputs.choice_edges import order
from fos_ref.inputs.distributions import make
from fos_ref.proof.checker.bugs import BUGS, planted
from fos_ref.proof.checker.inputs import AMAX, BETWEEN, caller_amax, families
from fos_ref.recipes import PRESETS
from fos_ref.verify import check

X = make("normal", (32, 128), 7)


def test_blocks_in_many_parts_are_judged_as_in_one(monkeypatch):
    r = fos_ref.recipe("4over6")
    s = subject(X, *planted("4over6", "metric-mae")(X), recipe=r, fixed=Fixed(), scale_layout="linear")
    flaw = next(f for f in catalogue(r) if f.flag == "MetricMae")
    case = s.cases()[0]
    every = np.arange(case.source.size)
    at_once = reproduced(Hypothesis(case), r, every)
    assert 0 < np.count_nonzero(~at_once) == np.count_nonzero(case.differing)
    monkeypatch.setattr(bench, "CHUNK", 24)
    assert reproduced(Hypothesis(case), r, every).tolist() == at_once.tolist()
    assert reproduced(Hypothesis(case, (flaw,)), r, every).all()
    assert reproduced(Hypothesis(case), r, every[:0]).shape == (0,)


@pytest.mark.long
@pytest.mark.parametrize("recipe", ["te-mse-256", "nvfp4"])
def test_a_preset_that_fits_no_better_is_not_suggested(recipe):
    """Other presets give the same bytes here: with one block damaged they are as good, not better."""
    q = fos_ref.quantize(X, recipe)
    twins = [p for p in PRESETS if PRESETS[p].diff(q.recipe) and _same(fos_ref.quantize(X, p), q)]
    assert twins
    codes = q.codes.copy()
    codes[3, 3] ^= 0x22
    assert check(X, codes, q.block_scales, recipe=recipe).closest is None


def _same(p, q):
    same = p.codes.shape == q.codes.shape and p.block_scales.shape == q.block_scales.shape
    return (
        same and p.codes.tobytes() + p.block_scales.tobytes() == q.codes.tobytes() + q.block_scales.tobytes()
    )


@pytest.mark.sample(1)
@pytest.mark.parametrize("preset", ["4over6", "te-mae-256-row"])
def test_blocks_drawn_together_are_neighbours_that_part(preset):
    r = fos_ref.recipe(preset)
    found = dict(families(r, 2))
    for name in BETWEEN:
        x = found[f"between blocks, {name}"]
        amax = np.full(len(x), AMAX, np.float32) if r.amax_scope is r.amax_scope.ROW else np.float32(AMAX)
        four = fos_ref.quantize(x, r, amax=amax).picked4[:, 1:].ravel()  # an amax may be in the first
        assert 0.4 < four.mean() < 0.6
        blocks = order(x[:, 16:].reshape(-1, 16))
        assert len(blocks) > 500
        nearest = [np.abs(blocks[~four] - b).max(axis=1).min() for b in blocks[four][:8]]
        assert nearest.count(1) >= len(nearest) / 2  # the other of the pair may have been given the amax


@pytest.mark.long
def test_a_tensor_outgrows_the_amax_that_its_caller_gives():
    for preset in ("nvfp4", "te-mae-256-row"):
        r = fos_ref.recipe(preset)
        given = {name: (x, caller_amax(name, x, r)) for name, x in families(r, 1)}
        stale = {name: pair for name, pair in given.items() if pair[1] is not None}
        assert len(stale) == 3
        for x, amax in stale.values():
            q = fos_ref.quantize(x, r, amax=amax)
            assert (q.block_scales == 0x7E).any()
            assert (np.abs(x).reshape(len(amax) if amax.ndim else 1, -1).max(axis=1) == amax * 4).all()


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("preset", "bugs"),
    [
        ("4over6", ("metric-mae", "scale-up", "ties-away")),
        ("4over6", ("other-bound", "metric-mae", "ties-to-zero", "nibbles")),
        ("te-mse-448", ("bf16-amax", "scale-down", "ties-away")),
    ],
)
def test_a_large_tensor_is_diagnosed_in_half_a_minute(preset, bugs):
    x = make("normal", (4096, 4096), 0)
    start = time.perf_counter()
    found = check(x, *planted(preset, *bugs)(x), recipe=preset)
    assert time.perf_counter() - start < 30
    assert set(found.flags) == {flag for flag, ways in BUGS.items() if set(ways) & set(bugs)}


@pytest.mark.exhaustive
def test_a_large_tensor_that_is_equal_takes_less_than_a_second():
    x = make("normal", (4096, 4096), 0)
    q = fos_ref.quantize(x, "4over6")
    start = time.perf_counter()
    assert check(x, q.codes, q.block_scales, recipe="4over6")
    assert time.perf_counter() - start < 1
