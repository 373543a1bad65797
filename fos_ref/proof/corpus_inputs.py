"""The corpus: tensors made of integers, the same bits on every machine.

No value comes from a normal distribution, a logarithm or an exponential: their last bits depend on the C
library and on the CPU. Words are SplitMix64 of a counter; a family puts them into the fields of a float, or
converts whole numbers that the float holds exactly. The hard inputs of fos_ref.verify are added: they use
single correctly rounded operations only. The hash of the inputs is part of the proof, so nobody has to
believe this.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from fos_ref.formats.arrays import AnyArray, I64, U32
from fos_ref.inputs.corners import corners, ramps, scale_midpoints

U64: TypeAlias = NDArray[np.uint64]
BLOCK = 16
_WORD = (1 << 64) - 1
_STEP = 0x9E3779B97F4A7C15  #: SplitMix64's three constants
_MIX = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
_FRACTION = 23  #: bits of a float32's fraction
SIX = 0x40C00000  #: float32 6
_MIDPOINTS = (0x3E800000, 0x3F400000, 0x3FA00000, 0x3FE00000, 0x40200000, 0x40600000, 0x40A00000)
#: Exponent fields and fractions at which rounding changes its mind.
_FIELDS = (*range(3), 23, 24, 64, 103, 110, 117, 118, *range(126, 131), 140, 150, 200, *range(250, 255))
_FRACTIONS = (
    *(0, 1, 2, 0x7FFFFF, 0x7FFFFE, 0x400000, 0x3FFFFF, 0x400001, 0x200000, 0x600000, 0x555555),
    *(0x2AAAAA, 0x080000, 0x07FFFF, 0x080001, 0x180000, 0x17FFFF, 0x180001, 0x700000, 0x6FFFFF),
)
#: NaN, negative NaN, a signalling NaN, a NaN with every bit set, both infinities, -0, the smallest subnormal.
_SPECIALS = (0x7FC00000, 0xFFC00000, 0x7F800001, 0xFFFFFFFF, 0x7F800000, 0xFF800000, 0x80000000, 0x00000001)


@dataclass(frozen=True, slots=True)
class Size:
    """How much of the corpus: the shape of each matrix and the stride through the hard inputs."""

    name: str
    shape: tuple[int, int]
    stride: int  #: every stride-th hard input
    parts: int  #: a recipe meets every parts-th family


SMALL = Size("small", (16, 64), 16, 4)
FULL = Size("full", (128, 256), 1, 1)


@dataclass(frozen=True, slots=True)
class Given:
    """One tensor and the caller's amax: None for the tensor's own, or a multiple of the recipe's C."""

    x: AnyArray
    amax: np.float32 | None = None
    of_range: bool = False  #: amax counts in C, so that 1 gives D = 1


class Draw:
    """A stream of 64-bit words that depends on a name alone."""

    def __init__(self, name: str) -> None:
        self._state = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")

    def words(self, shape: tuple[int, ...]) -> U64:
        """Return the next words."""
        n = math.prod(shape)
        z = np.arange(1, n + 1, dtype=np.uint64) * np.uint64(_STEP) + np.uint64(self._state)
        self._state = (self._state + n * _STEP) & _WORD
        z = (z ^ (z >> np.uint64(30))) * np.uint64(_MIX[0])
        z = (z ^ (z >> np.uint64(27))) * np.uint64(_MIX[1])
        return (z ^ (z >> np.uint64(31))).reshape(shape)

    def below(self, n: int, shape: tuple[int, ...]) -> I64:
        """Return whole numbers from 0 to n - 1."""
        return (((self.words(shape) >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32)).astype(np.int64)

    def pick(self, values: tuple[int, ...], shape: tuple[int, ...]) -> I64:
        """Return members of `values`."""
        return np.array(values, dtype=np.int64)[self.below(len(values), shape)]


def _float_bits(d: Draw, fields: I64, fractions: I64 | None = None) -> U32:
    """Return float32 bits of random sign with these exponent fields; random fractions unless given."""
    if fractions is None:
        fractions = d.below(1 << _FRACTION, fields.shape)
    bits = (d.below(2, fields.shape) << 31) | (fields << _FRACTION) | fractions
    return bits.astype(np.uint32)


def _per_block(d: Draw, low: int, high: int, shape: tuple[int, int]) -> I64:
    """Return one exponent field per block, repeated over it, minus 0 to 7 at each element."""
    of_block = low + d.below(high - low, (shape[0], shape[1] // BLOCK))
    return of_block.repeat(BLOCK, axis=1) - d.below(8, shape)


def _whole(values: I64) -> U32:
    """Return the float32 bits of whole numbers below 2**24: exact."""
    return values.astype(np.float32).view(np.uint32)


def bells(d: Draw, shape: tuple[int, int]) -> U32:
    """Draw sums of four 16-bit words, centred: a bell without a logarithm."""
    words = d.below(1 << 16, (4, *shape))
    return _whole(words[0] + words[1] + words[2] + words[3] - 2 * 0xFFFF)


def coarse(d: Draw, shape: tuple[int, int]) -> U32:
    """Draw whole numbers from -12 to 12: ties of the grid and of the candidates."""
    return _whole(d.below(25, shape) - 12)


def sparse(d: Draw, shape: tuple[int, int]) -> U32:
    """Draw one value in five, zeros of both signs, whole blocks of zeros."""
    zeros = (d.below(2, shape) << 31).astype(np.uint32)
    kept = (d.below(5, shape) == 0) & (d.below(7, (shape[0], shape[1] // BLOCK)).repeat(BLOCK, axis=1) > 0)
    return np.where(kept, bells(d, shape), zeros)


def binades(d: Draw, shape: tuple[int, int]) -> U32:
    """Draw forty binades, each equally often."""
    return _float_bits(d, 110 + d.below(40, shape))


def neighbours(d: Draw, shape: tuple[int, int]) -> U32:
    """Draw eight binades within a block, blocks far apart."""
    return _float_bits(d, _per_block(d, 90, 150, shape))


def patterns(d: Draw, shape: tuple[int, int]) -> U32:
    """Draw chosen exponents crossed with chosen significands, over the whole range."""
    return _float_bits(d, d.pick(_FIELDS, shape), d.pick(_FRACTIONS, shape))


def patterned_neighbours(d: Draw, shape: tuple[int, int]) -> U32:
    """Draw chosen significands, eight binades within a block."""
    return _float_bits(d, _per_block(d, 110, 140, shape), d.pick(_FRACTIONS, shape))


def element_ties(d: Draw, shape: tuple[int, int]) -> U32:
    """Draw E2M1 midpoints and their neighbours one ulp away, below a block amax of 6."""
    bits = d.pick(_MIDPOINTS, shape) + d.below(3, shape) - 1
    bits[:, ::BLOCK] = SIX + d.below(3, bits[:, ::BLOCK].shape) - 1
    return (bits | (d.below(2, shape) << 31)).astype(np.uint32)


def faint(d: Draw, shape: tuple[int, int]) -> U32:
    """Draw blocks from 1 down to 2**-24 of the amax: subnormal and zero block scales."""
    return _float_bits(d, _per_block(d, 103, 127, shape))


def subnormals(d: Draw, shape: tuple[int, int]) -> U32:
    """Draw subnormal and smallest normal values: a tensor scale at its upper end."""
    return _float_bits(d, d.below(2, shape))


def huge(d: Draw, shape: tuple[int, int]) -> U32:
    """Draw from the five highest binades: a tensor scale at its lower end."""
    return _float_bits(d, 250 + d.below(5, shape))


def finite_patterns(d: Draw, shape: tuple[int, int]) -> U32:
    """Draw every finite bit pattern, each equally often."""
    return _float_bits(d, d.below(255, shape))


def any_patterns(d: Draw, shape: tuple[int, int]) -> U32:
    """Draw every bit pattern, infinities and NaN among them."""
    return (d.words(shape) >> np.uint64(32)).astype(np.uint32)


def specials(d: Draw, shape: tuple[int, int]) -> U32:
    """Draw a bell with NaN of every kind, infinities and negative zeros in the odd rows."""
    special = d.pick(_SPECIALS, shape).astype(np.uint32)
    here = (d.below(24, shape) == 0) & (np.arange(shape[0]) % 2 == 1)[:, None]
    return np.where(here, special, bells(d, shape))


#: (family, the caller's amax, whether it counts in C)
_SINGLE: tuple[tuple[Callable[[Draw, tuple[int, int]], U32], float | None, bool], ...] = (
    (bells, None, False),
    (coarse, None, False),
    (coarse, 13.5, False),
    (sparse, None, False),
    (binades, None, False),
    (neighbours, None, False),
    (patterns, None, False),
    (patterned_neighbours, 3.0, False),
    (element_ties, 1.0, True),
    (faint, 1.0, False),
    (subnormals, None, False),
    (huge, None, False),
    (finite_patterns, None, False),
    (any_patterns, None, False),
    (specials, None, False),
    (specials, 40000.0, False),
)
_HALF_INFINITY = 0x7C00  #: float16


def _single(size: Size) -> Iterator[tuple[str, Given]]:
    for family, amax, of_range in _SINGLE:
        name = family.__name__ + ("" if amax is None else f", amax {amax:g}{' C' if of_range else ''}")
        bits = family(Draw(name), size.shape)
        yield name, Given(bits.view(np.float32), None if amax is None else np.float32(amax), of_range)


def _halves(size: Size) -> Iterator[tuple[str, Given]]:
    """Yield bfloat16 and float16: the upper halves of two families, and every finite float16 pattern."""
    for family in (neighbours, patterned_neighbours, any_patterns):
        name = f"{family.__name__}, bfloat16"
        upper = family(Draw(name), size.shape) >> np.uint32(16)
        yield name, Given(upper.astype(np.uint16).view(ml_dtypes.bfloat16))
    d = Draw("float16")
    finite = d.below(_HALF_INFINITY, size.shape) | (d.below(2, size.shape) << 15)
    yield "every finite float16", Given(finite.astype(np.uint16).view(np.float16))
    near = (d.below(8, size.shape) + 12 << 10) | d.below(1 << 10, size.shape) | (d.below(2, size.shape) << 15)
    yield "eight binades, float16", Given(near.astype(np.uint16).view(np.float16))


def _hard(size: Size, block: tuple[int, int]) -> Iterator[tuple[str, list[Given]]]:
    midpoints = scale_midpoints(*block).reshape(-1, *block)[:: size.stride].reshape(-1, block[1])
    yield "E4M3 midpoints, amax 1", [Given(midpoints, np.float32(1))]
    small = [*ramps(*block), *corners(*block)][:: size.stride]
    yield "ramps and corners", [_given(x, amax) for x, amax in small]


def _given(x: AnyArray, amax: Any) -> Given:
    return Given(x, None if amax is None else np.float32(amax))


def inputs(size: Size, block: tuple[int, int]) -> dict[str, list[Given]]:
    """Return the tensors of each family, in order, for recipes whose blocks are `block` (rows, columns)."""
    found = {name: [given] for maker in (_single, _halves) for name, given in maker(size)}
    return found | dict(_hard(size, block))
