"""JSON from outside: UTF-8, of bounded size and depth, each name once, finite numbers, whole characters.

Python's own reader takes the last of two equal names, NaN, integers of any length and halves of surrogate
pairs. What reads the document afterwards would have to think of each; none does here.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from fos_ref.errors import FosError, InputError
from fos_ref.foreign import foreign, shown
from fos_ref.outside.files import read_file

MOST_BYTES = 1 << 26  #: an index of 180,000 tensors has a third of it
MOST_DEPTH = 64
MOST_DIGITS = 40  #: of an integer: whole numbers of proofs have up to 39
_HALF_PAIR = re.compile("[\ud800-\udfff]")
_ESCAPED_PAIR = re.compile(r"\\u[dD][89a-fA-F]")


def read_json_file(
    path: str | os.PathLike[str],
    error: type[FosError] = InputError,
    *,
    most: int = MOST_BYTES,
    infinite: bool = False,
) -> Any:
    """Return the value in a JSON file. Raises: OSError; `error` as `read_json` does."""
    return read_json(read_file(path, most, error), path, error, most=most, infinite=infinite)


def read_json(
    data: bytes | str,
    name: object,
    error: type[FosError] = InputError,
    *,
    most: int = MOST_BYTES,
    infinite: bool = False,
) -> Any:
    """Return the value of a JSON document; `name` says in messages where it stands.

    infinite: let NaN, Infinity and -Infinity stand, which Python's own writer writes
    Raises: `error` for anything but UTF-8 JSON of at most `most` bytes and MOST_DEPTH levels, whose objects
            have each name once, whose numbers are finite and whose strings are whole characters.
    """
    if len(data) > most:
        msg = f"{name}: {len(data):,} bytes of JSON: at most {most:,} are allowed"
        raise error(msg)
    rules = _Rules(name, error, infinite=infinite)
    with foreign(f"{name}: not JSON, or nested too deep", "one JSON document in UTF-8 is allowed", error):
        text = data if isinstance(data, str) else data.decode("utf-8")
        value = json.loads(
            text,
            object_pairs_hook=rules.unique,
            parse_constant=rules.constant,
            parse_int=rules.integer,
            parse_float=rules.real,
        )
    if _deep(value):
        rules.refuse(f"JSON nested too deep: at most {MOST_DEPTH} levels are allowed")
    if (_ESCAPED_PAIR.search(text) or isinstance(data, str)) and any(map(_HALF_PAIR.search, _strings(value))):
        rules.refuse("JSON with half of a surrogate pair: whole characters are allowed")
    return value


class _Rules:
    """What is refused while a document is read."""

    def __init__(self, name: object, error: type[FosError], *, infinite: bool = False) -> None:
        self.name = name
        self.error = error
        self.infinite = infinite

    def refuse(self, what: str) -> None:
        """Raise the error of this document."""
        msg = f"{self.name}: {what}"
        raise self.error(msg)

    def unique(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """Build an object: of a name given twice, two readers could see two different values."""
        found = dict(pairs)
        if len(found) < len(pairs):
            twice = next(k for k, n in Counter(k for k, _ in pairs).items() if n > 1)
            self.refuse(f"JSON in which the name {shown(twice)} is given twice: once is allowed")
        return found

    def constant(self, text: str) -> float:
        """Refuse NaN and the infinities, unless they may stand."""
        if not self.infinite:
            self.refuse(f"JSON with {text}: finite numbers are allowed")
        return float(text)

    def integer(self, text: str) -> int:
        """Read an integer of bounded length."""
        if len(text) > MOST_DIGITS:
            self.refuse(f"JSON with an integer of {len(text):,} digits: at most {MOST_DIGITS} are allowed")
        return int(text)

    def real(self, text: str) -> float:
        """Read a finite number: 1e999 is none."""
        value = float(text)
        if not math.isfinite(value):
            self.constant(shown(text, 40))
        return value


def _deep(value: Any) -> bool:
    """Return whether a value has more than MOST_DEPTH levels; level by level, so depth costs no stack."""
    level = [value]
    for _ in range(MOST_DEPTH):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return False
    return True


def _inside(value: Any) -> list[Any]:
    """Return the lists and objects that stand in a value."""
    parts = value.values() if type(value) is dict else value if type(value) is list else ()
    return [v for v in parts if type(v) is dict or type(v) is list]


def _strings(value: Any) -> Iterator[str]:
    """Yield every string of a value, names too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
