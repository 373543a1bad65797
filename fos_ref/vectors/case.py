"""What a vector is before it is written: an input, how it is padded, and what it is for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fos_ref.engines.front import Padding
from fos_ref.formats.arrays import AnyArray, F32
from fos_ref.recipes.axes import AmaxScope
from fos_ref.recipes.recipe import Recipe
from fos_ref.vectors.distinguishing.outcomes import amax_for, Input


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """One input to make a vector of."""

    comment: str
    given: Input
    padding: Padding = "error"
    buffer: AnyArray | None = None  #: a larger array whose upper left corner is x; the rest must not be read

    @property
    def x(self) -> AnyArray:
        """The input as an engine gets it: a view into the buffer where there is one."""
        x = self.given.x
        return x if self.buffer is None else self.buffer[: x.shape[0], : x.shape[1]]

    def amax(self, r: Recipe) -> F32 | np.float32 | None:
        """Return the caller's tensor amax in the shape that a recipe takes."""
        if self.given.amax is None or r.amax_scope is AmaxScope.TENSOR:
            return self.given.amax
        found: F32 = amax_for(r, self.given)
        return found


def plain(x: AnyArray, comment: str, amax: float | np.float32 | None = None) -> Case:
    """Return the case of a tensor, with the caller's tensor amax where one is given."""
    return Case(comment=comment, given=Input(x=x, amax=None if amax is None else np.float32(amax)))
