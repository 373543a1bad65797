"""What the caller asks for, checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fos_ref.arguments import is_a, one_of
from fos_ref.errors import InputError
from fos_ref.foreign import shown
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.conventions import Convention
from fos_ref.storage.select import Selection

#: Called with (bytes done, bytes in all); each weight counts twice, once a pass.
Progress = Callable[[int, int], None]
SHARES = ("none", "fused")
ORIENTATIONS = ("out-in", "in-out")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How a checkpoint is to be quantized."""

    recipe: Recipe
    convention: Convention
    selection: Selection
    share: str
    padding: bool
    experts: str | None  #: how each expert of a stack lies; None: as the configuration says

    @classmethod
    def checked(
        cls, r: Recipe, c: Convention, *, selection: Any, share: Any, padding: Any, experts: Any
    ) -> Asked:
        """Return what was asked for. Raises: InputError for a value that is not allowed."""
        if selection is not None and not is_a(selection, Selection):
            msg = f"selection {shown(selection)}: a Selection is allowed"
            raise InputError(msg)
        one_of(share, SHARES, "share")
        if experts is not None:
            one_of(experts, ORIENTATIONS, "experts")
        if share != "none" and not c.tensor_scale:
            msg = f"share {share!r}: recipe {r.name!r} has no tensor scale to share: none is allowed"
            raise InputError(msg)
        return cls(
            recipe=r,
            convention=c,
            selection=selection or Selection(),
            share=share,
            padding=bool(padding),
            experts=experts,
        )
