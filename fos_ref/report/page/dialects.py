"""The map of the dialects: who gives the same bits, which axis parts neighbours, one's own pair."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fos_ref.recipes import PRESETS
from fos_ref.recipes.recipe import plain_values
from fos_ref.report.dialects import DATA, KINDS, stem_of
from fos_ref.report.dialects_figure import drawn, groups, label
from fos_ref.report.lineup import DISTRIBUTION_LABELS
from fos_ref.report.neighbours import Tree, tree
from fos_ref.report.page.embed import drawing
from fos_ref.report.page.folder import Tables
from fos_ref.report.page.parts import Drawing, number, Section, Table

_SIGNIFICANT = 4  #: digits of a share in the page's own data
_ALL_AXES = 12  #: axes that a row of a table names


@dataclass(frozen=True, slots=True)
class Shares:
    """One table of disagreement: `presets` by their places, dialects as places of presets."""

    title: str
    presets: list[str]
    dialects: list[list[int]]
    chip: list[float]
    share: Any  #: float64 (P, P)


def section(t: Tables) -> Section | None:
    """Return the section for the tables that are there; None for none."""
    found = {(k.title, d): _read(t[s], d) for k in KINDS for d in DATA if (s := stem_of(k, d)) in t}
    if not found:
        return None
    drawings = tuple(_drawing(found[KINDS[0].title, d]) for d in DATA if (KINDS[0].title, d) in found)
    tables = tuple(_groups(s, kind) for (kind, d), s in found.items() if d == DATA[0])
    return Section(
        "dialects",
        "The map of the dialects",
        (
            (
                "Presets that agree on every block are one dialect and share a row. A join says in how many "
                "blocks the nearest two of its halves differ, and in which axes of the recipe. A star: "
                "reciprocals are approximate, so a chip decides some blocks."
            ),
        ),
        drawings,
        tables,
        kind="dialects",
    )


def finder(t: Tables) -> str:
    """Return the data for finding one's own pair, as JSON: shares of every two dialects, axes of presets."""
    kinds: list[dict[str, Any]] = []
    for kind in KINDS:
        tables = [_read(t[s], d) for d in DATA if (s := stem_of(kind, d)) in t]
        if tables:
            kinds.append({"title": kind.title, "data": [_data(s) for s in tables]})
    names = sorted({n for k in kinds for d in k["data"] for n in d["of"]})
    axes = {n: plain_values(PRESETS[n].every_axis()) for n in names if n in PRESETS}
    return json.dumps({"kinds": kinds, "axes": axes}, separators=(",", ":")).replace("<", "\\u003c")


def _data(s: Shares) -> dict[str, Any]:
    """Return one table by its dialects: the number of each preset, and the shares between dialects."""
    first = [places[0] for places in s.dialects]
    of = {s.presets[p]: n for n, places in enumerate(s.dialects) for p in places}
    share = [[float(f"{s.share[i, j]:.{_SIGNIFICANT}g}") for j in first] for i in first]
    chip = {n: c for n, c in zip(s.presets, s.chip, strict=True) if c}
    return {"title": s.title, "of": of, "share": share, "chip": chip}


def _read(table: pd.DataFrame, distribution: str) -> Shares:
    presets = [str(p) for p in table["preset"]]
    share = table.reindex(columns=presets).to_numpy(dtype=float)
    numbers = [int(n) for n in table["dialect"]]
    chip = [float(c) for c in table["chip_decides"]]
    return Shares(DISTRIBUTION_LABELS.get(distribution, distribution), presets, groups(numbers), chip, share)


def _drawing(s: Shares) -> Drawing:
    found = tree(s.presets, s.dialects, s.share)
    stars = [any(s.chip[p] for p in places) for places in s.dialects]
    names = [
        label([s.presets[p] for p in places]) + (" *" if star else "")
        for places, star in zip(s.dialects, stars, strict=True)
    ]
    return drawing(
        lambda narrow: drawn(found, names, s.title, [], narrow=narrow),
        f"The dialects of 4/6 on {s.title}, nearest first",
        "The further right two dialects meet, the more blocks differ between them.",
        _joins(found, s),
    )


def _joins(found: Tree, s: Shares) -> Table:
    """Return a row for each join: the nearest pair of its halves, the share, the axes."""
    rows = [
        [" and ".join(j.presets), f"{number(100 * j.share)} %", str(len(j.leaves)), _axes(j)]
        for j in sorted(found.joins(), key=lambda j: j.share)
    ]
    return Table(
        f"joins on {s.title}",
        [["nearest pair", "blocks that differ", "dialects", "axes that part them"], *rows],
    )


def _axes(j: Tree) -> str:
    rest = len(j.axes) - _ALL_AXES
    return ", ".join(j.axes[:_ALL_AXES]) + (f" and {rest} more" if rest > 0 else "")


def _groups(s: Shares, kind: str) -> Table:
    rows = [
        [
            str(n),
            ", ".join(s.presets[p] for p in places),
            f"{number(100 * max(s.chip[p] for p in places))} %",
        ]
        for n, places in enumerate(s.dialects, start=1)
    ]
    return Table(
        f"{kind}: dialects on {s.title}",
        [["dialect", "presets", "blocks that a chip decides, at most"], *rows],
    )
