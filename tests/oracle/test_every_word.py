"""A recipe's stochastic step over every byte and every bfloat16 below 8: model, oracle, compiled engine."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import fos_ref
from fos_ref.formats import BFLOAT16, decode
from fos_ref.formats.bits import f32_bits
from fos_ref.model.stochastic import cast_stochastic
from fos_ref.oracle.elements import cast_elements
from fos_ref.oracle.exact import from_bits
from fos_ref.oracle.grids import grids
from fos_ref.recipes.axes import ElementRounding

BELOW_8 = 0x4100  #: bfloat16 values from 0 on
BYTES = np.arange(256, dtype=np.uint32)
SOFTWARE = fos_ref.recipe("te-train-gradient-software")
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


@pytest.mark.parametrize("rounding", RULES, ids=lambda r: r.value)
def test_a_sample_of_every_word_and_value(rounding):
    """From 2^-9 on 8 bits can move a value; every 31st of those, so that all binades are met."""
    assert differing(rounding, bfloat16(0x3B00, BELOW_8, 31)) == 0


@pytest.mark.exhaustive
@pytest.mark.parametrize("rounding", RULES, ids=lambda r: r.value)
def test_every_word_and_every_value(rounding, record_property):
    record_property("pairs", BELOW_8 * 256)
    assert differing(rounding, bfloat16(0, BELOW_8)) == 0
