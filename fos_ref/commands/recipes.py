"""`fos recipes`: list the dialects, show one, or say what two of them do differently."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fos_ref.errors import InputError
from fos_ref.recipes import PRESETS, Recipe, recipe
from fos_ref.recipes.recipe import plain_values

_USAGE = "fos recipes | fos recipes NAME | fos recipes diff A B"


def recipes(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME | diff A B]", help="A preset, or two to compare.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,  # noqa: FBT002
) -> None:
    """List the dialects, show one axis by axis, or show where two differ."""
    match names or []:
        case []:
            _print(_listing(), _listing_table, as_json=as_json)
        case ["diff", a, b]:
            _print(_difference(recipe(a), recipe(b)), _difference_table, as_json=as_json)
        case [name] if name != "diff":
            _print(_described(recipe(name)), _described_table, as_json=as_json)
        case given:
            msg = f"recipes {' '.join(given)}: allowed is {_USAGE}"
            raise InputError(msg)


def _print(data: Any, table: Any, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(data, indent=2))
    else:
        Console().print(table(data))


def _described(r: Recipe) -> dict[str, Any]:
    return {**r.to_dict(), "fingerprint": r.fingerprint()}


def _listing() -> list[dict[str, Any]]:
    return [{**_described(r), "preset": name} for name, r in PRESETS.items()]


def _listing_table(rows: list[dict[str, Any]]) -> Table:
    table = Table(title=f"{len(rows)} recipes", caption="fos recipes NAME shows every axis and the source")
    for column in (
        "preset",
        "maps to",
        "bound",
        "block",
        "amax of",
        "metric",
        "error measured",
        "sum",
        "evidence",
    ):
        table.add_column(column, no_wrap=column == "preset")
    for r in rows:
        alias = f"{r['preset']} = {r['name']}" if r["preset"] != r["name"] else r["name"]
        cells = (r["candidates"], r["scale_max"], r["block_shape"], r["amax_scope"], r["error_metric"])
        more = (r["error_domain"], r["reduction"], r["evidence"])
        table.add_row(alias, *("-" if c is None else str(c) for c in cells + more))
    return table


def _described_table(r: dict[str, Any]) -> Table:
    table = Table(title=r["name"], show_header=False)
    table.add_column("axis", style="bold")
    table.add_column("value", overflow="fold")
    for key, value in r.items():
        if key != "name":
            table.add_row(key, "-" if value is None else escape(str(value)))
    return table


def _difference(a: Recipe, b: Recipe) -> dict[str, Any]:
    axes = {
        k: list(plain_values(dict(zip(("a", "b"), v, strict=True))).values()) for k, v in a.diff(b).items()
    }
    return {"a": a.name, "b": b.name, "same_bits": not axes, "axes": axes}


def _difference_table(d: dict[str, Any]) -> Table:
    title = f"{d['a']} and {d['b']}: " + (
        "the same bits" if d["same_bits"] else f"{len(d['axes'])} axes differ"
    )
    table = Table(title=title)
    for column in ("axis", d["a"], d["b"]):
        table.add_column(column, overflow="fold")
    for axis, (mine, theirs) in d["axes"].items():
        table.add_row(axis, *("-" if v is None else escape(str(v)) for v in (mine, theirs)))
    return table
