"""Seeded tensors by name. STATISTICAL: where 4/6 gains or loses. HUNTING: where implementations break.

Call `make(name, shape, seed)`. The same arguments give the same bits: every family has its own Philox stream,
whose key is the seed and the family's name, so a new family changes no other. All values are finite, in each
of the three dtypes.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from types import MappingProxyType

import ml_dtypes
import numpy as np

from fos_ref.arguments import is_a, sizes, whole
from fos_ref.errors import DtypeError, InputError, ShapeError
from fos_ref.foreign import shown
from fos_ref.formats.arrays import AnyArray, Bool, F32, F64
from fos_ref.formats.environment import check_float_environment
from fos_ref.recipes.recipe import BLOCK

DTYPES: Mapping[str, np.dtype[np.generic]] = MappingProxyType(
    {
        "float32": np.dtype(np.float32),
        "bfloat16": np.dtype(ml_dtypes.bfloat16),
        "float16": np.dtype(np.float16),
    }
)
_MOST_VALUES = 1 << 32  #: 32 GB of float64 on the way
#: Blocks (R, B, 16); B = C / 16.
Blocks = tuple[int, int, int]
Family = Callable[[np.random.Generator, Blocks], F64]


def make(name: str, shape: tuple[int, int], seed: int, dtype: str = "float32") -> AnyArray:
    """Return a tensor of the family `name`; equal arguments give equal bits.

    name:     one of FAMILIES; the docstring of each family says which bug it is for
    Shapes:   (R, C), both at least 1, C a multiple of 16
    Dtypes:   "float32", "float16" or "bfloat16"
    Rounding: the family's float64 values to float32, then once more for the 16-bit types; to nearest even.
    Specials: finite values only; subnormals and signed zeros where the family says so.
    Raises:   InputError for an unknown name (all are listed) or a seed outside 0 to 2^64 - 1; ShapeError;
              DtypeError.
    Source:   NumPy's Philox, keyed by the seed and the CRC-32 of the name.
    """
    rows, cols = _checked(name, shape, seed, dtype)
    check_float_environment()
    key = np.array([seed, zlib.crc32(name.encode())], dtype=np.uint64)
    rng = np.random.Generator(np.random.Philox(key=key))
    blocks = FAMILIES[name](rng, (rows, cols // BLOCK, BLOCK))
    single: F32 = blocks.reshape(rows, cols).astype(np.float32)
    return single.astype(DTYPES[dtype])


def _checked(name: str, shape: tuple[int, int], seed: int, dtype: str) -> tuple[int, int]:
    if not is_a(name, str) or name not in FAMILIES:
        msg = f"no distribution is called {shown(name)}: one of {', '.join(FAMILIES)} is allowed"
        raise InputError(msg)
    if not is_a(dtype, str) or dtype not in DTYPES:
        msg = f"distribution dtype {shown(dtype)}: one of {', '.join(DTYPES)} is allowed"
        raise DtypeError(msg)
    whole(seed, "distribution seed", most=(1 << 64) - 1)
    rows, cols = sizes(shape, "distribution shape")
    if rows < 1 or cols < 1 or cols % BLOCK or rows * cols > _MOST_VALUES:
        allowed = f"R >= 1, C a positive multiple of 16, R * C up to {_MOST_VALUES:,} is allowed"
        msg = f"distribution shape {shape}: (R, C) with {allowed}"
        raise ShapeError(msg)
    return rows, cols


# --- parts -------------------------------------------------------------------------------------------


def _signs(rng: np.random.Generator, shape: tuple[int, ...]) -> F64:
    """Return +1 or -1 with equal chance."""
    return np.asarray(1.0 - 2.0 * rng.integers(0, 2, shape), dtype=np.float64)


def _chance(rng: np.random.Generator, p: float, shape: tuple[int, ...]) -> Bool:
    """Return a mask that is True with chance p."""
    return np.asarray(rng.random(shape) < p)


def _magnitudes(rng: np.random.Generator, lowest: int, highest: int, shape: tuple[int, ...]) -> F64:
    """Return magnitudes from 2**lowest up to 2**highest, each binade equally often; exact arithmetic only."""
    exponents = rng.integers(lowest, highest, shape).astype(np.int32)
    return np.asarray(np.ldexp(1.0 + rng.random(shape), exponents), dtype=np.float64)


def _one_per_block(rng: np.random.Generator, blocks: Blocks) -> Bool:
    """Return a mask that is True at one random place of each block."""
    place = rng.integers(0, BLOCK, (*blocks[:2], 1))
    return np.asarray(np.arange(BLOCK) == place)


# --- statistical: what a tensor may look like ---------------------------------------------------------


def normal(rng: np.random.Generator, blocks: Blocks) -> F64:
    """N(0, 1): the published reference point. Hunts any deviation at all: every path is ordinary here."""
    return rng.standard_normal(blocks)


def laplace(rng: np.random.Generator, blocks: Blocks) -> F64:
    """Laplace, scale 1: sparser near the block amax than N(0, 1). Hunts a selection that favours map-to-4."""
    return rng.laplace(size=blocks)


def student_t5(rng: np.random.Generator, blocks: Blocks) -> F64:
    """Student t, 5 degrees of freedom: trained weights. Hunts errors in small blocks of a wide tensor."""
    return rng.standard_t(5, blocks)


def student_t3(rng: np.random.Generator, blocks: Blocks) -> F64:
    """Student t, 3 degrees of freedom: fourth moment infinite. Hunts results ruled by a few outliers."""
    return rng.standard_t(3, blocks)


def uniform(rng: np.random.Generator, blocks: Blocks) -> F64:
    """U(-1, 1): every block amax near the tensor amax. Hunts a bound of 448 that clips the map-to-4 scale."""
    return rng.uniform(-1.0, 1.0, blocks)


def lognormal(rng: np.random.Generator, blocks: Blocks) -> F64:
    """Log-normal magnitude (mu 0, sigma 1), random sign: no mass at zero. Hunts wrong small codes."""
    return rng.lognormal(0.0, 1.0, blocks) * _signs(rng, blocks)


def outlier_channels(rng: np.random.Generator, blocks: Blocks) -> F64:
    """N(0, 1) with one column in 64 (at least one) times 20 to 50: activations. Hunts axis mix-ups."""
    rows, per_row, _ = blocks
    cols = per_row * BLOCK
    x = rng.standard_normal((rows, cols))
    chosen = rng.choice(cols, size=max(1, cols // 64), replace=False)
    x[:, chosen] *= rng.uniform(20.0, 50.0, chosen.size)
    return x.reshape(blocks)


def near_max(rng: np.random.Generator, blocks: Blocks) -> F64:
    """Four values of each block at 0.75 to 0.92 of its amax, where map-to-6 has a gap; the rest small.

    Hunts a missing selection: this is the case 4/6 was made for.
    """
    amax = rng.uniform(0.5, 1.0, (*blocks[:2], 1))
    fraction = rng.uniform(0.0, 0.5, blocks)
    close = rng.uniform(0.75, 0.92, (*blocks[:2], 4))
    fraction[..., :4], fraction[..., 4] = close, 1.0
    return rng.permuted(fraction, axis=-1) * amax * _signs(rng, blocks)


def worst_case(rng: np.random.Generator, blocks: Blocks) -> F64:
    """One value at the block amax, 15 within 1 % of 5/6 of it: for map-to-6 halfway between 4 and 6.

    The block amax is a power of two below the tensor's, so the block scale is exact and nothing moves the
    values off the midpoint. Hunts a rounding that is not to nearest, and a selection that never fires.
    """
    amax = np.ldexp(1.0, -rng.integers(0, 4, (*blocks[:2], 1)).astype(np.int32))
    fraction = 5.0 / 6.0 * rng.uniform(0.99, 1.01, blocks)
    fraction[_one_per_block(rng, blocks)] = 1.0
    return fraction * amax * _signs(rng, blocks)


# --- hunting: where implementations break -------------------------------------------------------------


def coarse(rng: np.random.Generator, blocks: Blocks) -> F64:
    """Multiples of 1/2 up to 6, times 1/2 or 1/4 in some blocks, tensor amax 6: many scales come out exact.

    Most values are 0, 1.5, 3, 3.5 or 6, where both candidates of a full block err alike, so that about two
    blocks in five are exact ties. Hunts the tie rule, E2M1 midpoints not to even, and sums in another order.
    """
    alike = rng.choice([0.0, 1.5, 3.0, 3.5, 6.0], blocks)
    other = 0.5 * rng.integers(0, 13, blocks)
    values = np.where(_chance(rng, 0.9, blocks), alike, other) * _signs(rng, blocks) + 0.0  # no -0 here
    x = np.ldexp(values, -rng.integers(0, 3, (*blocks[:2], 1)).astype(np.int32))
    x[0, 0, 0] = 6.0
    return x


def zero_laden(rng: np.random.Generator, blocks: Blocks) -> F64:
    """N(0, 1), three values in four set to +0, one block in four all +0. Hunts 0/0 and 0 * infinity."""
    keep = _chance(rng, 0.25, blocks) & _chance(rng, 0.75, (*blocks[:2], 1))
    return np.where(keep, rng.standard_normal(blocks), 0.0)


def subnormal_scale(rng: np.random.Generator, blocks: Blocks) -> F64:
    """Block amax from the tensor amax A = 2048 down to A * 2**-20, each binade equally often.

    Below A * 2**-15 the E4M3 block scale is subnormal, below about A * 2**-18.8 it rounds to zero. Hunts
    flushed or clamped scales, 1/0, and the codes of a block whose scale is zero.
    """
    amax = _magnitudes(rng, -9, 11, (*blocks[:2], 1))
    fraction = rng.uniform(-1.0, 1.0, blocks)
    fraction[_one_per_block(rng, blocks)] = 1.0
    x = fraction * amax
    x[0, 0, 0] = 2048.0
    return x


def signed_zero(rng: np.random.Generator, blocks: Blocks) -> F64:
    """Half zeros, half small values around the first midpoint, one full value a block; every sign random.

    One block in eight is zeros of either sign alone. Hunts the sign of zero: lost, invented, or taken from
    the value after rounding.
    """
    fraction = np.where(_chance(rng, 0.5, blocks), 0.0, rng.uniform(0.0, 0.1, blocks))
    fraction[_one_per_block(rng, blocks)] = 1.0
    fraction *= _chance(rng, 0.875, (*blocks[:2], 1))
    return fraction * _signs(rng, blocks)


def heavy_tailed(rng: np.random.Generator, blocks: Blocks) -> F64:
    """Magnitudes over 29 binades, 18 between blocks and 12 inside one; random signs.

    Hunts range: overflow on the way to a scale, underflow of squared errors, FTZ, double rounding.
    """
    between = np.ldexp(1.0, rng.integers(-9, 9, (*blocks[:2], 1)).astype(np.int32))
    return _magnitudes(rng, -6, 6, blocks) * between * _signs(rng, blocks)


def _by_name(*families: Family) -> dict[str, Family]:
    return {getattr(f, "__name__", "").replace("_", "-"): f for f in families}


_STATISTICAL = _by_name(
    normal,
    laplace,
    student_t5,
    student_t3,
    uniform,
    lognormal,
    outlier_channels,
    near_max,
    worst_case,
)
_HUNTING = _by_name(coarse, zero_laden, subnormal_scale, signed_zero, heavy_tailed)

FAMILIES: Mapping[str, Family] = MappingProxyType(_STATISTICAL | _HUNTING)
STATISTICAL: tuple[str, ...] = tuple(_STATISTICAL)
HUNTING: tuple[str, ...] = tuple(_HUNTING)
