"""The schema: closed everywhere, fits every committed file, and each of its keywords refuses something."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from fos_ref.errors import GoldenFormatError
from fos_ref.outside.form import _SAID, problem, validator
from fos_ref.vectors.canonical import canonical, parse
from fos_ref.vectors.schema import check, KINDS, schema
from tests.vectors.folder import files

WHOLE = schema()
TABLES = ("$defs", "properties")
INSIDE = ("items", "additionalProperties", "propertyNames")


def parts(part):
    """Yield a schema and every schema inside it."""
    yield part
    for key, value in part.items():
        inner = (
            value.values() if key in TABLES else value if key == "oneOf" else [value] if key in INSIDE else ()
        )
        for p in inner:
            if isinstance(p, dict):
                yield from parts(p)


@pytest.mark.long
def test_it_is_json_schema_without_a_keyword_that_readers_would_ignore():
    Draft202012Validator.check_schema(WHOLE)
    used = {key for p in parts(WHOLE) for key in p}
    assert used - {"$schema", "$defs", "title", "description"} <= set(Draft202012Validator.VALIDATORS)
    with_words = {*_SAID, "required", "additionalProperties"}
    assert (
        used & set(Draft202012Validator.VALIDATORS) - {"$ref", "properties", "items", "propertyNames"}
        == with_words
    )


def test_every_pattern_speaks_of_the_whole_string():
    patterns = [p["pattern"] for p in parts(WHOLE) if "pattern" in p]
    assert len(patterns) > 20
    assert all(p.startswith("^") and p.endswith("$") for p in patterns)


def test_every_object_is_closed_and_every_field_required():
    objects = [p for p in parts(WHOLE) if p.get("type") == "object"]
    assert len(objects) > 20
    for p in objects:
        named = "properties" in p and p["additionalProperties"] is False
        table = "properties" not in p and isinstance(p["additionalProperties"], dict) and "propertyNames" in p
        assert named or table
        optional = set(p.get("properties", ())) - set(p.get("required", p.get("properties", ())))
        assert optional <= {"values_bits"}  # of the distinguishing vectors, for one axis only


@pytest.mark.long
def test_every_committed_document_fits_exactly_one_kind():
    small = [n for n in files() if n.endswith(".json") and n.count("/") < 2 and n != "schema.json"]
    one = {kind: validator(WHOLE["$defs"][kind] | {"$defs": WHOLE["$defs"]}) for kind in KINDS}
    seen = set()
    for name in [*small, "v1/4over6/worked.json"]:
        document = json.loads(files()[name])
        fitting = [kind for kind in KINDS if problem(one[kind], document) is None]
        assert fitting == [document.get("kind", "distinguishing")]
        seen.update(fitting)
        assert problem(validator(WHOLE), document) is None
        assert Draft202012Validator(WHOLE).is_valid(document)  # what a reader's own validator says
    assert seen == set(KINDS)


def test_the_committed_schema_is_the_one_that_is_used():
    assert json.loads(files()["schema.json"]) == WHOLE


def vector():
    return json.loads(files()["v1/4over6/worked.json"])


def deep(document, *path):
    for key in path:
        document = document[key]
    return document


BREAKS = {
    "/vectors/0/id: 'x'": lambda d: deep(d, "vectors", 0).update(id="x"),
    "/recipe: missing": lambda d: d.pop("recipe"),
    "/extra: no field of this name": lambda d: d.update(extra=1),
    "/vectors/0/flags/0: 'NoFlag'": lambda d: deep(d, "vectors", 0).update(flags=["NoFlag"]),
    "/vectors/0/flags: an item stands there twice": lambda d: deep(d, "vectors", 0, "flags").append("Bound"),
    "/vectors/0/x_bits/0": lambda d: deep(d, "vectors", 0).update(x_bits=["1.5"]),
    "/vectors/0/shape: 3 items": lambda d: deep(d, "vectors", 0, "shape").append(1),
    "/vectors/0/shape/0: 0": lambda d: deep(d, "vectors", 0).update(shape=[0, 16]),
    "/vectors/0/expected/codes: 0 items": lambda d: deep(d, "vectors", 0, "expected").update(codes=[]),
    "/vectors/0/steps/blocks: 0 items": lambda d: deep(d, "vectors", 0, "steps").update(blocks=[]),
    "/vectors/0/amax_bits: 1: null is allowed, or string is allowed": lambda d: deep(d, "vectors", 0).update(
        amax_bits=1
    ),
    "/vectors/0/expected: 5: 'raises' is allowed, or object is allowed": lambda d: deep(
        d, "vectors", 0
    ).update(expected=5),
    "/vectors/0/expected/picked4: missing": lambda d: deep(d, "vectors", 0, "expected").pop("picked4"),
    "/vectors/0/steps/blocks/0/map4/extra: no field of this name is allowed": lambda d: deep(
        d, "vectors", 0, "steps", "blocks", 0, "map4"
    ).update(extra=1),
    "/map6/error_bits: '00': null is allowed, or ^[0-9A-F]{8}$": lambda d: deep(
        d, "vectors", 0, "steps", "blocks", 0, "map6"
    ).update(error_bits="00"),
    "/'a\\nb': no field of this name is allowed": lambda d: d.update({"a\nb": 1}),
    "/format: 2": lambda d: d.update(format=2),
    "/format: True": lambda d: d.update(format=True),
    "/blocks: 65": lambda d: d.update(blocks=65),
    "/format: 1.0: 1 is allowed": lambda d: d.update(format=1.0),
    "/blocks: 1.0: integer is allowed": lambda d: d.update(blocks=1.0),
    "/blocks: True: integer is allowed": lambda d: d.update(blocks=True),
    "/blocks: nan: integer is allowed": lambda d: d.update(blocks=float("nan")),
    "/vectors/0/shape/1: 16.0": lambda d: deep(d, "vectors", 0).update(shape=[1, 16.0]),
    "/axes/tie: False: string or integer or null is allowed": lambda d: d["axes"].update(tie=False),
    "/group: 'worked\\n': ^[ -~]+$ is allowed": lambda d: d.update(group="worked\n"),
    "/axes/speed": lambda d: d["axes"].update(speed="fast"),
    "/axes/tie: []": lambda d: d["axes"].update(tie=[]),
    "/vectors: 'none'": lambda d: d.update(vectors="none"),
}


@pytest.mark.parametrize("problem", BREAKS)
def test_what_breaks_the_schema_is_named_with_its_path(problem):
    document = vector()
    check(document, "vectors", "file")
    BREAKS[problem](document)
    with pytest.raises(GoldenFormatError) as e:
        check(document, "vectors", "file")
    assert str(e.value).startswith("file: /")
    assert problem in str(e.value)


def test_of_two_forms_that_fit_neither_is_meant():
    either = validator({"oneOf": [{"type": "integer"}, {"minimum": 0}]})
    assert [problem(either, v) for v in (-1, 1)] == [
        None,
        "document: more than one of the allowed forms fits",
    ]


@pytest.mark.parametrize(
    "place", [("vectors",), ("vectors", 0, "flags", 0), ("vectors", 0, "steps"), ("axes", "tie")]
)
def test_what_is_nested_deep_or_large_is_one_short_line(place):
    nested = []
    for _ in range(900):
        nested = [nested]
    for wrong in (nested, {"a" * 10_000: "b" * 10_000}, ["c"] * 10_000):
        document = vector()
        deep(document, *place[:-1])[place[-1]] = wrong
        with pytest.raises(GoldenFormatError) as e:
            check(document, "vectors", "file")
        assert len(str(e.value)) < 1500  # the names of all flags
        assert "\n" not in str(e.value)


def test_json_nested_too_deep_to_be_read_is_refused():
    with pytest.raises(GoldenFormatError, match="file: not JSON, or nested too deep"):
        parse(b"[" * 100_000 + b"]" * 100_000, "file")


def test_what_the_schema_refuses_is_refused_where_a_file_is_read():
    data = canonical(vector() | {"blocks": 1.0})
    with pytest.raises(GoldenFormatError, match=r"^worked: /blocks: 1\.0: integer is allowed$"):
        check(parse(data, "worked"), "vectors", "worked")
