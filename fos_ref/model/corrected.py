"""MS-EDEN: nearest elements, and a block scale corrected by what their rounding lost (N6h, N6i)."""

from __future__ import annotations

from typing import NamedTuple

import ml_dtypes
import numpy as np

from fos_ref.formats.arrays import F32, U8
from fos_ref.model.candidates import cast_random, cast_scale
from fos_ref.model.elements import ELEMENT_FORMAT
from fos_ref.model.rounding import fma, to_dtype
from fos_ref.model.scales import ONE
from fos_ref.model.scaling import scale_elements
from fos_ref.model.trace import Blocks, Candidate
from fos_ref.recipes.axes import Candidates
from fos_ref.recipes.recipe import Recipe

_CUT = np.uint32(0xFFF80000)  #: keeps four fraction bits of a float32
_BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
_ZERO = np.float32(0)


class Corrected(NamedTuple):
    """A block before its scale is rounded."""

    multiplier: F32  #: (T, B)
    scaled: F32  #: (T, B, n)
    codes: U8
    values: F32
    scale: F32  #: (T, B): corrected, not yet divided by the tensor scale


def by_block(x: F32, b: F32, r: Recipe) -> Corrected:
    """Return blocks x (T, B, 16) with block amax b, under scales corrected for each of them. N6h.

    Rounding: sc = b * RN(1/E), cut to four fraction bits; m = RN(1/sc), 0 where sc is 0; v = x * m onto E2M1,
              N9a; sums of v*v and v*q by fma, even and odd elements apart, then one addition; the first times
              RN(1/second), 1 where that sum is 0; times sc; to bfloat16.
    Source:   Quartet II had128_utils.cuh::eden_rounding, whose reciprocals are approximate.
    """
    sc = _cut_scale(b, r)
    m = np.where(sc > 0, ONE / sc, _ZERO).astype(np.float32)
    v = x * m[..., None]
    codes, q = ELEMENT_FORMAT[r.element_format][0].cast(v, r)
    square, product = even_odd(v, v), even_odd(v, q)
    correction = np.where(product == 0, ONE, square * (ONE / product)).astype(np.float32)
    return Corrected(m, v, codes, q, to_dtype(sc * correction, _BFLOAT16))


def _cut_scale(b: F32, r: Recipe) -> F32:
    """Return b * RN(1/E), cut to four fraction bits."""
    scaled: F32 = b * (ONE / np.float32(r.element_max))
    return (scaled.view(np.uint32) & _CUT).view(np.float32)


def nearest_scale(b: F32, base: F32, r: Recipe) -> F32:
    """Return the scale (T, B) that a correction multiplies, from block amaxes or unrounded scales."""
    if r.candidates is Candidates.EDEN_16:
        return _cut_scale(b, r)
    return cast_scale(base, r, nearest=True)[1]


def corrected_by(v: F32, q: F32, group: int) -> F32:
    """Return (T, B): sum v*v / sum v*q over `group` values, in order; 1 where the second sum is 0.

    A recipe's own orders of these sums are in `by_block` and `by_group`.
    """
    square, product = _in_groups(v, v, group), _in_groups(v, q, group)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(product == 0, ONE, square / product).astype(np.float32)
    blocks, each = v.shape[1], group // v.shape[-1]
    return np.repeat(found, each, axis=-1)[:, :blocks]


def even_odd(a: F32, b: F32) -> F32:
    """Return the sum of a * b over the last axis: even elements by fma in order, odd ones, then both."""
    sums = [np.zeros(a.shape[:-1], dtype=np.float32) for _ in range(2)]
    for j in range(a.shape[-1]):
        sums[j % 2] = fma(a[..., j], b[..., j], sums[j % 2])
    return sums[0] + sums[1]


def corrected(blocks: Blocks, base: F32, r: Recipe) -> Candidate:
    """Return the candidate of a corrected recipe, from its unrounded scales `base` before the correction."""
    if r.candidates is Candidates.EDEN_16:
        found = by_block(blocks.x, blocks.amax, r)
        unrounded = found.scale * blocks.scales.encode
    else:
        found = by_group(blocks, base, r)
        unrounded = found.scale
    assert blocks.random is not None
    scale_code, scale = cast_random(unrounded, blocks.random, r)  # N7
    return Candidate(
        base=unrounded,
        scale_code=scale_code,
        scale=scale,
        multiplier=found.multiplier,
        scaled=found.scaled,
        codes=found.codes,
        values=found.values,
        error=None,
        random=blocks.random,
    )


def by_group(blocks: Blocks, base: F32, r: Recipe) -> Corrected:
    """Return blocks under scales that are corrected for each 128 values of a row. N6i.

    Rounding: N7, N8 and N9 under the nearest scale s; v*v and v*q, each product rounded, added in order over
              128 values; one quotient, 1 where the second sum is 0; times s.
    Source:   Quartet II nvfp4_triton.py::eden_1x16s_fp4_kernel. The order of tl.sum is the compiler's.
    """
    s = cast_scale(base, r, nearest=True)[1]
    multiplier, v = scale_elements(blocks, s, r)
    codes, q = ELEMENT_FORMAT[r.element_format][0].cast(v, r)
    square, product = _in_groups(v, v, r.group), _in_groups(v, q, r.group)
    correction = np.where(product == 0, ONE, square / product).astype(np.float32)
    each = np.repeat(correction, r.group // v.shape[-1], axis=-1)
    return Corrected(multiplier, v, codes, q, s * each)


def _in_groups(a: F32, b: F32, group: int) -> F32:
    """Return (T, C / group) sums of a * b over `group` consecutive values of a row, in order."""
    terms = (a * b).reshape(a.shape[0], -1, group)
    total: F32 = terms[..., 0]
    for j in range(1, group):
        total = total + terms[..., j]
    return total
