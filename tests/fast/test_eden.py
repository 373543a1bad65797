"""MS-EDEN compiled: the NumPy model's bytes under every policy, and single roundings beside whole numbers."""

from __future__ import annotations

from dataclasses import replace

import ml_dtypes
import numpy as np
import pytest

import fos_ref
from fos_ref.fast.eden import refuses
from fos_ref.fast.eden.registers import fused
from fos_ref.formats.bits import f32_bits
from fos_ref.inputs.distributions import FAMILIES, make
from fos_ref.oracle.exact import fma, from_bits, to_bits
from fos_ref.recipes.axes import (
    ElementCast,
    ElementNan,
    NonFinite,
    ScaleFloor,
    ScaleRounding,
    ZeroScale,
    ZeroSign,
)
from fos_ref.recipes.stochastic import WIDTHS
from fos_ref.rotate import hadamard

KERNELS, SIMULATOR = (fos_ref.recipe(f"quartet2-{n}eden") for n in ("", "simulator-"))
#: What no preset has: other casts, signs of zeros, codes of NaN, policies, and the other rounding of scales.
OWN = [
    {"element_cast": ElementCast.TIES_TO_SMALLER, "zero_sign": ZeroSign.NEVER},
    {"element_cast": ElementCast.TIES_AWAY, "element_nan": ElementNan.CODE_B},
    {"element_cast": ElementCast.SATURATE, "zero_sign": ZeroSign.NEGATIVE_VALUES},
    {"nonfinite": NonFinite.PROPAGATE, "element_nan": ElementNan.CODE_0, "zero_sign": ZeroSign.ALWAYS},
]
OWN += [{"scale_rounding": s, "random_width": WIDTHS[s]} for s in ScaleRounding if s in WIDTHS]


def blocks(shape, seed=0):
    """Return values of many sizes; rows of zeros and of subnormals, NaN and infinity."""
    g = np.random.default_rng(seed)
    x = np.ldexp(g.standard_normal(shape), g.integers(-9, 9, shape)).astype(np.float32)
    x[0, :128], x[1, :4], x[2] = 0, (-0.0, 1e-42, -1e-42, 0), x[2] * np.float32(1e-30)
    x[3, :3], x[4, 128:144] = (np.nan, np.inf, -np.inf), np.float32(6e4)
    return x


def differing(x, r, amax=None, seed=7):
    """Return how many bytes and tensor amaxes of both engines differ."""
    g = np.random.Generator(np.random.Philox(seed))
    words = g.integers(0, 1 << r.random_width, (x.shape[0], x.shape[1] // 16), dtype=np.uint64)
    a, b = (fos_ref.quantize(x, r, random_bits=words, amax=amax, engine=e) for e in ("numpy", "numba"))
    pairs = [(getattr(a, n), getattr(b, n)) for n in ("codes", "block_scales", "picked4")]
    assert all(u.shape == v.shape and u.dtype == v.dtype for u, v in pairs)
    same = a.tensor_amax.tobytes() == b.tensor_amax.tobytes()
    return sum(int((u != v).sum()) for u, v in pairs) + (not same)


@pytest.mark.parametrize("recipe", [KERNELS, SIMULATOR], ids=lambda r: r.name)
def test_the_model_s_bytes(recipe):
    x = blocks((8, 512))
    for values in (x, x.astype(ml_dtypes.bfloat16), x.astype(np.float16)):
        for amax in (None, np.float32(3)):
            assert differing(values, recipe, amax) == 0
    for change in OWN:
        r = replace(recipe, name="own", **change)
        assert refuses(r) is None
        assert differing(x, r, np.float32(3)) == 0


def test_a_fused_sum_is_rounded_once():
    """Addends that leave the product's last bits below half a unit, at half, and above."""
    g = np.random.Generator(np.random.Philox(4))
    a, b, c = (np.ldexp(g.standard_normal(300), g.integers(-9, 9, 300)).astype(np.float32) for _ in range(3))
    with np.errstate(all="ignore"):
        c[:100] = -(a[:100] * b[:100])
        c[100:200] = np.ldexp(c[100:200], 24)
    for u, v, w in zip(a, b, c, strict=True):
        bits = f32_bits(np.float32([u, v, w])).tolist()
        want = fma(*(from_bits(n) for n in bits))
        assert f32_bits(np.float32([fused(u, v, w)])).tolist() == [to_bits(want)]


def test_what_has_no_step_is_refused():
    floor = replace(SIMULATOR, name="own", scale_floor=ScaleFloor.NONE)
    zero = replace(SIMULATOR, name="own", zero_scale=ZeroScale.DIVISOR_ZERO)
    cast = replace(KERNELS, name="own", element_cast=ElementCast.FIRST_NEAREST, zero_sign=ZeroSign.NEVER)
    for r, said in ((floor, "scale_floor"), (zero, "zero_scale"), (cast, "element_cast")):
        assert said in (refuses(r) or "")


@pytest.mark.exhaustive
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("recipe", [KERNELS, SIMULATOR], ids=lambda r: r.name)
def test_a_million_values_of_every_distribution(recipe, family, record_property):
    x = make(family, (1024, 1024), 3, "bfloat16")
    turned = hadamard(x, 128, out="float32").y
    record_property("values", 2 * x.size)
    assert differing(x, recipe) + differing(turned, recipe) == 0
