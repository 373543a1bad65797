"""The sections on errors: by distribution, by position, beside the best block scales, by format."""

from __future__ import annotations

import pandas as pd

from fos_ref.report import figures
from fos_ref.report.family.figures import distance_from_optimum, sqnr_by_format
from fos_ref.report.family.members import FAMILY
from fos_ref.report.family.optimum import RULES
from fos_ref.report.lineup import DISTRIBUTION_LABELS, LINEUP
from fos_ref.report.page.embed import drawing
from fos_ref.report.page.folder import Tables
from fos_ref.report.page.parts import cells, Section, with_intervals

_LABELS = DISTRIBUTION_LABELS | {e.preset: e.label for e in LINEUP}
_FORMATS = DISTRIBUTION_LABELS | {m.preset: m.label for m in FAMILY}
_RULES = DISTRIBUTION_LABELS | {r.key: r.label for r in RULES}


def sections(t: Tables) -> list[Section]:
    """Return the sections for the tables that are there."""
    made = []
    if "errors" in t:
        made.append(_errors(t["errors"]))
    if "position" in t:
        made.append(_position(t["position"]))
    if "optimum" in t:
        made.append(_optimum(t["optimum"]))
    if "family" in t:
        made.append(_family(t["family"]))
    if "published" in t:
        made.append(_published(t["published"]))
    return made


def _errors(e: pd.DataFrame) -> Section:
    ratio = with_intervals(
        e,
        "MSE relative to plain NVFP4, with its 95 % interval",
        ("distribution", "recipe"),
        "mse_ratio",
        _LABELS,
    )
    share = with_intervals(
        e, "blocks that chose map-to-4, %", ("distribution", "recipe"), "share4_pct", _LABELS
    )
    power = with_intervals(e, "MSE / power, x 1e-3", ("distribution", "recipe"), "mse_e3", _LABELS)
    return Section(
        "errors",
        "Error by distribution and recipe",
        (
            (
                "Left of the line a recipe errs less than plain NVFP4 on the same tensors, right of it "
                "more. Means over seeded tensors; a bar is the 95 % interval over the seeds, where it is "
                "wider than its mark."
            ),
        ),
        (
            drawing(
                lambda narrow: figures.error_by_distribution(e, narrow=narrow),
                "Mean squared error relative to plain NVFP4, by distribution",
                "A hollow mark is the same rule under the bound 448, or plain NVFP4 in tiles.",
                ratio,
            ),
            drawing(
                lambda narrow: figures.share_choosing_4(e, narrow=narrow),
                "Blocks that chose map-to-4",
                "Which blocks choose 4 depends on the distribution more than on the rule.",
                share,
            ),
        ),
        (power,),
    )


def _position(p: pd.DataFrame) -> Section:
    names = {"from": "from", "to": "to", "values": "values", "part_map6": "map-to-6"}
    names |= {"part_map4": "map-to-4", "part_chosen": "4/6"}
    columns = ["from", "to", "part_map6", "part_map4", "part_chosen"]
    return Section(
        "position",
        "Where 4/6 gains and loses",
        (
            (
                "A value's position is |x| over the amax of its block. Map-to-6 has nothing between 2/3 and "
                "1; map-to-4 has 3/4 there, and is coarser below. 4/6 keeps the better of the two for each "
                "block."
            ),
        ),
        (
            drawing(
                lambda narrow: figures.error_by_position(p, narrow=narrow),
                "Error by the value's position in its block, N(0, 1)",
                "Blue: what 4/6 takes off the error. Red: what it adds. A curve goes through 128 bins.",
                cells(p[columns], "part of MSE / power by position, x 1e-3", names),
            ),
        ),
    )


def _optimum(o: pd.DataFrame) -> Section:
    numbers = o[["distribution", "recipe", "mse_e3", "gap_pct"]].copy()
    for column in ("distribution", "recipe"):
        numbers[column] = [_RULES.get(str(v), str(v)) for v in numbers[column]]
    names = {"mse_e3": "MSE / power, x 1e-3", "gap_pct": "of the way to the optimum, %", "recipe": "rule"}
    return Section(
        "optimum",
        "How far 4/6 is from the best block scales",
        ("The optimum tries, for each block, every E4M3 scale there is. 1 is the better of both bounds.",),
        (
            drawing(
                lambda narrow: distance_from_optimum(o, narrow=narrow),
                "Mean squared error relative to the best of all block scales",
                "A rule at 1.1 errs a tenth more than the best that any rule could do.",
                cells(numbers, "errors of the rules and of both optima", names),
            ),
        ),
    )


def _family(f: pd.DataFrame) -> Section:
    table = with_intervals(
        f, "signal to quantization noise, dB", ("recipe", "distribution"), "sqnr_db", _FORMATS
    )
    return Section(
        "family",
        "The family of formats",
        ("What a block can be made of besides E2M1, and what a power of two as its scale costs.",),
        (
            drawing(
                lambda narrow: sqnr_by_format(f, narrow=narrow),
                "Signal to quantization noise by format",
                "Each format's line spans three distributions; the vertical one is 4/6 on N(0, 1).",
                table,
            ),
        ),
    )


def _published(p: pd.DataFrame) -> Section:
    names = {"deviation_pct": "deviation, %", "agrees": "same digits"}
    columns = ["quantity", "published", "ours", "deviation_pct", "agrees", "source"]
    return Section(
        "published",
        "Published numbers beside ours",
        ("Every number that a paper states and that can be checked without a model.",),
        tables=(cells(p[columns], "published figures, ours, and how far they are apart", names),),
    )
