"""Readings of a recipe's random bits: its feed, or each that is stated; and words of a wrong counter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from fos_ref.arguments import is_a
from fos_ref.engines.random_bits import elements_of, random_bits_of
from fos_ref.errors import FosError
from fos_ref.formats.arrays import AnyArray, F32, U32
from fos_ref.model.stochastic import ELEMENT_ROUNDING
from fos_ref.random.feeds import Feed
from fos_ref.random.judge.causes import Rounding
from fos_ref.random.maps import MAPS
from fos_ref.random.rules import Rule
from fos_ref.random.words import words
from fos_ref.recipes.axes import ElementRounding, RandomDraws, RandomFeed
from fos_ref.recipes.recipe import Recipe

#: The readings of cvt.rs that have a source, and how many bits each gives.
STATED = {RandomFeed.BYTE_LANE: 8, RandomFeed.PAIR_REVERSED: 16, RandomFeed.BYTE_NATURAL: 8}
_RULES = {ElementRounding.SR_A: Rule.A, ElementRounding.SR_B: Rule.B, ElementRounding.SR_C: Rule.C}
_ROUNDS = (6, 7, 8, 9)
_FEWEST = 3  #: parts of a map: name, seed, offset
_LARGEST = 1 << 64


def read(r: Recipe) -> list[Recipe]:
    """Return the recipe with the bits that it may have; several where hardware decides which."""
    if r.random_feed is not RandomFeed.HARDWARE_DECIDES:
        return [r]
    return [replace(r, random_feed=feed, random_width=n) for feed, n in STATED.items()]


def drawn(base: Recipe) -> list[Recipe]:
    """Return stochastic relatives of a recipe that rounds to nearest."""
    draws = RandomDraws.SHARED if base.chooses else None
    rule = ElementRounding.SR_A
    return [
        replace(base, element_rounding=rule, random_draws=draws, random_feed=feed, random_width=n)
        for feed, n in STATED.items()
    ]


def rule_of(r: Recipe) -> Rule:
    """Return the rule of a recipe, or the one that its program's rounder is next to."""
    return _RULES.get(r.element_rounding, Rule.A)


def chance_of(r: Recipe) -> Rule | None:
    """Return the rule that chances follow; None where they are as good as ideal: 24 bits and more."""
    if r.element_rounding is ElementRounding.TE_SOFTWARE:
        return Rule.A
    return _RULES.get(r.element_rounding)


def rounding_of(r: Recipe) -> Rounding | None:
    """Return a program's own rounder; None for the rules."""
    if r.element_rounding in _RULES:
        return None
    own = ELEMENT_ROUNDING[r.element_rounding]

    def rounding(y: F32, numbers: U32, n: int) -> AnyArray:
        return own(y, numbers, n)

    return rounding


def feed_of(r: Recipe) -> Feed:
    """Return the feed of a recipe that states one."""
    assert r.random_feed is not None
    return Feed(r.random_feed.value)


def words_of(given: Any, r: Recipe, shape: tuple[int, int]) -> U32:
    """Return the words (K, R, G), checked at the same door as `quantize`'s."""
    found = random_bits_of(given, r, shape)
    assert found is not None
    return found.words


def wrong_counters(given: Any, r: Recipe, shape: tuple[int, int]) -> dict[str, tuple[str, U32]]:
    """Return the words that mistakes of the counter give, where the right ones are named by a map."""
    if not (is_a(given, (tuple, list)) and len(given) >= _FEWEST and is_a(given[0], str)):
        return {}
    name, seed, offset = given[0], int(given[1]), int(given[2])
    options = dict(given[_FEWEST]) if len(given) > _FEWEST else {}
    serves = elements_of(r)
    found: dict[str, tuple[str, U32]] = {}
    for rounds in _ROUNDS:
        found[f"{rounds} rounds"] = (
            "RngRounds",
            words(name, shape, seed=seed, offset=offset, rounds=rounds, **options),
        )
    for what, s, o in _counters(seed, offset):
        if min(s, o) >= 0 and max(s, o) < _LARGEST:
            found[what] = ("RngCounterMap", words(name, shape, seed=s, offset=o, **options))
    for other, more in _maps(name, serves, options):
        label = ", ".join([other, *(f"{k} {v}" for k, v in more.items())])
        try:
            found[label] = ("RngCounterMap", words(other, shape, seed=seed, offset=offset, **more))
        except FosError:  # its tiles do not fit the shape
            continue
    return {k: v for k, v in found.items() if v[1].shape == (shape[0], shape[1] // serves)}


def _counters(seed: int, offset: int) -> Iterator[tuple[str, int, int]]:
    for by in (1, -1, 4, -4):
        yield f"offset {offset + by}", seed, offset + by
    yield "offset 0", seed, 0
    yield "seed and offset exchanged", offset, seed
    for other in (seed ^ 1, seed + 1, seed - 1, 0, seed & 0xFFFFFFFF):
        yield f"seed {other}", other, offset


def _maps(name: str, serves: int, options: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield other maps, and this one with other options."""
    for other, m in MAPS.items():
        if m.elements != serves:
            continue
        if other != name:
            yield other, {}
        for key, values in m.options.items():
            for v in values:
                if other == name and v != options.get(key, values[0]):
                    yield other, {**options, key: v}
