"""What a quantizer of torch tensors makes, and what it is asked for. No arithmetic."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from fos_ref.pretrain.places import Places
from fos_ref.training import Rotation


class Made(NamedTuple):
    """One operand, in tensors of one device."""

    values: Any  #: (R, C) bfloat16: what the codes stand for, rounded to bfloat16
    codes: Any  #: (R, C/2) uint8
    block_scales: Any  #: (R, C/16) uint8
    amax: Any  #: float32, one value


class Largest(Protocol):
    """What makes the maximum over all processes of a float32 tensor, in place."""

    def __call__(self, own: Any) -> None:
        """Raise `own` to the maximum."""


class Quantizer(Protocol):
    """Who makes codes: `fos_ref` for tensors of the host, `fos_gpu` for those of a CUDA device."""

    def begin(self, places: Places, seed: int, step: int) -> None:
        """Take the random words and the signs of a step."""

    def bits(self, layer: int, operand: str, part: tuple[slice, slice]) -> list[Any]:
        """Return a part (rows, groups) of each draw's words of an operand."""

    def rotate(self, values: Any, rotation: Rotation, layer: int) -> Any:
        """Return rotated values in the program's order."""

    def quantize(self, values: Any, recipe: str, bits: list[Any], largest: Largest | None) -> Made:
        """Return the operand of a bfloat16 or float32 matrix."""


@dataclass
class Tape:
    """What a step writes down: of chosen layers the tensors and the operands."""

    layers: frozenset[int]
    tensors: dict[int, dict[str, Any]] = field(default_factory=dict)
    operands: dict[int, dict[str, Made]] = field(default_factory=dict)
