"""Whole tensors under stochastic recipes: codes and block scales from values and recorded words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import ml_dtypes
import numpy as np

from fos_ref.engines.front import quantize, trace
from fos_ref.engines.random_bits import elements_of
from fos_ref.errors import InputError
from fos_ref.formats.arrays import AnyArray, F32, U32
from fos_ref.formats.bits import f32_hex, from_f32_hex
from fos_ref.inputs.distributions import DTYPES
from fos_ref.random.feeds import deal, Feed, FEEDS, width
from fos_ref.random.words import words
from fos_ref.recipes.axes import ElementRounding, RandomFeed
from fos_ref.recipes.catalog import STOCHASTIC
from fos_ref.recipes.recipe import Recipe
from fos_ref.vectors.bits import Json
from fos_ref.vectors.bits_text import from_hex, to_hex
from fos_ref.vectors.training.text import differing, drawn, f32_line, line, lines, rows, values

STEP = "quantize"
_GRID = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6], np.float64)
_RULES = (ElementRounding.SR_A, ElementRounding.SR_B, ElementRounding.SR_C)
_AMAX = 2688.0  #: with C = 6 * 448 the encode scale is 1, so that scaled values are the values
_COLUMNS = 64
_GROUPS = (16, 128)  #: a whole tensor of corrected scales


def recipes() -> dict[str, Recipe]:
    """Return the stochastic presets whose bits can be computed, second names left out."""
    known = dict.fromkeys(r for r in STOCHASTIC.values() if r.random_feed is not RandomFeed.HARDWARE_DECIDES)
    return {r.name: r for r in known}


def given() -> Iterator[Json]:
    """Yield the inputs of each recipe: at the carry, ordinary, with NaN or infinity where it takes them."""
    for i, r in enumerate(recipes().values()):
        columns = max(_COLUMNS, r.group)
        bits = _recorded(500 + i, r, (2, columns))
        carry = _at_the_carry(r, bits[0], (2, columns))
        yield _given(r, "carry", "values at the carry of their words, and edges", carry, bits, amax=_AMAX)
        x = values(600 + i, (2, columns)).astype(ml_dtypes.bfloat16)
        yield _given(r, "ordinary", "random values", x, bits)
        for name, v in (("nan", np.nan), ("infinity", -np.inf)):
            x = values(700 + i, (2, columns), 4)
            x[0, 5] = v
            vector = _given(r, name, f"a value is {name}", x, bits)
            if _takes(vector):
                yield vector
        if r.corrects:
            yield from _groups(r)


def _groups(r: Recipe) -> Iterator[Json]:
    """Yield one group with every step, and a tensor of 16 groups whose words are those of a map."""
    name = "quartet2-scales" if r.group == r.block_cols else "quartet2-simulator-scales"
    one = (1, r.group)
    yield _given(r, "steps", "one group, every step", values(800, one, 4), _recorded(801, r, one))
    shape = _GROUPS
    tall = (128, 128)  # the map's own tile; its first rows
    bits = [words(name, tall, seed=0x123456789ABCDEF0)[: shape[0]]]
    x = values(802, shape, 6).astype(ml_dtypes.bfloat16)
    yield _given(r, "groups", f"rows of 128 values, words of the map {name}", x, bits)


def _recorded(seed: int, r: Recipe, shape: tuple[int, int]) -> list[U32]:
    """Return random words of every draw."""
    groups = (shape[0], shape[1] // elements_of(r))
    found = [drawn(seed + 40 * k, groups) for k in range(r.draws)]
    return found if r.rounds_elements else [w >> np.uint32(32 - r.random_width) for w in found]


def _at_the_carry(r: Recipe, bits: U32, shape: tuple[int, int]) -> F32:
    """Return values that their own random numbers take just up (even places) or just not (odd ones)."""
    if not r.rounds_elements:
        return values(900, shape, 3)
    n = r.random_width
    number = deal(bits, Feed(_feed(r).value), n).astype(np.float64)
    low = np.arange(number.size).reshape(shape) % 7
    nu = np.clip(1 - number / 2.0**n, 0, 1)
    y = (_GRID[low] + (_GRID[low + 1] - _GRID[low]) * nu).astype(np.float32)
    odd = np.arange(shape[1]) % 2 == 1
    y[:, odd] = np.nextafter(y[:, odd], np.float32(0))
    y[:, 1::3] *= -1
    y[:, ::16] = 6  # a block's amax: its scale is 1
    y[1, 1:8] = 0.0, -0.0, 2.0**-149, -(2.0**-130), 6.0, -6.0, 4.0
    return y


def _feed(r: Recipe) -> RandomFeed:
    assert r.random_feed is not None
    return r.random_feed


def _given(
    r: Recipe, name: str, says: str, x: AnyArray, bits: list[U32], *, amax: float | None = None
) -> Json:
    return {
        "step": STEP,
        "id": f"training/{r.name}/{name}",
        "comment": says,
        "recipe": r.name,
        "fingerprint": r.fingerprint(),
        "dtype": next(n for n, dtype in DTYPES.items() if dtype == x.dtype),
        "shape": list(x.shape),
        "x_bits": to_hex(x),
        "amax_bits": None if amax is None else f32_hex(np.float32(amax)),
        "random_bits": [lines(w, 8) for w in bits],
    }


def _input(v: Json) -> tuple[AnyArray, list[AnyArray], Any]:
    """Return values, words of every draw, and the amax."""
    x = from_hex(v["x_bits"], v["dtype"], (v["shape"][0], v["shape"][1]), f"{v['id']}: x_bits")
    amax = None if v["amax_bits"] is None else from_f32_hex(v["amax_bits"])
    return x, [rows(w) for w in v["random_bits"]], amax


def _takes(v: Json) -> bool:
    try:
        _made(STOCHASTIC[v["recipe"]], *_input(v), "numpy")
    except InputError:
        return False
    return True


def _made(r: Recipe, x: AnyArray, bits: list[AnyArray], amax: Any, engine: str) -> Json:
    """Return codes and scales as text."""
    q = quantize(x, r, amax=amax, engine=engine, random_bits=_bits(r, bits))
    return {"codes": to_hex(q.codes), "block_scales": to_hex(q.block_scales)}


def _bits(r: Recipe, bits: list[AnyArray]) -> Any:
    """Return words as `quantize` takes them: nothing where the recipe takes none, a list of two draws."""
    if not r.stochastic:
        return None
    return bits[0] if r.draws == 1 else bits


def computed(v: Json, engine: str = "numpy") -> Json:
    """Return what a vector's input gives by an engine: bytes, the tensor amax, those of mistakes, steps."""
    r = STOCHASTIC[v["recipe"]]
    x, bits, amax = _input(v)
    more = _bits(r, bits)
    found = _made(r, x, bits, amax, engine)
    q = quantize(x, r, amax=amax, random_bits=more, engine=engine)
    wrong = {
        name: partial(_made, other, x, words_, amax, "numpy")
        for name, (other, words_) in _mistakes(r, bits).items()
    }
    stepped = r.corrects and x.shape == (1, r.group)
    return {
        **found,
        "tensor_amax_bits": f32_line(q.tensor_amax),
        "wrong": differing(found, wrong),
        "steps": _steps(trace(x, r, amax=amax, random_bits=more)) if stepped else None,
    }


def _mistakes(r: Recipe, bits: list[AnyArray]) -> dict[str, tuple[Recipe, list[AnyArray]]]:
    """Return recipe and words as each mistake has them."""
    found: dict[str, tuple[Recipe, list[AnyArray]]] = {
        "SrSharedNoise-rows": (r, [np.repeat(w[:1], len(w), axis=0) for w in bits]),
        "SrSharedNoise-one": (r, [np.full_like(w, w[0, 0]) for w in bits]),
        "RngCounterMap-reversed": (r, [w[:, ::-1].copy() for w in bits]),
    }
    if r.draws > 1:
        found["SrSharedNoise-draws"] = (r, [bits[0]] * r.draws)
    if r.element_rounding not in _RULES:
        return found
    narrow = replace(r, name="narrow", random_width=r.random_width // 2)
    found["SrBitsNarrow"] = (narrow, bits)
    for rule in _RULES:
        if rule is not r.element_rounding:
            found[f"SrRule-{rule.value}"] = (replace(r, name="ruled", element_rounding=rule), bits)
    nearest: dict[str, Any] = {
        "element_rounding": ElementRounding.NEAREST,
        "random_feed": None,
        "random_width": 0,
    }
    found["SrRule-nearest"] = (replace(r, name="nearest", random_draws=None, **nearest), bits)
    served = len(FEEDS[Feed(_feed(r).value)])
    for feed in RandomFeed:
        if feed is not RandomFeed.HARDWARE_DECIDES and feed is not r.random_feed:
            fed = Feed(feed.value)
            if len(FEEDS[fed]) == served:
                other = replace(r, name="fed", random_feed=feed, random_width=width(fed))
                found[f"SrBitFeed-{feed.value}"] = (other, bits)
    return found


def _steps(t: Any) -> Json:
    """Return the steps of one group of corrected blocks, blocks in order."""
    one = t.map6
    return {
        "multiplier_bits": f32_line(one.multiplier),
        "scaled_bits": f32_line(one.scaled),
        "element_codes": line(one.codes, 2),
        "base_bits": f32_line(one.base),
    }


__all__ = ["STEP", "computed", "given", "recipes"]
