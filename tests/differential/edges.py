"""The ends of float32: zero, subnormal, huge and non-finite tensors, and wrong amaxes of the caller."""

from __future__ import annotations

import numpy as np
from ml_dtypes import finfo

from fos_ref.inputs.distributions import make
from fos_ref.recipes import Recipe
from fos_ref.recipes.axes import AmaxScope, TensorScale

SHAPE = (32, 64)
#: Around C/FLT_MAX (4.5e-36, 7.9e-36), where the encode scale overflows, and around every other end.
AMAXES = tuple(
    np.float32(a)
    for a in (
        *(0, 1e-45, 1e-40, 1e-38, 2e-37, 4.4e-36, 4.6e-36, 7.8e-36, 8e-36, 1e-20, 1e-3, 0.1, 0.5, 1, 2, 3.7),
        *(5, 100, 1e10, 1e35, 1e37, 3.4028235e38),
    )
)
AMAX_FAMILIES = ("normal", "heavy-tailed", "zero-laden", "coarse", "signed-zero", "subnormal-scale")


def families(dtype: str) -> np.ndarray:
    """Return six families under each other, for a caller's amax."""
    return np.concatenate([make(family, SHAPE, 9, dtype) for family in AMAX_FAMILIES])


def normal() -> np.ndarray:
    return make("normal", SHAPE, 5)


def with_value(value: float, *at: tuple[int, int]) -> np.ndarray:
    x = normal()
    for place in at:
        x[place] = value
    return x


def half_zero(x: np.ndarray) -> np.ndarray:
    """Return x with whole tiles and single values of zero."""
    x = np.where(make("normal", SHAPE, 6) > 1, np.float32(0), x)
    x[16:, :32] = 0
    return x


def finite_edges() -> dict[str, np.ndarray]:
    """Return the finite tensors by name, float32."""
    tiny = {f"times {k}": half_zero(normal() * np.float32(k)) for k in (1e-20, 1e-36, 1e-37, 1e-40)}
    return tiny | {
        "zero": np.zeros(SHAPE, np.float32),
        "negative zero": np.full(SHAPE, -0.0, np.float32),
        "smallest subnormal": np.sign(normal()) * np.float32(1e-45),
        "up to 3e38": np.clip(normal(), -3, 3) * np.float32(1e38),
        "one FLT_MAX": with_value(np.finfo(np.float32).max, (0, 0)),
        "times 1e37": normal() * np.float32(1e37),
        "any finite bits": random_bits(),
    }


def random_bits() -> np.ndarray:
    """Return random bit patterns below infinity: every exponent of float32 equally often."""
    bits = np.random.default_rng(11).integers(0, 1 << 32, SHAPE, dtype=np.uint32)
    bits[(bits >> 23) & 0xFF == 0xFF] &= np.uint32(0xBFFFFFFF)  # no infinity, no NaN
    bits[:, 32:] &= np.uint32(0xBFFFFFFF)  # one half below 2, so that not all scales are 0
    return bits.view(np.float32)


def nonfinite_edges() -> dict[str, np.ndarray]:
    """Return tensors with NaN and infinity by name, float32."""
    x, nan, inf = normal(), np.float32(np.nan), np.float32(np.inf)
    zero_tile = with_value(np.inf, (0, 0))
    zero_tile[16:] = 0
    return {
        "one NaN": with_value(np.nan, (20, 37)),
        "one negative NaN": with_value(-np.nan, (0, 0)),
        "many NaN": np.where(x > 1, nan, x),
        "all NaN": np.full(SHAPE, nan),
        "one infinity": with_value(np.inf, (0, 0)),
        "one negative infinity": with_value(-np.inf, (20, 37)),
        "both infinities in a block": with_value(-np.inf, (3, 1)) + with_value(np.inf, (3, 2)) - x,
        "all infinity": np.full(SHAPE, inf),
        "infinity and zero tiles": zero_tile,
        "infinity and NaN": np.where(x > 1.5, inf, np.where(x < -1.5, nan, x)),
    }


def for_recipe(amax: np.float32, recipe: Recipe, x: np.ndarray) -> np.ndarray:
    """Return a caller's amax as `recipe` takes it for x; per row, every third row has another one.

    Where the tensor scale is rounded to the input's dtype, so is the amax first.
    """
    rows = len(x)
    if recipe.tensor_scale is TensorScale.RECIPROCAL_IN_INPUT_DTYPE:
        with np.errstate(over="ignore"):
            amax = np.minimum(amax.astype(x.dtype), finfo(x.dtype).max).astype(np.float32)
    if recipe.amax_scope is not AmaxScope.ROW:
        return np.asarray(amax)
    per_row = np.full(rows, amax)
    per_row[::3] = np.roll(np.resize(AMAXES, rows), 1)[::3]
    return per_row
