"""The form of v1/training.json: a closed object for each step."""

from __future__ import annotations

from typing import Any

from fos_ref.random.feeds import Feed
from fos_ref.random.maps import MAPS
from fos_ref.random.rules import Rule
from fos_ref.vectors.bits import Json
from fos_ref.vectors.terms import (
    array,
    closed,
    either,
    FILE_FORMAT,
    hex_words,
    NULL,
    RECIPE,
    SHA,
    SHAPE,
    table,
    TEXT,
    whole_number,
    WORD,
)

_ID: Json = {"type": "string", "pattern": "^training/[a-z0-9/-]+$"}
_NAME: Json = {"type": "string", "pattern": "^[A-Za-z0-9-]+$"}
_BYTES, _HALVES, _WORDS = hex_words(2), hex_words(4), hex_words(8)
_MASK: Json = {"type": "string", "pattern": "^[0-9A-F]{4}$"}
_LONG: Json = {"type": "string", "pattern": "^[0-9A-F]{16}$"}
_NUMBER: Json = {"type": "integer", "minimum": 1}


def training_file() -> Json:
    """Return the form of the file."""
    each = either(_philox(), _map(), _rounding(), _rotation(), _tensor(), _chain())
    return closed(format=FILE_FORMAT, kind={"const": "training"}, comment=TEXT, vectors=array(each))


def _step(name: str, **fields: Any) -> Json:
    return closed(step={"const": name}, id=_ID, comment=TEXT, **fields)


def _one_of(names: Any) -> Json:
    return {"enum": sorted(names)}


def _philox() -> Json:
    return _step("philox", rounds=_NUMBER, counter=_WORDS, key=_WORDS, words=_WORDS)


def _map() -> Json:
    return _step(
        "words",
        map=_one_of(MAPS),
        shape=SHAPE,
        seed=_LONG,
        offset=_LONG,
        rounds=_NUMBER,
        rows=array(whole_number()),
        words=array(_WORDS),
        wrong=table(array(_WORDS), _NAME),
    )


def _rounding() -> Json:
    return _step(
        "rounding",
        rule=_one_of(rule.value for rule in Rule),
        feed=_one_of(feed.value for feed in Feed),
        bits=_NUMBER,
        values_bits=_WORDS,
        random_bits=_WORDS,
        numbers=_WORDS,
        codes=_BYTES,
        wrong=table(_BYTES, _NAME),
    )


def _rotation() -> Json:
    return _step(
        "rotation",
        signs=_MASK,
        x_bits=_HALVES,
        y_bits=_HALVES,
        decided=_BYTES,
        wrong=table(_WORDS, _NAME),
    )


def _tensor() -> Json:
    codes, scales = array(_BYTES), array(_BYTES)
    steps = closed(multiplier_bits=_WORDS, scaled_bits=_WORDS, element_codes=_BYTES, base_bits=_WORDS)
    return _step(
        "quantize",
        recipe=RECIPE,
        fingerprint=SHA,
        dtype=_one_of(("bfloat16", "float32")),
        shape=SHAPE,
        x_bits=array(hex_words(4, 8)),
        amax_bits=either(NULL, WORD),
        random_bits=array(array(_WORDS)),
        tensor_amax_bits=WORD,
        codes=codes,
        block_scales=scales,
        wrong=table(closed(codes=codes, block_scales=scales), _NAME),
        steps=either(NULL, steps),
    )


def _chain() -> Json:
    copy = closed(
        map=_one_of(MAPS),
        tensor_amax_bits=WORD,
        first_words=_WORDS,
        codes=array(_BYTES),
        block_scales=array(_BYTES),
    )
    return _step(
        "chain",
        recipe=RECIPE,
        fingerprint=SHA,
        shape=SHAPE,
        x_bits=array(_HALVES),
        seed=_LONG,
        offset=_LONG,
        signs=_MASK,
        row=copy,
        column=copy,
        flags_shown=array(_NAME),
    )
