"""A program's settings, as the axes that each value gives: which settings lead to a preset is computed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fos_ref.recipes.catalog import PRESETS
from fos_ref.recipes.recipe import Recipe

#: Axis -> its value, or the values of which other settings choose one.
Axes = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One thing that can be set: its name in the program, and for each value the axes it gives."""

    name: str
    values: Mapping[str, Axes]
    choosing: bool = False  #: it has a meaning only where there is a choice between two candidates
    about: str = ""  #: what it holds for, if not for all tensors

    def of(self, r: Recipe) -> str | None:
        """Return the value that a recipe is made with; None where the setting has no meaning for it.

        Raises: LookupError where no value gives the recipe's axes, or several do.
        """
        if self.choosing and not r.chooses:
            return None
        found = [value for value, axes in self.values.items() if holds(r, axes)]
        if len(found) != 1:
            raise LookupError(self.name, r.name, found)
        return found[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What makes presets: where its settings are made, and which presets are its own."""

    name: str
    how: str  #: what a setting is: environment variables, or arguments of a function
    source: str  #: where the settings were read
    presets_from: str  #: part of the `source` of its presets
    settings: tuple[Setting, ...]
    but_from: str = "(none)"  #: part of the `source` of presets that another part of the program makes

    def makes(self, r: Recipe) -> bool:
        """Return whether the recipe was read from this program."""
        return self.presets_from in r.source and self.but_from not in r.source

    def presets(self) -> list[Recipe]:
        """Return its presets, second names left out."""
        return [r for r in dict.fromkeys(PRESETS.values()) if self.makes(r)]

    def settings_of(self, r: Recipe) -> dict[str, str]:
        """Return {setting: value} that make a recipe, those without a meaning left out."""
        found = {s.name: s.of(r) for s in self.settings}
        return {name: value for name, value in found.items() if value is not None}

    def change(self, before: Recipe, after: Recipe) -> dict[str, tuple[str | None, str]]:
        """Return {setting: (value before, value after)} that turn one recipe into another."""
        old, new = self.settings_of(before), self.settings_of(after)
        return {k: (old.get(k), v) for k, v in new.items() if old.get(k) != v}


def holds(r: Recipe, axes: Axes) -> bool:
    """Return whether a recipe has these values of axes."""
    return all(getattr(r, axis) in _several(value) for axis, value in axes.items())


def _several(value: Any) -> Iterable[Any]:
    return value if isinstance(value, tuple) else (value,)
