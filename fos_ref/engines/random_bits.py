"""The door for random bits: recorded words, or a map, a seed and an offset, exactly where a recipe asks."""

from __future__ import annotations

from typing import Any

import numpy as np

from fos_ref.arguments import is_a
from fos_ref.errors import DtypeError, InputError, Remedy, ShapeError
from fos_ref.errors.text import listed
from fos_ref.foreign import foreign, shown
from fos_ref.formats.arrays import U32
from fos_ref.model.quantize import needs_bits
from fos_ref.model.random_bits import RandomBits
from fos_ref.random.maps import MAPS
from fos_ref.random.words import words
from fos_ref.recipes.axes import RandomFeed
from fos_ref.recipes.catalog import STOCHASTIC
from fos_ref.recipes.recipe import Recipe
from fos_ref.recipes.stochastic import word_of

_PARTS = (3, 4)  #: of a map: its name, seed, offset, and perhaps its options


def random_bits_of(given: Any, r: Recipe, shape: tuple[int, int]) -> RandomBits | None:
    """Return the words of a matrix (R, C) as the recipe takes them, None for a recipe that takes none.

    given: words (R, G), G = C over the values that one word serves; (map, seed, offset) or
           (map, seed, offset, options) of fos_ref.random; two of these, in a tuple or list, where both
           candidates have draws of their own: map-to-6 first

    Raises: InputError, ShapeError, DtypeError.
    """
    if not r.stochastic:
        if given is not None:
            msg = f"random bits were given, and recipe {r.name!r} takes none: its bits depend on x alone"
            raise InputError(msg)
        return None
    if r.random_feed is RandomFeed.HARDWARE_DECIDES:
        raise InputError(_undecided(r))
    if given is None:
        remedy = Remedy("random_bits=(map, seed, offset)", "or words, are what it takes")
        raise InputError(needs_bits(r), remedy=remedy)
    each = [given] if r.draws == 1 else _two(given, r)
    return RandomBits(np.stack([_one(g, r, shape) for g in each]))


def elements_of(r: Recipe) -> int:
    """Return how many values of a row one random word serves."""
    return word_of(r.random_feed).elements or r.block_cols


def _two(given: Any, r: Recipe) -> list[Any]:
    allowed = "two of them, map-to-6 first, are allowed"
    with foreign(f"random bits of recipe {r.name!r}, whose candidates have draws of their own", allowed):
        found = list(given)
    if len(found) != r.draws or any(is_a(g, str) for g in found):
        msg = f"random bits of recipe {r.name!r}, whose candidates have draws of their own: {allowed}"
        raise InputError(msg)
    return found


def _one(given: Any, r: Recipe, shape: tuple[int, int]) -> U32:
    """Return the words of one draw, (R, G)."""
    if is_a(given, (tuple, list)) and len(given) in _PARTS and is_a(given[0], str):
        return _drawn(tuple(given), r, shape)
    return _recorded(given, r, shape)


def _drawn(given: tuple[Any, ...], r: Recipe, shape: tuple[int, int]) -> U32:
    """Return the words of a map, whose groups have to be those of the recipe's feed."""
    name, seed, offset = given[:3]
    options = given[3] if len(given) == max(_PARTS) else {}
    if not is_a(options, dict):
        msg = f"options of the map {shown(name)}: {shown(options)}: a dict is allowed"
        raise InputError(msg)
    serves = elements_of(r)
    fits = [n for n, m in MAPS.items() if m.elements == serves]
    if name not in fits:
        msg = f"map {shown(name)} for recipe {r.name!r}, whose words serve {serves} values: one of "
        msg += f"{listed(fits, len(fits))} is allowed"
        raise InputError(msg)
    found = words(name, shape, seed=seed, offset=offset, **options)
    return _narrow(found, r)


def _recorded(given: Any, r: Recipe, shape: tuple[int, int]) -> U32:
    """Return recorded words, checked."""
    what = f"random bits of recipe {r.name!r}"
    wanted = (shape[0], shape[1] // elements_of(r))
    allowed = f"words of shape {wanted}, whole numbers from 0 to 2^32 - 1, or (map, seed, offset) are allowed"
    with foreign(f"{what} {shown(given)}", allowed):
        array = np.asarray(given)
    if array.dtype.kind not in "ui":
        msg = f"{what} of dtype {array.dtype}: {allowed}"
        raise DtypeError(msg)
    if array.size != wanted[0] * wanted[1] or array.shape[-1:] != wanted[1:]:
        msg = f"{what} of shape {array.shape}: {allowed}"
        raise ShapeError(msg)
    if np.any(array < 0) or np.any(array > (1 << 32) - 1):
        msg = f"{what}: a number out of range: {allowed}"
        raise InputError(msg)
    return _narrow(array.reshape(wanted).astype(np.uint32), r)


def _narrow(found: U32, r: Recipe) -> U32:
    """Return words; those that round block scales are numbers of the recipe's width."""
    if not r.rounds_elements and np.any(found.astype(np.uint64) >> np.uint64(r.random_width)):
        msg = f"random bits of recipe {r.name!r}: whole numbers from 0 to 2^{r.random_width} - 1 are allowed"
        raise InputError(msg)
    return found


def _undecided(r: Recipe) -> str:
    """Return what is said of a recipe whose feed only a chip knows."""
    bits = {"random_feed", "random_width"}
    stated = [
        name
        for name, other in STOCHASTIC.items()
        if set(other.diff(r)) <= bits and other.random_feed is not RandomFeed.HARDWARE_DECIDES
    ]
    said = f"; {listed(stated, len(stated))} state one" if stated else ""
    return (
        f"recipe {r.name!r}: hardware decides which bits of a random word a value gets, so no bits can be "
        f"computed: a recipe with a random_feed is allowed{said}"
    )
