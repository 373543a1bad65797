"""Training's header: the texts it is made of, the numbers of its enums, and its loops on the host by g++."""

from __future__ import annotations

import ctypes
import re
from functools import cache
from typing import Any

import numpy as np

from fos_gpu.build.cache import cached, load
from fos_gpu.build.compiler import compile_library, compiler_version
from fos_gpu.build.host import ALWAYS
from fos_gpu.build.lower import definitions, numerics, source
from fos_ref.formats.arrays import AnyArray, F32, U8, U32
from fos_ref.random import Feed, MAPS, Rule
from fos_ref.random.feeds import FEEDS
from fos_ref.random.maps.wordmap import Option
from fos_ref.random.philox import ROUNDS
from fos_ref.recipes.catalog import PRESETS
from fos_ref.rotate import Order

TRAINING, STOCHASTIC, LOOPS = "fos_training.h", "fos_stochastic.h", "fos_training.cpp"
OPTIONS = (*ALWAYS, "-O2")
#: The loops know no recipe; the header below them wants one.
DEFINITIONS = definitions(PRESETS["nvfp4"])
#: The rounders of programs by the number that the loops have for them.
PROGRAMS = (
    "te_software",
    "fouroversix_torch",
    "quartet2_simulator",
    "quartet2_scales",
    "quartet2_simulator_scales",
)
_PARTS = re.compile(r'#include "(training/[^"]+)"')
_ENUM = r"enum class {} \{{([^}}]*)\}}"
TILES = {"tile_tokens": 128, "tile_features": 128}  #: of a map without tiles: they decide nothing


@cache
def texts() -> dict[str, str]:
    """Return both headers and their parts by name, numerics included."""
    own = {name: source(name) for name in (TRAINING, STOCHASTIC)}
    parts = {name: source(name) for text in own.values() for name in _PARTS.findall(text)}
    return numerics() | parts | own


@cache
def number(enum: str, member: str) -> int:
    """Return the number of a member of one of the header's enums; members have the names of fos_ref's."""
    (body,) = re.findall(_ENUM.format(enum), "".join(texts().values()))
    return [m.strip() for m in body.split(",")].index(member)


def map_number(name: str) -> int:
    """Return the header's number of a word map."""
    return number("Map", name.replace("-", "_"))


def request(name: str, options: dict[str, Option]) -> tuple[int, int, int]:
    """Return (choice, tile_tokens, tile_features) of checked options of a map, as Request has them."""
    chosen = MAPS[name].options
    taken = {key: options.get(key, values[0]) for key, values in chosen.items()}
    words = [chosen[key].index(value) for key, value in taken.items() if key not in TILES]
    tokens, features = (int(taken.get(key, default)) for key, default in TILES.items())
    return words[0] if words else 0, tokens, features


@cache
def _library() -> ctypes.CDLL:
    given = texts() | {LOOPS: source(LOOPS)}
    arguments = (*OPTIONS, *DEFINITIONS)
    parts = (*given.values(), *arguments, compiler_version())
    return load(cached(parts, ".so", lambda path: compile_library(given, arguments, path)))


def build() -> None:
    """Build and load the loops, so that other processes find them."""
    _library()


def philox(counters: U32, keys: AnyArray, rounds: int = ROUNDS) -> U32:
    """Return the words (n, 4) of counters (n, 4) under keys (n,) uint64."""
    out = np.empty(counters.shape, dtype=np.uint32)
    _call("fos_philox", counters, keys, ctypes.c_int(rounds), _long(len(counters)), out)
    return out


def words(
    name: str, shape: tuple[int, int], *, seed: int, offset: int = 0, rounds: int = ROUNDS, **options: Option
) -> U32:
    """Return `fos_ref.random.words` of the same arguments, by the header; nothing is checked."""
    groups = shape[1] // MAPS[name].elements
    out = np.empty((shape[0], groups), dtype=np.uint32)
    sizes = (_long(shape[0]), _long(shape[1]), ctypes.c_ulonglong(seed), ctypes.c_ulonglong(offset))
    more = (ctypes.c_int(v) for v in (rounds, *request(name, options)))
    place = (_long(0), _long(shape[0]), _long(groups))
    _call("fos_words", ctypes.c_int(map_number(name)), *sizes, *more, *place, out)
    return out


def dealt(given: U32, feed: Feed) -> U32:
    """Return `fos_ref.random.deal` of words (n,), by the header."""
    out = np.empty(given.size * len(FEEDS[feed]), dtype=np.uint32)
    _call("fos_deal", ctypes.c_int(number("Feed", feed.name.lower())), given, _long(given.size), out)
    return out


def by_rule(y: F32, random: U32, rule: Rule, bits: int, *, e4m3: bool = False) -> U8:
    """Return the codes (n, draws) of values (n,), each with every one of the random numbers (draws,)."""
    out = np.empty((y.size, random.size), dtype=np.uint8)
    first = (ctypes.c_int(v) for v in (number("Rule", rule.name.lower()), bits, int(e4m3)))
    _call("fos_rounded_by_rule", *first, y, _long(y.size), random, _long(random.size), out)
    return out


def by_program(which: str, y: F32, random: U32) -> U8:
    """Return the codes of values (n,) under a program's rounder: bytes, 24 bits, words, 16 bits or words."""
    out = np.empty(y.size, dtype=np.uint8)
    _call("fos_rounded_by_program", ctypes.c_int(PROGRAMS.index(which)), y, _long(y.size), random, out)
    return out


def rotated(x: F32, signs: int, order: Order, *, narrow: bool = True, inverse: bool = False) -> F32:
    """Return rows (K, 16) rotated; where `narrow`, values of bfloat16."""
    out = np.empty(x.shape, dtype=np.float32)
    number_of = number("Order", order.name.lower())
    given = (x, _long(len(x)), ctypes.c_uint(signs), ctypes.c_int(inverse), out)
    _call("fos_rotate", ctypes.c_int(number_of), ctypes.c_int(narrow), *given)
    return out


def eden(y: F32, noise: U32) -> tuple[U8, F32, F32, U8]:
    """Return packed codes (K, 8), corrected scales (K,), tensor scale () and bytes (K,) of rows (K, 16)."""
    codes, scales = np.empty((len(y), 8), dtype=np.uint8), np.empty(len(y), dtype=np.float32)
    _call("fos_eden_blocks", y, _long(len(y)), codes, scales)
    most, out = scales.max(initial=0, keepdims=True), np.empty(len(y), dtype=np.uint8)
    _call("fos_eden_scales", scales, _long(len(y)), most, noise, out)
    return codes, scales, most[0] * np.float32(1 / 256), out


def eden_of_groups(y: F32, words: U32) -> tuple[U8, F32, F32, U8]:
    """Return codes (K, 64), corrected scales (K, 8), tensor scale () and bytes (K, 8) of rows (K, 128)."""
    codes, scales = np.empty((len(y), 64), dtype=np.uint8), np.empty((len(y), 8), dtype=np.float32)
    out, most = np.empty((len(y), 8), dtype=np.uint8), ctypes.c_float(np.abs(y).max(initial=0))
    _call("fos_eden_groups", y, _long(len(y)), most, words, codes, scales, out)
    tensor_scale = _library().fos_group_tensor_scale
    tensor_scale.restype = ctypes.c_float
    return codes, scales, np.array(tensor_scale(most), dtype=np.float32), out


def _long(value: int) -> ctypes.c_longlong:
    return ctypes.c_longlong(value)


def _call(name: str, *given: Any) -> None:
    """Call one of the loops; arrays go by their address and are C-contiguous."""
    assert all(a.flags.c_contiguous for a in given if isinstance(a, np.ndarray))
    function = getattr(_library(), name)
    function.restype = None
    function(*(ctypes.c_void_p(a.ctypes.data) if isinstance(a, np.ndarray) else a for a in given))
