"""Mutants of the elements that the first mutants lacked: cut, without signs, by chance, searched (N8, N9)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from fos_ref.engines.numpy_engine import NumpyEngine
from fos_ref.formats import decode, E2M1, UE4M3
from fos_ref.formats.arrays import AnyArray, Bool, F32, U8
from fos_ref.formats.bits import widen
from fos_ref.model.blocks import from_blocks, to_blocks
from fos_ref.model.candidates import NAN_CODE
from fos_ref.model.elements import E2M1_VALUES, ELEMENT_CAST, saturate
from fos_ref.model.quantize import keep
from fos_ref.model.scaling import scale_elements
from fos_ref.model.trace import Blocks, Scales
from fos_ref.mutants.mutant import Mutant
from fos_ref.mutants.plant import entry, step, Swap
from fos_ref.recipes.axes import ElementCast, ElementFormat, ScaleFormat
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.layout import pack_nibbles

Result = tuple[U8, U8, Bool]
_GRID = E2M1_VALUES[:8]
_SIGN = np.uint8(8)
_QUANTIZE = NumpyEngine.quantize
_SCALES: F32 = decode(np.arange(NAN_CODE), UE4M3).astype(np.float32)
_STEPS = (-2, -1, 1)  #: from the scale byte, that a search tries
_MIXED = np.uint32(0x9E3779B1)


def _cast(new: Callable[[F32], tuple[U8, F32]]) -> tuple[Swap, ...]:
    """Return the swap of E2M1's cast; other formats are cast as they should be."""
    saturating = {ElementCast.SATURATE: lambda y, fmt: new(y) if fmt is E2M1 else saturate(y, fmt)}
    return (entry(ELEMENT_CAST, saturating),)


def _below(m: F32) -> U8:
    """Return the code of the largest E2M1 value that is not above a magnitude."""
    return np.clip(np.searchsorted(_GRID, m, side="right") - 1, 0, 7).astype(np.uint8)


def _truncated(y: F32) -> tuple[U8, F32]:
    codes = np.where(np.isnan(y), saturate(y)[0], _below(np.abs(y)) | np.where(np.signbit(y), _SIGN, 0))
    return codes.astype(np.uint8), E2M1_VALUES[codes]


def _by_chance(y: F32) -> tuple[U8, F32]:
    """Return one of both neighbours; chance hangs on the bits of y alone, so that it is the same again."""
    m = np.minimum(np.abs(y), np.float32(6))
    low = np.minimum(_below(m), 6)
    drawn = (y.view(np.uint32) * _MIXED >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)
    up = drawn < (m - _GRID[low]) / (_GRID[low + 1] - _GRID[low])
    codes = np.where(np.isnan(y), saturate(y)[0], low + up | np.where(np.signbit(y), _SIGN, 0))
    return codes.astype(np.uint8), E2M1_VALUES[codes.astype(np.uint8)]


def _signs(change: Callable[[U8], U8]) -> tuple[Swap, ...]:
    """Return the swap that changes the codes that are kept, the choice apart; of E2M1 alone."""

    def wrap(old: Callable[..., tuple[U8, U8]]) -> Callable[..., tuple[U8, U8]]:
        def changed(map6: object, map4: object, picked4: Bool, r: Recipe) -> tuple[U8, U8]:
            codes, scales = old(map6, map4, picked4, r)
            return change(codes) if r.element_format is ElementFormat.E2M1 else codes, scales

        return changed

    return (step(keep, wrap),)


def _alone(blocks: Blocks, s: F32, r: Recipe) -> tuple[F32, F32]:
    one = np.ones_like(blocks.scales.encode)
    return scale_elements(replace(blocks, scales=replace(blocks.scales, encode=one, decode=one)), s, r)


def _searched(engine: NumpyEngine, x: AnyArray, scales: Scales, recipe: Recipe) -> Result:
    """Return, block by block, the codes under the scale byte near the recipe's with the smallest error."""
    codes, best, picked4 = _QUANTIZE(engine, x, scales, recipe)
    own = (recipe.element_format, recipe.scale_format) == (ElementFormat.E2M1, ScaleFormat.E4M3)
    if recipe.block_rows > 1 or not own or not x.size:
        return codes, best, picked4
    values = to_blocks(widen(x), 1, recipe.block_cols)
    right = best.copy()
    least = _error(values, codes, best, scales, recipe)
    for by in _STEPS:
        other = np.clip(right.astype(np.int16) + by, 1, NAN_CODE - 1).astype(np.uint8)
        made = _codes(values, other, scales, recipe)
        error = _error(values, made, other, scales, recipe)
        less = (error < least) & (right > 0) & (right < NAN_CODE)
        least = np.where(less, error, least)
        best = np.where(less, other, best)
        codes = np.where(np.repeat(less, recipe.block_bytes, axis=1), made, codes)
    return codes, best, picked4


def _codes(values: F32, bytes_: U8, scales: Scales, r: Recipe) -> U8:
    with np.errstate(all="ignore"):
        product = _SCALES[bytes_] * scales.decode
        return pack_nibbles(from_blocks(saturate(values / product[..., None])[0], 1, r.block_cols))


def _error(values: F32, packed: U8, bytes_: U8, scales: Scales, r: Recipe) -> AnyArray:
    nibbles = np.stack([packed & 15, packed >> 4], axis=-1).reshape(*bytes_.shape, r.block_cols)
    with np.errstate(all="ignore"):
        worth = (_SCALES[np.minimum(bytes_, NAN_CODE - 1)] * scales.decode).astype(np.float64)
        return np.asarray(((E2M1_VALUES[nibbles] * worth[..., None] - values) ** 2).sum(axis=-1))


MUTANTS = (
    Mutant(
        name="elements-without-tensor-scale",
        flag="TensorScale",
        edition=2,
        comment="Elements are divided by their block scale alone, the block scale has S in it. Every code is "
        "zero, or 6, unless S is near 1. Whoever applies the global scale once where it is needed "
        "twice.",
        swaps=(Swap(scale_elements, _alone),),
    ),
    Mutant(
        name="e2m1-truncated",
        flag="E2m1Truncation",
        edition=2,
        comment="Scaled magnitudes go to the E2M1 value toward zero, not to the nearest. Half of all codes "
        "are one lower. Whoever shifts bits away.",
        swaps=_cast(_truncated),
    ),
    Mutant(
        name="signs-dropped",
        flag="SignLost",
        edition=2,
        comment="No code has its sign. Every negative value is positive. Whoever quantizes magnitudes and "
        "forgets to join the sign.",
        swaps=_signs(lambda codes: codes & np.uint8(7)),
    ),
    Mutant(
        name="signs-turned",
        flag="SignLost",
        edition=2,
        comment="Every sign is the other one, that of zeros too. Whoever takes the sign from a comparison the"
        " wrong way round.",
        swaps=_signs(lambda codes: codes ^ _SIGN),
    ),
    Mutant(
        name="codes-by-chance",
        flag="StochasticRounding",
        edition=2,
        comment="Each code is one of both neighbours, by chance, up as often as it should be. One code in "
        "four is not the nearest. Whoever leaves the rounding of gradients on for everything.",
        swaps=_cast(_by_chance),
    ),
    Mutant(
        name="scale-searched",
        flag="ScaleSearch",
        recipe="nvfp4",
        edition=2,
        comment="The scale byte is the one of four near the recipe's with the smallest squared error. Whoever"
        " searches scales, as weight quantizers do, where a plain cast is asked for.",
        swaps=(Swap(_QUANTIZE, _searched),),
    ),
)
