"""Where all that differs are exact midpoints, rules of ties come before what shifts by an ulp."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from fos_ref.verify import check
from tests.check.field.plain import (
    E4M3,
    F,
    Kernel,
    MIDDLES,
    nearest_code,
    normal,
    pack,
    rounded_scale,
    unpack,
)

X = normal((64, 256), 2).astype(ml_dtypes.bfloat16)


def smaller(y):
    return (np.searchsorted(MIDDLES, np.abs(y), side="left") | np.where(np.signbit(y), 8, 0)).astype(np.uint8)


def larger(y):
    return (np.searchsorted(MIDDLES, np.abs(y), side="right") | np.where(np.signbit(y), 8, 0)).astype(
        np.uint8
    )


def half(base, up):
    """Return scale bytes with exact midpoints up, or down."""
    low = np.minimum(base, F(448)).astype(E4M3).view(np.uint8)
    low = np.where(low.view(E4M3).astype(F) > base, low - 1, low).astype(np.uint8)
    above = np.minimum(low + 1, 0x7E).astype(np.uint8)
    middle = (low.view(E4M3).astype(F) + above.view(E4M3).astype(F)) / 2
    return np.where((base > middle) | ((base == middle) & up), above, low).astype(np.uint8)


CODES = {"E2m1TiesZero": smaller, "E2m1TiesAway": larger}
SCALES = {"ScaleCeil": True, "ScaleFloor": False}
BOTH = [(c, s) for c in (None, *CODES) for s in (None, *SCALES) if c or s]
USUAL = (*((c, s) for c, s in BOTH if not (c and s)), ("E2m1TiesZero", "ScaleCeil"))


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("codes", "scales"), [pytest.param(*b, marks=[pytest.mark.exhaustive] * (b not in USUAL)) for b in BOTH]
)
def test_rules_of_ties(codes, scales):
    flags = {f for f in (codes, scales) if f}
    scale = (lambda base: half(base, SCALES[scales])) if scales else rounded_scale
    found = check(
        X, *Kernel(s=1, code=CODES.get(codes, nearest_code), scale=scale)(X), recipe="nvfp4", amax=2688
    )
    assert set(found.flags) == flags
    assert found.mismatching_blocks >= max(c.blocks for c in found.causes)


@pytest.mark.long
def test_all_rules_of_ggml_at_once():
    codes, scales = Kernel(s=1, code=smaller, scale=lambda base: half(base, up=True))(X)
    blocks = unpack(codes).reshape(64, -1, 16)
    blocks = np.where(blocks == 8, 0, blocks)
    halves = (blocks[..., :8] | blocks[..., 8:] << 4).astype(np.uint8).reshape(64, -1)
    found = check(X, halves, scales, recipe="nvfp4", amax=2688)
    assert set(found.flags) == {"NibbleOrder", "NegativeZero", "E2m1TiesZero", "ScaleCeil"}


def power_of_two(b, how):
    """Return E8M0 bytes of block amaxes."""
    exponent = b.view(np.uint32) >> 23
    if how == "floor":
        return (exponent - 2).astype(np.uint8)
    exact = np.log2(b.astype(np.float64) / 6)
    nearest = np.where(exact - np.floor(exact) > np.log2(1.5), np.ceil(exact), np.floor(exact))
    return (nearest + 127).astype(np.uint8)


@pytest.mark.sample(1)
@pytest.mark.parametrize("how", ["floor", "nearest"])
def test_a_kernel_that_clamps_needs_no_second_flag_under_a_recipe_that_does_not(how):
    x = normal((64, 256), 1)
    blocks = x.reshape(64, -1, 32)
    byte = power_of_two(np.abs(blocks).max(axis=-1), how)
    value = (byte.astype(np.uint32) << 23).view(F)
    codes = pack(nearest_code(blocks / value[..., None]).reshape(64, -1))
    found = check(x, codes, byte, recipe="fouroversix-mxfp4-static6")
    assert found.flags == ("ScaleFloor",)
