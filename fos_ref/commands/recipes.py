"""`fos recipes`: list the dialects, show one, or say what two of them do differently."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fos_ref.commands.recipe_diff import difference, difference_tables
from fos_ref.errors import InputError
from fos_ref.recipes import PRESETS, Recipe, recipe

_USAGE = "fos recipes | fos recipes NAME | fos recipes diff A B [--on FILE | --distribution NAME]"


def recipes(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME | diff A B]", help="A preset, or two to compare.")
    ] = None,
    on: Annotated[
        Path | None, typer.Option(metavar="FILE", help="diff: count on this .npy or .safetensors file.")
    ] = None,
    distribution: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="diff: count on a generated tensor, e.g. normal, coarse."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,  # noqa: FBT002
) -> None:
    """List the dialects, show one axis by axis, or show where two differ, on how many blocks, and why."""
    match names or []:
        case ["diff", a, b]:
            data = difference(recipe(a), recipe(b), on, distribution)
            _print(data, difference_tables, as_json=as_json)
        case given if on is not None or distribution is not None:
            msg = f"recipes {' '.join(given)}: --on and --distribution go with diff A B"
            raise InputError(msg)
        case []:
            _print(_listing(), _listing_table, as_json=as_json)
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
    caption = "fos recipes NAME shows every axis and the source"
    table = Table(title=f"{len(rows)} recipes", caption=caption, box=SIMPLE_HEAD, pad_edge=False)
    for column in ("preset", "to", "bound", "block", "amax", "metric", "known by"):
        table.add_column(column, no_wrap=True)
    for r in rows:
        alias = f"{r['preset']} (= {r['name']})" if r["preset"] != r["name"] else r["name"]
        keys = ("candidates", "scale_max", "block_shape", "amax_scope", "error_metric", "evidence")
        table.add_row(alias, *("-" if r[k] is None else str(r[k]) for k in keys))
    return table


def _described_table(r: dict[str, Any]) -> Table:
    table = Table(title=r["name"], show_header=False)
    table.add_column("axis", style="bold")
    table.add_column("value", overflow="fold")
    for key, value in r.items():
        if key != "name":
            table.add_row(key, "-" if value is None else escape(str(value)))
    return table
