"""What each stochastic rounding takes of random bits, as data, and which combinations have a meaning."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from fos_ref.recipes.axes import (
    BlockScale,
    BlockShape,
    ElementCast,
    ElementFormat,
    ElementRounding,
    ErrorDomain,
    Map4Scale,
    RandomDraws,
    RandomFeed,
    RangeFactor,
    ScaleFormat,
    ScaleRounding,
    ZeroSign,
)
from fos_ref.recipes.dialect import Dialect

Row = tuple[bool, str]  #: (broken, why)


class Word(NamedTuple):
    """How a feed deals out a random word."""

    elements: int  #: values that a word serves
    width: int  #: bits that each of them gets at most


#: What the feeds of fos_ref/random/feeds.py do; a test holds both to each other.
FEEDS: Mapping[RandomFeed, Word] = MappingProxyType(
    {
        RandomFeed.BYTE_LANE: Word(4, 8),
        RandomFeed.PAIR_REVERSED: Word(4, 16),
        RandomFeed.BYTE_NATURAL: Word(4, 8),
        RandomFeed.HALF_REVERSED: Word(4, 16),
        RandomFeed.HALF: Word(2, 16),
        RandomFeed.WORD: Word(1, 32),
    }
)
_NOTHING = Word(0, 0)


def word_of(feed: RandomFeed | None) -> Word:
    """Return how a feed deals out a word; nothing where there is none, or nobody knows."""
    return _NOTHING if feed is None else FEEDS.get(feed, _NOTHING)


#: Random bits that a program's own rounder takes; the rules A, B and C take any number.
WIDTHS: Mapping[ElementRounding | ScaleRounding, int] = MappingProxyType(
    {
        ElementRounding.TE_SOFTWARE: 8,
        ElementRounding.FOUROVERSIX_TORCH: 24,
        ElementRounding.QUARTET2_SIMULATOR: 32,
        ScaleRounding.QUARTET2_SCALES: 16,
        ScaleRounding.QUARTET2_SIMULATOR: 32,
    }
)
#: Steps that have 6 or 4 written into them.
_OF_SIX = (ErrorDomain.TRIAL, ErrorDomain.UNSCALED)


def stochastic_rows(r: Dialect) -> list[Row]:
    """Return the rows of the legality table that random bits and the range factor add."""
    return [*_elements(r), *_bits(r), *_scales(r), *_factor(r)]


def _elements(r: Dialect) -> list[Row]:
    name = f"element_rounding {r.element_rounding.value!r}"
    both = r.rounds_elements and r.chooses
    draws = ", ".join(d.value for d in RandomDraws)
    return [
        (
            r.rounds_elements and r.element_format is not ElementFormat.E2M1,
            f"{name} rounds to E2M1, so element_format has to be E2M1",
        ),
        (
            r.rounds_elements and r.element_cast is not ElementCast.SATURATE,
            f"{name} saturates, so element_cast has to be 'saturate'",
        ),
        (
            r.rounds_elements and r.search is not None,
            f"{name}: no search rounds stochastically, so candidates have to be one or two",
        ),
        (
            r.element_rounding in WIDTHS and r.zero_sign is not ZeroSign.SIGN_BIT,
            f"{name} gives its zeros their signs: zero_sign has to be 'sign-bit'",
        ),
        (
            both is (r.random_draws is None),
            f"random_draws {_given(r.random_draws)}: set exactly for two stochastic candidates ({draws})",
        ),
    ]


def _bits(r: Dialect) -> list[Row]:
    rounding = r.element_rounding if r.rounds_elements else r.scale_rounding
    known = r.random_feed is not RandomFeed.HARDWARE_DECIDES
    fixed = WIDTHS.get(rounding)
    most = word_of(r.random_feed).width
    allowed = (fixed, fixed) if fixed is not None else (1, most)
    if not r.stochastic or not known:
        allowed = (0, 0)
    feeds = ", ".join(f.value for f in RandomFeed)
    fed = "" if r.random_feed is None else f" fed {r.random_feed.value!r}"
    span = f"{allowed[0]}" if allowed[0] == allowed[1] else f"{allowed[0]} to {allowed[1]}"
    return [
        (
            r.rounds_elements is (r.random_feed is None),
            f"random_feed {_given(r.random_feed)}: set exactly for stochastic elements ({feeds})",
        ),
        (
            not allowed[0] <= r.random_width <= allowed[1],
            f"random_width = {r.random_width}: {span} is allowed for {rounding.value!r}{fed}",
        ),
        (
            r.rounds_elements and known and fixed is not None and most < fixed,
            f"random_feed {_given(r.random_feed)} gives {most} bits, and {rounding.value!r} takes {fixed}",
        ),
    ]


def _scales(r: Dialect) -> list[Row]:
    random = r.scale_rounding is not ScaleRounding.NEAREST
    name = f"scale_rounding {r.scale_rounding.value!r}"
    return [
        (
            random and r.rounds_elements,
            f"{name}: either block scales or elements are rounded stochastically",
        ),
        (
            random and r.scale_format is not ScaleFormat.E4M3,
            f"{name} rounds to E4M3, so scale_format has to be E4M3",
        ),
        (
            random and r.block_shape is not BlockShape.ROW_16,
            f"{name} has a random number for 16 values of a row, so block_shape has to be 1x16",
        ),
        (
            random and r.chooses,
            f"{name}: no choice has such scales, so there has to be one candidate",
        ),
    ]


def _factor(r: Dialect) -> list[Row]:
    scaled = r.range_factor is not RangeFactor.ONE
    name = f"range_factor {r.range_factor.value!r}"
    return [
        (
            scaled and r.element_format is not ElementFormat.E2M1,
            f"{name} is known for E2M1, so element_format has to be E2M1",
        ),
        (
            scaled
            and (r.error_domain in _OF_SIX or r.block_scale in (BlockScale.NORMALISED, BlockScale.AMAX)),
            f"{name}: error_domain and block_scale with a 6 of their own leave no place for it",
        ),
        (
            scaled and r.map4_scale is Map4Scale.FROM_BLOCK_AMAX,
            f"{name}: map4_scale {_given(r.map4_scale)} has no place for it",
        ),
    ]


def _given(value: RandomFeed | RandomDraws | Map4Scale | None) -> str:
    return "is not set" if value is None else f"= {value.value!r}"
