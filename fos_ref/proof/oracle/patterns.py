"""Float32 bit patterns for the oracle: exponents crossed with significands, and ties with neighbours."""

from __future__ import annotations

import numpy as np

from fos_ref.formats import decode, FormatInfo, FORMATS
from fos_ref.formats.arrays import AnyArray, F32, F64
from fos_ref.recipes.recipe import BLOCK

#: Fraction fields: none, one and all bits set, halves and quarters with neighbours, and the same below the
#: three bits that an E4M3 significand keeps.
FRACTIONS = (
    *(0, 1, 2, 0x7FFFFF, 0x7FFFFE, 0x400000, 0x3FFFFF, 0x400001, 0x200000, 0x600000, 0x555555, 0x2AAAAA),
    *(0x080000, 0x07FFFF, 0x080001, 0x180000, 0x17FFFF, 0x180001, 0x010000, 0x008000, 0x700000, 0x6FFFFF),
)
#: Exponent fields: both ends, where squares and quotients leave the range, and around 1.
FIELDS = (0, 1, 2, 23, 24, 64, 103, 110, 117, 118, 126, 127, 128, 129, 130, 140, 150, 200, 250, 252, 253, 254)
E2M1_MIDPOINTS = (0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0)
Shape = tuple[int, int]


def bits(patterns: AnyArray) -> F32:
    """Return float32 values of uint32 bit patterns."""
    return np.ascontiguousarray(patterns, dtype=np.uint32).view(np.float32)


def signs(g: np.random.Generator, shape: Shape) -> AnyArray:
    """Return random sign bits."""
    return g.integers(0, 2, shape).astype(np.uint32) << np.uint32(31)


def fractions(g: np.random.Generator, shape: Shape) -> AnyArray:
    """Return random picks of FRACTIONS."""
    return g.choice(np.array(FRACTIONS, np.uint32), shape)


def per_block(g: np.random.Generator, low: int, high: int, shape: Shape) -> AnyArray:
    """Return integers from `low` up to `high`, excluded, the same for all 16 values of a block."""
    return g.integers(low, high, (shape[0], shape[1] // BLOCK)).repeat(BLOCK, axis=1)


def normalised(g: np.random.Generator, shape: Shape) -> F64:
    """Return values in [-1, 1], each block of 16 with a largest magnitude of 1."""
    x = g.uniform(-1, 1, shape)
    x[:, ::BLOCK] = 1
    return x


def whole_range(g: np.random.Generator, shape: Shape) -> F32:
    """Return patterns whose exponents are any of FIELDS, whatever the neighbours have."""
    return bits(signs(g, shape) | g.choice(np.array(FIELDS, np.uint32), shape) << 23 | fractions(g, shape))


def together(g: np.random.Generator, shape: Shape) -> F32:
    """Return patterns whose exponents lie within 8 of each other in a block."""
    field = per_block(g, 90, 150, shape) + g.integers(-7, 1, shape)
    return bits(signs(g, shape) | field.astype(np.uint32) << 23 | fractions(g, shape))


def e2m1_ties(g: np.random.Generator, shape: Shape) -> F32:
    """Return E2M1 midpoints and float32 neighbours, in blocks of amax 6: ties where D = 1."""
    ulps = g.integers(-1, 2, shape).astype(np.int32)
    found = g.choice(E2M1_MIDPOINTS, shape).astype(np.float32).view(np.int32) + ulps
    found[:, ::BLOCK] = np.float32(6).view(np.int32)
    return bits(found.view(np.uint32) | signs(g, shape))


def e4m3_ties(g: np.random.Generator, shape: Shape) -> F32:
    """Return blocks whose amax is 6 times an E4M3 midpoint, or beside that: ties where D = 1."""
    blocks = (shape[0], shape[1] // BLOCK)
    middle = np.ldexp(2.0 * g.integers(8, 16, blocks) + 1, g.integers(-12, 5, blocks))
    found: F32 = (normalised(g, shape) * 6 * middle.repeat(BLOCK, axis=1)).astype(np.float32)
    ulps = g.integers(-1, 2, blocks).astype(np.int32)
    found[:, ::BLOCK] = ((6 * middle).astype(np.float32).view(np.int32) + ulps).view(np.float32)
    return found


def crossed_amax(g: np.random.Generator) -> np.float32:
    """Return a tensor amax from 2**-37 up to 2**23 whose fraction is one of FRACTIONS."""
    return np.float32(bits(np.array([g.integers(90, 150) << 23 | g.choice(FRACTIONS)]))[0])


#: The element formats beside E2M1, each with a largest value and midpoints of its own.
OTHER_GRIDS = tuple(
    FORMATS[n] for n in ("E2M0", "E2M3", "E3M2", "E4M3", "E5M2", "INT3", "INT4", "INT6", "INT8")
)


def midpoints(fmt: FormatInfo) -> F32:
    """Return the midpoints between the magnitudes of a format; float32 holds them."""
    sizes = decode(np.arange(fmt.max_code + 1), fmt)
    return ((sizes[1:] + sizes[:-1]) / 2).astype(np.float32)


def ties_of_other_grids(g: np.random.Generator, shape: Shape) -> F32:
    """Return midpoints and float32 neighbours, a format a row, under the format's largest value.

    Ties where D = 1, and for floats beside integers where the block keeps the floats.
    """
    found = np.empty(shape, np.float32)
    for row in range(shape[0]):
        fmt = OTHER_GRIDS[row % len(OTHER_GRIDS)]
        ulps = g.integers(-1, 2, shape[1]).astype(np.int32)
        found[row] = (g.choice(midpoints(fmt), shape[1]).view(np.int32) + ulps).view(np.float32)
        found[row, :: BLOCK // 2] = decode(np.array(fmt.max_code), fmt)
    return bits(found.view(np.uint32) | signs(g, shape))


def subnormal_scale_ties(g: np.random.Generator, shape: Shape) -> F32:
    """Return blocks whose amax is 6 times a midpoint of subnormal E4M3 or E5M3 scales, or beside that."""
    blocks = (shape[0], shape[1] // BLOCK)
    middle = np.ldexp(2.0 * g.integers(0, 8, blocks) + 1, g.choice([-10, -18], blocks))
    found: F32 = (normalised(g, shape) * 6 * middle.repeat(BLOCK, axis=1)).astype(np.float32)
    ulps = g.integers(-1, 2, blocks).astype(np.int32)
    found[:, ::BLOCK] = ((6 * middle).astype(np.float32).view(np.int32) + ulps).view(np.float32)
    return found
