"""Inputs for the oracle: exponent x significand patterns, ties, subnormal scales, coarse and sparse data.

Each case is a matrix of 32 blocks and the caller's arguments that go with it. `rounds` repeats the random
part with other seeds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import ml_dtypes
import numpy as np

ROWS, COLS = 16, 32
FRACTIONS = (
    0,
    1,
    2,
    0x7FFFFF,
    0x7FFFFE,
    0x400000,
    0x3FFFFF,
    0x400001,
    0x200000,
    0x600000,
    0x555555,
    0x2AAAAA,
)
FRACTIONS += (
    0x080000,
    0x07FFFF,
    0x080001,
    0x180000,
    0x17FFFF,
    0x180001,
    0x010000,
    0x008000,
    0x700000,
    0x6FFFFF,
)
FIELDS = (0, 1, 2, 23, 24, 64, 103, 110, 117, 118, 126, 127, 128, 129, 130, 140, 150, 200, 250, 252, 253, 254)
E2M1_MIDPOINTS = (0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0)


@dataclass(frozen=True)
class Case:
    name: str
    x: np.ndarray
    arguments: dict[str, Any] = field(default_factory=dict)
    finite: bool = True


def cases(rounds: int = 1) -> list[Case]:
    """Return every case, the random ones `rounds` times."""
    found = []
    for seed in range(rounds):
        g = np.random.Generator(np.random.Philox(seed))
        found += statistical(g) + patterned(g) + extreme(g) + nonfinite(g) + short(g)
    return found


def statistical(g: np.random.Generator) -> list[Case]:
    """Return what tensors look like: normal, heavy-tailed, coarse, sparse."""
    shape = (ROWS, COLS)
    normal = g.standard_normal(shape).astype(np.float32)
    heavy = (g.standard_t(3, shape) * np.exp(3 * g.standard_normal((ROWS, 1)))).astype(np.float32)
    coarse = (g.integers(-12, 13, shape) / 8).astype(np.float32)
    sparse = np.where(g.random(shape) < 0.8, np.float32(0), normal) * g.choice([-1, 1], shape)
    sparse[3] = sparse[:, 16:][5] = 0
    short = normal.astype(ml_dtypes.bfloat16).astype(np.float32)
    near_max = (g.choice([4, 4.5, 5, 5.5, 6], shape) * 2.0 ** g.integers(-3, 1, (ROWS, 1))).astype(np.float32)
    return [
        Case("normal", normal),
        Case("bfloat16", short),
        Case("heavy tails", heavy),
        Case("coarse", coarse),
        Case("coarse, amax 4.5", coarse, {"amax": np.float32(4.5)}),
        Case("sparse with signed zeros", sparse.astype(np.float32)),
        Case("near the block maximum", near_max),
    ]


def patterned(g: np.random.Generator) -> list[Case]:
    """Return bit patterns: exponents crossed with significands, and ties of both grids with neighbours."""
    shape = (ROWS, COLS)
    fraction = g.choice(np.array(FRACTIONS, np.uint32), shape)
    sign = g.integers(0, 2, shape).astype(np.uint32) << np.uint32(31)
    anywhere = g.choice(np.array(FIELDS, np.uint32), shape)
    start = g.choice(np.arange(90, 150), (ROWS, COLS // 16)).repeat(16, axis=1)
    together = (start + g.integers(-7, 1, shape)).astype(np.uint32)
    ulps = g.integers(-1, 2, shape).astype(np.int32)
    e2m1_ties = g.choice(E2M1_MIDPOINTS, shape).astype(np.float32).view(np.int32) + ulps
    e2m1_ties[:, ::16] = np.float32(6).view(np.int32)
    middle = (2 * g.integers(8, 16, (ROWS, 2)) + 1) * 2.0 ** g.integers(-12, 5, (ROWS, 2))
    e4m3_ties = (normalised(g, shape) * 6 * middle.repeat(16, axis=1)).astype(np.float32)
    e4m3_ties[:, ::16] = ((6 * middle).astype(np.float32).view(np.int32) + ulps[:, ::16]).view(np.float32)
    return [
        Case("patterns over the whole range", bits(sign | anywhere << 23 | fraction)),
        Case("patterns together", bits(sign | together << 23 | fraction)),
        Case(
            "patterns together, amax given", bits(sign | together << 23 | fraction), {"amax": np.float32(3)}
        ),
        Case("E2M1 ties", bits(e2m1_ties.view(np.uint32) | sign), {"tensor_scale": 1.0}),
        Case("E4M3 ties", e4m3_ties, {"tensor_scale": 1.0}),
        Case("E4M3 ties, D tiny", e4m3_ties * np.float32(2.0**-100), {"tensor_scale": 2.0**-100}),
    ]


def extreme(g: np.random.Generator) -> list[Case]:
    """Return the ends: subnormal scales, tiny, huge and zero amax, a caller's amax that does not fit."""
    shape = (ROWS, COLS)
    small = normalised(g, shape) * 2.0 ** g.uniform(-21, -10, (ROWS, COLS // 16)).repeat(16, axis=1)
    normal = g.standard_normal(shape)
    ladder = 2.0 ** -g.integers(0, 24, (ROWS, 1))
    zeros = np.copysign(np.zeros(shape, np.float32), normal).astype(np.float32)
    found = [
        Case("subnormal block scales", small.astype(np.float32), {"amax": np.float32(1)}),
        Case("subnormal block scales, M odd", small.astype(np.float32), {"amax": np.float32(1.75)}),
        Case("subnormal inputs", (normal * ladder * 2.0**-136).astype(np.float32)),
        Case("amax where C/A overflows", (normal * ladder * 2.0**-119).astype(np.float32)),
        Case("squares underflow", (normal * ladder * 2.0**-60).astype(np.float32)),
        Case(
            "scaled values around 2**127",
            (normal * 2.0**16).astype(np.float32),
            {"amax": np.float32(2.0**-110)},
        ),
        Case("huge", (normalised(g, shape) * np.float32(3.4e38)).astype(np.float32)),
        Case("amax far too small", normal.astype(np.float32), {"amax": np.float32(2.0**-9)}),
        Case("amax far too large", normal.astype(np.float32), {"amax": np.float32(3.4e38)}),
        Case("amax zero", normal.astype(np.float32), {"amax": np.float32(0)}),
        Case("amax subnormal", normal.astype(np.float32), {"amax": np.float32(1e-45)}),
        Case("signed zeros only", zeros),
    ]
    return [c for c in found if np.all(np.isfinite(c.x))]


def nonfinite(g: np.random.Generator) -> list[Case]:
    """Return NaN and infinities, for the recipes that let them through."""
    x = g.standard_normal((ROWS, COLS)).astype(np.float32)
    infinite, poisoned = x.copy(), x.copy()
    infinite[2, 3], infinite[5, 20] = np.inf, -np.inf
    poisoned[1, 1], poisoned[8, 30], poisoned[8, 31] = np.nan, -np.nan, np.inf
    given = {"amax": np.float32(2)}
    return [
        Case("infinity", infinite, finite=False),
        Case("NaN", poisoned, finite=False),
        Case("infinity, amax given", infinite, given, finite=False),
        Case("NaN, amax given", poisoned, given, finite=False),
    ]


def short(g: np.random.Generator) -> list[Case]:
    """Return 16-bit inputs, for the recipes that round in the input's dtype: usual, odd and extreme sizes."""
    shape = (ROWS, COLS)
    found = []
    for dtype, exponents in ((ml_dtypes.bfloat16, (0, -3, 60, -120, -127)), (np.float16, (0, 5, -13, -20))):
        for k in exponents:
            x = normalised(g, shape) * 2.0**k * g.uniform(1, 2, (ROWS, 2)).repeat(16, axis=1)
            found.append(Case(f"{np.dtype(dtype).name} around 2**{k}", x.astype(dtype)))
        x = g.standard_normal(shape).astype(dtype)
        found.append(Case(f"{np.dtype(dtype).name}, amax given", x, {"amax": np.float32(5.03125)}))
        poisoned = x.copy()
        poisoned[1, 1], poisoned[8, 30] = np.nan, np.inf
        found.append(Case(f"{np.dtype(dtype).name} with NaN and infinity", poisoned, finite=False))
        zeros = np.zeros(shape, dtype)
        found.append(Case(f"{np.dtype(dtype).name} zeros", zeros))
    return found


def normalised(g: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Return values in [-1, 1], each row of 16 with a largest magnitude of 1."""
    x = g.uniform(-1, 1, shape)
    x[:, ::16] = 1
    return x


def bits(patterns: np.ndarray) -> np.ndarray:
    """Return float32 values of uint32 bit patterns."""
    return np.ascontiguousarray(patterns, dtype=np.uint32).view(np.float32)
