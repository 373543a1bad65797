"""The Markdown of the report. Every number in it comes from the tables; the sentences are fixed."""

from __future__ import annotations

import pandas as pd

from fos_ref.report.dialects_text import dialects_markdown
from fos_ref.report.family.members import FAMILY
from fos_ref.report.family.optimum import RULES
from fos_ref.report.family.text import family_markdown, optimum_markdown
from fos_ref.report.lineup import BASELINE, CHOOSERS, LINEUP, METHOD, Plan
from fos_ref.report.measured import Report
from fos_ref.report.metrics import METRICS
from fos_ref.report.position import BINS
from fos_ref.report.tables import by_distribution, markdown, prose, sections, shown
from fos_ref.report.worked import Mapping, Worked
from fos_ref.report.wrong_choice import wrong_choice_markdown

POSITION_FIGURE = "error-by-position.png"
ERROR_FIGURE = "error-by-distribution.png"
SHARE_FIGURE = "share-choosing-4.png"


def report_markdown(r: Report) -> bytes:
    """Return report.md."""
    return sections(
        [
            "# Four Over Six against plain NVFP4",
            _abstract(r),
            "Written by `fos report`; not edited by hand. A second run gives the same bytes.",
            "## The worked block",
            *_worked(r.worked),
            "## Error by distribution",
            _setup(r.plan),
            f"![MSE relative to plain NVFP4, by distribution]({ERROR_FIGURE})",
            *_metric_tables(r.errors),
            "## Which blocks choose 4",
            f"![Share of blocks that chose map-to-4]({SHARE_FIGURE})",
            f"{METRICS['share4_pct']}:",
            markdown(by_distribution(r.errors, "share4_pct", CHOOSERS)),
            "## Where 4/6 gains and loses",
            _position(r.profile),
            f"![Error by position in the block]({POSITION_FIGURE})",
            "## How far 4/6 is from the best block scales",
            *optimum_markdown(r.plan, r.optimum),
            "## The family of formats",
            *family_markdown(r.plan, r.family, r.published),
            "## Published numbers beside ours",
            _published(r.published),
            "## Where dialects disagree",
            *dialects_markdown(r.matrices),
            "## How often float32 chooses wrongly",
            *wrong_choice_markdown(r.wrong),
            "## The recipes",
            prose(_recipes()),
        ]
    )


def _recipes() -> list[list[str]]:
    """Return what every label stands for, one row a recipe."""
    named = {e.preset: (e.label, e.meaning) for e in FAMILY} | {r.key: (r.label, r.meaning) for r in RULES}
    named |= {e.preset: (e.label, e.meaning) for e in LINEUP}
    order = dict.fromkeys((*(e.preset for e in LINEUP), *named))
    return [
        ["label", "recipe", "what it is"],
        *([named[k][0], f"`{k}`", named[k][1]] for k in order),
    ]


def _abstract(r: Report) -> str:
    cell = r.errors.set_index(["distribution", "recipe"])[["mse_e3", "mse_ratio"]].to_dict()
    plain, method = (shown("mse_e3", cell["mse_e3"][("normal", k)]) for k in (BASELINE, METHOD))
    ratio = shown("mse_ratio", cell["mse_ratio"][("normal", METHOD)])
    block = r.worked.mse
    return (
        f"The block [10, 20, 30, 40] costs plain NVFP4 a mean squared error of {block[BASELINE]:.10g}; "
        f"with 4/6 it costs {block[METHOD]:.10g}. On N(0, 1) the error over the power is {plain}e-3 "
        f"with plain NVFP4 and {method}e-3 with 4/6, {ratio} of it. The rest of this page says where that "
        "comes from, which rule gets how much of it, and on which inputs it is lost."
    )


def _worked(worked: Worked) -> list[str]:
    intro = (
        "x = [10, 20, 30, 40], twelve zeros after it, tensor scale 1. Map-to-6 divides the block amax by 6, "
        "map-to-4 by 4; the block scale is rounded to E4M3, each value to E2M1. The error is over the four "
        "values."
    )
    parts = [intro]
    for m in worked.mappings:
        parts += [_mapping_line(m), markdown(_mapping_rows(m))]
    return parts


def _mapping_line(m: Mapping) -> str:
    kept = ": **the one 4/6 keeps**" if m.chosen else ""
    return (
        f"**{m.name}**{kept}. Block scale {m.raw_scale:.9g}, in E4M3 0x{m.scale_code:02X} = {m.scale:g}. "
        f"Mean squared error {m.mse:.10g}."
    )


def _mapping_rows(m: Mapping) -> list[list[str]]:
    header = ["x", "x / block scale", "E2M1 code", "its value", "back", "error"]
    return [
        header,
        *(
            [
                f"{s.x:g}",
                f"{s.scaled:.9g}",
                f"0x{s.code:X}",
                f"{s.element:g}",
                f"{s.dequantized:g}",
                f"{s.error:g}",
            ]
            for s in m.steps
        ),
    ]


def _setup(plan: Plan) -> str:
    rows, cols = plan.shape
    return (
        f"{plan.seeds} tensors of {rows} x {cols} float32 values for each distribution, seeds 0 to "
        f"{plan.seeds - 1}. The error is (float32 dequantized - input), summed in float64. Each figure is "
        "the mean over the seeds, with the half-width of its 95 % confidence interval (Student's t). The "
        "numbers of this page are in errors.csv."
    )


def _metric_tables(errors: pd.DataFrame) -> list[str]:
    parts: list[str] = []
    for metric, title in METRICS.items():
        recipes = [e.preset for e in LINEUP if (metric, e.preset) != ("mse_ratio", BASELINE)]
        if metric != "share4_pct":
            parts += [f"{title}:", markdown(by_distribution(errors, metric, recipes))]
    return parts


def _position(profile: pd.DataFrame) -> str:
    change = profile["part_chosen"] - profile["part_map6"]
    gain, loss = -change[change < 0].sum(), change[change > 0].sum()
    gap = change[(profile["from"] >= 2 / 3) & (profile["to"] < 1)].sum()
    return (
        "A value's position is |x| over the amax of its block. Map-to-6 has no value between 2/3 and 1 "
        "(codes 4 and 6), map-to-4 has 3/4 there; in exchange it is coarser below. On N(0, 1), both "
        f"candidates under the bound 256, 4/6 takes {gain:.3f}e-3 off the error over the power where it "
        f"gains and adds {loss:.3f}e-3 where it loses. The positions from 2/3 to 1 change by {gap:+.3f}e-3. "
        f"({BINS} bins and the block's largest value itself, in position.csv.)"
    )


def _published(table: pd.DataFrame) -> str:
    header = ["quantity", "published", "ours", "deviation", "same digits", "source", "how it was read"]
    return prose(
        [
            header,
            *(
                [
                    str(row["quantity"]),
                    str(row["published"]),
                    f"{row['ours']:.7g}",
                    "" if pd.isna(row["deviation_pct"]) else f"{row['deviation_pct']:+.2f} %",
                    "yes" if row["agrees"] else "no",
                    str(row["source"]),
                    str(row["how_read"]),
                ]
                for _, row in table.iterrows()
            ),
        ]
    )
