"""The page on training in Markdown. Every number in it comes from the tables; the sentences are fixed."""

from __future__ import annotations

import pandas as pd

from fos_ref.report.tables import markdown, prose, Rows, sections
from fos_ref.report.training.cost import DIGITS, digits, in_digits, METRICS
from fos_ref.report.training.curves import DATA, SIGMAS
from fos_ref.report.training.layer import PRODUCTS, SHOWN
from fos_ref.report.training.measured import Training
from fos_ref.report.training.plan import Plan
from fos_ref.report.training.rounders import ROUNDERS
from fos_ref.report.training.sharing import SUMS
from fos_ref.training import STACKS

ROUNDERS_FIGURE = "training-rounders.png"
CURVES_FIGURE = "training-curves.png"
SHARED_FIGURE = "training-shared-noise.png"
LAYER_FIGURE = "training-layer.png"
_TITLES = {"y": "y = x W^T", "grad_x": "gradient of x", "grad_w": "gradient of W"}
_COST = (
    "N(0, 1): the squared error over the power, times 1000, and shrink, 1 - <q, x> / <x, x>: what a product "
    "loses on average. Rows that say expectation are exact over all draws of the rounding."
)
_STATED = (
    "A figure is held to 1 %, or to the digits that are stated: then ours, rounded to as many, has to be the "
    "same. Shrink moves with the tensor amax: that of "
    "TE and torchao, ideal, goes from 3.3e-3 to 3.4e-3 between tensors; figures that move more than their "
    "digits are shown only."
)
_CURVES = (
    "A rounder without bias lets the mean of B draws near the truth as 1/B: a line of slope -1 on log-log "
    "axes. A biased one flattens at the squared length of its bias, and no number of steps or micro-batches "
    "averages it away. The floor is estimated without bias, from products of the errors of different draws. "
    f"A rounder flattens where it stands {SIGMAS} standard errors above nothing, which one without a floor "
    "does once in a thousand."
)
_SHARED = (
    "Values that share a random number have rounding errors with correlation 1/2. The variance of the sum of "
    "n of them, in squared steps, is n/6 + n (n - 1) / 12, and n^2/12 takes over; with numbers of their own "
    "it is n/6. No test of single values sees it, and a product sums along just such an axis."
)
_LAYER = (
    "One linear layer as each stack quantizes it (docs/training.md): six operands, products in float64 of "
    "their values, so that nothing but quantization is in the figures. Root of the squared error over the "
    "power, in percent: of one draw, and what the mean of endless draws keeps: what is rounded to "
    "nearest, and every bias. So many draws tell no less of it than is said. "
    "Signs that are drawn anew in each pass turn even a nearest rounding of rotated operands into noise."
)


def training_markdown(t: Training) -> bytes:
    """Return training.md."""
    return sections(
        [
            "# What training numerics cost",
            _abstract(t),
            "Written by `fos report --training`; not edited by hand. A second run gives the same bytes.",
            "## What a rounder costs",
            f"{_COST} {_tensors(t.plan)}",
            f"![Error and shrink of every rounder]({ROUNDERS_FIGURE})",
            markdown(cost_rows(t.costs)),
            "## Stated figures beside ours",
            _STATED,
            prose(published_rows(t.published)),
            "## What the mean of draws comes to",
            f"{_CURVES} {t.plan.small[0]} x {t.plan.small[1]} values of {DATA}, {t.plan.draws} draws.",
            f"![Error of the mean of draws]({CURVES_FIGURE})",
            markdown(plateau_rows(t.plateaus)),
            "## What shared noise costs",
            _SHARED,
            f"![Variance of sums of errors]({SHARED_FIGURE})",
            markdown(shared_rows(t.shared)),
            "## The three products of a layer",
            f"{_LAYER} {t.layer_says} {t.plan.layer_draws} draws.",
            f"![Errors of the three products]({LAYER_FIGURE})",
            markdown(layer_rows(t.layer)),
            "## The rounders and the stacks",
            prose([["rounder", "what it is"], *([r.label, r.says] for r in ROUNDERS.values())]),
            prose([["stack", "shown as", "source"], *_stacks()]),
        ]
    )


def _abstract(t: Training) -> str:
    error, shrink = (t.costs.set_index("rounder")[m].to_dict() for m in METRICS)
    floor = t.plateaus.set_index("rounder")["floor"].to_dict()
    flat = [ROUNDERS[str(n)].label for n in t.plateaus[t.plateaus["flattens"] == "yes"]["rounder"]]
    return (
        f"Stochastic rounding costs {error['sr-ideal']:.2f}e-3 of the power where rounding to "
        f"nearest costs {error['nearest']:.2f}e-3. As TransformerEngine and torchao ship it, "
        f"without the factor 16/17, it costs {error['te-ideal']:.2f}e-3 and shrinks by "
        f"{shrink['te-ideal']:.1e}; 4/6 on drawn roundings is biased too, with a floor of "
        f"{floor['4over6-own']:.1e}. Means flatten for: {'; '.join(flat)}."
    )


def _tensors(plan: Plan) -> str:
    rows, cols = plan.shape
    return (
        f"{plan.seeds} tensors of {rows} x {cols} values. A figure is the mean over them, with the "
        "half-width of its 95 % confidence interval (Student's t)."
    )


def cost_rows(table: pd.DataFrame) -> Rows:
    """Return a header and a row for each rounder: error and shrink with their intervals."""
    rows: Rows = [["rounder", "error x 1000", "shrink", "taken from"]]
    for _, r in table.iterrows():
        error = f"{r['error_e3']:.3f} \u00b1 {r['error_e3_ci']:.3f}"
        shrink = f"{_small(r['shrink'])} \u00b1 {_small(r['shrink_ci'])}"
        rows.append([ROUNDERS[str(r["rounder"])].label, error, shrink, str(r["of"])])
    return rows


def _small(v: float) -> str:
    """Return a share of a value; what float64 sums leave of nothing is 0."""
    return "0" if abs(v) < 1e-7 else f"{v:.2e}"  # noqa: PLR2004


def published_rows(table: pd.DataFrame) -> Rows:
    """Return a header and a row for each stated figure."""
    rows: Rows = [["quantity", "stated", "ours", "deviation", "held to", "agrees", "source"]]
    for _, r in table.iterrows():
        stated, ours, off = str(r["stated"]), f"{r['ours']:.6g}", f"{r['deviation_pct']:+.2f} %"
        if r["held_to"] == DIGITS:
            ours = f"{in_digits(r['ours'], stated)} ({ours})"
            stated = f"{in_digits(float(stated), stated)} ({digits(stated)} digits)"
            off += " before it is rounded"
        shown = [stated, ours, off]
        rows.append([str(r["quantity"]), *shown, str(r["held_to"]), str(r["agrees"]), str(r["source"])])
    return rows


def plateau_rows(table: pd.DataFrame) -> Rows:
    """Return a header and a row for each rounder: first and last error, slope, floor."""
    draws = int(table["draws"].iloc[0])
    rows: Rows = [
        ["rounder", "one draw", f"mean of {draws}", "last slope", "floor", "flattens", "exact floor"]
    ]
    for _, r in table.iterrows():
        exact = "" if pd.isna(r["floor_exact"]) else _small(r["floor_exact"])
        errors = [f"{r['one_draw']:.2e}", f"{r['last']:.2e}", f"{r['slope_last']:+.2f}"]
        floor = f"{r['floor']:.1e} \u00b1 {r['floor_error']:.0e}"
        rows.append([ROUNDERS[str(r["rounder"])].label, *errors, floor, str(r["flattens"]), exact])
    return rows


def shared_rows(table: pd.DataFrame) -> Rows:
    """Return a header and a row for each map: the variance of a sum by its length, and both laws."""
    counts = list(dict.fromkeys(table["n"]))
    by_place = table.set_index(["map", "n"])
    variance, own, together = (by_place[c].to_dict() for c in ("variance", "own", "shared"))
    rows: Rows = [["variance of a sum of", *map(str, counts), "of which"]]
    for name, sums in SUMS.items():
        rows.append([f"`{name}`", *(f"{variance[name, n]:.3g}" for n in counts), sums.says])
    first = next(iter(SUMS))
    for law, says in ((own, "n/6"), (together, "n/6 + n (n - 1) / 12")):
        rows.append([says, *(f"{law[first, n]:.3g}" for n in counts), "the law"])
    return rows


def layer_rows(table: pd.DataFrame) -> Rows:
    """Return a header and a row for each stack: every product's error of one draw and its bias, percent."""
    by_place = table.set_index(["stack", "product"])
    drawn, kept, told = (by_place[c].to_dict() for c in ("one_draw_pct", "bias_pct", "told_from_pct"))
    header = [f"{_TITLES[p]}: {what}" for p in PRODUCTS for what in ("one draw", "kept")]
    rows: Rows = [["stack", *header]]
    for name, shown in SHOWN.items():
        figures: list[str] = []
        for at in ((name, p) for p in PRODUCTS):
            seen = kept[at] >= told[at]
            figures += [f"{drawn[at]:.2f}", f"{kept[at]:.2f}" if seen else f"below {told[at]:.1f}"]
        rows.append([shown.label, *figures])
    return rows


def _stacks() -> Rows:
    return [[f"`{name}`", shown.label, f"`{STACKS[name].source}`"] for name, shown in SHOWN.items()]
