"""The numbers of the report: the worked block, error sums, intervals, published anchors."""

from __future__ import annotations

import math

import numpy as np
import pytest

import fos_ref
from fos_ref.exactness.sums import Sums
from fos_ref.inputs.distributions import make, STATISTICAL
from fos_ref.report import position, published, sweep
from fos_ref.report.family.measure import family_errors
from fos_ref.report.family.members import RECIPES as FAMILY
from fos_ref.report.interval import half_width, t_quantile
from fos_ref.report.lineup import DISTRIBUTION_LABELS, METHOD, Plan, RECIPES
from fos_ref.report.metrics import figures, in_chunks, measure, row_slices, tensor_amax
from fos_ref.report.style import LOOK
from fos_ref.report.worked import worked

TINY = Plan(seeds=2, shape=(32, 64))
MEASURED = RECIPES | FAMILY
IF4 = "fouroversix-if4-mse"


# --- the worked block ---------------------------------------------------------------------------------


def test_the_worked_block_costs_4_328125_and_0_exactly():
    assert worked().mse == {"nvfp4": 4.328125, "4over6": 0.0}


def test_the_worked_block_step_by_step():
    six, four = worked().mappings
    assert (six.raw_scale, six.scale_code, six.scale) == (np.float32(40) / np.float32(6), 0x4D, 6.5)
    assert (four.raw_scale, four.scale_code, four.scale) == (10.0, 0x52, 10.0)
    assert [s.element for s in six.steps] == [1.5, 3, 4, 6]
    assert [s.dequantized for s in six.steps] == [9.75, 19.5, 26, 39]
    assert [s.element for s in four.steps] == [1, 2, 3, 4]
    assert [s.error for s in four.steps] == [0, 0, 0, 0]
    assert (six.mse, six.chosen, four.mse, four.chosen) == (4.328125, False, 0.0, True)


# --- error sums ---------------------------------------------------------------------------------------


def sums_of(x, preset, engine="numpy"):
    chunks = in_chunks(x)
    return measure(chunks, tensor_amax(chunks), {preset: MEASURED[preset]}, engine)[preset]


@pytest.mark.parametrize("preset", MEASURED)
def test_the_sums_are_those_of_the_whole_tensor(preset):
    x = make("student-t3", (32, 128), 0)
    q = fos_ref.quantize(x, preset, engine="numpy")
    e = np.abs(fos_ref.dequantize(q).astype(np.float64) - x.astype(np.float64))
    wide = x.astype(np.float64)
    assert sums_of(x, preset) == Sums(
        squared=np.sum(e * e),
        absolute=np.sum(e),
        power=np.sum(wide * wide),
        magnitude=np.sum(np.abs(wide)),
        blocks=32 * 128 // q.recipe.block_cols,
        picked4=np.count_nonzero(q.picked4),
        worst=np.max(e) / np.float64(np.max(np.abs(x))),
    )


@pytest.mark.parametrize("preset", MEASURED)
def test_chunks_do_not_change_what_is_measured(preset, monkeypatch):
    """Another order of float64 additions may show in the last bits of a sum, and nowhere else."""
    x = make("worst-case", (64, 64), 3)
    whole = sums_of(x, preset)
    monkeypatch.setattr("fos_ref.report.metrics.CHUNK_VALUES", 16 * 64)
    assert len(list(row_slices(x.shape))) == 4
    chunked = sums_of(x, preset)
    assert (chunked.blocks, chunked.picked4, chunked.worst) == (whole.blocks, whole.picked4, whole.worst)
    assert [f"{v:.13g}" for v in (chunked.squared, chunked.power)] == [
        f"{v:.13g}" for v in (whole.squared, whole.power)
    ]


def test_rows_that_do_not_fill_a_tile_are_measured_once():
    x = make("normal", (21, 32), 0)
    full = np.zeros((32, 32), np.float32)
    full[:21] = x
    got, want = sums_of(x, "4over6-16x16"), sums_of(full, "4over6-16x16")
    assert (got.power, got.squared, got.picked4) == (want.power, want.squared, want.picked4)


def test_figures_by_hand():
    got = figures(Sums(2.0, 3.0, 200.0, 30.0, 8, 2, 0.25), Sums(squared=4.0))
    assert got == {
        "mse_e3": 10.0,
        "mse_ratio": 0.5,
        "mae_pct": 10.0,
        "max_pct": 25.0,
        "sqnr_db": 20.0,
        "share4_pct": 25.0,
    }


def test_an_exact_result_has_an_infinite_sqnr_and_no_division_by_zero():
    exact, wrong = Sums(power=1.0, magnitude=1.0, blocks=1), Sums(1.0, 1.0, 1.0, 1.0, 1)
    assert figures(exact, exact)["sqnr_db"] == math.inf
    assert figures(exact, exact)["mse_ratio"] == 1.0
    assert figures(wrong, exact)["mse_ratio"] == math.inf


# --- acceptance: N(0, 1) ------------------------------------------------------------------------------

#: MSE / power x 1e-3 on N(0, 1), from an independent float64 computation over 2**22 values; within 1 %.
REFERENCE = {
    "nvfp4": 9.04,
    "fouroversix-static4": 9.64,
    "4over6": 7.56,
    "4over6-mae": 7.80,
    "4over6-absmax": 7.98,
    "te-mse-448": 7.56,
    "te-nvfp4-16x16": 12.40,
    "4over6-16x16": 12.38,
    "fouroversix-nvint4": 7.45,
    "fouroversix-if4-mse": 6.16,
    "ocp-mxfp4": 13.22,
    "fouroversix-mxfp4-static6": 13.31,
}


@pytest.mark.sample(4)
@pytest.mark.parametrize("preset", REFERENCE)
def test_normal_error_is_within_one_percent_of_the_reference(preset):
    total = sum((sums_of(make("normal", (512, 512), seed), preset) for seed in range(3)), Sums())
    mse = figures(total, total)["mse_e3"]
    assert abs(mse - REFERENCE[preset]) < 0.01 * REFERENCE[preset]


def test_63_to_64_percent_of_if4_s_blocks_choose_int4():
    total = sum((sums_of(make("normal", (512, 512), seed), IF4) for seed in range(3)), Sums())
    assert 63.0 < figures(total, total)["share4_pct"] < 64.3


# --- intervals ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dof", "printed"),
    [(1, "12.706"), (2, "4.303"), (3, "3.182"), (4, "2.776"), (7, "2.365"), (10, "2.228"), (30, "2.042")],
)
def test_the_t_quantile_is_the_printed_one(dof, printed):
    assert f"{t_quantile(dof):.3f}" == printed


def test_half_width_by_hand():
    assert f"{half_width([1.0, 2.0, 3.0]):.6f}" == f"{4.302652729749464 / math.sqrt(3):.6f}"
    assert half_width([5.0, 5.0]) == 0.0


def test_an_infinite_figure_has_no_interval_and_gives_no_warning():
    assert math.isnan(half_width([math.inf, math.inf]))
    assert math.isnan(half_width([1.0, math.inf]))


def test_one_seed_has_no_interval():
    with pytest.raises(ValueError, match="at least 2"):
        half_width([1.0])


# --- the sweep and the profile ------------------------------------------------------------------------


@pytest.mark.long
def test_the_sweep_does_not_depend_on_the_number_of_threads(monkeypatch):
    tables = []
    for threads in (1, 3):
        monkeypatch.setattr(sweep, "threads", lambda _engine, n=threads: n)
        tables.append(sweep.sweep(TINY, "numpy", lambda: None))
    assert tables[0].equals(tables[1])


@pytest.mark.long
def test_the_sweep_has_a_row_for_each_pair_and_tells_of_each_job():
    calls = []
    table = sweep.sweep(TINY, "numpy", lambda: calls.append(1))
    assert len(calls) == len(sweep.jobs(TINY))
    assert len(table) == 9 * len(RECIPES)
    assert not table.duplicated(["distribution", "recipe"]).any()
    assert not table.isna().any(axis=None)


@pytest.mark.long
def test_the_mean_and_interval_of_the_sweep_are_those_of_its_seeds():
    table = sweep.sweep(TINY, "numpy", lambda: None).set_index(["distribution", "recipe"])
    each = []
    for seed in range(TINY.seeds):
        s = sums_of(make("laplace", TINY.shape, seed), METHOD)
        each.append(figures(s, s)["mse_e3"])
    row = table.loc[("laplace", METHOD)]
    assert row["mse_e3"] == np.mean(each)
    assert row["mse_e3_ci"] == half_width(each)


def test_the_parts_of_the_profile_add_up_to_the_error_of_the_recipe():
    plan = Plan(seeds=2, shape=(128, 256))
    table = position.profile(plan)
    total = sum((sums_of(make("normal", plan.shape, s), METHOD) for s in range(2)), Sums())
    assert f"{table['part_chosen'].sum():.9g}" == f"{figures(total, total)['mse_e3']:.9g}"
    assert table["values"].sum() == 2 * 128 * 256
    assert table["values"].iloc[-1] >= 2 * 128 * 256 // 16, "every block has its largest value at position 1"
    assert table["part_chosen"].sum() < min(table["part_map6"].sum(), table["part_map4"].sum())


# --- published numbers --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("printed", "ours", "deviation", "agrees"),
    [
        ("9.0", 9.04, "0.44", True),
        ("9.0", 9.06, "0.67", False),
        ("0", 0.0, "0.00", True),
        ("0", 1e-9, "inf", False),
        ("> 1", 1.01, "nan", True),
        ("> 1", 1.0, "nan", False),
    ],
)
def test_a_published_number_agrees_in_its_printed_digits(printed, ours, deviation, agrees):
    got, same = published._compare(printed, ours)
    assert (f"{got:.2f}", same) == (deviation, agrees)


@pytest.mark.long
def test_every_anchor_has_a_figure_of_ours_and_a_source():
    errors = sweep.sweep(TINY, "numpy", lambda: None)
    table = published.beside_ours(worked(), errors, family_errors(TINY, "numpy", lambda: None))
    assert len(table) == len(published.ANCHORS)
    assert (table["source"].str.len() > 0).all()
    exact = table.set_index("quantity")
    assert exact.loc["worked block, MSE, NVFP4", "ours"] == 4.328125
    assert exact.loc["map-to-4, largest scale, bound 256", "ours"] == 384


def test_every_statistical_distribution_has_a_label_and_every_recipe_a_look():
    assert tuple(DISTRIBUTION_LABELS) == STATISTICAL
    assert set(LOOK) == set(RECIPES)
