"""Single steps of corrected scales beside the oracle, where a whole block hides a last bit."""

from __future__ import annotations

import numpy as np
import pytest

import fos_ref
from fos_ref.formats.bits import f32_bits
from fos_ref.model.candidates import cast_random
from fos_ref.model.corrected import by_block, even_odd
from fos_ref.oracle import corrected as oracle
from fos_ref.oracle.exact import from_bits, to_bits
from fos_ref.oracle.grids import grids
from fos_ref.oracle.quantize import source_of
from fos_ref.oracle.random_scales import code
from fos_ref.oracle.scales import tensor_scales

EDEN = fos_ref.recipe("quartet2-eden")
G = np.random.Generator(np.random.Philox(3))


def test_sums_of_even_and_odd_elements_are_fused():
    a, b = (G.standard_normal((200, 16)).astype(np.float32) for _ in range(2))
    got = f32_bits(even_odd(a, np.abs(a))).tolist() + f32_bits(even_odd(a, b)).tolist()
    pairs = [(u, [abs(v) for v in u]) for u in exact(a)] + list(zip(exact(a), exact(b), strict=True))
    assert got == [to_bits(oracle.even_odd(u, v)) for u, v in pairs]


def exact(a):
    return [[from_bits(u) for u in row] for row in f32_bits(a).tolist()]


def test_the_corrected_scale_of_many_blocks():
    x = np.ldexp(G.standard_normal((400, 16)), G.integers(-20, 20, (400, 1))).astype(np.float32)
    got = by_block(x[:, None], np.abs(x).max(axis=1, keepdims=True), EDEN)
    t = tensor_scales(from_bits(0x3F800000), EDEN)
    for row, scale in zip(f32_bits(x).tolist(), f32_bits(got.scale).ravel().tolist(), strict=True):
        want = oracle.by_block(source_of(row, t, EDEN), grids(EDEN.element_format)[0], EDEN)
        assert to_bits(want.scale) == scale


@pytest.mark.parametrize("name", ["quartet2-eden", "quartet2-simulator-eden"])
def test_a_scale_goes_up_exactly_past_its_random_number(name):
    """Bases whose cut bits are 16 R, one less and one more; the ends of the range; values of E4M3."""
    r = fos_ref.recipe(name)
    bits = [0x3F800000 | cut for cut in (0, 1, 15, 16, 17, 0x7FFF0, 0x80000, 0x80010, 0xFFFFF)]
    bits += [0x3C7FFFFF, 0x3C800000, 0x3C800010, 0x43DFFFFF, 0x43E00000, 0, 0x3B000001]
    numbers = [0, 1, 0x7FFE, 0x7FFF, 0x8000, 0x8001, 0xFFFF]
    if r.random_width == 32:
        numbers = [n << 16 | 7 for n in numbers] + [0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
    u, n = (np.repeat(bits, len(numbers)), np.tile(numbers, len(bits)))
    got, _ = cast_random(u.astype(np.uint32).view(np.float32), n.astype(np.uint32), r)
    assert got.tolist() == [code(from_bits(int(v)), r, int(m)) for v, m in zip(u, n, strict=True)]
    assert len(set(got.tolist())) > 5
