"""Which corrected recipes the loops have, and the walk of a matrix through them."""

from __future__ import annotations

import numpy as np

from fos_ref.fast.config import position
from fos_ref.fast.eden.steps import BLOCK, blocks, GROUP, groups, scale_bytes
from fos_ref.fast.threads import shared_out
from fos_ref.formats import E2M1
from fos_ref.formats.arrays import AnyArray, Bool, F32, U8, U32
from fos_ref.formats.bits import widen
from fos_ref.model.elements import ELEMENT_NAN
from fos_ref.model.random_bits import RandomBits
from fos_ref.model.trace import Scales
from fos_ref.recipes.axes import Candidates, ElementCast, NonFinite, ScaleFloor, ZeroScale
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.layout import stored

CASTS = (ElementCast.SATURATE, ElementCast.TIES_AWAY, ElementCast.TIES_TO_SMALLER)
#: What is done about a scale of 0, where none is 0.
_IDLE = (ZeroScale.ZERO_CODES, ZeroScale.NO_SPECIAL_CASE, ZeroScale.SCALE_ONE)
PART = 1 << 12  #: blocks of a part, at least: about a millisecond


def refuses(r: Recipe) -> str | None:
    """Return why no compiled step corrects the block scales of `r`; None if one does."""
    if r.element_cast not in CASTS:
        return f"no compiled step corrects scales under element_cast {r.element_cast.value!r}"
    if r.candidates is Candidates.EDEN_128:
        if r.scale_floor is not ScaleFloor.ZERO_CODE_IS_ONE:
            return f"no compiled step corrects scales under scale_floor {r.scale_floor.value!r}"
        if r.zero_scale not in _IDLE:
            return f"no compiled step corrects scales under zero_scale {r.zero_scale.value!r}"
    return None


def largest(x: AnyArray, r: Recipe) -> F32:
    """Return the largest corrected block scale of x, () float32: N2 of a recipe whose blocks correct it."""
    found = _corrected(x, r, np.ones((), np.float32))[1]
    if r.nonfinite is NonFinite.DROP_NAN:
        found = np.where(np.isnan(found), np.float32(0), found)
    return np.asarray(np.max(found, initial=np.float32(0)), dtype=np.float32)


def quantize(x: AnyArray, scales: Scales, r: Recipe, bits: RandomBits) -> tuple[U8, U8, Bool]:
    """Return stored codes (R, C/2), block scales (R, C/16) and picked4 (R, C/16), all False."""
    shape = (x.shape[0], x.shape[1] // BLOCK)
    codes, corrected = _corrected(x, r, scales.decode.astype(np.float32))
    own = r.candidates is Candidates.EDEN_16
    encode = scales.encode.astype(np.float32) if own else np.float32(1)
    numbers, kind = np.ascontiguousarray(bits.words[0]).reshape(-1), position(r.scale_rounding)
    out = np.empty(corrected.size, dtype=np.uint8)
    more = (corrected, np.float32(encode), numbers, kind, out)
    shared_out(lambda start, stop: scale_bytes(*more, start, stop), out.size, PART)
    packed = stored(codes.reshape(x.shape), r)
    return packed, out.reshape(shape), np.zeros(shape, dtype=np.bool_)


def _corrected(x: AnyArray, r: Recipe, decode: F32) -> tuple[U8, F32]:
    """Return codes (R C,) and corrected scales (R C / 16,) of a matrix."""
    flat: U32 = np.ascontiguousarray(widen(x)).reshape(-1).view(np.uint32)
    flat.flags.writeable = False  # whatever x is: Numba would compile again for the other kind
    codes, found = np.empty(flat.size, np.uint8), np.empty(flat.size // BLOCK, np.float32)
    nan, drop = ELEMENT_NAN[r.element_nan](E2M1), r.nonfinite is NonFinite.DROP_NAN
    c = np.array([position(r.element_cast), nan, position(r.zero_sign), drop], dtype=np.int64)
    most = np.float32(r.element_max)
    if r.candidates is Candidates.EDEN_16:
        shared_out(lambda i, j: blocks(flat, c, most, codes, found, i, j), found.size, PART)
    else:
        d = np.float32(decode)
        count = flat.size // GROUP
        shared_out(lambda i, j: groups(flat, c, most, d, codes, found, i, j), count, PART // 8)
    return codes, found
