"""How much the page on training measures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Done = Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is measured."""

    shape: tuple[int, int]  #: of a tensor that rounders are measured on once
    seeds: int  #: of such tensors
    small: tuple[int, int]  #: of the tensor that is rounded again and again
    draws: int  #: of it, a multiple of 16
    sums: int  #: rows of the sums under shared noise
    layer: tuple[int, int, int]  #: tokens, inputs and outputs of the synthetic layer
    layer_draws: int  #: of each stack's random numbers


FULL = Plan(
    shape=(512, 1024),
    seeds=4,
    small=(128, 128),
    draws=256,
    sums=64,
    layer=(256, 256, 256),
    layer_draws=8,
)
QUICK = Plan(
    shape=(128, 512), seeds=2, small=(128, 128), draws=32, sums=16, layer=(128, 128, 128), layer_draws=2
)
