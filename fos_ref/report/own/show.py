"""Own figures as a page's section, a picture, Markdown, LaTeX and rows for a terminal."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from fos_ref.errors.text import shown
from fos_ref.recipes import Recipe
from fos_ref.report.figures import legend_below, log_ticks
from fos_ref.report.lineup import BY_PRESET
from fos_ref.report.metrics import METRICS
from fos_ref.report.page.embed import drawing
from fos_ref.report.page.parts import Section, Table
from fos_ref.report.style import FAINT, NARROW, rows, spread, style, WIDTH
from fos_ref.report.tables import DECIMALS, literal, markdown, Rows, sections

CSV, PAGE, PICTURE = "own.csv", "own.md", "own.png"
_ROW = 0.16  #: inches of one point
_LONGEST = 40
#: The colours of Okabe and Ito with the markers of the other figures, for any recipes.
_LOOKS = tuple(
    (colour, marker, filled)
    for filled in (True, False)
    for colour, marker in zip(
        ("#0072b2", "#e69f00", "#009e73", "#cc4c7e", "#d55e00", "#56b4e9", "#a6761d"), "os^vDPX", strict=True
    )
)
_FAR = 8  #: times: from here on the axis is logarithmic
_SPECIAL = {c: f"\\{c}" for c in "&%$#_{}"} | {"\\": "\\textbackslash{}", "~": "\\textasciitilde{}"}
_SPECIAL |= {"^": "\\textasciicircum{}", "<": "\\textless{}", ">": "\\textgreater{}", "|": "\\textbar{}"}


def names_of(table: pd.DataFrame) -> list[str]:
    """Return the recipes in their order."""
    return list(dict.fromkeys(map(str, table["recipe"])))


def cell_rows(table: pd.DataFrame, metric: str) -> Rows:
    """Return one metric with its interval: a row for each input, a column for each recipe."""
    recipes = names_of(table)
    cells = {(str(r["input"]), str(r["recipe"])): _cell(r, metric) for r in table.to_dict("records")}
    header = ["input", *(BY_PRESET[r].label if r in BY_PRESET else shown(r, _LONGEST) for r in recipes)]
    return [header, *([i, *(cells[i, r] for r in recipes)] for i in dict.fromkeys(map(str, table["input"])))]


def _cell(row: Mapping[Hashable, object], metric: str) -> str:
    value, half = row[metric], row[f"{metric}_ci"]
    assert isinstance(value, float)
    assert isinstance(half, float)
    text = f"{value:.{DECIMALS[metric]}f}"
    return text if math.isnan(half) else f"{text} ± {half:.{DECIMALS[metric]}f}"


def picture(table: pd.DataFrame, *, narrow: bool = False) -> Figure:
    """Draw the MSE of each recipe relative to plain NVFP4, an input a row."""
    recipes, inputs = names_of(table), list(dict.fromkeys(map(str, table["input"])))
    ratio = table.pivot_table(index="input", columns="recipe", values="mse_ratio", sort=False, dropna=False)
    half = table.pivot_table(index="input", columns="recipe", values="mse_ratio_ci", sort=False, dropna=False)
    with style():
        height = 1.2 + max(_ROW * len(recipes), 0.5) * len(inputs)
        fig = Figure(figsize=(NARROW if narrow else WIDTH, height), layout="constrained")
        ax = fig.subplots()
        ax.axvline(1, color=FAINT, linewidth=1, zorder=1, label="plain NVFP4")
        for n, (r, shift) in enumerate(zip(recipes, spread(len(recipes)), strict=True)):
            colour, marker, filled = _LOOKS[n % len(_LOOKS)]
            ends = half[r].to_numpy(dtype=float) if r in half else np.zeros(len(inputs))
            ax.errorbar(
                ratio.loc[inputs, r],
                np.arange(len(inputs)) + shift,
                xerr=np.nan_to_num(ends),
                fmt=marker,
                color=colour,
                markersize=5,
                markerfacecolor=colour if filled else "white",
                label=shown(r, _LONGEST),
            )
        rows(ax, [shown(i, _LONGEST) for i in inputs])
        values = table["mse_ratio"]
        if values.min() > 0 and values.max() > _FAR * values.min() and np.isfinite(values.max()):
            log_ticks(ax)
        ax.set_xlabel("MSE relative to plain NVFP4; bars: 95 %")
        legend_below(fig, (ax,), columns=2 if narrow else 4)
        return fig


def section(table: pd.DataFrame) -> Section:
    """Return the section of the page."""
    says = (
        "Your recipes on your inputs. Over draws an interval is Student's t; over the tensors of a file, or "
        "groups of rows of one tensor, it is the jackknife: each is left out in turn."
    )
    return Section(
        "own",
        "Your own",
        (says,),
        (
            drawing(
                lambda narrow: picture(table, narrow=narrow),
                "Mean squared error of your recipes relative to plain NVFP4",
                "Left of the line a recipe errs less than plain NVFP4 on the same values.",
                Table(METRICS["mse_ratio"], cell_rows(table, "mse_ratio")),
            ),
        ),
        [Table(METRICS[m], cell_rows(table, m)) for m in METRICS if m != "mse_ratio"],
    )


def markdown_page(table: pd.DataFrame, recipes: Mapping[str, Recipe], left: Mapping[str, str]) -> bytes:
    """Return own.md: every metric, what was left out, and the recipes' fingerprints."""
    parts = ["# Your recipes on your inputs", f"![MSE relative to plain NVFP4]({PICTURE})"]
    for metric, title in METRICS.items():
        header, *body = cell_rows(table, metric)
        parts += [
            f"## {title}",
            markdown([list(map(_heading, header)), *([literal(r[0]), *r[1:]] for r in body)]),
        ]
    parts.append(_INTERVALS)
    if left:
        parts += ["## Not measured", "\n".join(f"- {literal(n)}: {why}" for n, why in left.items())]
    prints = [[literal(n), f"`{r.fingerprint()}`"] for n, r in recipes.items()]
    return sections([*parts, "## The recipes", markdown([["recipe", "fingerprint"], *prints])])


_INTERVALS = (
    "After ±: half of the 95 % interval. Over draws it is Student's t; over the tensors of a file or groups "
    "of rows of one tensor the jackknife, which leaves out each in turn. None where one part stands alone."
)


def _heading(text: str) -> str:
    return text if text in {e.label for e in BY_PRESET.values()} or text == "input" else literal(text)


def latex(table: pd.DataFrame, metric: str = "mse_ratio") -> bytes:
    """Return one metric as a LaTeX tabular, without a package: intervals after a plus-minus sign."""
    header, *body = cell_rows(table, metric)
    return latex_table(header, body, METRICS[metric])


def latex_table(header: Sequence[str], body: Sequence[Sequence[str]], what: str) -> bytes:
    """Return rows as a LaTeX tabular; every text is escaped."""
    lines = [
        f"% {what}".replace("\n", " "),
        f"\\begin{{tabular}}{{l{'r' * (len(header) - 1)}}}",
        "\\hline",
        *(
            " & ".join(map(tex, row)) + " \\\\" + " \\hline" * (n == 0)
            for n, row in enumerate((header, *body))
        ),
        "\\hline",
        "\\end{tabular}",
    ]
    return ("\n".join(lines) + "\n").encode()


def tex(text: str) -> str:
    """Return a text for LaTeX: nothing in it is a command."""
    safe = shown(text) if text else ""
    return "".join(_SPECIAL.get(c, c) for c in safe).replace("±", "$\\pm$")
