"""A hypothesis on every block of its reading, and how much of the difference it accounts for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fos_ref.check.bench import Hypothesis
from fos_ref.check.outcomes.outcome import Outcome
from fos_ref.formats.arrays import Bool

#: Flags of an explanation -> the share of the differing blocks that it has to win where it leaves some.
LEAST_SHARE = {0: 1.0, 1: 0.6, 2: 0.75}
MOST_LEAST = 0.9  #: the same for more flags
SEEN = 8  #: differing blocks that a layout which lost bytes has to make right by those it kept
_MOST_BROKEN = 0.05  #: of what it explains


def enough(left: float, wrong: float, flags: int) -> bool:
    """Return whether an explanation of so many flags that leaves so many of the blocks is worth naming."""
    return wrong - left >= LEAST_SHARE.get(flags, MOST_LEAST) * wrong


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

    @property
    def acceptable(self) -> bool:
        """Whether it is to be named: it leaves little, and breaks little.

        One by a layout that lost scale bytes has to be seen in enough of those it kept.
        """
        case = self.hypothesis.case
        at_stake = int(np.count_nonzero(case.at_stake & case.got.seen)) if self.unseen else case.wrong
        flags = len(self.hypothesis.flags)
        little = (
            enough(at_stake - self.gain, at_stake, flags) and self.broken <= _MOST_BROKEN * self.explained
        )
        seen = self.explained >= (SEEN if self.unseen else 1)
        return bool(flags) and seen and (self.perfect or little)
