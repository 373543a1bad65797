"""What the report on products measures, and how much of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from fos_ref.engines.front import quantize
from fos_ref.formats.arrays import F64
from fos_ref.recipes.recipe import BLOCK
from fos_ref.storage.tensor import QuantizedTensor

Done = Callable[[], None]
Draw = Callable[[np.random.Generator, tuple[int, int]], F64]
RECIPE = "nvfp4"
_SEED = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is measured."""

    lengths: tuple[int, ...]  #: K of the products
    outputs: int  #: rows of a and of b
    longest_half: int  #: K up to which 16-bit tensor cores are modelled: they take each product by itself
    pairs: int  #: pairs of tensors whose outputs are compared program by program
    amaxes: int  #: tensor amaxes on each side of alpha
    tokens: int  #: of the attention that is searched for leaks


FULL = Plan(
    lengths=(256, 512, 1024, 2048, 4096, 8192, 16384),
    outputs=32,
    longest_half=512,
    pairs=6,
    amaxes=300,
    tokens=34,
)
QUICK = Plan(lengths=(256, 1024, 4096), outputs=16, longest_half=256, pairs=4, amaxes=100, tokens=20)


def _channels(rng: np.random.Generator, shape: tuple[int, int]) -> F64:
    values = rng.normal(size=shape)
    return values * rng.lognormal(0, 2, size=(1, shape[1]))


def _blocks(rng: np.random.Generator, shape: tuple[int, int]) -> F64:
    values = rng.normal(size=shape)
    return values * np.repeat(rng.lognormal(0, 3, size=(shape[0], shape[1] // BLOCK)), BLOCK, axis=1)


#: label -> values of a tensor
DATA: Mapping[str, Draw] = MappingProxyType(
    {
        "normal": lambda g, s: g.normal(size=s),
        "Laplace": lambda g, s: g.laplace(size=s),
        "Student t3": lambda g, s: g.standard_t(3, size=s),
        "channels lognormal(2)": _channels,
        "abs(normal)": lambda g, s: np.abs(g.normal(size=s)),
        "blocks lognormal(3)": _blocks,
    }
)


def operands_of(
    data: str, k: int, outputs: int, seed: int = _SEED
) -> tuple[QuantizedTensor, QuantizedTensor]:
    """Return two quantized tensors (outputs, k) of one kind of data; equal arguments give equal bits."""
    rng = np.random.default_rng([seed, k])
    a, b = (
        quantize(DATA[data](rng, (outputs, k)).astype(np.float32), RECIPE, engine="numpy") for _ in range(2)
    )
    return a, b
