"""All answers of a kernel to vectors of one amax as one tensor, so that the checker has much to go by.

A single block is explained by many mistakes. Hundreds of aimed blocks under one tensor amax, the right ones
among them, are explained by few.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fos_ref.check.api import check
from fos_ref.check.diagnosis import Diagnosis
from fos_ref.conformance.kernel import Answer
from fos_ref.conformance.trials import own_amax, Trial
from fos_ref.formats.bits import f32_hex
from fos_ref.recipes.axes import AmaxScope
from fos_ref.recipes.recipe import Recipe

_FEW = 16  #: blocks


@dataclass(slots=True)
class _Stack:
    name: str
    trials: list[Trial] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    wrong: int = 0  #: blocks

    @property
    def blocks(self) -> int:
        """How many blocks of 16 values it has."""
        return sum(a.block_scales.size for a in self.answers)


@dataclass(slots=True)
class Stacks:
    """Answers by tensor amax, dtype and width; whole tensors are stacks of their own."""

    recipe: Recipe
    stacks: dict[Any, _Stack] = field(default_factory=dict)

    def add(self, t: Trial, a: Answer, wrong: int, *, alone: bool) -> None:
        """Keep an answer of which `wrong` blocks differ."""
        if alone and not wrong:
            return
        amax = own_amax(t.x, self.recipe) if t.amax is None else t.amax
        by_row = self.recipe.amax_scope is AmaxScope.ROW
        bits = "its own" if by_row else f32_hex(np.float32(amax))
        key = t.name if alone else (bits, t.x.dtype.name, t.x.shape[1])
        name = (
            t.name if alone else f"the vectors of width {t.x.shape[1]}, {t.x.dtype.name}, tensor amax {bits}"
        )
        stack = self.stacks.setdefault(key, _Stack(name))
        stack.trials.append(t)
        stack.answers.append(a)
        stack.wrong += wrong

    def diagnoses(self, most: int) -> list[tuple[str, Diagnosis]]:
        """Return what the checker says of the stacks with the most wrong blocks, a whole tensor among them.

        Stacks of few blocks tell little: they are asked about only where there is no larger one.
        """
        wrong = sorted((s for s in self.stacks.values() if s.wrong), key=lambda s: -s.wrong)
        found = [s for s in wrong if s.blocks >= _FEW] or wrong[:1]
        several = [s for s in found if len(s.trials) > 1]
        alone = [s for s in found if len(s.trials) == 1]
        chosen = [*several[:1], *alone[:1], *several[1:], *alone[1:]]
        return [(s.name, self._diagnosis(s)) for s in chosen[:most]]

    def _diagnosis(self, s: _Stack) -> Diagnosis:
        amaxes = [own_amax(t.x, self.recipe) if t.amax is None else t.amax for t in s.trials]
        by_row = self.recipe.amax_scope is AmaxScope.ROW
        return check(
            np.concatenate([t.x for t in s.trials]),
            np.concatenate([a.codes for a in s.answers]),
            np.concatenate([a.block_scales for a in s.answers]),
            recipe=self.recipe,
            amax=np.concatenate(amaxes) if by_row else np.float32(amaxes[0]),
        )
