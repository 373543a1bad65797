"""A row of the table of bad inputs: a door, what is put into it, and what is expected.

A door is a place where something from outside comes in: an option or a file of a command ("check --amax",
"check X.npy"), or an argument of a public call ("quantize(amax)"). tests/doors/test_complete.py fails where
a door has no row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fos_ref.errors import FosError


@dataclass(frozen=True)
class Command:
    """A call of `fos` in the folder of tests/doors/kit."""

    door: str
    what: str
    args: tuple[str, ...]
    named: tuple[str, ...] = ()  #: words that the line has to have: what was given, what is allowed
    codes: tuple[int, ...] = (2,)  #: exit codes that are right
    skip: str = ""  #: why it cannot be tried here

    @property
    def id(self) -> str:
        return f"{self.door}: {self.what}"


@dataclass(frozen=True)
class Call:
    """A call of the library: it has to raise a FosError of one line and to leave its arguments alone."""

    door: str  #: the call and the argument: "quantize(amax)"
    what: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    more: dict[str, Any]
    named: tuple[str, ...] = ()
    errors: tuple[type[Exception], ...] = (FosError,)  #: calls that open files may raise an OSError

    @property
    def id(self) -> str:
        return f"{self.door}: {self.what}"


EACH = 6  #: of a door's rows the default suite tries one of so many; all of them under `-m long`

LONGEST = 4096  #: characters of a word of a command
#: Text from outside that a terminal or a page must not get as it is.
HOSTILE = {
    "an escape sequence": "a\x1b]0;pwn\x07b",
    "a newline": "a\nb",
    "a carriage return": "a\rb",
    "a bidirectional override": "a\u202eb\u2066c",
    "a line separator": "a\u2028b\x85c",
    "100,000 letters": "a" * 100_000,
    "markup": "[red]x[/red]",
    "nothing": "",
    "a lone surrogate": "a\udcffb",
    "a path upwards": "../../../nowhere",
}


def by_door(rows: Iterable[Any]) -> dict[str, list[Any]]:
    """Return the rows of each door, in their order: they are one test, most take less than an item costs."""
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row.door, []).append(row)
    return found


def each(door: str, values: Iterable[tuple[str, str]], *args: str, **more: Any) -> list[Command]:
    """Return a row for each (what, value); "{}" in `args` stands for the value."""
    rows = [
        Command(door, what, tuple(a.replace("{}", v) if "{}" in a else a for a in args), **more)
        for what, v in values
    ]
    return [replace(r, named=("characters",)) if _endless(r.args) else r for r in rows]


def _endless(args: tuple[str, ...]) -> bool:
    """Return whether a word is longer than any path: it is refused for its length, whatever it is for."""
    return any(len(a) > LONGEST for a in args)


def wrong(
    door: str,
    function: Callable[..., Any],
    argument: str,
    values: Mapping[str, Any],
    *args: Any,
    errors: tuple[type[Exception], ...] = (FosError,),
    **more: Any,
) -> list[Call]:
    """Return a row for each value of an argument, which is given by its name; the others are good."""
    return [
        Call(f"{door}({argument})", what, function, args, {**more, argument: v}, errors=errors)
        for what, v in values.items()
    ]


def hostile(door: str, *args: str, without: tuple[str, ...] = (), **more: Any) -> list[Command]:
    """Return a row for each hostile text in the place of "{}"."""
    return each(door, [(k, v) for k, v in HOSTILE.items() if k not in without], *args, **more)
