"""The report's section on wrong choices: a row for each group of presets and input, and its Markdown."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from fos_ref.engines.stream import in_order
from fos_ref.exactness.choice_groups import Group, groups
from fos_ref.exactness.choice_inputs import INPUTS, Shape
from fos_ref.exactness.wrong_choice import sample, Tally
from fos_ref.recipes.axes import ErrorMetric
from fos_ref.report.lineup import Plan
from fos_ref.report.tables import markdown, prose, Rows

_SEED = 0
_WHOLE_PERCENT = 10  #: shares from here on are shown without a point
_METRICS = {
    ErrorMetric.MSE: "squared error",
    ErrorMetric.MAE: "absolute error",
    ErrorMetric.ABS_MAX: "largest error",
}
_INTRO = (
    "A recipe keeps the candidate whose error is smaller, as float32 computes it: products, differences and "
    "sums are rounded. Here each block is chosen once more with no rounding after the codes, by float64 "
    "where a proven bound says that it decides and by rational numbers elsewhere. Float32 **flips** a block "
    "when it keeps the candidate with the larger exact error; it **breaks a tie** when the exact errors are "
    "equal and rounding makes the one win that the tie rule says loses, which costs nothing."
)
_INPUTS = (
    "The near-tie blocks are mixed from one that chooses 6 and one that chooses 4 until both candidates err "
    "alike to the last bits of the inputs, for each metric and bound on its own; tiny is N(0, 1) times "
    "2^-70, where squared errors are subnormal in float32; the others are the distributions of that name. "
    "`fos prove wrong-choice` counts millions of blocks."
)
_TRIAL = (
    "(trial): this preset compares the errors of other codes than those it stores. Counted is how often it "
    "does not keep the better one of the candidates it could have stored."
)


def jobs() -> list[str]:
    """Return what has to be measured: the inputs."""
    return list(INPUTS)


def shape(plan: Plan) -> Shape:
    """Return the size of the tensor of each input."""
    return max(plan.shape[0] // 2, 16), plan.shape[1]


def wrong_choices(plan: Plan, threads: int, done: Callable[[], None]) -> pd.DataFrame:
    """Return a row for each group of presets and each input. `done` is called after each of `jobs()`.

    The counts depend neither on the number of threads nor on the machine.
    """
    rows: list[dict[str, object]] = []
    measured = in_order(lambda name: sample(name, shape(plan), _SEED), jobs(), threads)
    for name, tallies in zip(jobs(), measured, strict=True):
        rows += [_row(g, name, t) for g, t in zip(groups(), tallies, strict=True)]
        done()
    return pd.DataFrame(rows)


def _row(g: Group, name: str, t: Tally) -> dict[str, object]:
    return {
        "preset": g.name,
        "input": name,
        "blocks": t.blocks,
        "exact_ties": t.ties,
        "flipped": t.flipped,
        "ties_broken": t.broken,
        "by_rationals": t.rational,
        "cost": t.cost,
        "largest_margin": t.margin_text,
        "presets": " ".join(g.presets),
    }


# --- Markdown -----------------------------------------------------------------------------------------


def wrong_choice_markdown(table: pd.DataFrame) -> list[str]:
    """Return the paragraphs and tables of the section."""
    parts = [_INTRO, f"{_sizes(table)} {_INPUTS}", _TRIAL]
    parts.append(
        "Share of blocks flipped, %; after a plus sign, the share of ties broken. 0: not one block. The "
        "counts are in wrong-choices.csv."
    )
    for metric, title in _METRICS.items():
        parts += [f"### By {title}", markdown(_shares(table, metric))]
    parts += ["### What it costs", _COST, markdown(_costs(table))]
    parts += ["### Presets that choose alike", _ALIKE, prose(_alike())]
    return parts


_COST = (
    "The exact error of what float32 keeps, less that of the exact choice, relative to the latter, over all "
    "blocks of the input. Rows and inputs without a flipped block are left out."
)
_ALIKE = (
    "Presets that can differ only in what becomes of NaN, infinities, tensor amaxes that are zero or out of "
    "range and codes under a block scale of zero make the same choice here and share a row, under the first "
    "one's name:"
)


def _sizes(table: pd.DataFrame) -> str:
    """Return how many blocks stand behind a share."""
    first = table[table["input"] == table["input"].iloc[0]]["blocks"]
    near = table[table["input"] == "near-tie"]["blocks"]
    return (
        f"One tensor for each input: {first.max():,} blocks of 1x16 or {first.min():,} tiles of 16x16; "
        f"near-tie {near.max():,} or {near.min():,}."
    )


def _label(g: Group) -> str:
    return f"`{g.name}`" + " (trial)" * g.trial


def _cells(table: pd.DataFrame) -> dict[tuple[str, str], dict[str, object]]:
    return {(str(r["preset"]), str(r["input"])): r for r in table.to_dict("records")}  # type: ignore[misc]


def _shares(table: pd.DataFrame, metric: ErrorMetric) -> Rows:
    cells = _cells(table)
    body = [
        [_label(g), *(share(cells[g.name, name]) for name in INPUTS)]
        for g in groups()
        if g.recipe.error_metric is metric
    ]
    return [["", *INPUTS], *body]


def share(row: dict[str, object]) -> str:
    """Return the flipped and the broken blocks of a row in % of its blocks, two digits each."""
    flipped, broken = (_percent(row[k], row["blocks"]) for k in ("flipped", "ties_broken"))
    return flipped if broken == "0" else f"{flipped} + {broken}"


def _percent(part: object, whole: object) -> str:
    assert isinstance(part, int)
    assert isinstance(whole, int)
    percent = 100 * part / whole
    return f"{percent:.0f}" if percent >= _WHOLE_PERCENT else f"{percent:.2g}"


def _costs(table: pd.DataFrame) -> Rows:
    flipped = table[table["flipped"] > 0]
    names = [name for name in INPUTS if name in set(flipped["input"])]
    cells = _cells(table)
    body = [
        [_label(g), *(str(cells[g.name, name]["cost"]) for name in names)]
        for g in groups()
        if g.name in set(flipped["preset"])
    ]
    return [["", *names], *body]


def _alike() -> Rows:
    body = [[f"`{g.name}`", " ".join(f"`{p}`" for p in g.presets[1:])] for g in groups() if g.presets[1:]]
    return [["row", "also"], *body]
