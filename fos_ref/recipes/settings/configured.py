"""From a program's settings to the presets that it makes with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fos_ref.errors import near, RecipeError
from fos_ref.errors.text import listed
from fos_ref.recipes.recipe import Recipe
from fos_ref.recipes.settings.peers import PROGRAMS
from fos_ref.recipes.settings.program import Program


def configured(settings: Mapping[str, str]) -> tuple[Recipe, ...]:
    """Return the presets that a program makes with these settings, as it names them.

    settings: {name: value}, of one program: {"NVTE_NVFP4_4OVER6": "all", ...}. A setting that is not given
              may have any value, so several presets may fit, or none.
    Raises:   RecipeError for a setting that no program has, one beside those of another program, and a value
              that the setting does not take; the message has those it takes.
    Source:   each program's own, named in fos_ref/recipes/settings/peers.py; docs/divergences.md lists them.
    """
    programs = [p for p in PROGRAMS if set(settings) <= {s.name for s in p.settings}]
    if not programs:
        raise RecipeError(_no_program(settings))
    found: list[Recipe] = []
    for p in programs:
        _check_values(p, settings)
        found += [r for r in p.presets() if settings.items() <= p.settings_of(r).items()]
    return tuple(found)


def named_values(words: Iterable[str]) -> dict[str, str]:
    """Return {name: value} of words NAME=VALUE. Raises: RecipeError for another, or a name given twice."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name or name in found:
            why = "is given twice" if name in found else "is no setting"
            msg = f"{word!r} {why}: NAME=VALUE, each name once, is allowed"
            raise RecipeError(msg)
        found[name] = value
    return found


def _no_program(settings: Mapping[str, str]) -> str:
    """Return what is wrong with names that no one program has together."""
    known = {s.name: p.name for p in PROGRAMS for s in p.settings}
    for name in settings:
        if name not in known:
            names = near(name, known)
            allowed = f"did you mean {', '.join(names)}?" if names else f"allowed are {listed(list(known))}"
            return f"no program has a setting called {name!r}: {allowed}"
    both = sorted({known[name] for name in settings})
    return f"settings of {' and '.join(both)} together: those of one program are allowed"


def _check_values(program: Program, settings: Mapping[str, str]) -> None:
    for s in program.settings:
        if s.name in settings and settings[s.name] not in s.values:
            msg = f"{s.name}={settings[s.name]!r}: one of {', '.join(s.values)} is allowed"
            raise RecipeError(msg)
