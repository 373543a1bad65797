"""The page of pretraining in words: what was measured at what size, and what cannot be said."""

from __future__ import annotations

from collections.abc import Hashable
from math import isnan
from typing import Any

import pandas as pd

from fos_ref.pretrain.arms import ARMS
from fos_ref.pretrain.results import Results
from fos_ref.report.pretrain.tables import paired, replays

NOT_SAID = """\
Not said here, for at this size it cannot be: whether a recipe diverges; quality on any task; which share of
a gap 4/6 closes; how much better one stack is than another at other sizes; speed; stability over long runs;
what a rotation, its signs or a factor of 16/17 are worth. Operands are quantized and read back in bfloat16,
and products are those of bfloat16 values: this is no training in FP4."""


def page(results: Results, gradients: pd.DataFrame | None) -> str:
    """Return the Markdown page."""
    parts = ["# Pretraining of small models", _what(results), *_gaps(results), *_evidence(results)]
    if gradients is not None:
        parts += _gradients(gradients)
    parts += ["## What this does not say", NOT_SAID, "## Arms", *[_arms(results)]]
    return "\n\n".join(parts) + "\n"


def _what(results: Results) -> str:
    c = results.config
    made_on = " and ".join(f"{m['device']}, torch {m['torch']}" for m in results.made_on)
    floor = next((r["floor"] for r in results.runs if r["floor"] is not None), None)
    data = f"the text {c.data}, its windows drawn again and again, its last tenth held out"
    if floor is not None:
        data = f"a Markov chain of order 3 over {c.symbols} symbols, entropy {floor:.5f}"
    tokens = c.steps * c.tokens / 1e6
    return (
        f"{len(results.runs)} runs: {', '.join(c.models)}; {c.layers} layers of width {c.width}, "
        f"{c.steps} steps of {c.tokens:,} tokens ({tokens:.1f} million). Data: {data}. "
        "Losses are in nats a token. Arms of one model and seed have the same first weights and the same "
        "tokens. Held-out losses are of "
        f"{c.evaluate * c.tokens:,} tokens, in the arm's own forward pass. "
        f"Made on {made_on or 'no machine yet'}. `pretraining-runs.csv` has every run."
    )


def _gaps(results: Results) -> list[str]:
    table = paired(results)
    if table.empty:
        return []
    found = []
    for against, part in table.groupby("against", sort=False):
        lines = [
            "| model | arm | seeds | gap | 95 % | sd | differs |",
            "| --- | --- | --- | --- | --- | --- | --- |",
        ]
        lines += [_line(row) for row in part.to_dict("records")]
        found += [f"## Held-out loss above {against}", "\n".join(lines)]
    return found


def _line(row: dict[Hashable, Any]) -> str:
    half = row.get("half_width", float("nan"))
    assert isinstance(half, float)
    parts = [str(row[k]) for k in ("model", "arm", "seeds")] + [f"{row['gap']:+.5f}"]
    if isnan(half):
        parts += ["no interval", "", ""]
    else:
        parts += [f"± {half:.5f}", f"{row['sd']:.5f}", "yes" if row["differs"] else "not told apart"]
    return f"| {' | '.join(parts)} |"


def _evidence(results: Results) -> list[str]:
    table = replays(results)
    if table.empty:
        return []
    made, again = (table[table["what"] == kind] for kind in ("replay", "restart"))
    said = []
    if len(made):
        codes, scales = int(made["codes"].sum()), int(made["scales"].sum())
        said.append(
            f"Replay: {len(made)} layers of {made['run'].nunique()} runs, six operands each, once more by "
            f"`fos_ref.training.linear` from the tensors of step {results.config.replay}: {codes:,} codes, "
            f"{scales:,} block scales and {6 * len(made)} amaxes; {int(made['differing'].sum())} differ."
        )
    if len(again):
        losses = int(again["losses"].sum())
        said.append(
            f"Restart: {len(again)} runs stopped in their middle and taken up again: {losses:,} losses, "
            f"{int(again['differing'].sum())} differ in any bit."
        )
    return ["## Bits", *said]


def _gradients(table: pd.DataFrame) -> list[str]:
    lines = ["| arm | product | one draw, % | bias, % | told from, % |", "| --- | --- | --- | --- | --- |"]
    for r in table.to_dict("records"):
        numbers = " | ".join(f"{r[k]:.3f}" for k in ("one_draw_pct", "bias_pct", "told_from_pct"))
        lines.append(f"| {r['stack']} | {r['product']} | {numbers} |")
    says = (
        "One layer of the bfloat16 arm after its last step, its first 1,024 tokens: errors of the three "
        "products, in percent of their own size (root of squared error over power). `bias` is what no number "
        "of draws takes away, 0 where the estimate is below 0; from `told from` on it stands above nothing."
    )
    return ["## Gradients of one layer", says, "\n".join(lines)]


def _arms(results: Results) -> str:
    return "\n".join(f"- `{a}`: {ARMS[a].says}." for a in results.config.arms)
