"""JSON from outside: what two readers could see in two ways is refused, whatever its size and depth."""

from __future__ import annotations

import json

import pytest

from fos_ref.errors import CheckpointError, InputError
from fos_ref.outside.json import MOST_BYTES, MOST_DEPTH, read_json, read_json_file

REFUSED = {
    b"": "not JSON",
    b"{": "not JSON",
    b"{} {}": "not JSON",
    b"\xff": "not JSON",
    b"\xef\xbb\xbf{}": "not JSON",
    '{"é": 1}'.encode("latin1"): "not JSON",
    b"[" * 100_000: "nested too deep",
    b"[" * (MOST_DEPTH + 1) + b"]" * (MOST_DEPTH + 1): "nested too deep",
    b'{"a":' * 100 + b"1" + b"}" * 100: "nested too deep",
    b"NaN": "NaN: finite numbers",
    b"[-Infinity]": "-Infinity: finite",
    b"1e999": "1e999",
    b"1" * 41: "41 digits",
    b"-" + b"9" * 5000: "5,001 digits",
    b'{"a": 1, "b": 2, "a": 3}': "the name 'a' is given twice",
    b'{"c": {"\\u202e\\u001b": 1, "\\u202e\\u001b": 1}}': r"the name '\u202e\x1b' is given twice",
    b'{"a": "\\ud800"}': "half of a surrogate pair",
    b'{"\\udfff": 1}': "half of a surrogate pair",
    b'["\\ud83d\\ude00", "\\uDe00"]': "half of a surrogate pair",
}


@pytest.mark.parametrize("data", REFUSED, ids=range(len(REFUSED)))
def test_what_is_refused_is_one_short_line(data):
    with pytest.raises(CheckpointError) as e:
        read_json(data, "file", CheckpointError)
    said = str(e.value)
    assert said.startswith("file: ")
    assert REFUSED[data] in said
    assert said.isprintable()
    assert len(said) < 400


@pytest.mark.parametrize(
    "value",
    [None, True, [], {}, "\N{GRINNING FACE}", {"a": [1, -1.5, 10**39, "é"]}, [[[{"b": {}}]]] * 3, 5e-324],
)
def test_what_is_one_value_is_that_value(value):
    for ascii_only in (True, False):
        text = json.dumps(value, ensure_ascii=ascii_only)
        assert read_json(text.encode(), "file") == value
        assert read_json(text, "file") == value


def test_the_deepest_that_is_allowed_is_read():
    data = b"[" * MOST_DEPTH + b"]" * MOST_DEPTH
    assert read_json(data, "file")[0][0] == json.loads(data)[0][0]


def test_a_file_is_bounded_before_it_is_read(tmp_path):
    path = tmp_path / "large.json"
    with path.open("wb") as f:
        f.truncate(1 << 40)  # a hole: nothing is stored, and nothing must be read
    with pytest.raises(InputError, match=rf"large\.json: 1,099,511,627,776 bytes: at most {MOST_BYTES:,}"):
        read_json_file(path)
    path.write_bytes(b'{"a": 1}')
    assert read_json_file(path) == {"a": 1}
    with pytest.raises(InputError, match="8 bytes: at most 7"):
        read_json_file(path, most=7)
    with pytest.raises(InputError, match="8 bytes of JSON: at most 7"):
        read_json(b'{"a": 1}', "file", most=7)


def test_infinities_may_stand_where_that_is_asked_for():
    found = read_json(b'{"a": [Infinity, -Infinity, NaN]}', "file", infinite=True)["a"]
    assert list(map(repr, found)) == ["inf", "-inf", "nan"]
    with pytest.raises(CheckpointError, match="given twice"):
        read_json(b'{"a": NaN, "a": 1}', "file", CheckpointError, infinite=True)
