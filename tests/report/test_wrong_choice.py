"""The report's section on wrong choices: its rows, its shares, its costs."""

from __future__ import annotations

import io

import pandas as pd
import pytest

from fos_ref.exactness.choice_groups import groups
from fos_ref.exactness.choice_inputs import INPUTS
from fos_ref.exactness.wrong_choice import sample
from fos_ref.report.lineup import Plan
from fos_ref.report.tables import csv
from fos_ref.report.wrong_choice import jobs, share, wrong_choice_markdown, wrong_choices

PLAN = Plan(seeds=1, shape=(32, 64))


@pytest.fixture(scope="module")
def table():
    calls = []
    found = wrong_choices(PLAN, 2, lambda: calls.append(1))
    assert len(calls) == len(jobs()) == len(INPUTS) == 9
    return found


@pytest.mark.long
def test_there_is_a_row_for_each_group_and_input_with_the_counts_of_one_tensor(table):
    assert len(table) == len(groups()) * len(INPUTS)
    assert not table.duplicated(["preset", "input"]).any()
    for name in ("near-tie", "coarse"):
        rows = table[table["input"] == name]
        tallies = sample(name, (16, 64), 0)
        assert list(rows["flipped"]) == [t.flipped for t in tallies]
        assert list(rows["exact_ties"]) == [t.ties for t in tallies]
        assert list(rows["cost"]) == [t.cost for t in tallies]


def test_every_preset_of_a_group_is_named(table):
    named = [p for text in table[table["input"] == "normal"]["presets"] for p in text.split()]
    assert sorted(named) == sorted(p for g in groups() for p in g.presets)
    text = "\n".join(wrong_choice_markdown(table))
    assert all(f"`{p}`" in text for p in named)


def test_the_csv_is_read_back(table):
    back = pd.read_csv(io.BytesIO(csv(table)), dtype={"cost": str, "largest_margin": str})
    assert back.equals(table.astype({"cost": str, "largest_margin": str}))


@pytest.mark.parametrize(
    ("flipped", "broken", "text"),
    [(0, 0, "0"), (3, 0, "0.0092"), (0, 2, "0 + 0.0061"), (14746, 39, "45 + 0.12"), (32768, 0, "100")],
)
def test_a_share_has_two_digits_and_says_nothing_of_ties_unless_some_were_broken(flipped, broken, text):
    assert share({"blocks": 32768, "flipped": flipped, "ties_broken": broken}) == text


def test_the_tables_hold_the_shares_and_only_inputs_with_a_price(table):
    table = table.copy()
    table.loc[:, ["flipped", "ties_broken"]] = 0
    table.loc[:, "cost"] = "0"
    at = (table["preset"] == "4over6") & (table["input"] == "uniform")
    table.loc[at, ["flipped", "ties_broken", "cost"]] = [16, 8, "1.25e-07"]
    text = "\n".join(wrong_choice_markdown(table))
    assert "| `4over6` | 0 | 0 | 0 | 25 + 12 | 0 | 0 | 0 | 0 | 0 |" in text
    assert "|  | uniform |\n| --- | ---: |\n| `4over6` | 1.25e-07 |\n" in text
    assert "`modelopt-4over6` (trial) | 0 |" in text
    assert "64 blocks of 1x16 or 4 tiles of 16x16; near-tie 64 or 4." in text
