"""Stochastic rounding to E2M1: every feed, the rules A, B and C, and the words at which a value turns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise

import numpy as np

from fos_ref.formats.arrays import AnyArray, F32, U32
from fos_ref.formats.catalog import E2M1
from fos_ref.formats.codec import encode
from fos_ref.random.feeds import deal, Feed, FEEDS, width
from fos_ref.random.programs import quartet2_simulator
from fos_ref.random.rules import between, Rule, stochastic
from fos_ref.vectors.bits import Json
from fos_ref.vectors.training.text import differing, drawn, f32_line, floats, line, numbers, values

STEP = "rounding"
_WIDTHS = (8, 13, 16)
_GRID = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
#: Zeros, subnormals, values of the format and past it.
_EDGES = (0.0, -0.0, 2.0**-149, -(2.0**-130), *_GRID[1:], -6.0, 6.5, -7.0, 1e30, np.inf, -np.inf, np.nan)
_WORD = 32


def given() -> Iterator[Json]:
    """Yield the inputs: each rule at three widths, each feed with random words and with one-bit words."""
    for rule in Rule:
        for bits in _WIDTHS:
            y, r = _turning(bits)
            words = r << np.uint32(_WORD - bits)
            says = f"rule {rule.value} with {bits} bits: one step beside the carry, then edges"
            yield _given(f"{rule.value}-{bits}", says, (rule, Feed.WORD, bits), y, words)
    for i, feed in enumerate(Feed):
        n, bits = len(FEEDS[feed]), min(width(feed), 16)
        y = np.clip(values(100 + i, (24 * n,), 6), -7, 7)
        says = f"feed {feed.value}: random words"
        yield _given(f"feed-{feed.value}", says, (Rule.A, feed, bits), y, drawn(200 + i, (24,)))
        one = np.uint32(1) << np.arange(_WORD, dtype=np.uint32)
        y = np.full(_WORD * n, 1.25, np.float32)
        says = f"feed {feed.value}: words of one bit"
        yield _given(f"probe-{feed.value}", says, (Rule.A, feed, bits), y, one)


def _given(name: str, says: str, how: tuple[Rule, Feed, int], y: F32, words: U32) -> Json:
    rule, feed, bits = how
    return {
        "step": STEP,
        "id": f"training/{STEP}/{name}",
        "comment": says,
        "rule": rule.value,
        "feed": feed.value,
        "bits": bits,
        "values_bits": f32_line(y),
        "random_bits": line(words, 8),
    }


def _turning(bits: int) -> tuple[F32, U32]:
    """Return values k steps of 2^-bits on their way, and beside, with the numbers at which they go up."""
    top = 1 << bits
    pairs: list[tuple[float, int]] = []
    for i, (low, high) in enumerate(pairwise(_GRID)):
        for k in (1, top // 2 + i, top - 1):
            at = float(low + (high - low) * k / top)
            half = float(low + (high - low) * (k + 0.5) / top)
            below = float(np.nextafter(np.float32(at), np.float32(0)))
            sign = -1 if (i + k) % 2 else 1
            pairs += [(sign * at, top - k), (sign * at, top - k - 1), (sign * below, top - k)]
            pairs += [(sign * half, top - k - 1), (sign * half, max(top - k - 2, 0))]
    pairs += [(y, r) for y in _EDGES for r in (0, top - 1)]
    y, r = zip(*pairs, strict=True)
    return np.array(y, np.float32), np.array(r, np.uint32)


def computed(v: Json) -> Json:
    """Return what a vector's input gives: the number of each value, its code, and those of mistakes."""
    y, words = floats(v["values_bits"]), numbers(v["random_bits"])
    feed, rule, n = Feed(v["feed"]), Rule(v["rule"]), v["bits"]
    r = deal(words[None], feed, n)[0]
    codes = line(stochastic(y, r, rule, n), 2)
    wrong = {name: partial(_codes, give) for name, give in _mistakes(y, words, r, v).items()}
    return {"numbers": line(r, 8), "codes": codes, "wrong": differing(codes, wrong)}


def _codes(give: Callable[[], AnyArray]) -> str:
    return line(give(), 2)


def _mistakes(y: F32, words: U32, r: U32, v: Json) -> dict[str, Callable[[], AnyArray]]:
    """Return what each mistake gives, by the name of its flag."""
    feed, rule, n = Feed(v["feed"]), Rule(v["rule"]), v["bits"]
    served = len(FEEDS[feed])
    first = np.repeat(r[::served], served) if served > 1 else np.full_like(r, r[0])
    found: dict[str, Callable[[], AnyArray]] = {
        "SrRule-nearest": lambda: encode(y, E2M1),
        "SrRule-toward-zero": lambda: stochastic(y, np.zeros_like(r), rule, n),
        "SrBitsNarrow": lambda: stochastic(y, r >> np.uint32(1) << np.uint32(1), rule, n),
        "SrSharedNoise": lambda: stochastic(y, first, rule, n),
        "SrGridNoise": lambda: _moved(y, r, rule, n),
    }
    for other in Rule:
        if other is not rule:
            found[f"SrRule-{other.value}"] = partial(stochastic, y, r, other, n)
    for fed in Feed:
        if fed is not feed and len(FEEDS[fed]) == served and width(fed) >= n:
            found[f"SrBitFeed-{fed.value}"] = partial(stochastic, y, deal(words[None], fed, n)[0], rule, n)
    return found


def _moved(y: F32, r: U32, rule: Rule, n: int) -> AnyArray:
    """Return codes where values of the format are rounded once more, as if they lay between two others."""
    right = stochastic(y, r, rule, n)
    finite = np.where(np.isfinite(y), y, np.float32(0.25)).astype(np.float32)
    on = (between(np.abs(finite).astype(np.float64), E2M1).nu == 0) & (np.abs(finite) <= 6)  # noqa: PLR2004
    uniform = np.ldexp(((1 << n) - 1 - r).astype(np.float32), -n)
    return np.where(on, quartet2_simulator(finite, uniform), right)
