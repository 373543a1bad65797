"""An outcome: a flag, the blocks that it accounts for, and the numbers it was judged by in words."""

from __future__ import annotations

from dataclasses import dataclass

from fos_ref.formats.arrays import Bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What some blocks of a reading are, without a flaw that makes them."""

    flag: str
    what: str
    blocks: Bool  #: (N,)
