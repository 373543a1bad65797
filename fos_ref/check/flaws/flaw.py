"""A flaw: one mistake as a change of the recipe or of a step, and flaws in combination."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from typing import Any

from fos_ref.check.steps import Step, Steps, steps_of
from fos_ref.errors import RecipeError
from fos_ref.recipes.recipe import Recipe

Wrap = Callable[[Step], Step]
_STEPS = {f.name for f in fields(Steps)} - {"recipe"}


@dataclass(frozen=True, slots=True, eq=False)
class Flaw:
    """One mistake that somebody could make. `axes` change the recipe, `wraps` exchange a step for f(step)."""

    flag: str
    what: str  #: in words, after "it looks as if ..."
    axes: Mapping[str, Any] = field(default_factory=dict)
    wraps: Mapping[str, Wrap] = field(default_factory=dict)
    usual: bool = True  #: False for a relative of what the flag is defined as: named after the others
    ties: bool = False  #: whether it moves exact midpoints and nothing else

    def __post_init__(self) -> None:
        assert set(self.wraps) <= _STEPS

    def suits(self, r: Recipe) -> bool:
        """Return whether the mistake can be made under r: it changes something, and the result is legal."""
        try:
            changed = replace(r, **self.axes)
        except RecipeError:
            return False
        return bool(self.wraps) or bool(r.diff(changed))


def steps_with(r: Recipe, flaws: Iterable[Flaw]) -> Steps | None:
    """Return the steps of r with all the flaws, in order; None where they are not legal together."""
    chosen = list(flaws)
    axes: dict[str, Any] = {}
    for f in chosen:
        if any(axes.get(k, v) is not v for k, v in f.axes.items()):
            return None
        axes.update(f.axes)
    s = _steps_of(r, tuple(axes.items()))
    if s is None:
        return None
    changed: dict[str, Any] = {}
    for f in chosen:
        for name, wrap in f.wraps.items():
            changed[name] = wrap(changed.get(name, getattr(s, name)))
    return replace(s, **changed) if changed else s


@lru_cache(maxsize=4096)
def _steps_of(r: Recipe, axes: tuple[tuple[str, Any], ...]) -> Steps | None:
    """Return the steps of r with other axes; None where they are not legal."""
    try:
        return steps_of(replace(r, **dict(axes)) if axes else r)
    except RecipeError:
        return None
