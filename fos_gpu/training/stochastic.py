"""A recipe's quantizer with stochastic elements on the device: its words given, or drawn in the kernel."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fos_gpu import launch
from fos_gpu.build.training_units import AND_DRAW, nearest, stochastic_unit, takes, WITH_WORDS
from fos_gpu.front import check_place, fill_scales, new, quantized_shape
from fos_gpu.quantized import DeviceQuantized
from fos_gpu.tensors import DTYPES, is_on_device, launching, Place, take_input
from fos_gpu.training.words import arguments, given_words, words
from fos_ref.arguments import is_a
from fos_ref.engines.given import Fixed
from fos_ref.engines.random_bits import elements_of, random_bits_of
from fos_ref.errors import InputError, RecipeError
from fos_ref.random.maps import MAPS
from fos_ref.random.philox import ROUNDS
from fos_ref.recipes.axes import RandomFeed
from fos_ref.recipes.catalog import recipe as get_recipe
from fos_ref.recipes.recipe import BLOCK, Recipe

_PARTS = (3, 4)  #: of a map: its name, seed, offset, and perhaps its options


def quantize(
    x: Any, recipe: Recipe | str, *, random_bits: Any, amax: Any = None, check: bool = False
) -> DeviceQuantized:
    """Quantize a device array by a recipe that rounds elements stochastically: `fos_ref.quantize`'s bits.

    random_bits: words on the device, uint32 or int32 (R, C / n) for x of R rows, n the values that a word
                 of the recipe's feed serves; or (map, seed, offset[, options]), words drawn in the kernel.
                 Two of these, map-to-6 first, where both candidates have draws of their own
    amax, check: as `fos_gpu.quantize`
    Shapes:   x (..., C) contiguous -> codes (..., C/2), block_scales and picked4 (..., C/16)
    Dtypes:   float32, float16 or bfloat16 -> uint8
    Rounding: docs/numerics.md N3 to N13.
    Streams:  the framework's current one; nothing waits for the device, except with `check`.
    Raises:   RecipeError for a recipe that no kernel of training has; InputError for one that takes no bits
              or whose feed hardware decides; errors of `fos_gpu.quantize` and of `words`.
    """
    r, x = get_recipe(recipe), take_input(x)
    shape = quantized_shape(x.shape, r, columnwise=False)
    matrix = (math.prod(shape[:-1]), shape[-1])
    _check(r, matrix)
    check_place(nearest(r), x.place.device)
    given = amax if is_on_device(amax) else Fixed(amax, None, None).scales(r, matrix[0], DTYPES[x.dtype])
    with launching(x.place, f"a {x.dtype} tensor of shape {x.shape}"):
        entry, bits = _bits(random_bits, r, matrix, x)
        q = new(x, r, shape, "linear", columnwise=False)
        fill_scales(q, x, given, check=check)
        own = (x.words(matrix), *map(np.int64, matrix), q.words.scales)
        out = (q.words.codes, q.words.linear, q.words.picked4)
        groups = -(-x.size // (BLOCK * launch.THREADS))
        if x.size:
            launch.start(stochastic_unit(r, x.dtype), entry, groups, (*own, *bits, *out))
    return q


def _bits(given: Any, r: Recipe, shape: tuple[int, int], x: Any) -> tuple[str, tuple[Any, ...]]:
    """Return which kernel to start, and its arguments that are random."""
    if r.draws == 1 and _is_map(given):
        return AND_DRAW, arguments(
            _fitting(given[0], r), shape, *given[1:3], rounds=ROUNDS, options=_options(given)
        )
    each = [given] if r.draws == 1 else _two(given, r)
    found = [_words(g, r, shape, x.own, x.place) for g in each]
    return WITH_WORDS, (found[0], found[-1])


def _words(given: Any, r: Recipe, shape: tuple[int, int], like: Any, place: Place) -> Any:
    """Return the words of one draw, a map's too, as a CuPy array."""
    wanted = (shape[0], shape[1] // elements_of(r))
    if _is_map(given):
        name, seed, offset = given[:3]
        given = words(_fitting(name, r), shape, like=like, seed=seed, offset=offset, **_options(given))
    return given_words(given, "random_bits", wanted, place)


def _is_map(given: Any) -> bool:
    return is_a(given, (tuple, list)) and len(given) in _PARTS and is_a(given[0], str)


def _options(given: Any) -> dict[str, Any]:
    return dict(given[3]) if len(given) == max(_PARTS) else {}


def _fitting(name: str, r: Recipe) -> str:
    """Return the name of a map whose words serve as many values as the recipe's; InputError for another."""
    serves = elements_of(r)
    if name in MAPS and MAPS[name].elements != serves:
        own = MAPS[name].elements
        msg = f"map {name}: a word for {own} values; one for {serves}, as recipe {r.name!r} takes, is allowed"
        raise InputError(msg)
    return name


def _two(given: Any, r: Recipe) -> list[Any]:
    if not is_a(given, (tuple, list)) or len(given) != r.draws or any(is_a(g, str) for g in given):
        msg = f"random_bits of recipe {r.name!r}, whose candidates have draws of their own: "
        msg += "two of them, map-to-6 first, are allowed"
        raise InputError(msg)
    return list(given)


def _check(r: Recipe, shape: tuple[int, int]) -> None:
    """Raise InputError or RecipeError for a recipe that no stochastic kernel has."""
    if not r.stochastic or r.random_feed is RandomFeed.HARDWARE_DECIDES:
        random_bits_of(0, r, shape)  # it raises the one error of fos_ref.quantize
    reason = takes(r)
    if reason is not None:
        msg = f"recipe {r.name!r}: {reason}"
        raise RecipeError(msg)
