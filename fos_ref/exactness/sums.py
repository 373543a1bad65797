"""What quantizing cost, added up over tensors: the error and what it is measured against."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over a tensor, or over several: `a + b` is the total of both."""

    squared: float = 0.0  #: sum of e^2
    absolute: float = 0.0  #: sum of |e|
    power: float = 0.0  #: sum of x^2
    magnitude: float = 0.0  #: sum of |x|
    blocks: int = 0
    picked4: int = 0
    worst: float = 0.0  #: the largest |e| / tensor amax

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            squared=self.squared + other.squared,
            absolute=self.absolute + other.absolute,
            power=self.power + other.power,
            magnitude=self.magnitude + other.magnitude,
            blocks=self.blocks + other.blocks,
            picked4=self.picked4 + other.picked4,
            worst=max(self.worst, other.worst),
        )
