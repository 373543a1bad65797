"""A recipe's stochastic step over every byte and every bfloat16 below 8: model, oracle, compiled engine."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import fos_ref
from fos_ref.engines.random_bits import elements_of
from fos_ref.fast.stochastic import cast_compiled
from fos_ref.formats import BFLOAT16, decode
from fos_ref.formats.bits import f32_bits
from fos_ref.model.stochastic import cast_stochastic
from fos_ref.oracle.elements import cast_elements
from fos_ref.oracle.exact import from_bits
from fos_ref.oracle.grids import grids
from fos_ref.recipes.axes import ElementRounding, NonFinite, RandomFeed

BELOW_8 = 0x4100  #: bfloat16 values from 0 on
BYTES = np.arange(256, dtype=np.uint32)
SOFTWARE = fos_ref.recipe("te-train-gradient-software")
KNOWN = {
    n: r
    for n, r in fos_ref.STOCHASTIC.items()
    if r.name == n and r.rounds_elements and r.random_feed is not RandomFeed.HARDWARE_DECIDES
}
RULES = (ElementRounding.SR_A, ElementRounding.SR_B, ElementRounding.SR_C, ElementRounding.TE_SOFTWARE)


def differing(rounding, values):
    """Return how many of the codes and counted values of model and oracle differ, over all bytes."""
    r = replace(SOFTWARE, name="own", element_rounding=rounding)
    grid, count = grids(r.element_format)[0], 0
    scaled = np.broadcast_to(values[:, None], (values.size, BYTES.size))
    codes, counted = cast_stochastic(scaled, np.broadcast_to(BYTES, scaled.shape), r)
    units = np.ldexp(counted.astype(np.float64), 149)
    for bits, got, worth in zip(f32_bits(values).tolist(), codes.tolist(), units.tolist(), strict=True):
        want = cast_elements([False] * 256, [from_bits(bits)] * 256, grid, r, random=range(256))
        count += sum(g != code or w != v for g, w, (code, v) in zip(got, worth, want, strict=True))
    return count


def bfloat16(first, last, step=1):
    return decode(np.arange(first, last, step), BFLOAT16).astype(np.float32)


@pytest.mark.sample(1)
@pytest.mark.parametrize("rounding", RULES, ids=lambda r: r.value)
def test_a_sample_of_every_word_and_value(rounding):
    """From 2^-9 on 8 bits can move a value; every 31st of those, so that all binades are met."""
    assert differing(rounding, bfloat16(0x3B00, BELOW_8, 31)) == 0


@pytest.mark.exhaustive
@pytest.mark.parametrize("rounding", RULES, ids=lambda r: r.value)
def test_the_compiled_step_over_every_word_and_every_value(rounding, record_property):
    r = replace(SOFTWARE, name="own", element_rounding=rounding)
    values = bfloat16(0, BELOW_8)
    scaled = np.ascontiguousarray(np.broadcast_to(values[:, None], (values.size, BYTES.size)))
    numbers = np.ascontiguousarray(np.broadcast_to(BYTES, scaled.shape))
    got, want = cast_compiled(scaled, numbers, r), cast_stochastic(scaled, numbers, r)
    record_property("pairs", scaled.size)
    assert int((got[0] != want[0]).sum() + (got[1] != want[1]).sum()) == 0


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", KNOWN)
def test_the_compiled_engine_gives_the_model_s_bytes(name):
    r = KNOWN[name]
    g = np.random.Generator(np.random.Philox(7))
    x = np.ldexp(g.standard_normal((64, 512)), g.integers(-9, 9, (64, 512))).astype(np.float32)
    x[0, :32], x[1, :4], x[2] = 0, (-0.0, 1e-42, -1e-42, 0), x[2] * np.float32(1e-30)
    if r.nonfinite is not NonFinite.RAISE:
        x[3, :3] = np.nan, np.inf, -np.inf
    words = [g.integers(0, 1 << 32, (64, 512 // elements_of(r)), dtype=np.uint64) for _ in range(r.draws)]
    bits = words if r.draws > 1 else words[0]
    for amax in (None, np.float32(3.0)):
        a, b = (fos_ref.quantize(x, r, random_bits=bits, amax=amax, engine=e) for e in ("numpy", "numba"))
        assert a.codes.tobytes() == b.codes.tobytes()
        assert a.block_scales.tobytes() == b.block_scales.tobytes()
        assert a.picked4.tobytes() == b.picked4.tobytes()


@pytest.mark.exhaustive
@pytest.mark.parametrize("rounding", RULES, ids=lambda r: r.value)
def test_every_word_and_every_value(rounding, record_property):
    record_property("pairs", BELOW_8 * 256)
    assert differing(rounding, bfloat16(0, BELOW_8)) == 0
