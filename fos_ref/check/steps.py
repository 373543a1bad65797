"""The walk with every step exchangeable: what a quantizer with a given mistake makes of picked blocks.

The steps of a recipe are the model's own functions; a mistake exchanges one of them (see flaw.py). Nothing
is planted anywhere: the walk is a function of its arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from fos_ref.check.population import DECODE, ENCODE, Population, USED
from fos_ref.formats.arrays import Bool, F32, U8
from fos_ref.model.candidates import cast_scale, EXPANSION
from fos_ref.model.elements import ELEMENT_FORMAT, Grid
from fos_ref.model.errors import block_error, ERROR_DOMAIN, PICK_4
from fos_ref.model.quantize import keep
from fos_ref.model.scales import BLOCK_SCALE, TENSOR_SCALE
from fos_ref.model.scaling import scale_elements
from fos_ref.model.search import searched, widened
from fos_ref.model.trace import Blocks, Candidate, Scales
from fos_ref.model.trial import trial_difference
from fos_ref.model.unscaled import unscaled_difference
from fos_ref.recipes.axes import Candidates, ErrorDomain, Map4Scale, NonFinite
from fos_ref.recipes.recipe import Recipe
from fos_ref.recipes.searches import Tried
from fos_ref.storage.layout import stored

Step: TypeAlias = Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """One function per step, in the order of the walk; the recipe's axes are read where a step takes it."""

    recipe: Recipe
    amax: Step  #: population -> A (N, 1)
    tensor: Step  #: A, recipe, dtype -> (S, D)
    scales: Step  #: Scales -> Scales
    x: Step  #: x -> x
    block_amax: Step  #: x, recipe, population -> b
    base: Step  #: b, Scales, m, recipe -> unrounded block scale
    cast_scale: Step  #: base, recipe -> (byte, value)
    read_scale: Step  #: base, byte, value, recipe -> (value for the elements, value for the error)
    scaling: Step  #: Blocks, s, recipe -> scaled values
    cast: Step  #: scaled values, recipe, grid -> (codes, values)
    difference: Step  #: q, s, x, Scales, unit, recipe -> difference
    total: Step  #: difference, recipe -> error
    pick: Step  #: err4, err6, recipe -> where map-to-4 is kept
    keep: Step  #: map6, map4, picked4, recipe -> (codes, scale bytes)
    free: Step  #: scale bytes -> where the codes may be anything


@dataclass(frozen=True, slots=True)
class Walked:
    """What a walk gives for N blocks."""

    codes: U8  #: (N, n / 2) as they are stored
    scale: U8  #: (N,)
    free: Bool  #: (N,) where the codes may be anything: nothing is said about them
    picked4: Bool  #: (N,)
    map6: Candidate | None
    map4: Candidate | None
    scales: Scales


def steps_of(r: Recipe) -> Steps:
    """Return the recipe's own steps."""
    return Steps(
        recipe=r,
        amax=lambda p: p.amaxes[USED],
        tensor=_tensor,
        scales=_same,
        x=_same,
        block_amax=largest,
        base=lambda b, t, m, r: BLOCK_SCALE[r.block_scale](b, t, m, r),
        cast_scale=cast_scale,
        read_scale=lambda base, byte, value, r: (value, value),  # noqa: ARG005
        scaling=lambda blocks, s, r: scale_elements(blocks, s, r)[1],
        cast=lambda y, r, grid: grid.cast(y, r),
        difference=lambda q, s, x, t, unit, r: ERROR_DOMAIN[r.error_domain](q, s, x, t, unit),
        total=block_error,
        pick=lambda err4, err6, r: PICK_4[r.tie](err4, err6),
        keep=keep,
        free=lambda scale: np.zeros(scale.shape, dtype=np.bool_),
    )


def _tensor(a: F32, r: Recipe, dtype: np.dtype[Any]) -> tuple[F32, F32]:
    return TENSOR_SCALE[r.tensor_scale](a, r, dtype)


def _same(v: Any) -> Any:
    return v


def walk(p: Population, s: Steps) -> Walked:
    """Quantize the blocks of p by the steps s. N3 to N13."""
    r = s.recipe
    with np.errstate(all="ignore"):
        t = tensor_scales(p, s)
        x = s.x(p.x)
        b = s.block_amax(x, r, p)
        map6, map4 = _candidates(Blocks(x=x, amax=b, scales=t), s)
        picked4 = _pick(map6, map4, s, b.shape)
        codes, scale = s.keep(map6, map4, picked4, r)
    bytes_ = scale[:, 0]
    return Walked(stored(codes[:, 0], r), bytes_, s.free(bytes_), picked4[:, 0], map6, map4, t)


def tensor_scales(p: Population, s: Steps) -> Scales:
    """Return the tensor scales of the blocks of p by the steps s. N3."""
    r = s.recipe
    with np.errstate(all="ignore"):
        a = s.amax(p)
        encode, decode = _as_fixed(p, a, s, s.tensor(a, r, p.dtype))
        t = Scales(amax=a, encode=encode, decode=decode, range_max=np.float32(r.range_max), dtype=p.dtype)
        scales: Scales = s.scales(t)
    return scales


def _as_fixed(p: Population, a: F32, s: Steps, own: tuple[F32, F32]) -> tuple[F32, F32]:
    """Return S and D as a caller fixed them, where that is so and no mistake makes others of the amax."""
    r, fixed = s.recipe, p.source.recipe
    if fixed is None or s.tensor is not _tensor:
        return own
    if (r.tensor_scale, r.range_max) != (fixed.tensor_scale, fixed.range_max):
        return own
    used = a == p.amaxes[USED]
    return np.where(used, p.amaxes[ENCODE], own[0]), np.where(used, p.amaxes[DECODE], own[1])


def largest(x: F32, r: Recipe, p: Population | None = None) -> F32:
    """Return the largest magnitude of each block; a NaN carries or is skipped as the recipe says. N4, N6f."""
    magnitude = np.abs(x)
    if r.nonfinite is NonFinite.DROP_NAN:
        magnitude = np.where(np.isnan(magnitude), np.float32(0), magnitude)
    b = np.asarray(magnitude.max(axis=-1), dtype=np.float32)
    return b if p is None else widened(x, b, r, p.dtype)


def _candidates(blocks: Blocks, s: Steps) -> tuple[Candidate | None, Candidate | None]:
    r = s.recipe
    first, second = ELEMENT_FORMAT[r.element_format]
    base = s.base(blocks.amax, blocks.scales, np.float32(r.element_max), r)
    if r.candidates is Candidates.FOUR:
        return None, _candidate(blocks, base, s, second)
    if r.search is not None and r.search.tried is not Tried.RANGE:
        return searched(blocks, r, lambda some, base: _candidate(some, base, s, first)), None
    map6 = _candidate(blocks, base, s, first)
    if r.candidates is Candidates.FLOAT_OR_INT:
        return map6, _candidate(blocks, base, s, second)
    if r.candidates is not Candidates.FOUR_OVER_SIX:
        return map6, None
    expanded = replace(blocks, amax=blocks.amax * EXPANSION)
    return map6, _candidate(expanded, _base4(base, blocks, s), s, second)


def _base4(base: F32, blocks: Blocks, s: Steps) -> F32:
    """Return the map-to-4 candidate's unrounded scale. N6."""
    b, t, r = blocks.amax, blocks.scales, s.recipe
    match r.map4_scale:
        case Map4Scale.EXPAND_AFTER_ROUNDING:
            expanded = s.cast_scale(base, r)[1] * EXPANSION
        case Map4Scale.FROM_BLOCK_AMAX:
            expanded = s.base(b, t, np.float32(4), r)
        case Map4Scale.EXPAND_AMAX:
            expanded = s.base(b * EXPANSION, t, np.float32(r.element_max), r)
        case _:
            expanded = base * EXPANSION
    return np.asarray(expanded)


def _candidate(blocks: Blocks, base: F32, s: Steps, grid: Grid) -> Candidate:
    """Return one candidate of each block. N7 to N12."""
    r = s.recipe
    scale_code, scale = s.cast_scale(base, r)
    used, measured = s.read_scale(base, scale_code, scale, r)
    scaled = s.scaling(blocks, used, r)
    beside = grid.beside(blocks.x, used * blocks.scales.decode, r)
    codes, values = s.cast(scaled * grid.rescale, r, beside)
    error = None
    if r.error_domain is ErrorDomain.TRIAL:
        error = s.total(trial_difference(blocks, r), r)
    elif r.error_domain is ErrorDomain.UNSCALED:
        dtype = blocks.scales.dtype
        error = s.total(unscaled_difference(blocks.x, blocks.amax, dtype), r, dtype)
    elif r.error_domain is not None:
        t = blocks.scales.per_element()
        error = s.total(s.difference(values, measured[..., None], blocks.x, t, grid.unit, r), r)
    return Candidate(
        base=base,
        scale_code=scale_code,
        scale=scale,
        multiplier=scale,
        scaled=scaled,
        codes=codes,
        values=values,
        error=error,
    )


def _pick(map6: Candidate | None, map4: Candidate | None, s: Steps, shape: tuple[int, ...]) -> Bool:
    if map6 is None or map4 is None:
        return np.full(shape, map6 is None)
    return np.asarray(s.pick(map4.error, map6.error, s.recipe))
