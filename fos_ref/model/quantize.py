"""The specification: quantize a matrix, read beside the paper. Each line is one labelled step.

No name of a recipe occurs here: a recipe's axes select the step functions from one table per axis.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from fos_ref.errors import InputError
from fos_ref.formats.arrays import Bool, F32, U8, U32
from fos_ref.formats.bits import canonical_nan
from fos_ref.model.blocks import from_blocks, repeat_rows, to_blocks
from fos_ref.model.candidates import cast_scale, EXPANSION, MAP4_SCALE, unrounded
from fos_ref.model.corrected import by_block, corrected
from fos_ref.model.elements import ELEMENT_FORMAT, Grid
from fos_ref.model.errors import block_error, ERROR_DOMAIN, PICK_4
from fos_ref.model.random_bits import RandomBits
from fos_ref.model.scales import TENSOR_SCALE
from fos_ref.model.scaling import scale_elements
from fos_ref.model.search import searched, widened
from fos_ref.model.stochastic import cast_stochastic
from fos_ref.model.trace import Blocks, Candidate, Cast, Scales, Trace
from fos_ref.model.trial import trial_difference
from fos_ref.model.unscaled import unscaled_difference
from fos_ref.recipes.axes import AmaxScope, Candidates, ErrorDomain, NonFinite
from fos_ref.recipes.recipe import Recipe
from fos_ref.recipes.searches import Tried

F32_DTYPE = np.dtype(np.float32)
INT4_FLAG = np.uint8(0x80)  #: set in the scale byte of a block that holds integers


def tensor_amax(x: F32, r: Recipe, dtype: np.dtype[Any] = F32_DTYPE) -> F32:
    """Return max|x|, () or per row (R,): exact. 0 for an empty tensor; a NaN gives NaN or is skipped. N2.

    Of a search for ranges it is the largest range that a block of an input of `dtype` keeps (N6f); where 16
    values correct their scale, the largest corrected scale (N6h).
    """
    axis = 1 if r.amax_scope is AmaxScope.ROW else None
    if r.candidates is Candidates.EDEN_16 and x.size:
        with np.errstate(all="ignore"):
            values = to_blocks(x, r.block_rows, r.block_cols)
            found = by_block(values, _MAXIMUM[r.nonfinite](np.abs(values), -1), r)
        return _MAXIMUM[r.nonfinite](found.scale, axis)
    if r.search is None or r.search.tried is not Tried.RANGE or not x.size:
        return _MAXIMUM[r.nonfinite](np.abs(x), axis)
    with np.errstate(all="ignore"):
        values = to_blocks(x, r.block_rows, r.block_cols)
        b = widened(values, _MAXIMUM[r.nonfinite](np.abs(values), -1), r, dtype)
    return _MAXIMUM[r.nonfinite](b, axis)


def joined_amax(parts: list[F32], r: Recipe) -> F32:
    """Return the tensor amax of a tensor from those of its row chunks, at least one. N2."""
    if parts[0].ndim:  # of rows
        return np.concatenate(parts)
    return _MAXIMUM[r.nonfinite](np.stack(parts), None)


def _largest(a: F32, axis: int | None) -> F32:
    return np.asarray(np.max(a, axis=axis, initial=np.float32(0)), dtype=np.float32)


def _largest_number(a: F32, axis: int | None) -> F32:
    numbers = np.where(np.isnan(a), np.float32(0), a)  # on Arm, fmax forgets what precedes a signalling NaN
    return _largest(numbers, axis)


#: How a maximum treats NaN.
_MAXIMUM: Mapping[NonFinite, Callable[[F32, int | None], F32]] = MappingProxyType(
    {
        NonFinite.RAISE: _largest,
        NonFinite.PROPAGATE: _largest,
        NonFinite.DROP_NAN: _largest_number,
    }
)


def tensor_scales(amax: F32, r: Recipe, dtype: np.dtype[Any] = F32_DTYPE) -> Scales:
    """Return A, S, D and C from the tensor amax of an input of `dtype`: () or (R,) -> () or (R, 1). N3.

    Every NaN among them is 7FC00000, whatever the engine that gave A, and whatever NaN the input has.
    """
    a = canonical_nan(np.asarray(amax, dtype=np.float32))
    a = a[:, None] if a.ndim else a
    with np.errstate(all="ignore"):  # A = 0, infinity and NaN have the results the step names
        s_enc, s_dec = TENSOR_SCALE[r.tensor_scale](a, r, dtype)
    c = np.float32(r.range_max)
    s_enc, s_dec = (canonical_nan(np.asarray(s)) for s in (s_enc, s_dec))
    return Scales(amax=a, encode=s_enc, decode=s_dec, range_max=c, dtype=dtype)


def given_tensor_scale(decode: np.float32, r: Recipe, dtype: np.dtype[Any] = F32_DTYPE) -> Scales:
    """Return the scales for a decode scale that the caller fixes: D as given, S = 1/D, A = D*C. N3."""
    c = np.float32(r.range_max)
    return Scales(
        amax=np.asarray(decode * c),
        encode=np.asarray(np.float32(1) / decode),
        decode=np.asarray(decode),
        range_max=c,
        dtype=dtype,
    )


def given_encode_scale(encode: F32, r: Recipe, dtype: np.dtype[Any] = F32_DTYPE) -> Scales:
    """Return the scales for an encode scale that the caller fixes: S as given, D = 1/S, A = D*C. N3.

    Shapes: S () for one, or (R,) for one per row -> () or (R, 1)
    """
    s = np.asarray(encode, dtype=np.float32)
    s = s[:, None] if s.ndim else s
    c = np.float32(r.range_max)
    with np.errstate(under="ignore"):
        d = np.asarray(np.float32(1) / s)
        return Scales(amax=np.asarray(d * c), encode=s, decode=d, range_max=c, dtype=dtype)


def quantize_matrix(
    x: F32, scales: Scales, r: Recipe, bits: RandomBits | None = None, cast: Cast | None = None
) -> Trace:
    """Quantize x with the tensor scales given, keeping every intermediate.

    bits:     the random words, exactly where the recipe is stochastic
    cast:     who rounds elements stochastically, for an engine; None: the model
    Shapes:   x (R, C) float32, C and R multiples of the block's columns and rows -> Trace
    Rounding: in the order of the labels N5..N13; each step function lists its own.
    Specials: as the recipe's axes say; overflow, division by zero and NaN follow IEEE 754.
    Raises:   InputError for a stochastic recipe without words.
    Spec:     docs/numerics.md.
    """
    numbers = _numbers(r, bits)
    with np.errstate(all="ignore"):
        values: F32 = to_blocks(x, r.block_rows, r.block_cols)
        b = widened(values, _MAXIMUM[r.nonfinite](np.abs(values), -1), r, scales.dtype)  # N4, N6f
        base = unrounded(b, scales, r)  # N5
        blocks = Blocks(x=values, amax=b, scales=scales, random=numbers[0], cast=cast)
        map6, map4 = candidates(blocks, base, r, numbers[1])
        picked4 = pick(map6, map4, r)
        codes, scale_codes = keep(map6, map4, picked4, r)
    return Trace(
        recipe=r,
        scales=scales,
        x=values,
        block_amax=b,
        base=base,
        map6=map6,
        map4=map4,
        picked4=repeat_rows(picked4, r.block_rows),
        codes=from_blocks(codes, r.block_rows, r.block_cols),
        block_scales=repeat_rows(scale_codes, r.block_rows),
        random_bits=bits,
    )


def _numbers(r: Recipe, bits: RandomBits | None) -> tuple[U32 | None, U32 | None]:
    """Return the random numbers of both candidates, None for a recipe that takes none."""
    if not r.stochastic:
        return None, None
    if bits is None:
        raise InputError(needs_bits(r))
    return bits.numbers(r)


def needs_bits(r: Recipe) -> str:
    """Return what is said of a stochastic recipe without random bits."""
    return f"recipe {r.name!r} rounds stochastically, and no random bits were given: its words are needed"


def candidates(
    blocks: Blocks, base: F32, r: Recipe, second_random: U32 | None = None
) -> tuple[Candidate | None, Candidate | None]:
    """Return (map6, map4): one of them None unless there is a choice. N6."""
    first, second = ELEMENT_FORMAT[r.element_format]
    match r.candidates:
        case Candidates.FOUR:
            return None, candidate(blocks, base, r, second)
        case Candidates.FOUR_OVER_SIX:
            assert r.map4_scale is not None
            base4 = MAP4_SCALE[r.map4_scale](base, blocks.amax, blocks.scales, r)
            expanded = replace(blocks, amax=blocks.amax * EXPANSION, random=second_random)
            return candidate(blocks, base, r, first), candidate(expanded, base4, r, second)
        case Candidates.FLOAT_OR_INT:
            return candidate(blocks, base, r, first), candidate(blocks, base, r, second)
        case Candidates.EDEN_16 | Candidates.EDEN_128:
            return corrected(blocks, base, r), None
        case Candidates.FACTORS | Candidates.SCALES:
            return searched(blocks, r, lambda some, base: candidate(some, base, r, first)), None
        case Candidates.SIX | Candidates.SEVEN | Candidates.LARGEST | Candidates.RANGES:
            return candidate(blocks, base, r, first), None


def candidate(blocks: Blocks, base: F32, r: Recipe, grid: Grid) -> Candidate:
    """Quantize blocks under the unrounded block scales `base` (T, B) onto `grid`. N7-N12."""
    x, t = blocks.x, blocks.scales
    scale_code, scale = cast_scale(base, r, blocks.random)  # N7
    multiplier, scaled = scale_elements(blocks, scale, r)  # N8
    codes, values = _cast(grid.beside(x, multiplier, r), scaled, blocks, r)  # N9
    error = None
    if r.error_domain is ErrorDomain.TRIAL:
        error = block_error(trial_difference(blocks, r), r)  # N10g
    elif r.error_domain is ErrorDomain.UNSCALED:
        error = block_error(unscaled_difference(x, blocks.amax, t.dtype), r, t.dtype)  # N10k
    elif r.error_domain is not None:
        domain = ERROR_DOMAIN[r.error_domain]
        difference = domain(values, scale[..., None], x, t.per_element(), grid.unit)  # N10
        error = block_error(difference, r)  # N11, N12
    return Candidate(
        base=base,
        scale_code=scale_code,
        scale=scale,
        multiplier=multiplier,
        scaled=scaled,
        codes=codes,
        values=values,
        error=error,
        random=blocks.random,
    )


def _cast(grid: Grid, scaled: F32, blocks: Blocks, r: Recipe) -> tuple[U8, F32]:
    """Return codes and the values they count as: to the nearest, or as the random numbers say. N9."""
    if r.rounds_elements:
        assert blocks.random is not None
        return (blocks.cast or cast_stochastic)(scaled, blocks.random, r)
    return grid.cast(scaled * grid.rescale, r)


def pick(map6: Candidate | None, map4: Candidate | None, r: Recipe) -> Bool:
    """Return (T, B): True where map4 is kept. A NaN error never wins. N13."""
    if map6 is None or map4 is None:
        return np.full(_only(map6, map4).scale.shape, map6 is None)
    assert r.tie is not None
    assert map4.error is not None
    assert map6.error is not None
    return PICK_4[r.tie](map4.error, map6.error)


def keep(map6: Candidate | None, map4: Candidate | None, picked4: Bool, r: Recipe) -> tuple[U8, U8]:
    """Return the codes (T, B, n) and scale bytes (T, B) of the candidate that won.

    Where floats and integers compete, the sign bit of the scale byte says integers; that of a NaN byte FF
    says so too.
    """
    if map6 is None or map4 is None:
        one = _only(map6, map4)
        return one.codes, one.scale_code
    if r.candidates is Candidates.FLOAT_OR_INT:
        scale_code = np.where(picked4, map4.scale_code + INT4_FLAG, map6.scale_code)
        picked4 = (scale_code & INT4_FLAG) != 0
    else:
        scale_code = np.where(picked4, map4.scale_code, map6.scale_code)
    return np.where(picked4[..., None], map4.codes, map6.codes), scale_code


def _only(map6: Candidate | None, map4: Candidate | None) -> Candidate:
    one = map4 if map6 is None else map6
    assert one is not None
    return one
