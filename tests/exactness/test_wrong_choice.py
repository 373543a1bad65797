"""The exact winner against rational numbers and the oracle, and what is counted against it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fos_ref
from fos_ref.errors import InputError
from fos_ref.exactness import choice_inputs, wrong_choice
from fos_ref.exactness.choice import (
    bound,
    by_rationals,
    compare,
    Frame,
    frame,
    in_float64,
    rational_error,
    UNIT,
)
from fos_ref.exactness.choice_groups import families, Group, groups
from fos_ref.exactness.choice_inputs import INPUTS, near_tie
from fos_ref.exactness.wrong_choice import count, Exact, in_halves, judged, proven, Tally, tally, traces
from fos_ref.formats.bits import widen
from fos_ref.inputs.distributions import make
from fos_ref.model.quantize import quantize_matrix, tensor_amax, tensor_scales
from fos_ref.proof import wrong_choice as proof
from fos_ref.recipes.axes import BlockShape, Candidates, ErrorMetric, Tie

METRICS = tuple(m for m in ErrorMetric if m is not ErrorMetric.POWER)  #: whose sums are rational


# --- the filter ---------------------------------------------------------------------------------------


def near_tied(rng, n, blocks, metric, bits=46):
    """Return a frame of four kinds of blocks, in turn, whose candidates err alike or nearly so.

    0: one candidate has the other's differences in another order, bits + 6 digits each: an exact tie.
    1: the same, some values moved by their last bit. 2: differences that no float64 holds. 3: both.
    """
    k = np.ldexp(1.0, rng.integers(-6, 1, (n, blocks)))
    d = rng.integers(1 << bits - 2, 1 << bits, (n, blocks)) * k * rng.choice([-1, 1], (n, blocks))
    other = rng.permuted(d, axis=0)
    kind = np.arange(blocks) % 4
    if metric is ErrorMetric.ABS_MAX:
        d[1:], other[1:] = d[1:] / 8, other[1:] / 8
        other[0] = d[0] * rng.choice([-1, 1], blocks)
    y = rng.integers(0, 1 << bits, (n, blocks)) * np.where(kind < 2, k, 2.0**-70)
    p6, p4 = (np.where(kind < 2, v + y, v) for v in (d, other))
    moves = rng.integers(-1, 2, (n, blocks)) * (rng.random((n, blocks)) < 0.2) * (kind % 2 == 1)
    return Frame(p6=p6, p4=p4 + moves * np.spacing(p4), y=y, factor=np.ones(blocks))


@pytest.mark.sample(1)
@pytest.mark.parametrize(("metric", "n"), list(product(METRICS, (16, 256))))
@settings(deadline=None, max_examples=12)
@given(seed=st.integers(0, 2**32), bits=st.sampled_from([46, 28, 18]))
def test_the_sign_is_that_of_rational_numbers_at_the_bound(metric, n, seed, bits):
    f = near_tied(np.random.default_rng(seed), n, 24 if n == 16 else 4, metric, bits)
    want = [by_rationals(f.p4[:, i], f.p6[:, i], f.y[:, i], metric) for i in range(f.y.shape[1])]
    assert compare(f, metric).sign.tolist() == want


@pytest.mark.sample(1)
@pytest.mark.parametrize("metric", METRICS)
def test_float64_alone_would_be_wrong_there(metric):
    """Without blocks that float64 misjudges, the property above would show nothing."""
    f = near_tied(np.random.default_rng(0), 16, 400, metric)
    err4, err6 = in_float64(f, metric)
    verdict = compare(f, metric)
    assert np.count_nonzero(np.sign(err4 - err6) != verdict.sign) > 50
    assert 100 <= np.count_nonzero(verdict.sign == 0) < 250
    assert verdict.rational > 100


@pytest.mark.parametrize(("metric", "n"), list(product(METRICS, (16, 256))))
def test_the_float64_error_is_within_its_bound(metric, n):
    f = near_tied(np.random.default_rng(n), n, 8, metric)
    for err, p in zip(in_float64(f, metric), (f.p4, f.p6), strict=True):
        for i in range(8):
            exact = rational_error(p[:, i], f.y[:, i], metric)
            assert abs(Fraction(err[i]) - exact) <= Fraction(bound(n)) * exact


def test_the_bound_is_no_larger_than_its_proof_needs():
    assert [bound(n) / UNIT for n in (16, 256)] == [19, 259]


def test_few_digits_are_decided_without_rationals():
    """Coarse inputs are full of exact ties, and float64 holds every sum of theirs."""
    t = tally(make("coarse", (64, 256), 0), [groups()[0]])[0]
    assert t.ties > 300
    assert t.rational == 0


@pytest.mark.parametrize("g", [g for g in groups() if not g.trial][::5], ids=lambda g: g.name)
def test_the_frame_holds_the_exact_errors_of_the_oracle(g):
    """On a block of every fourth tensor row: equal rational numbers, once the factor is taken out."""
    x = make("heavy-tailed", (g.recipe.block_rows * 2, 32), 7)
    t = next(traces(x, g.recipe))
    f = frame(t, g.recipe)
    power = 2 if g.recipe.error_metric is ErrorMetric.MSE else 1
    for i in (0, 3):
        want = proof.oracle_errors(t, i, g.recipe, proof.FLOAT32)[1:]
        got = [rational_error(p[:, i], f.y[:, i], g.recipe.error_metric) for p in (f.p4, f.p6)]
        assert [e / Fraction(f.factor[i]) ** power for e in got] == list(want)


def test_an_input_or_code_that_is_not_finite_is_refused():
    x = make("normal", (16, 32), 0)
    x[3, 4] = np.inf
    with pytest.raises(InputError, match="NaN or an infinity"):
        tally(x, families()[0])
    t = next(traces(make("normal", (16, 32), 0), fos_ref.recipe("4over6")))
    t.map4.scale[0, 0] = np.nan
    with pytest.raises(InputError, match=r"recipe '4over6': a NaN or an infinity"):
        frame(t, fos_ref.recipe("4over6"))


@pytest.mark.parametrize("scale", [0.0, 2.0**-140, 2.0**-110])
def test_an_amax_on_which_presets_of_a_group_may_part_is_refused(scale):
    with pytest.raises(InputError, match=r"tensor amax .* is allowed"):
        tally((make("normal", (16, 32), 0) * scale).astype(np.float32), families()[0])


# --- groups -------------------------------------------------------------------------------------------


def test_every_4_6_preset_is_in_one_group():
    listed = [p for g in groups() for p in g.presets]
    want = {r.name for r in fos_ref.PRESETS.values() if r.candidates is Candidates.FOUR_OVER_SIX}
    assert len(listed) == len(set(listed)) == 123
    assert set(listed) == want


def model_picks(x, preset):
    r = fos_ref.recipe(preset)
    wide = widen(x)
    return quantize_matrix(wide, tensor_scales(tensor_amax(wide, r), r, x.dtype), r).picked4


@pytest.mark.sample(1)
@pytest.mark.parametrize("name", ["subnormal-scale", "zero-laden", "signed-zero"])
def test_the_presets_of_a_group_choose_alike(name):
    x = make(name, (32, 256), 1)
    for g in groups():
        picks = [model_picks(x, p) for p in g.presets]
        assert all(np.array_equal(p, picks[0]) for p in picks), g.name


def test_the_rounded_choice_is_that_of_the_model():
    x = make("normal", (32, 256), 2, "bfloat16")
    for family in families():
        for t in traces(x, family[0].recipe):
            for g, (_, picked4) in zip(family, judged(t, family), strict=True):
                want = model_picks(x, g.name)[:: g.recipe.block_rows]
                assert np.array_equal(picked4.reshape(want.shape), want), g.name


# --- counting -----------------------------------------------------------------------------------------


def one_trace(name="coarse"):
    r = fos_ref.recipe("te-mse-256")
    t = next(traces(make(name, (16, 64), 5), r))
    (exact, picked4), *_ = judged(t, [Group(r, (r.name,))])
    return r, t, exact, picked4


def test_a_planted_wrong_pick_is_counted_and_its_price_is_exact():
    r, t, exact, picked4 = one_trace()
    sign = exact.verdict.sign
    f = frame(t, r)
    right = count(exact, picked4, r)
    assert (right.flipped, right.broken, right.cost) == (0, 0, "0")
    unequal, tied = np.flatnonzero(sign)[[0, 9]], np.flatnonzero(sign == 0)[:3]
    planted = picked4.copy()
    planted[[*unequal, *tied]] ^= True
    wrong = count(exact, planted, r)
    assert (wrong.flipped, wrong.broken, wrong.ties) == (2, 3, np.count_nonzero(sign == 0))
    errors = [
        [rational_error(p[:, i], f.y[:, i], ErrorMetric.MSE) for p in (f.p4, f.p6)] for i in range(len(sign))
    ]
    lost = sum(abs(errors[i][0] - errors[i][1]) for i in unequal)
    assert wrong.cost == f"{float(lost / sum(min(e) for e in errors)):.2e}"
    margin = max(abs(a - b) / (a + b) for a, b in (errors[i] for i in unequal))
    assert wrong.margin_text == f"{float(margin):.1e}"


def test_ties_go_to_the_recipe_s_winner():
    r, _, exact, picked4 = one_trace()
    ties = exact.verdict.sign == 0
    four = replace(r, tie=Tie.FOUR)
    assert count(exact, picked4, four).broken == np.count_nonzero(ties & ~picked4) > 0
    assert count(exact, picked4 | ties, four).broken == 0


def test_the_cost_is_in_units_of_the_input():
    """Two tensors of different amax weigh as their errors do, whatever factor made them exact."""
    _, _, exact, picked4 = one_trace()
    r = fos_ref.recipe("te-mae-256-fast")
    scaled = Exact(exact.verdict, exact.factor * 4, exact.n)
    assert count(scaled, picked4, r).kept * 4 == count(exact, picked4, r).kept
    r = fos_ref.recipe("te-mse-256-fast")
    assert count(scaled, picked4, r).kept * 16 == count(exact, picked4, r).kept


def test_tallies_add_up():
    a, b = Tally(4, 1, 2, 1, 1, 2.0, 0.5, 0.0, 0.25), Tally(3, 0, 1, 0, 0, 1.0, 0.25, 0.0, 0.125)
    a.add(b)
    assert (a.blocks, a.ties, a.flipped, a.broken, a.rational) == (7, 1, 3, 1, 1)
    assert (a.cost, a.margin_text, a.wrong) == ("2.50e-01", "2.5e-01", 4)
    assert Tally(flipped=1, lost=1.0).cost == "inf"


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (1.2344, 1.2345, "1.23e+00"),
        (1.234, 1.236, "1.2e+00"),
        (1.2, 1.4, "1e+00"),
        (1.0, 2.0, "<2e+00"),
        (-1e-9, 1e-9, "<1e-09"),
    ],
)
def test_only_proven_digits_are_shown(low, high, text):
    assert proven(low, high, 3) == text


@pytest.mark.parametrize("n", [0, 1, 2, 3, 31])
def test_a_sum_by_halves_leaves_nothing_out(n):
    assert in_halves(np.arange(n, dtype=np.float64)) == n * (n - 1) // 2


# --- inputs -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("g", [groups()[i] for i in (0, 1, 2, 8, 18)], ids=lambda g: g.name)
def test_near_ties_are_near(g):
    """All but the blocks that hold the tensor amax: errors equal within 2^-18 of their size."""
    shape = (32, 256)
    x = near_tie(shape, 3, g.recipe)
    (exact, _), *_ = judged(next(traces(x, g.recipe)), [g])
    four, six = exact.verdict.err4, exact.verdict.err6
    near = np.abs(four - six) <= 2.0**-18 * (four + six)
    first = 1 if g.recipe.block_shape is BlockShape.TILE_16X16 else shape[0]
    assert np.count_nonzero(~near) <= first
    assert 0.2 < np.mean(exact.verdict.sign[near] < 0) < 0.8


def test_a_near_tie_tensor_is_made_for_its_metric_and_not_for_its_dialect(monkeypatch):
    monkeypatch.setattr(choice_inputs, "_STEPS", 2)
    made = {p: near_tie((16, 64), 9, fos_ref.recipe(p)) for p in ("te-mse-256", "te-mse-256-fast-row")}
    assert np.array_equal(*made.values())
    assert not np.array_equal(made["te-mse-256"], near_tie((16, 64), 9, fos_ref.recipe("te-mae-256")))
    made["te-mse-256"][0, 0] = 0  # the caller's own copy
    assert np.array_equal(near_tie((16, 64), 9, fos_ref.recipe("te-mse-256")), made["te-mse-256-fast-row"])


# --- the proof ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small():
    """Three inputs, one tensor of 16x64 each; of each family the first three groups."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proof, "INPUTS", {n: INPUTS[n] for n in ("normal-bfloat16", "near-tie", "coarse")})
        patch.setattr(proof, "RECHECKED", 1)
        calls = []
        found = proof.measure(lambda *c: calls.append(c), 1, shape=(16, 64), seeds=1, rechecked=1)
    return found, calls


@pytest.mark.long
def test_the_oracle_confirms_the_counts(small):
    small, calls = small
    assert calls == [(1, 3), (2, 3), (3, 3)]
    assert small.unexplained == 0
    assert small.figures["checked_by_the_oracle"] > 3 * len(groups())
    blocks = sum(64 // g.recipe.block_rows for g in groups())
    assert small.compared == 3 * blocks
    assert small.figures["normal-bfloat16"]["4over6"].split()[0] == "64"
    flipped = [int(row.split()[2]) for row in small.figures["near-tie"].values()]
    assert sum(flipped) > 100


def test_a_wrong_count_does_not_pass_the_oracle(monkeypatch):
    x = make("normal", (16, 64), 0)
    family = families()[0][:1]
    assert proof.recheck(x, family) == (3, 0)
    monkeypatch.setattr(wrong_choice, "rounded_picks_4", lambda t, r: ~t.picked4)  # noqa: ARG005
    checked, differing = proof.recheck(x, family)
    assert checked == differing == 3


@pytest.mark.long
def test_processes_find_what_one_process_finds():
    tasks = [("normal", (16, 64), seed, False) for seed in (0, 1)]
    assert list(proof._results(tasks, 2)) == list(map(proof.work, tasks))
