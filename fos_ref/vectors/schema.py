"""The form of every JSON file under golden/, as a closed JSON schema: golden/schema.json is written from it.

Closed: every object says which fields it has, all of them are required, and no other is allowed.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from fos_ref.errors import GoldenFormatError
from fos_ref.inputs.distributions import DTYPES
from fos_ref.recipes.catalog import PRESETS
from fos_ref.vectors.bits import Json, RAISES
from fos_ref.vectors.notes import NOTES
from fos_ref.vectors.terms import (
    array,
    BYTE,
    closed,
    either,
    FILE_FORMAT,
    FLAG,
    hex_words,
    NULL,
    RECIPE,
    ref,
    SHA,
    SHAPE,
    table,
    TEXT,
    whole_number,
    WORD,
)
from fos_ref.vectors.training.form import training_file

MOST_BLOCKS = 64  #: of a file that people read
MOST_VECTORS = 128  #: some have no block: what a recipe refuses


def schema() -> Json:
    """Return the whole schema. Each file says under `kind` which of the definitions it has to fit."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Golden vectors of NVFP4 and Four Over Six quantization",
        "description": "Bits are upper-case hex numbers, most significant digit first, in strings.",
        "$defs": _definitions(),
        "oneOf": [ref(kind) for kind in KINDS],
    }


#: The kinds of a file.
KINDS = (
    "vectors",
    "distinguishing",
    "values",
    "mutants",
    "layout",
    "bulk",
    "chains",
    "products",
    "training",
    "notes",
    "manifest",
)


def check(document: Json, kind: str, name: str) -> None:
    """Raise GoldenFormatError, with the path of what is wrong, unless a document fits its kind."""
    from fos_ref.outside.form import problem  # noqa: PLC0415 -- `fos --help` needs no jsonschema

    found = problem(_checker(kind), document)
    if found is not None:
        msg = f"{name}: {found}"
        raise GoldenFormatError(msg)


@cache
def _checker(kind: str) -> Any:
    from fos_ref.outside.form import validator  # noqa: PLC0415

    return validator({**ref(kind), "$defs": _definitions()})


def _definitions() -> Json:
    return {
        "flag": {"enum": list(NOTES)},
        "recipe": {"type": "string", "pattern": "^[a-z0-9-]+$"},
        "vectors": _vectors_file(),
        "vector": _vector(),
        "expected": _expected(),
        "steps": _steps(),
        "block": _block(),
        "candidate": _candidate(),
        "distinguishing": _distinguishing(),
        "values": _values(),
        "mutants": _mutants(),
        "layout": _layout(),
        "bulk": _bulk(),
        "chains": _chains(),
        "products": _products(),
        "training": training_file(),
        "notes": _notes(),
        "manifest": _manifest(),
    }


_AXES: Json = {
    "type": "object",
    "propertyNames": {"enum": list(PRESETS["nvfp4"].axes())},
    "additionalProperties": {"type": ["string", "integer", "null"]},
}


def _input() -> Json:
    return {
        "dtype": {"enum": list(DTYPES)},
        "shape": SHAPE,
        "x_bits": array(hex_words(8, 4)),
        "amax_bits": either(NULL, WORD),
    }


def _vectors_file() -> Json:
    return closed(
        format=FILE_FORMAT,
        kind={"const": "vectors"},
        recipe=RECIPE,
        fingerprint=SHA,
        axes=_AXES,
        group=TEXT,
        comment=TEXT,
        blocks={"type": "integer", "minimum": 0, "maximum": MOST_BLOCKS},
        vectors=array(ref("vector"), 1, MOST_VECTORS),
    )


def _vector() -> Json:
    return closed(
        id={"type": "string", "pattern": "^[a-z0-9-]+/[a-z0-9-]+/[0-9]+$"},
        comment=TEXT,
        flags={"type": "array", "items": FLAG, "uniqueItems": True},
        **_input(),
        padding={"enum": ["error", "zero"]},
        buffer_bits=either(NULL, array(hex_words(8, 4))),
        expected=either({"const": RAISES}, ref("expected")),
        steps=either(NULL, ref("steps")),
    )


def _expected() -> Json:
    return closed(
        codes=array(hex_words(2)),
        block_scales=array(hex_words(2)),
        picked4=array({"type": "string", "pattern": "^[01]( [01])*$"}),
        values_bits=array(hex_words(8)),
    )


def _steps() -> Json:
    return closed(
        tensor_amax_bits=hex_words(8),
        encode_scale_bits=hex_words(8),
        decode_scale_bits=hex_words(8),
        blocks=array(ref("block"), 1, MOST_BLOCKS),
    )


def _block() -> Json:
    return closed(
        row=whole_number(),
        col=whole_number(),
        block_amax_bits=WORD,
        base_bits=WORD,
        map6=either(NULL, ref("candidate")),
        map4=either(NULL, ref("candidate")),
    )


def _candidate() -> Json:
    return closed(
        base_bits=WORD,
        block_scale=BYTE,
        multiplier_bits=WORD,
        scaled_bits=array(hex_words(8)),
        element_codes=array({"type": "string", "pattern": "^[0-9A-F]+$"}),
        error_bits=either(NULL, WORD),
    )


def _result() -> Json:
    """Return what a recipe, or a mistake, makes of an input."""
    expected = {
        "type": "object",
        "properties": {k: array(hex_words(2)) for k in ("codes", "block_scales")}
        | {"values_bits": array(hex_words(8))},
        "required": ["codes", "block_scales"],
        "additionalProperties": False,
    }
    return either({"const": RAISES}, expected)


def _mutants() -> Json:
    given = _result()
    vector = closed(
        mutant=TEXT,
        flag=TEXT,
        recipe=RECIPE,
        fingerprint=SHA,
        expected=given,
        wrong=given,
        buffer_bits=either(NULL, array(hex_words(8, 4))),
        **_input(),
    )
    return closed(format=FILE_FORMAT, kind={"const": "mutants"}, comment=TEXT, mutants=array(vector))


def _pairs() -> Json:
    side = closed(axes=_AXES, expected=_result(), fingerprint=SHA)
    two = array(TEXT, 2, 2)
    return array(closed(axis=TEXT, values=two, base=RECIPE, sides=array(side, 2, 2), **_input()))


def _values() -> Json:
    return closed(format=FILE_FORMAT, kind={"const": "values"}, comment=TEXT, vectors=_pairs())


def _distinguishing() -> Json:
    given = _result()
    two = array(TEXT, 2, 2)
    return closed(
        format=FILE_FORMAT,
        indistinguishable=array(closed(axis=TEXT, values=two, reason=TEXT), 0),
        mutants=array(
            closed(
                mutant=TEXT,
                flag=TEXT,
                recipe=RECIPE,
                fingerprint=SHA,
                expected=given,
                wrong=given,
                **_input(),
            )
        ),
        vectors=_pairs(),
    )


def _layout() -> Json:
    return closed(
        format=FILE_FORMAT,
        kind={"const": "layout"},
        comment=TEXT,
        maps=array(
            closed(
                id={"type": "string", "pattern": "^layout/[a-z0-9-]+/[0-9]+$"},
                comment=TEXT,
                flags={"type": "array", "items": FLAG, "uniqueItems": True},
                shape=SHAPE,
                bytes=whole_number(1),
                offsets=array(hex_words(4)),
            )
        ),
    )


def _bulk() -> Json:
    given = closed(
        name=TEXT,
        comment=TEXT,
        dtype={"enum": list(DTYPES)},
        shape=SHAPE,
        amax_bits=either(NULL, WORD),
    )
    return closed(
        format=FILE_FORMAT,
        kind={"const": "bulk"},
        comment=TEXT,
        inputs=array(given),
        recipes=table(SHA, RECIPE),
    )


def _chains() -> Json:
    point = closed(step=whole_number(1), sha256=SHA)
    chain = closed(
        id=TEXT,
        recipe=RECIPE,
        fingerprint=SHA,
        dtype={"enum": ["bfloat16", "float32"]},
        blocks=whole_number(1),
        points=array(point),
    )
    return closed(format=FILE_FORMAT, kind={"const": "chains"}, comment=TEXT, chains=array(chain))


def _products() -> Json:
    name: Json = {"type": "string", "pattern": "^[A-Za-z0-9-]+$"}
    side = closed(codes=hex_words(2), block_scales=hex_words(2), amax_bits=either(NULL, WORD))
    bits: Json = {"type": "string", "pattern": "^[0-9A-F]{16}$"}
    vector = closed(
        id={"type": "string", "pattern": "^products/[a-z0-9-]+$"},
        comment=TEXT,
        columns=whole_number(16),
        a=side,
        b=side,
        exact_bits=bits,
        certified=closed(block={"type": "boolean"}, element={"type": "boolean"}),
        accumulators=table(WORD, name),
        outputs=either(NULL, table(WORD, name)),
        wrong=table(WORD, name),
    )
    return closed(
        format=FILE_FORMAT, kind={"const": "products"}, comment=TEXT, recipe=RECIPE, vectors=array(vector)
    )


def _notes() -> Json:
    note = closed(bug=TEXT, effect=TEXT, seen=either(NULL, TEXT))
    return closed(format=FILE_FORMAT, kind={"const": "notes"}, flags=table(note, FLAG))


def _manifest() -> Json:
    file = closed(sha256=SHA, bytes=whole_number(1), vectors=whole_number(), blocks=whole_number())
    name: Json = {"type": "string", "pattern": "^[A-Za-z0-9._/-]+$"}
    return closed(
        format=FILE_FORMAT,
        kind={"const": "manifest"},
        files=table(file, name),
        flags=table(whole_number(), FLAG),
        recipes=table(SHA, RECIPE),
    )
