"""A hypothesis on every block of its reading, and how much of the difference it accounts for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fos_ref.check.bench import Hypothesis
from fos_ref.check.outcomes.outcome import Outcome
from fos_ref.formats.arrays import Bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """A hypothesis, and over all blocks of its reading where it gives the bytes that were given."""

    hypothesis: Hypothesis
    right: Bool  #: (N,)
    rivals: tuple[Hypothesis, ...] = ()  #: others that give the same bytes everywhere
    judged: Outcome | None = None  #: what accounts for blocks that the hypothesis does not reproduce

    @property
    def explained(self) -> int:
        """Blocks that differ as the bytes were asked for, and that it reproduces."""
        case = self.hypothesis.case
        return int(np.count_nonzero(self.right & case.at_stake & case.got.seen))

    @property
    def unseen(self) -> int:
        """Blocks that differ as the bytes were asked for, and whose scale byte this layout lost."""
        case = self.hypothesis.case
        return int(np.count_nonzero(self.right & case.at_stake & ~case.got.seen))

    @property
    def broken(self) -> int:
        """Blocks that are as the recipe has them, and that it would change."""
        return int(np.count_nonzero(~self.right & ~self.hypothesis.case.at_stake))

    @property
    def gain(self) -> int:
        """Blocks that come out right beyond those that were right without it."""
        case = self.hypothesis.case
        return int(np.count_nonzero(self.right)) - (len(self.right) - case.wrong) - self.unseen

    @property
    def perfect(self) -> bool:
        """Whether nothing is left to explain."""
        return bool(self.right.all())
