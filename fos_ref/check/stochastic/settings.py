"""What a kernel may have rounded: the recipe's scaled values and scale bytes, or those of a mistake."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from fos_ref.check.api import check
from fos_ref.check.flaws.catalogue import catalogue
from fos_ref.check.flaws.flaw import steps_with
from fos_ref.check.population import source
from fos_ref.check.steps import walk
from fos_ref.engines.front import quantize, trace
from fos_ref.engines.given import Fixed
from fos_ref.errors import FosError, RecipeError
from fos_ref.formats.arrays import AnyArray, Bool, F32, U8
from fos_ref.model.blocks import from_blocks, repeat_rows
from fos_ref.model.trace import Candidate, Trace
from fos_ref.recipes.axes import ElementRounding, RangeFactor
from fos_ref.recipes.recipe import Recipe
from fos_ref.rotate import hadamard, SIGNS_H16

_SIZE = 16
_FACTORS = {RangeFactor.ONE: "no factor 16/17", RangeFactor.SIXTEEN_SEVENTEENTHS: "a factor 16/17"}
_ALL = (1 << _SIZE) - 1
_Named = tuple[str | None, str]  #: a flag, and its mistake in words
_FIT = 0.75  #: of their scale bytes, at least, that it has to make right
_SAMPLE = 1 << 7  #: blocks on which a mistake of the scales has to do better than the recipe


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """Values before the last rounding, and the scale bytes beside them; a flag where a mistake made them."""

    flag: str | None
    what: str
    scales: U8  #: (R, B)
    scaled: F32  #: (R, C)
    x: AnyArray  #: what was quantized, (R, C)
    fixed: Fixed
    second: Bool  #: (R, B) where the other of two candidates stands, map-to-4
    open: Bool  #: (R, B) blocks of rotated values that an order of summation decides


def nearest(r: Recipe) -> Recipe:
    """Return the recipe with its elements rounded to nearest: scales and scaled values are the same."""
    if not r.rounds_elements:
        return r
    return replace(
        r,
        element_rounding=ElementRounding.NEAREST,
        random_feed=None,
        random_width=0,
        random_draws=None,
    )


def asked(x: AnyArray, scales: U8, r: Recipe, fixed: Fixed, signs: int | None) -> Setting:
    """Return what the recipe makes of x, rotated first where signs are given."""
    if signs is None:
        return _setting((None, ""), (x, None), scales, r, fixed)
    return _rotated((None, ""), (x, signs, "bfloat16"), scales, r, fixed)


def others(x: AnyArray, scales: U8, r: Recipe, own: Setting, signs: int | None) -> Iterator[Setting]:
    """Yield what mistakes of the rotation, of the tensor amax and of the scales make of x."""
    if signs is not None:
        yield from _rotations(x, scales, r, own, signs)
    yield from _ranges(own, scales, r)
    if not r.chooses:
        yield from _flawed(own, scales, r)


def _rotations(x: AnyArray, scales: U8, r: Recipe, own: Setting, signs: int) -> Iterator[Setting]:
    backwards = int(f"{signs:016b}"[::-1], 2)
    masks = {0: "no signs", SIGNS_H16: "the signs D7E8", signs ^ _ALL: "all signs turned"}
    masks |= {backwards: "the signs in reverse", backwards ^ _ALL: "the signs in reverse, turned"}
    for mask, what in masks.items():
        if mask != signs:
            yield _rotated(("RhtSigns", what), (x, mask, "bfloat16"), scales, r, own.fixed)
    yield _rotated(("RhtNoRound", "float32 values"), (x, signs, "float32"), scales, r, own.fixed)
    yield _setting(("RhtMissing", "x itself"), (x, None), scales, r, own.fixed)
    if own.fixed.nothing:
        amax = np.abs(x.astype(np.float32)).max(initial=np.float32(0))
        named = "RhtAmax", "the amax of x"
        yield _setting(named, (own.x, own.open), scales, r, Fixed(amax=amax))


def _ranges(own: Setting, scales: U8, r: Recipe) -> Iterator[Setting]:
    """Yield what the other range factor gives, where the recipe has a place for it."""
    for factor, what in _FACTORS.items():
        with contextlib.suppress(RecipeError):
            if factor is not r.range_factor:
                other = replace(r, range_factor=factor)
                yield _setting(("SrClipNo16_17", what), (own.x, own.open), scales, other, own.fixed)


def _rotated(named: _Named, how: tuple[AnyArray, int, str], scales: U8, r: Recipe, fixed: Fixed) -> Setting:
    x, signs, out = how
    y, decided = hadamard(x, _SIZE, signs, out)
    open_: Bool = np.any(~decided.reshape(len(y), -1, r.block_cols), axis=2)
    return _setting(named, (y, open_), scales, r, fixed)


def _setting(
    named: _Named, values: tuple[AnyArray, Bool | None], scales: U8, r: Recipe, fixed: Fixed
) -> Setting:
    x, open_ = values
    t = trace(x, nearest(r), **fixed.keywords())
    found, scaled, second = _stood(t, scales, r)
    undecided = np.zeros(found.shape, dtype=bool) if open_ is None else open_
    return Setting(*named, found, scaled, x, fixed, second, undecided)


def _stood(t: Trace, scales: U8, r: Recipe) -> tuple[U8, F32, Bool]:
    """Return scale bytes and scaled values: of two candidates, those that a block's scale byte speaks for."""
    both = [c for c in (t.map6, t.map4) if c is not None]
    first, second = both[0], both[-1]
    take = (scales == _bytes(second, r)) & (scales != _bytes(first, r))
    found: U8 = np.where(take, _bytes(second, r), _bytes(first, r))
    whole = [from_blocks(c.scaled, r.block_rows, r.block_cols) for c in (first, second)]
    return found, np.where(np.repeat(take, r.block_cols, axis=1), whole[1], whole[0]), take


def _bytes(c: Candidate, r: Recipe) -> U8:
    found: U8 = repeat_rows(c.scale_code, r.block_rows)
    return found


def _flawed(own: Setting, scales: U8, r: Recipe) -> Iterator[Setting]:
    """Yield what the checker's mistakes give where their scale bytes are nearer to the given ones."""
    base = nearest(r)
    t = trace(own.x, base, **own.fixed.keywords())
    fixed = (t.encode_scale, t.decode_scale) if own.fixed.scaled else None
    blocks = source(own.x, t.tensor_amax, base, fixed)
    flat = scales[:: r.block_rows].ravel()
    differs = flat != own.scales[:: r.block_rows].ravel()
    if not differs.any():
        return
    index = np.flatnonzero(differs)[:_SAMPLE]
    for flaw in catalogue(base):
        steps = steps_with(base, (flaw,))
        if steps is None or not np.mean(walk(blocks.pick(index), steps).scale == flat[index]) > _FIT:
            continue
        w = walk(blocks.pick(np.arange(blocks.size)), steps)
        c = w.map6 if w.map6 is not None else w.map4
        assert c is not None
        shape = (len(own.x) // r.block_rows, -1)
        found = repeat_rows(w.scale.reshape(shape), r.block_rows)
        scaled = from_blocks(c.scaled[:, 0].reshape(*shape, c.scaled.shape[-1]), r.block_rows, r.block_cols)
        yield Setting(flaw.flag, flaw.what, found, scaled, own.x, own.fixed, own.second, own.open)


def other_tensor_scale(own: Setting, scales: U8, r: Recipe) -> Iterator[Setting]:
    """Yield what the encode scale gives that most scale bytes follow, where they follow one."""
    if 2 * np.count_nonzero(scales != own.scales) < scales.size:
        return
    base = nearest(r)
    codes = quantize(own.x, base, **own.fixed.keywords()).codes
    found = check(own.x, codes, scales, recipe=base, **own.fixed.keywords()).tensor_scale.get("from_bytes")
    if not found:
        return
    middle = np.float32((found[0] + found[1]) / 2)
    try:
        there = Fixed(encode_scale=middle)
        what = f"the scale bytes follow an encode scale between {found[0]:.9g} and {found[1]:.9g}"
        yield _setting(("TensorScale", what), (own.x, own.open), scales, r, there)
    except FosError:  # no scale of this recipe
        return
