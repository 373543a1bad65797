"""Byte layouts invert each other, chunking is invisible, and every installed engine gives the same bits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import fos_ref
from fos_ref.engines import numpy_engine
from fos_ref.engines.registry import installed
from fos_ref.formats import decode, encode, FORMATS
from fos_ref.storage.layout import pack_nibbles, swizzled_shape, unpack_nibbles
from tests.property.strategies import amax_of, anything, matrices, recipes, same

NIBBLES = hnp.array_shapes(max_dims=3, max_side=9).map(lambda s: (*s[:-1], 2 * s[-1]))


@given(hnp.arrays(np.uint8, NIBBLES, elements=st.integers(0, 15)))
def test_packing_and_unpacking_invert_each_other(codes):
    packed = pack_nibbles(codes)
    assert packed.shape == (*codes.shape[:-1], codes.shape[-1] // 2)
    assert np.array_equal(unpack_nibbles(packed), codes)
    assert np.array_equal(pack_nibbles(unpack_nibbles(packed)), packed)


SCALES = hnp.arrays(
    np.uint8, st.tuples(st.integers(0, 300), st.integers(0, 13)), elements=st.integers(0, 255)
)


@given(SCALES)
def test_swizzling_inverts_and_pads_with_zeros(scales):
    flat = fos_ref.swizzle(scales)
    rows, cols = swizzled_shape(*scales.shape)
    assert flat.shape == (rows * cols,)
    assert np.array_equal(fos_ref.unswizzle(flat, *scales.shape), scales)
    assert np.count_nonzero(flat) == np.count_nonzero(scales)
    assert np.array_equal(np.sort(flat)[rows * cols - scales.size :], np.sort(scales, axis=None))


@given(SCALES, st.data())
def test_a_swizzled_byte_stands_where_the_formula_says(scales, data):
    if not scales.size:
        return
    r = data.draw(st.integers(0, scales.shape[0] - 1))
    k = data.draw(st.integers(0, scales.shape[1] - 1))
    tiles = -(-scales.shape[1] // 4)
    offset = (r // 128 * tiles + k // 4) * 512 + r % 32 * 16 + r % 128 // 32 * 4 + k % 4
    assert fos_ref.swizzle(scales)[offset] == scales[r, k]


@given(st.sampled_from([f for f in FORMATS.values() if f.negatives.value != "none"]), anything)
def test_encoding_what_was_decoded_changes_nothing(fmt, v):
    code = encode(np.float32([v]), fmt)
    assert np.array_equal(encode(decode(code, fmt), fmt), code)


@given(st.data(), recipes, st.integers(1, 600))
def test_the_size_of_a_chunk_does_not_show(data, r, size):
    tiles = [data.draw(matrices(r)) for _ in range(2)]
    x = np.concatenate(tiles)
    whole = fos_ref.quantize(x, r, engine="numpy")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numpy_engine, "CHUNK_ELEMENTS", size)
        chunked = fos_ref.quantize(x, r, engine="numpy")
    same(whole, chunked, "codes", "block_scales", "tensor_amax", "decode_scale", "picked4")


@pytest.mark.long
@given(st.data(), recipes)
def test_every_installed_engine_gives_the_same_bits(data, r):
    x = data.draw(matrices(r))
    amax = data.draw(st.sampled_from([None, amax_of(r, x, 1.5)]))
    found = installed(r)
    assert {"numpy"} | ({"numba"} if r.search is None else set()) <= set(found)
    want = fos_ref.quantize(x, r, amax=amax, engine="numpy")
    for name in [*found, "auto"]:
        got = fos_ref.quantize(x, r, amax=amax, engine=name)
        same(got, want, "codes", "block_scales", "tensor_amax", "decode_scale", "picked4")
