"""The specification: quantize a matrix, read beside the paper. Each line is one labelled step.

No name of a recipe occurs here: a recipe's axes select the step functions from one table per axis.
"""

from __future__ import annotations

import numpy as np

from fos_ref.formats.arrays import Bool, F32, U8
from fos_ref.model.blocks import from_blocks, repeat_rows, to_blocks
from fos_ref.model.elements import cast_elements
from fos_ref.model.errors import block_error, ERROR_DOMAIN, PICK_4
from fos_ref.model.scales import (
    BLOCK_SCALE,
    cast_scale,
    MAP4_SCALE,
    multiplier,
    TENSOR_SCALE,
    ZERO_SCALE,
)
from fos_ref.model.trace import Candidate, Scales, Trace
from fos_ref.recipes.axes import AmaxScope, Candidates
from fos_ref.recipes.recipe import Recipe


def tensor_amax(x: F32, r: Recipe) -> F32:
    """Return max|x|, () or per row (R,): exact. 0 for an empty tensor; a NaN gives NaN. N2."""
    axis = 1 if r.amax_scope is AmaxScope.ROW else None
    return np.asarray(np.max(np.abs(x), axis=axis, initial=np.float32(0)), dtype=np.float32)


def tensor_scales(amax: F32, r: Recipe) -> Scales:
    """Return A, S, D and C from the tensor amax: () or (R,) -> () or (R, 1). N3."""
    a = np.asarray(amax, dtype=np.float32)
    a = a[:, None] if a.ndim else a
    c = np.float32(r.range_max)
    with np.errstate(all="ignore"):  # A = 0, infinity and NaN have the results the step names
        s_enc, s_dec = TENSOR_SCALE[r.tensor_scale](a, c)
    return Scales(amax=a, encode=np.asarray(s_enc), decode=np.asarray(s_dec), range_max=c)


def given_tensor_scale(decode: np.float32, r: Recipe) -> Scales:
    """Return the scales for a decode scale that the caller fixes: D as given, S = 1/D, A = D*C. N3."""
    c = np.float32(r.range_max)
    return Scales(
        amax=np.asarray(decode * c),
        encode=np.asarray(np.float32(1) / decode),
        decode=np.asarray(decode),
        range_max=c,
    )


def quantize_matrix(x: F32, scales: Scales, r: Recipe) -> Trace:
    """Quantize x with the tensor scales given, keeping every intermediate.

    Shapes:   x (R, C) float32, C a multiple of 16, R of the block's rows -> Trace
    Rounding: in the order of the labels N5..N13; each step function lists its own.
    Specials: as the recipe's axes say; overflow, division by zero and NaN follow IEEE 754.
    Spec:     docs/numerics.md.
    """
    with np.errstate(all="ignore"):
        blocks: F32 = to_blocks(x, r.block_rows)
        b = np.max(np.abs(blocks), axis=-1, initial=np.float32(0))  # N4
        base = BLOCK_SCALE[r.block_scale](b, scales.encode, np.float32(r.element_max))  # N5
        map6 = map4 = None
        if r.candidates is Candidates.FOUR:
            map4 = candidate(blocks, base, scales, r)
        else:
            map6 = candidate(blocks, base, scales, r)
        if r.candidates is Candidates.FOUR_OVER_SIX:
            assert r.map4_scale is not None
            map4 = candidate(blocks, MAP4_SCALE[r.map4_scale](base), scales, r)  # N6
        picked4 = pick(map6, map4, r)
        codes, scale_codes = keep(map6, map4, picked4)
    return Trace(
        recipe=r,
        scales=scales,
        x=blocks,
        block_amax=b,
        base=base,
        map6=map6,
        map4=map4,
        picked4=repeat_rows(picked4, r.block_rows),
        codes=from_blocks(codes, r.block_rows),
        block_scales=repeat_rows(scale_codes, r.block_rows),
    )


def candidate(x: F32, base: F32, scales: Scales, r: Recipe) -> Candidate:
    """Quantize blocks x (T, B, n) under the unrounded block scales `base` (T, B). N7-N12."""
    scale_code, scale = cast_scale(base, r)  # N7
    mult = multiplier(scale, scales.decode, r)  # N8
    scaled = x * mult[..., None]
    if ZERO_SCALE[r.zero_scale]:
        scaled = np.where((scale == 0)[..., None], np.float32(0), scaled)
    codes, values = cast_elements(scaled, r)  # N9
    error = None
    if r.error_domain is not None:
        product = values * scale[..., None]  # exact for E2M1 times E4M3
        difference = ERROR_DOMAIN[r.error_domain](product, x, scales.per_element())  # N10
        error = block_error(difference, r)  # N11, N12
    return Candidate(
        base=base,
        scale_code=scale_code,
        scale=scale,
        multiplier=mult,
        scaled=scaled,
        codes=codes,
        values=values,
        error=error,
    )


def pick(map6: Candidate | None, map4: Candidate | None, r: Recipe) -> Bool:
    """Return (T, B): True where map-to-4 is kept. A NaN error never wins. N13."""
    if map6 is None or map4 is None:
        one = map4 if map6 is None else map6
        assert one is not None
        return np.full(one.scale.shape, map6 is None)
    assert r.tie is not None
    assert map4.error is not None
    assert map6.error is not None
    return PICK_4[r.tie](map4.error, map6.error)


def keep(map6: Candidate | None, map4: Candidate | None, picked4: Bool) -> tuple[U8, U8]:
    """Return the codes (T, B, n) and scale bytes (T, B) of the candidate that won."""
    if map6 is None or map4 is None:
        one = map4 if map6 is None else map6
        assert one is not None
        return one.codes, one.scale_code
    codes = np.where(picked4[..., None], map4.codes, map6.codes)
    return codes, np.where(picked4, map4.scale_code, map6.scale_code)
