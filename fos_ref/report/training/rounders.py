"""The rounders of training programs as data: how each draws, and what it is expected to give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from fos_ref.formats.arrays import F32, F64
from fos_ref.recipes.recipe import BLOCK
from fos_ref.report.training import eden
from fos_ref.report.training.blocks import drawn, expected, few_bits, nearest, scaled, uniforms

FACTOR = 16 / 17  #: with it no block scale that is rounded up clips its block
_TO_FOUR = 1.5
#: seed -> values (n, 16), and what they stand for
Draw = Callable[[int], tuple[F64, F64]]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A rounder of one tensor."""

    draw: Draw  #: in the coordinates that it rounds in
    draw_back: Callable[[int], F64]  #: the same in the tensor's own coordinates, (n, 16)
    exact: tuple[F64, F64] | None  #: mean and variance of each value over all draws, where they are known


@dataclass(frozen=True, slots=True)
class Rounder:
    """One rounder."""

    label: str
    says: str
    prepare: Callable[[F32], Prepared]


def _of_blocks(x: F32, draw: Callable[[int], F64], exact: tuple[F64, F64] | None) -> Prepared:
    values = x.astype(np.float64).reshape(-1, BLOCK)
    return Prepared(lambda seed: (draw(seed), values), draw, exact)


def _nearest(x: F32) -> Prepared:
    q = nearest(scaled(x))
    return _of_blocks(x, lambda _: q, (q, np.zeros_like(q)))


def _stochastic(factor: float, bits: int | None) -> Callable[[F32], Prepared]:
    def prepare(x: F32) -> Prepared:
        t = scaled(x, factor=factor)

        def draw(seed: int) -> F64:
            shape = (x.shape[0], x.shape[1])
            return drawn(t, uniforms(shape, seed) if bits is None else few_bits(shape, seed, bits))

        return _of_blocks(x, draw, expected(t, bits))

    return prepare


def _four_over_six(*, same: bool) -> Callable[[F32], Prepared]:
    def prepare(x: F32) -> Prepared:
        six, four = (scaled(x, 256, FACTOR, e) for e in (1.0, _TO_FOUR))
        values, shape = x.astype(np.float64).reshape(-1, BLOCK), (x.shape[0], x.shape[1])

        def draw(seed: int) -> F64:
            first = uniforms(shape, 2 * seed)
            second = first if same else uniforms(shape, 2 * seed + 1)
            return _better(values, drawn(six, first), drawn(four, second))

        return _of_blocks(x, draw, None)

    return prepare


def _better(x: F64, six: F64, four: F64) -> F64:
    """Return of each block the candidate whose realised squared error is smaller; six at a tie."""
    errors = [np.cumsum((q - x) ** 2, axis=1)[:, -1:] for q in (six, four)]
    return np.where(errors[1] < errors[0], four, six)


def _eden(how: Callable[[F32, tuple[int, int], int], eden.Rotated]) -> Callable[[F32], Prepared]:
    def prepare(x: F32) -> Prepared:
        shape = (x.shape[0], x.shape[1])

        def draw(seed: int) -> tuple[F64, F64]:
            return how(eden.rotate(x, eden.signs(seed)), shape, seed)

        def draw_back(seed: int) -> F64:
            return eden.back(draw(seed)[0], eden.signs(seed)).reshape(-1, BLOCK)

        return Prepared(draw, draw_back, None)

    return prepare


def _kernel(name: str) -> Callable[[F32], Prepared]:
    return _eden(lambda y, shape, seed: eden.kernel(y, eden.noise(name, shape, seed)))


ROUNDERS: Mapping[str, Rounder] = MappingProxyType(
    {
        "nearest": Rounder("nearest even", "plain NVFP4, bound 448", _nearest),
        "sr-ideal": Rounder("SR 16/17, ideal", "stochastic with endless bits", _stochastic(FACTOR, None)),
        "sr-a8": Rounder("SR 16/17, A8", "rule A with 8 bits", _stochastic(FACTOR, 8)),
        "sr-a4": Rounder("SR 16/17, A4", "rule A with 4 bits: a narrow generator", _stochastic(FACTOR, 4)),
        "te-ideal": Rounder(
            "TE and torchao, ideal", "no 16/17: values above 6 are clipped", _stochastic(1, None)
        ),
        "te-a8": Rounder(
            "TE and torchao, A8", "the same with rule A and 8 bits: as shipped", _stochastic(1, 8)
        ),
        "4over6-own": Rounder(
            "4/6 and SR, own bits", "the better of two draws, 16/17, bound 256", _four_over_six(same=False)
        ),
        "4over6-same": Rounder(
            "4/6 and SR, same bits", "both candidates share their random numbers", _four_over_six(same=True)
        ),
        "eden": Rounder(
            "MS-EDEN, kernels", "Quartet II, noise of its own for each scale", _kernel(eden.SIMULATOR_NOISE)
        ),
        "eden-shared": Rounder(
            "MS-EDEN, shared noise",
            "the same with the kernels' words, which rows share",
            _kernel(eden.KERNEL_NOISE),
        ),
        "eden-simulator": Rounder(
            "MS-EDEN, simulator", "correction per 128, ties away", _eden(eden.simulator)
        ),
    }
)
