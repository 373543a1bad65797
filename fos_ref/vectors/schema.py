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
from fos_ref.vectors.canonical import FORMAT
from fos_ref.vectors.notes import NOTES

MOST_BLOCKS = 64  #: of a file that people read
MOST_VECTORS = 128  #: some have no block: what a recipe refuses

_NULL: Json = {"type": "null"}
_TEXT: Json = {"type": "string", "pattern": "^[ -~]+$"}
_SHA: Json = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_FLAG: Json = {"$ref": "#/$defs/flag"}


def schema() -> Json:
    """Return the whole schema. Each file says under `kind` which of the definitions it has to fit."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Golden vectors of NVFP4 and Four Over Six quantization",
        "description": "Bits are upper-case hex numbers, most significant digit first, in strings.",
        "$defs": _definitions(),
        "oneOf": [_ref(kind) for kind in KINDS],
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

    return validator({**_ref(kind), "$defs": _definitions()})


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
        "notes": _notes(),
        "manifest": _manifest(),
    }


def _closed(**properties: Any) -> Json:
    """Return an object with exactly these fields."""
    return {
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
        "additionalProperties": False,
    }


def _ref(name: str) -> Json:
    return {"$ref": f"#/$defs/{name}"}


def _either(*forms: Json) -> Json:
    return {"oneOf": list(forms)}


def _array(items: Json, least: int = 1, most: int | None = None) -> Json:
    found: Json = {"type": "array", "items": items, "minItems": least}
    return found if most is None else found | {"maxItems": most}


def _table(values: Json, names: Json) -> Json:
    return {"type": "object", "propertyNames": names, "additionalProperties": values}


def _whole_number(least: int = 0) -> Json:
    return {"type": "integer", "minimum": least}


def _words(*digits: int) -> Json:
    """Return numbers of so many hex digits in one string, with a space between them."""
    one = "|".join(f"[0-9A-F]{{{n}}}( [0-9A-F]{{{n}}})*" for n in digits)
    return {"type": "string", "pattern": f"^({one})$"}


_WORD: Json = {"type": "string", "pattern": "^[0-9A-F]{8}$"}
_BYTE: Json = {"type": "string", "pattern": "^[0-9A-F]{2}$"}
_SHAPE: Json = {"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 2, "maxItems": 2}
_RECIPE: Json = {"$ref": "#/$defs/recipe"}
_FORMAT: Json = {"const": FORMAT}
#: An axis value as JSON: a name, a bound, or null where the axis does not apply.
_AXES: Json = {
    "type": "object",
    "propertyNames": {"enum": list(PRESETS["nvfp4"].axes())},
    "additionalProperties": {"type": ["string", "integer", "null"]},
}


def _input() -> Json:
    return {
        "dtype": {"enum": list(DTYPES)},
        "shape": _SHAPE,
        "x_bits": _array(_words(8, 4)),
        "amax_bits": _either(_NULL, _WORD),
    }


def _vectors_file() -> Json:
    return _closed(
        format=_FORMAT,
        kind={"const": "vectors"},
        recipe=_RECIPE,
        fingerprint=_SHA,
        axes=_AXES,
        group=_TEXT,
        comment=_TEXT,
        blocks={"type": "integer", "minimum": 0, "maximum": MOST_BLOCKS},
        vectors=_array(_ref("vector"), 1, MOST_VECTORS),
    )


def _vector() -> Json:
    return _closed(
        id={"type": "string", "pattern": "^[a-z0-9-]+/[a-z0-9-]+/[0-9]+$"},
        comment=_TEXT,
        flags={"type": "array", "items": _FLAG, "uniqueItems": True},
        **_input(),
        padding={"enum": ["error", "zero"]},
        buffer_bits=_either(_NULL, _array(_words(8, 4))),
        expected=_either({"const": RAISES}, _ref("expected")),
        steps=_either(_NULL, _ref("steps")),
    )


def _expected() -> Json:
    return _closed(
        codes=_array(_words(2)),
        block_scales=_array(_words(2)),
        picked4=_array({"type": "string", "pattern": "^[01]( [01])*$"}),
        values_bits=_array(_words(8)),
    )


def _steps() -> Json:
    return _closed(
        tensor_amax_bits=_words(8),
        encode_scale_bits=_words(8),
        decode_scale_bits=_words(8),
        blocks=_array(_ref("block"), 1, MOST_BLOCKS),
    )


def _block() -> Json:
    return _closed(
        row=_whole_number(),
        col=_whole_number(),
        block_amax_bits=_WORD,
        base_bits=_WORD,
        map6=_either(_NULL, _ref("candidate")),
        map4=_either(_NULL, _ref("candidate")),
    )


def _candidate() -> Json:
    return _closed(
        base_bits=_WORD,
        block_scale=_BYTE,
        multiplier_bits=_WORD,
        scaled_bits=_array(_words(8)),
        element_codes=_array({"type": "string", "pattern": "^[0-9A-F]+$"}),
        error_bits=_either(_NULL, _WORD),
    )


def _result() -> Json:
    """Return what a recipe, or a mistake, makes of an input."""
    expected = {
        "type": "object",
        "properties": {k: _array(_words(2)) for k in ("codes", "block_scales")}
        | {"values_bits": _array(_words(8))},
        "required": ["codes", "block_scales"],
        "additionalProperties": False,
    }
    return _either({"const": RAISES}, expected)


def _mutants() -> Json:
    either = _result()
    vector = _closed(
        mutant=_TEXT,
        flag=_TEXT,
        recipe=_RECIPE,
        fingerprint=_SHA,
        expected=either,
        wrong=either,
        buffer_bits=_either(_NULL, _array(_words(8, 4))),
        **_input(),
    )
    return _closed(format=_FORMAT, kind={"const": "mutants"}, comment=_TEXT, mutants=_array(vector))


def _pairs() -> Json:
    side = _closed(axes=_AXES, expected=_result(), fingerprint=_SHA)
    two = _array(_TEXT, 2, 2)
    return _array(_closed(axis=_TEXT, values=two, base=_RECIPE, sides=_array(side, 2, 2), **_input()))


def _values() -> Json:
    return _closed(format=_FORMAT, kind={"const": "values"}, comment=_TEXT, vectors=_pairs())


def _distinguishing() -> Json:
    either = _result()
    two = _array(_TEXT, 2, 2)
    return _closed(
        format=_FORMAT,
        indistinguishable=_array(_closed(axis=_TEXT, values=two, reason=_TEXT), 0),
        mutants=_array(
            _closed(
                mutant=_TEXT,
                flag=_TEXT,
                recipe=_RECIPE,
                fingerprint=_SHA,
                expected=either,
                wrong=either,
                **_input(),
            )
        ),
        vectors=_pairs(),
    )


def _layout() -> Json:
    return _closed(
        format=_FORMAT,
        kind={"const": "layout"},
        comment=_TEXT,
        maps=_array(
            _closed(
                id={"type": "string", "pattern": "^layout/[a-z0-9-]+/[0-9]+$"},
                comment=_TEXT,
                flags={"type": "array", "items": _FLAG, "uniqueItems": True},
                shape=_SHAPE,
                bytes=_whole_number(1),
                offsets=_array(_words(4)),
            )
        ),
    )


def _bulk() -> Json:
    given = _closed(
        name=_TEXT,
        comment=_TEXT,
        dtype={"enum": list(DTYPES)},
        shape=_SHAPE,
        amax_bits=_either(_NULL, _WORD),
    )
    return _closed(
        format=_FORMAT,
        kind={"const": "bulk"},
        comment=_TEXT,
        inputs=_array(given),
        recipes=_table(_SHA, _RECIPE),
    )


def _chains() -> Json:
    point = _closed(step=_whole_number(1), sha256=_SHA)
    chain = _closed(
        id=_TEXT,
        recipe=_RECIPE,
        fingerprint=_SHA,
        dtype={"enum": ["bfloat16", "float32"]},
        blocks=_whole_number(1),
        points=_array(point),
    )
    return _closed(format=_FORMAT, kind={"const": "chains"}, comment=_TEXT, chains=_array(chain))


def _products() -> Json:
    name: Json = {"type": "string", "pattern": "^[A-Za-z0-9-]+$"}
    side = _closed(codes=_words(2), block_scales=_words(2), amax_bits=_either(_NULL, _WORD))
    bits: Json = {"type": "string", "pattern": "^[0-9A-F]{16}$"}
    vector = _closed(
        id={"type": "string", "pattern": "^products/[a-z0-9-]+$"},
        comment=_TEXT,
        columns=_whole_number(16),
        a=side,
        b=side,
        exact_bits=bits,
        certified=_closed(block={"type": "boolean"}, element={"type": "boolean"}),
        accumulators=_table(_WORD, name),
        outputs=_either(_NULL, _table(_WORD, name)),
        wrong=_table(_WORD, name),
    )
    return _closed(
        format=_FORMAT, kind={"const": "products"}, comment=_TEXT, recipe=_RECIPE, vectors=_array(vector)
    )


def _notes() -> Json:
    note = _closed(bug=_TEXT, effect=_TEXT, seen=_either(_NULL, _TEXT))
    return _closed(format=_FORMAT, kind={"const": "notes"}, flags=_table(note, _FLAG))


def _manifest() -> Json:
    file = _closed(sha256=_SHA, bytes=_whole_number(1), vectors=_whole_number(), blocks=_whole_number())
    name: Json = {"type": "string", "pattern": "^[A-Za-z0-9._/-]+$"}
    return _closed(
        format=_FORMAT,
        kind={"const": "manifest"},
        files=_table(file, name),
        flags=_table(_whole_number(), _FLAG),
        recipes=_table(_SHA, _RECIPE),
    )
