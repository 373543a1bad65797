"""dequantize(quantize(grid)) = grid: a block of code values under any block scale comes back as it was."""

from __future__ import annotations

import numpy as np

import fos_ref
from fos_ref.formats.catalog import Negatives
from fos_ref.inputs.strategies import RECIPES
from fos_ref.model.dequantize import dequantize_matrix
from fos_ref.model.quantize import tensor_scales
from fos_ref.recipes.axes import Candidates, ScaleFloor, ScaleFormat, Tie, ZeroSign
from fos_ref.storage.layout import one_a_byte
from tests.every import every
from tests.property.strategies import amax_of

#: Quartet II's D is A * RN(1/448) * RN(1/6): no tensor amax makes it a power of two, 2688 gives this one.
NOT_ONE = {"quartet2-nvfp4": 0x3F800001}


def scale_bytes(r) -> np.ndarray:
    """Return every block scale that the recipe may store for a block that is not zero."""
    if r.scale_format.is_power:
        return np.arange(64 if r.scale_floor is ScaleFloor.TINY_IS_ONE else 20, 230, dtype=np.uint8)
    if r.scale_format is ScaleFormat.E5M3:
        return np.arange(1, 0xFF, dtype=np.uint8)
    if r.scale_format is ScaleFormat.E4M3_HALF_UP:
        return np.append(np.arange(1, 0x78, dtype=np.uint8), np.uint8(0x7E))
    return np.arange(8 if r.scale_floor is ScaleFloor.MIN_NORMAL else 1, 0x7F, dtype=np.uint8)


def codes_for(r, rng) -> np.ndarray:
    """Return codes (R, n): any of them, with the element maximum in every row once or more."""
    rows, fmt = len(scale_bytes(r)) * r.block_rows, r.element.first.format
    four = r.candidates is Candidates.FOUR or r.scale_format is ScaleFormat.E8M0_CEIL
    top = 6 if four else fmt.max_code
    magnitude = rng.integers(0, top + 1, (rows, r.block_cols))
    negative = rng.integers(0, 2, magnitude.shape) & (magnitude > 0)
    if fmt.negatives is Negatives.TWOS_COMPLEMENT:
        codes = np.where(negative, -magnitude, magnitude) & ((1 << fmt.bits) - 1)
    else:
        codes = magnitude | negative << fmt.sign_shift
    if not r.element.is_integer and r.zero_sign in (ZeroSign.NOT_POSITIVE, ZeroSign.ALWAYS):
        codes[magnitude == 0] = 1 << fmt.sign_shift
    codes[np.arange(rows), rng.integers(0, r.block_cols, rows)] = top
    return codes.astype(np.uint8)


#: With map-to-4 on a tie a block on the grid of 6 may come back on that of 4.
SIX_ON_TIES = [r for r in RECIPES if r.tie is not Tie.FOUR]


@every(SIX_ON_TIES, lambda r: r.name)
def test_values_on_the_grid_come_back_as_they_were(r):
    """With D = 1; each block scale that can be stored, once. A block whose largest code is 6 is not 4's."""
    scales = np.repeat(scale_bytes(r), r.block_rows)[:, None]
    codes = codes_for(r, np.random.default_rng(0))
    amax = amax_of(r, codes, r.range_max)
    t = tensor_scales(amax, r)
    assert np.all(t.decode.view(np.uint32) == NOT_ONE.get(r.name, 0x3F800000))
    grid = dequantize_matrix(codes, scales, t, r)
    q = fos_ref.quantize(grid, r, amax=amax, engine="numpy")
    assert np.array_equal(fos_ref.dequantize(q), grid)
    assert np.array_equal(q.block_scales, scales)
    assert np.array_equal(one_a_byte(q.codes, r), codes)
    assert np.all(q.picked4 == (r.candidates.value == "4"))
