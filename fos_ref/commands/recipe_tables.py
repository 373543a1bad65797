"""What `fos recipes` lists and describes: as JSON values, and as tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Group

from fos_ref.recipes import configured, PRESETS, Recipe, STOCHASTIC
from fos_ref.recipes.settings.configured import named_values
from fos_ref.report.console import plain, table, titled


def described(r: Recipe) -> dict[str, Any]:
    """Return one recipe as JSON values, with its fingerprint."""
    return {**r.to_dict(), "fingerprint": r.fingerprint()}


def listing(settings: Iterable[str] | None = None) -> list[dict[str, Any]]:
    """Return every preset as JSON values, under the name that it is listed by; or those of settings."""
    if settings:
        made = configured(named_values(settings))
        return [{**described(r), "preset": r.name} for r in made]
    return [{**described(r), "preset": name} for name, r in {**PRESETS, **STOCHASTIC}.items()]


def listing_table(rows: list[dict[str, Any]]) -> Group:
    """Return the list of the presets, the axes beside them that tell the families apart."""
    made = table(("preset", "to", "bound", "block", "amax", "metric", "known by"))
    for r in rows:
        alias = f"{r['preset']} (= {r['name']})" if r["preset"] != r["name"] else r["name"]
        keys = ("candidates", "scale_max", "block_shape", "amax_scope", "error_metric", "evidence")
        made.add_row(alias, *("-" if r[k] is None else str(r[k]) for k in keys))
    return titled(f"{len(rows)} recipes; `fos recipes NAME` shows every axis and the source", made)


def described_table(r: dict[str, Any]) -> Group:
    """Return one recipe, an axis a line."""
    made = table(("axis", "value"), header=False)
    for key, value in r.items():
        if key != "name":
            made.add_row(key, plain("-" if value is None else str(value)))
    return titled(r["name"], made)
