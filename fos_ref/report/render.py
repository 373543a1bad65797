"""The Markdown of the report. Every number in it comes from the tables; the sentences are fixed."""

from __future__ import annotations

import pandas as pd

from fos_ref.report.dialects import Matrix
from fos_ref.report.dialects_text import dialects_markdown
from fos_ref.report.lineup import BASELINE, CHOOSERS, FAMILY, IF4, LINEUP, METHOD, Plan
from fos_ref.report.metrics import METRICS
from fos_ref.report.position import BINS
from fos_ref.report.tables import by_distribution, link, literal, markdown, prose, sections, shown, totals
from fos_ref.report.weights import Weights
from fos_ref.report.worked import Mapping, Worked
from fos_ref.report.wrong_choice import wrong_choice_markdown

POSITION_FIGURE = "error-by-position.png"
ERROR_FIGURE = "error-by-distribution.png"
_NAMES = 500  #: of the tensors that were left, for one reason; the JSON document has all
SHARE_FIGURE = "share-choosing-4.png"


def report_markdown(
    plan: Plan,
    worked: Worked,
    errors: pd.DataFrame,
    profile: pd.DataFrame,
    published: pd.DataFrame,
    *,
    matrices: list[Matrix],
    wrong: pd.DataFrame,
) -> bytes:
    """Return report.md."""
    return sections(
        [
            "# Four Over Six against plain NVFP4",
            _abstract(worked, errors),
            "Written by `fos report`; not edited by hand. A second run gives the same bytes.",
            "## The worked block",
            *_worked(worked),
            "## Error by distribution",
            _setup(plan),
            f"![MSE relative to plain NVFP4, by distribution]({ERROR_FIGURE})",
            *_metric_tables(errors),
            "## The family of formats",
            *_family(errors),
            "## Which blocks choose 4",
            f"![Share of blocks that chose map-to-4]({SHARE_FIGURE})",
            f"{METRICS['share4_pct']}:",
            markdown(by_distribution(errors, "share4_pct", CHOOSERS)),
            "## Where 4/6 gains and loses",
            _position(profile),
            f"![Error by position in the block]({POSITION_FIGURE})",
            "## Published numbers beside ours",
            _published(published),
            "## Where dialects disagree",
            *dialects_markdown(matrices),
            "## How often float32 chooses wrongly",
            *wrong_choice_markdown(wrong),
            "## The recipes",
            prose(
                [
                    ["label", "preset", "what it is"],
                    *([e.label, f"`{e.preset}`", e.meaning] for e in (*LINEUP, *FAMILY)),
                ]
            ),
        ]
    )


def _abstract(worked: Worked, errors: pd.DataFrame) -> str:
    cell = errors.set_index(["distribution", "recipe"])[["mse_e3", "mse_ratio"]].to_dict()
    plain, method = (shown("mse_e3", cell["mse_e3"][("normal", r)]) for r in (BASELINE, METHOD))
    ratio = shown("mse_ratio", cell["mse_ratio"][("normal", METHOD)])
    return (
        f"The block [10, 20, 30, 40] costs plain NVFP4 a mean squared error of {worked.mse[BASELINE]:.10g}; "
        f"with 4/6 it costs {worked.mse[METHOD]:.10g}. On N(0, 1) the error over the power is {plain}e-3 "
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


def _family(errors: pd.DataFrame) -> list[str]:
    """Return the formats of 4 bits beside plain NVFP4 and 4/6, and how often IF4 keeps INT4."""
    intro = (
        "The other formats of 4 bits: INT4 under the same scales, the choice between E2M1 and INT4, and E2M1 "
        "under powers of two by the rules in use. MXFP4 takes 4.25 bits a value, the others 4.5."
    )
    family = [BASELINE, METHOD, *(e.preset for e in FAMILY)]
    return [
        intro,
        f"{METRICS['mse_e3']}:",
        markdown(by_distribution(errors, "mse_e3", family)),
        f"{METRICS['mse_ratio']}:",
        markdown(by_distribution(errors, "mse_ratio", family[1:])),
        "Blocks of IF4 that chose INT4, %:",
        markdown(by_distribution(errors, "share4_pct", [IF4])),
    ]


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


def weights_markdown(w: Weights, figure: str) -> bytes:
    """Return weights-<stem>.md."""
    return sections(
        [
            f"# Plain NVFP4 and 4/6 on the weights of {literal(w.name)}",
            f"Written by `fos report --weights`; not edited by hand. SHA-256 of the file: `{w.sha256}`.",
            _selection(w),
            *_totals(w),
            f"![MSE relative to plain NVFP4, by tensor]({link(figure)})",
            "## By tensor",
            f"{METRICS['mse_e3']} for plain NVFP4, then {METRICS['mse_ratio']} for the others:",
            _tensors(w.tensors),
            "## Not measured",
            _left(w.left),
        ]
    )


def _selection(w: Weights) -> str:
    return (
        f"{w.tensors['tensor'].nunique()} tensors were measured: the 2-D ones of float32, float16 or "
        "bfloat16 whose last axis is a multiple of 16. A 16x16 tile that the rows do not fill is filled up "
        "with zeros. Errors of a total are sums over its tensors."
    )


def _totals(w: Weights) -> list[str]:
    parts: list[str] = []
    metrics = list(METRICS)
    for title, group in w.totals.groupby("total", sort=False):
        first = group.iloc[0]
        body = totals(group, metrics)[1:]
        parts += [
            f"## Total: {title}",
            f"{first['tensors']} tensors, {first['values']} values.",
            markdown([["", *METRICS.values()], *body]),
        ]
    return parts


def _tensors(tensors: pd.DataFrame) -> str:
    others = [e for e in LINEUP if e.preset != BASELINE]
    rows = [["tensor", "shape", "NVFP4", *(e.label for e in others)]]
    for name, group in tensors.groupby("tensor", sort=False):
        cell = group.set_index("recipe")[["mse_e3", "mse_ratio"]].to_dict()
        shape = f"{group['rows'].iloc[0]} x {group['cols'].iloc[0]}"
        ratios = [shown("mse_ratio", cell["mse_ratio"][e.preset]) for e in others]
        rows.append([literal(str(name)), shape, shown("mse_e3", cell["mse_e3"][BASELINE]), *ratios])
    return markdown(rows)


def _left(left: dict[str, str]) -> str:
    if not left:
        return "Nothing: every tensor of the file was measured."
    reasons: dict[str, list[str]] = {}
    for name, why in left.items():
        reasons.setdefault(why, []).append(name)
    return prose(
        [
            ["reason", "tensors", "names"],
            *([why, str(len(n)), _first(n)] for why, n in reasons.items()),
        ]
    )


def _first(names: list[str]) -> str:
    rest = [f"and {len(names) - _NAMES:,} more"] if len(names) > _NAMES else []
    return ", ".join([*map(literal, names[:_NAMES]), *rest])
