"""A recipe's quantizer with stochastic elements on the device: its words given, or drawn in the kernel."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fos_gpu import launch
from fos_gpu.build.training_units import AND_DRAW, Rounding, stochastic_unit, WITH_WORDS
from fos_gpu.front import check_place, fill_scales, new, quantized_shape
from fos_gpu.quantized import DeviceQuantized
from fos_gpu.tensors import DTYPES, is_on_device, launching, take_input
from fos_gpu.training.words import arguments, given_words
from fos_ref.engines.given import Fixed
from fos_ref.errors import InputError, RecipeError
from fos_ref.random.feeds import FEEDS
from fos_ref.random.maps import MAPS
from fos_ref.random.philox import ROUNDS
from fos_ref.recipes.axes import ElementFormat
from fos_ref.recipes.catalog import recipe as get_recipe
from fos_ref.recipes.recipe import Recipe

_LEAST, _MOST = 3, 4  #: parts of (map, seed, offset, options)


def quantize(
    x: Any,
    recipe: Recipe | str,
    *,
    rounding: Rounding,
    random_bits: Any,
    random_bits4: Any = None,
    amax: Any = None,
    rounds: int = ROUNDS,
    check: bool = False,
) -> DeviceQuantized:
    """Quantize a device array by `recipe`, its elements rounded stochastically.

    recipe:      N2 to N7, N8 and the choice are its own; rows of blocks of 16, elements E2M1
    rounding:    N9: the rule, the feed and how many bits count
    random_bits: words on the device, uint32 or int32 (R, C / n) for x of R rows, n the elements that a word
                 of the feed serves; or (map, seed, offset[, options]), words drawn in the kernel
    random_bits4: the words of the candidate map-to-4; None: those of `random_bits`
    amax, check: as `fos_gpu.quantize`
    rounds:      of Philox, for a map
    Shapes:   x (..., C) contiguous -> codes (..., C/2), block_scales and picked4 (..., C/16)
    Dtypes:   float32, float16 or bfloat16 -> uint8
    Rounding: as the recipe up to y; then `fos_ref.random.stochastic` of `fos_ref.random.deal`, or the rounder
              of the program that `rounding` names.
    Streams:  the framework's current one; nothing waits for the device, except with `check`.
    Raises:   RecipeError for other blocks or elements; errors of `fos_gpu.quantize` and of `words`.
    """
    r, x = get_recipe(recipe), take_input(x)
    _check_recipe(r)
    check_place(r, x.place.device)
    shape = quantized_shape(x.shape, r, columnwise=False)
    rows, cols = math.prod(shape[:-1]), shape[-1]
    served = len(FEEDS[rounding.feed])
    given = amax
    if not is_on_device(amax):
        given = Fixed(amax, None, None).scales(r, rows, DTYPES[x.dtype])
    with launching(x.place, f"a {x.dtype} tensor of shape {x.shape}"):
        q = new(x, r, shape, "linear", columnwise=False)
        fill_scales(q, x, given, check=check)
        own = (x.words((rows, cols)), np.int64(rows), np.int64(cols), q.words.scales)
        out = (q.words.codes, q.words.linear, q.words.picked4)
        if isinstance(random_bits, tuple):
            bits, entry = _drawn(random_bits, random_bits4, (rows, cols), served, rounds), AND_DRAW
        else:
            wanted = (rows, cols // served)
            six = given_words(random_bits, "random_bits", wanted, x.place)
            four = six if random_bits4 is None else given_words(random_bits4, "random_bits4", wanted, x.place)
            bits, entry = (six, four), WITH_WORDS
        groups = -(-rows * cols // (16 * launch.THREADS))
        if x.size:
            launch.start(stochastic_unit(r, x.dtype, rounding), entry, groups, (*own, *bits, *out))
    return q


def _drawn(
    asked: tuple[Any, ...], other: Any, shape: tuple[int, int], served: int, rounds: int
) -> tuple[Any, ...]:
    """Return the kernel's arguments of words that it draws; InputError for what does not fit the feed."""
    if not _LEAST <= len(asked) <= _MOST or other is not None:
        msg = "random_bits: (map, seed, offset[, options]) without random_bits4, or words, are allowed"
        raise InputError(msg)
    name, seed, offset = asked[:3]
    options = dict(asked[3]) if len(asked) == _MOST else {}
    found = arguments(name, shape, seed=seed, offset=offset, rounds=rounds, options=options)
    if MAPS[name].elements != served:
        own = MAPS[name].elements
        msg = f"map {name}: a word for {own} elements; one for {served}, as the feed, is allowed"
        raise InputError(msg)
    return found


def _check_recipe(r: Recipe) -> None:
    if r.block_rows != 1 or r.block_cols != 16 or r.element_format is not ElementFormat.E2M1:  # noqa: PLR2004
        msg = f"recipe {r.name}: rows of blocks of 16 with elements E2M1 are allowed"
        raise RecipeError(msg)
