"""Rows of `fos leak`. No row names a module of the folder: importing one may write there."""

from __future__ import annotations

from tests.doors.commands.numbers import NOT_WHOLE
from tests.doors.commands.numbers import row as number
from tests.doors.row import Command, each, HOSTILE, hostile

_DOOR = "leak MODULE:FUNCTION"
_SMALL = ("--tokens", "4", "--dim", "2", "--sweep", "2")
_GOOD = ("leak", "numpy:tanh", "--arguments", "x")
_MOST = 4096
#: (option, beyond its range)
_NUMBERS = (
    ("--tokens", ("0", "1", f"{_MOST + 1}")),
    ("--dim", ("0", f"{_MOST + 1}")),
    ("--heads", ("0", f"{_MOST + 1}")),
    ("--seed", (f"{(1 << 53) + 1}",)),
    ("--sweep", (f"{(1 << 20) + 1}",)),
)


def _hostile(how: str) -> list[Command]:
    """Return the rows of a name that is hostile in a part."""
    values = [(f"{how}: {what}", text) for what, text in HOSTILE.items()]
    return each(_DOOR, values, "leak", how, *_SMALL)


ROWS = [
    *hostile(_DOOR, "leak", "{}", named=("MODULE:FUNCTION",)),
    *(row for how in ("{}:f", "{}.py:f", "json:{}", "json:dumps.{}") for row in _hostile(how)),
    *each(
        _DOOR,
        [
            ("no module", ":f"),
            ("no function", "json:"),
            ("a module that is missing", "nosuchmodule:f"),
            ("a module below one that is none", "json.decoder.nowhere:f"),
            ("a relative module", ".json:dumps"),
            ("a file that is missing", "nowhere.py:f"),
            ("a name under a file", "file/a.py:f"),
            ("a name of 300 characters", "n" * 300 + ".py:f"),
            ("a function that is missing", "json:nope"),
            ("a number", "math:pi"),
            ("a module", "os:path"),
            ("one that exits", "sys:exit"),
            ("one that gives no array", "builtins:repr"),
            ("one that gives fewer tokens", "numpy:concatenate"),
            ("one that raises", "operator:truth"),
        ],
        *("leak", "{}", "--arguments", "x", *_SMALL),
    ),
    Command(_DOOR, "of one array, given three", ("leak", "math:sqrt", *_SMALL)),
    Command(_DOOR, "none", ("leak",), ("MODULE:FUNCTION",)),
    Command(_DOOR, "two", (*_GOOD, "numpy:sin"), ("numpy:sin",)),
    *[
        number(f"leak {option}", what, (*_GOOD, option, text), (option,), text)
        for option, beyond in _NUMBERS
        for what, text in (*NOT_WHOLE, ("beyond any machine", "9" * 30), *((f"{n}", n) for n in beyond))
    ],
    Command(
        "leak --heads",
        "more than any memory holds",
        (*_GOOD, *("--tokens", f"{_MOST}", "--dim", f"{_MOST}", "--heads", f"{_MOST}")),
        ("memory",),
    ),
    *hostile("leak --arguments", "leak", "numpy:tanh", "--arguments", "{}", named=("qkv", "x")),
    Command("leak --arguments", "in other case", ("leak", "numpy:tanh", "--arguments", "X"), ("X", "qkv")),
    *hostile("leak --dtype", *_GOOD, "--dtype", "{}", named=("float32", "bfloat16")),
    Command("leak --dtype", "another", (*_GOOD, "--dtype", "float64"), ("float64", "float32")),
    *each("leak", [("an unknown option", "--nope"), ("its beginning", "--tok")], *_GOOD, "{}", "4"),
    Command("leak", "a switch with a value", (*_GOOD, "--prefix=1"), ("--prefix",)),
]
