"""There and back: how far a value can be off, and that the codes are those of the trace."""

from __future__ import annotations

import numpy as np

import fos_ref
from fos_ref.model.dequantize import holds_second, scale_values
from fos_ref.model.elements import ELEMENT_FORMAT
from fos_ref.storage.layout import one_a_byte
from tests.every import every
from tests.model.steps import SATURATING
from tests.model.test_quantize import by_name, LINES, normal, ONE_SCALE, same_bits


@every(ONE_SCALE, by_name)
def test_the_error_of_a_round_trip_is_within_half_a_step(r):
    """Each value is off by at most the largest half gap of its grid, in units of its own scale.

    That is 1 for E2M1, from 4 to 6. A scale that was rounded down leaves more above the largest value: a
    sixteenth of it under E4M3, and what is below the next power of two where the exponent was cut.
    """
    x = normal((32, 64))
    q = fos_ref.quantize(x, r)
    y = fos_ref.dequantize(q)
    half_gap = np.where(holds_second(q.block_scales, r), *(largest_error(g, r) for g in grids(r)[::-1]))
    room = np.repeat(scale_values(q.block_scales, r) * half_gap, r.block_cols, axis=1)
    room = room * q.decode_scale.reshape(-1, 1)
    assert np.all(np.abs(y - x) <= 1.001 * room)


def grids(r):
    return ELEMENT_FORMAT[r.element_format]


def largest_error(g, r) -> float:
    """Return the most that a value is off, in units of the block scale."""
    values = g.values[: g.format.max_code + 1].astype(np.float64) * float(g.unit)
    cut = 2.0 ** (r.element.exponent + 1) if r.scale_format.of_amax else values[-1] * 2**0.5
    past = cut - values[-1]
    return max(np.diff(values).max() / 2, past if r.scale_format in SATURATING else values[-1] / 16)


@every(LINES, by_name)
def test_dequantized_values_are_those_of_the_trace(r):
    x = normal((16, 32))
    q, t = fos_ref.quantize(x, r), fos_ref.trace(x, r)
    assert same_bits(q.block_scales, t.block_scales)
    assert same_bits(q.picked4, t.picked4)
    assert np.array_equal(one_a_byte(q.codes, r), t.codes)
