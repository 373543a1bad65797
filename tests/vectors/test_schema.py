"""The schema: closed everywhere, fits every committed file, and each of its keywords refuses something."""

from __future__ import annotations

import json

import pytest

from fos_ref.errors import GoldenFormatError
from fos_ref.vectors.schema import check, KINDS, schema
from fos_ref.vectors.schema_check import _KEYWORDS, referred, violations
from tests.vectors.folder import files

WHOLE = schema()


def parts(value):
    """Yield every object inside a JSON value."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts(inner)


def test_every_object_is_closed_and_every_field_required():
    objects = [p for p in parts(WHOLE) if p.get("type") == "object"]
    assert len(objects) > 20
    for p in objects:
        named = "properties" in p and p["additionalProperties"] is False
        table = "properties" not in p and isinstance(p["additionalProperties"], dict) and "propertyNames" in p
        assert named or table
        optional = set(p.get("properties", ())) - set(p.get("required", p.get("properties", ())))
        assert optional <= {"values_bits"}  # of the distinguishing vectors, for one axis only


def test_every_committed_document_fits_exactly_one_kind():
    small = [n for n in files() if n.endswith(".json") and n.count("/") < 2 and n != "schema.json"]
    assert len(small) == 6
    for name in [*small, "v1/4over6/worked.json"]:
        document = json.loads(files()[name])
        fitting = [kind for kind in KINDS if not list(violations(document, WHOLE["$defs"][kind], WHOLE))]
        assert fitting == [document.get("kind", "distinguishing")]
        assert list(violations(document, WHOLE, WHOLE)) == []


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
    "/vectors/0/amax_bits": lambda d: deep(d, "vectors", 0).update(amax_bits=1),
    "/format: 2": lambda d: d.update(format=2),
    "/format: True": lambda d: d.update(format=True),
    "/blocks: 65": lambda d: d.update(blocks=65),
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
    assert f"file: {problem}" in str(e.value)


def test_a_keyword_that_is_not_carried_out_is_an_error():
    with pytest.raises(GoldenFormatError, match="'minLength'"):
        list(violations("x", {"minLength": 2}, WHOLE))
    with pytest.raises(GoldenFormatError, match="'#/\\$defs/nothing'"):
        referred("#/$defs/nothing", WHOLE)


def test_every_keyword_is_used_by_the_schema():
    used = {key for p in parts(WHOLE) for key in p}
    assert set(_KEYWORDS) <= used


def test_one_of_wants_exactly_one():
    either = {"oneOf": [{"type": "integer"}, {"minimum": 0}]}
    assert [len(list(violations(v, either, either))) for v in (-1, 1, "text")] == [0, 1, 0]
