"""The page on one weights file, in Markdown."""

from __future__ import annotations

import pandas as pd

from fos_ref.report.lineup import BASELINE, LINEUP
from fos_ref.report.metrics import METRICS
from fos_ref.report.tables import link, literal, markdown, prose, sections, shown, totals
from fos_ref.report.weights import Weights

_NAMES = 500  #: of the tensors that were left, for one reason; the JSON document has all


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
