"""Philox, and the first words that each program's map makes of a seed, an offset and a shape."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from fos_ref.random.maps import MAPS
from fos_ref.random.philox import philox4x32
from fos_ref.random.words import words
from fos_ref.vectors.bits import Json
from fos_ref.vectors.training.text import differing, line, lines, numbers

PHILOX, WORDS = "philox", "words"
_SHAPE = (256, 256)
_SEEDS = ((0x123456789ABCDEF0, 0), (0xFEDCBA9876543210, 0xFFFFFFFD))
_ROWS = (0, 1, 64, 255)
_FIRST = 8  #: words of a row
_FEWER = 7  #: rounds of another build
_KNOWN = (
    ((0, 0, 0, 0), (0, 0)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2),
    ((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0)),
    ((0xFFFFFFFF, 0, 1, 0x80000000), (1, 0x80000000)),
)


def philox_given() -> Iterator[Json]:
    """Yield Random123's known answers and one more."""
    for rounds in (_FEWER, 10):
        for i, (counter, key) in enumerate(_KNOWN):
            yield {
                "step": PHILOX,
                "id": f"training/{PHILOX}/{rounds}-{i + 1}",
                "comment": f"Philox4x32 of {rounds} rounds",
                "rounds": rounds,
                "counter": line(np.array(counter, np.uint32), 8),
                "key": line(np.array(key, np.uint32), 8),
            }


def philox_computed(v: Json) -> Json:
    """Return the four words."""
    counter, key = (numbers(v[k])[None] for k in ("counter", "key"))
    return {"words": line(philox4x32(counter, key, v["rounds"])[0], 8)}


def words_given() -> Iterator[Json]:
    """Yield each map with two seeds, the second with an offset whose low word carries."""
    for name in MAPS:
        for i, (seed, offset) in enumerate(_SEEDS):
            yield {
                "step": WORDS,
                "id": f"training/{WORDS}/{name}-{i + 1}",
                "comment": f"map {name}: of rows {', '.join(map(str, _ROWS))} the first words",
                "map": name,
                "shape": list(_SHAPE),
                "seed": f"{seed:016X}",
                "offset": f"{offset:016X}",
                "rounds": 10,
                "rows": list(_ROWS),
            }


def words_computed(v: Json) -> Json:
    """Return the words, and those of fewer rounds, of a turned seed, of other maps of the program."""
    seed, elements = int(v["seed"], 16), MAPS[v["map"]].elements
    right = _words(v, v["map"], seed, v["rounds"])
    wrong = {
        "RngRounds": partial(_words, v, v["map"], seed, _FEWER),
        "RngCounterMap-seed": partial(
            _words, v, v["map"], (seed << 32 | seed >> 32) % (1 << 64), v["rounds"]
        ),
    }
    for other, m in MAPS.items():
        kin = other.partition("-")[0] == v["map"].partition("-")[0]
        if kin and other != v["map"] and m.elements == elements:
            wrong[f"RngCounterMap-{other}"] = partial(_words, v, other, seed, v["rounds"])
    return {"words": right, "wrong": differing(right, wrong)}


def _words(v: Json, name: str, seed: int, rounds: int) -> list[str]:
    shape = (v["shape"][0], v["shape"][1])
    every = words(name, shape, seed=seed, offset=int(v["offset"], 16), rounds=rounds)
    return lines(every[v["rows"], :_FIRST], 8)
