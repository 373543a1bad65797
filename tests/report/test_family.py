"""The report's formats and best block scales: the tables, their text, their pictures."""

from __future__ import annotations

import re

import pytest

from fos_ref.report import sweep
from fos_ref.report.family import figures, measure, optimum
from fos_ref.report.family.measure import INT_SHARE
from fos_ref.report.family.members import FAMILY
from fos_ref.report.family.optimum import GAP, OPTIMA, RULES
from fos_ref.report.family.text import family_markdown, format_rows, optimum_markdown, rule_rows
from fos_ref.report.lineup import BASELINE, DISTRIBUTION_LABELS, METHOD, Plan
from fos_ref.report.published import IF4

PLAN = Plan(seeds=4, shape=(64, 64))


@pytest.fixture(scope="module")
def formats():
    calls = []
    table = measure.family_errors(PLAN, "numpy", lambda: calls.append(1))
    assert len(calls) == len(measure.jobs(PLAN)) == 9 * 2
    return table


@pytest.fixture(scope="module")
def rules():
    calls = []
    table = optimum.optimum_errors(PLAN, lambda: calls.append(1))
    assert len(calls) == len(optimum.jobs(PLAN)) == 9 * 2
    return table


def test_the_plans_of_the_parts_are_smaller_and_have_a_spread():
    assert (PLAN.family, PLAN.optimum) == (Plan(2, (64, 64)), Plan(2, (16, 32)))
    assert Plan(2, (16, 32)).optimum == Plan(2, (16, 32))


@pytest.mark.long
def test_a_format_s_errors_are_those_of_the_sweep_on_the_first_tensors(formats):
    assert len(formats) == 9 * len(FAMILY)
    again = sweep.sweep(PLAN.family, "numpy", lambda: None, {m.preset: m.recipe for m in FAMILY[:3]})
    mine = formats[formats["recipe"].isin([m.preset for m in FAMILY[:3]])]
    for column in ("distribution", "recipe", "mse_e3", "mse_e3_ci", "mse_ratio", "sqnr_db"):
        assert list(mine[column]) == list(again[column])
    assert set(formats[formats["recipe"] == BASELINE]["mse_ratio"]) == {1.0}


@pytest.mark.long
def test_only_a_format_that_mixes_has_a_share_of_integer_blocks(formats):
    mixed = {m.preset for m in FAMILY if m.mixes}
    known = formats[formats[INT_SHARE].notna()]
    assert set(known["recipe"]) == mixed
    assert len(known) == 9 * len(mixed)
    assert known[INT_SHARE].between(0, 100).all()


BITS = {"nvfp4": 4.5, METHOD: 4.5, "ocp-mxfp4": 4.25}


@pytest.mark.parametrize("preset", BITS)
def test_the_bits_of_a_value_count_its_part_of_the_scale(preset):
    (found,) = (m.bits for m in FAMILY if m.preset == preset)
    assert found == BITS[preset]


def _six_digits(value: float) -> float:
    return float(f"{value:.6g}")


@pytest.mark.long
def test_no_rule_passes_the_optimum_under_its_tensor_scale(rules):
    """To six digits: what a preset decodes to is rounded to float32, and an optimum is not."""
    mse = rules.pivot_table(index="distribution", columns="recipe", values="mse_e3").map(_six_digits)
    low, high = OPTIMA
    assert (mse[METHOD] >= mse[low]).all()
    for name in ("nvfp4", "te-mse-448", "razer-4over6", "auto-round-nvfp4-search"):
        assert (mse[name] >= mse[high]).all(), name
    assert (mse[METHOD] > mse[low]).sum() >= 7


@pytest.mark.long
def test_the_gap_runs_from_plain_nvfp4_to_the_better_optimum(rules):
    gap = rules.pivot_table(index="distribution", columns="recipe", values=GAP)
    assert set(gap[BASELINE]) == {0.0}
    assert set(gap[list(OPTIMA)].max(axis=1)) == {100.0}
    row = rules.set_index(["distribution", "recipe"])["mse_e3"]["normal"]
    want = 100 * (row[BASELINE] - row[METHOD]) / (row[BASELINE] - min(row[name] for name in OPTIMA))
    assert f"{gap.loc['normal', METHOD]:.9g}" == f"{want:.9g}"


@pytest.mark.long
def test_the_tables_hold_the_figures_of_the_csv(formats, rules):
    cells = formats.set_index(["distribution", "recipe"])
    header, *body = format_rows(formats, ("laplace", "uniform"))
    assert header == ["", "bits", "Laplace", "U(-1, 1)"]
    for m, row in zip(FAMILY, body, strict=True):
        want = [f"{cells.loc[(d, m.preset), 'mse_e3']:.2f}" for d in ("laplace", "uniform")]
        assert row == [m.label, f"{m.bits:g}", *want]
    searched = rules.set_index(["distribution", "recipe"])
    for r, row in zip(RULES, rule_rows(rules, ("normal",), GAP, digits=0)[1:], strict=True):
        assert row == [r.label, f"{searched.loc[('normal', r.key), GAP]:.0f}"]


def anchors(formats):
    quantity = "N(0, 1), MSE x 1e-3: IF4"
    row = {"quantity": quantity, "published": "6.2", "ours": 6.149, "deviation_pct": -0.82, "source": IF4}
    return formats.iloc[:2].assign(**row)


def test_the_text_says_how_much_was_measured_and_what_was_published(formats, rules):
    text = "\n\n".join(family_markdown(PLAN, formats, anchors(formats)))
    assert "2 tensors of 64 x 64 float32 values" in text
    assert "| N(0, 1), MSE x 1e-3: IF4 | 6.2 | 6.149 | -0.82 % |" in text
    assert all(f"| {m.label} | {m.bits:g} | " in text for m in FAMILY)
    tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert [t.count("\n") for t in tables] == [2 + len(FAMILY), 2 + sum(m.mixes for m in FAMILY), 4]
    said = "\n\n".join(optimum_markdown(PLAN, rules))
    assert "2 tensors of 16 x 32 float32 values" in said
    gap = rules.set_index(["distribution", "recipe"])[GAP]["normal", METHOD]
    assert f"goes {gap:.0f} % of the way" in said


def points(draw, table) -> dict[str, list[float]]:
    """Return what a picture draws: label -> the x of its points."""
    (ax,) = draw(table).axes
    return {str(line.get_label()): list(line.get_xdata()) for line in ax.lines if line.get_marker() != "None"}


def test_the_picture_of_the_formats_has_a_point_for_each_on_three_distributions(formats):
    drawn = points(figures.sqnr_by_format, formats)
    cells = formats.set_index(["distribution", "recipe"])["sqnr_db"]
    shown = {"N(0, 1)": "normal", "Laplace": "laplace", "U(-1, 1)": "uniform"}
    assert drawn == {k: [cells[d, m.preset] for m in FAMILY] for k, d in shown.items()}


def test_the_picture_of_the_rules_is_relative_to_the_better_optimum(rules):
    drawn = points(figures.distance_from_optimum, rules)
    assert list(drawn) == [r.label for r in RULES if r.key not in OPTIMA]
    mse = rules.set_index(["distribution", "recipe"])["mse_e3"]
    for place, d in enumerate(list(DISTRIBUTION_LABELS)[:-1]):
        least = min(mse[d, name] for name in OPTIMA)
        assert [x[place] for x in drawn.values()] == [
            mse[d, r.key] / least for r in RULES if r.key not in OPTIMA
        ]


def test_every_distribution_of_a_table_has_its_place(formats):
    assert list(dict.fromkeys(formats["distribution"])) == list(DISTRIBUTION_LABELS)
