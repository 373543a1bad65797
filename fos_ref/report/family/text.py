"""The report's sections on the family of formats and on the best block scales, in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from fos_ref.report.family.measure import INT_SHARE
from fos_ref.report.family.members import FAMILY
from fos_ref.report.family.optimum import GAP, OPTIMA, RULES
from fos_ref.report.lineup import DISTRIBUTION_LABELS, METHOD, Plan
from fos_ref.report.metrics import METRICS
from fos_ref.report.published import IF4
from fos_ref.report.tables import markdown, Rows, shown

FAMILY_FIGURE = "sqnr-by-format.png"
OPTIMUM_FIGURE = "distance-from-optimum.png"
_ALL = tuple(DISTRIBUTION_LABELS)
_INTRO = (
    "What a block can be made of besides E2M1, and what a power of two in place of an E4M3 scale costs. IF4 "
    "keeps E2M1 or INT4 for each block, the better of the two under one scale, whose sign bit says which; "
    "IF6 and IF3 do the same with 6 and 3 bits. Bits a value are its code and its part of the block scale. "
    "All figures, with their intervals, are in family.csv."
)
_ANCHOR = (
    "IF4's paper prints a table of N(0, 1) for the formats of 4 bits; it stands beside ours below. For 3 and "
    "6 bits no published figure is known: nothing holds ours but the oracle."
)
_OPTIMUM = (
    "4/6 tries two scales a block. How much is left for a rule that tries more? The optimum takes, of all "
    "126 E4M3 scales that are not zero, the one under which the nearest values have the smallest squared "
    "error: under a given tensor scale no rule that stores one E4M3 scale a block errs less. There are two, "
    "because the bound fixes the tensor scale; a search that takes its tensor scale after the choice, as "
    "llm-compressor's does, is bound by neither. `scale-optimum` is the optimum as a recipe, with bits."
)


def family_markdown(plan: Plan, errors: pd.DataFrame, published: pd.DataFrame) -> list[str]:
    """Return the section on the formats: errors by distribution, shares of integer blocks, the published."""
    mixed = [m.preset for m in FAMILY if m.mixes]
    return [
        _INTRO,
        _tensors(plan.family),
        f"![SQNR by format]({FAMILY_FIGURE})",
        f"{METRICS['mse_e3']}:",
        markdown(format_rows(errors, _ALL, digits=3)),
        "Blocks that are of integers, %:",
        markdown(_by_format(errors, INT_SHARE, mixed, _ALL, digits=1)),
        _ANCHOR,
        markdown(_anchors(published)),
    ]


def optimum_markdown(plan: Plan, errors: pd.DataFrame) -> list[str]:
    """Return the section on the best block scales."""
    gap, mse = _cells(errors, GAP)["normal", METHOD], _cells(errors, "mse_e3")
    ratio = mse["normal", METHOD] / min(mse["normal", name] for name in OPTIMA)
    said = (
        f"On N(0, 1) 4/6 errs {ratio:.3f} times as much as the better optimum and goes "
        f"{gap:.0f} % of the way there from plain NVFP4. All figures are in optimum.csv."
    )
    return [
        _OPTIMUM,
        f"{_tensors(plan.optimum)} {said}",
        f"![MSE of searches relative to the optimum]({OPTIMUM_FIGURE})",
        f"{METRICS['mse_e3']}:",
        markdown(rule_rows(errors, _ALL, digits=3)),
        "Part of the way from plain NVFP4 to the better optimum, %:",
        markdown(rule_rows(errors, _ALL, GAP, digits=0)),
    ]


def _tensors(plan: Plan) -> str:
    rows, cols = plan.shape
    return f"{plan.seeds} tensors of {rows} x {cols} float32 values for each distribution."


def _cells(errors: pd.DataFrame, metric: str) -> dict[tuple[str, str], float]:
    keys = zip(errors["distribution"], errors["recipe"], strict=True)
    return dict(zip(keys, errors[metric], strict=True))


def format_rows(errors: pd.DataFrame, distributions: Sequence[str], digits: int = 2) -> Rows:
    """Return a row for each format: its bits a value, and its MSE over the power, x 1e-3, by distribution."""
    return _by_format(errors, "mse_e3", [m.preset for m in FAMILY], distributions, digits)


def rule_rows(
    errors: pd.DataFrame, distributions: Sequence[str], metric: str = "mse_e3", digits: int = 2
) -> Rows:
    """Return a row for each way to choose block scales, one metric by distribution."""
    cells = _cells(errors, metric)
    body = [[r.label, *(f"{cells[d, r.key]:.{digits}f}" for d in distributions)] for r in RULES]
    return [["", *(DISTRIBUTION_LABELS[d] for d in distributions)], *body]


def _by_format(
    errors: pd.DataFrame, metric: str, presets: list[str], distributions: Sequence[str], digits: int
) -> Rows:
    cells = _cells(errors, metric)
    labels = {m.preset: (m.label, f"{m.bits:g}") for m in FAMILY}
    body = [[*labels[p], *(f"{cells[d, p]:.{digits}f}" for d in distributions)] for p in presets]
    return [["", "bits", *(DISTRIBUTION_LABELS[d] for d in distributions)], *body]


def _anchors(published: pd.DataFrame) -> Rows:
    """Return IF4's table, its figures as printed, beside ours."""
    own = published[published["source"] == IF4]
    body = [
        [str(r["quantity"]), str(r["published"]), shown("mse_e3", r["ours"]), f"{r['deviation_pct']:+.2f} %"]
        for _, r in own.iterrows()
    ]
    return [["IF4's table 1", "published", "ours", "deviation"], *body]
