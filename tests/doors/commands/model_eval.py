"""Rows of `fos model eval`. Each fails for what it is about, or for a model that is not there."""

from __future__ import annotations

from tests.doors.commands.numbers import NOT_WHOLE
from tests.doors.commands.numbers import row as number
from tests.doors.row import Command, each, hostile

_EVAL = ("model", "eval")
_DOOR = "model eval MODEL"
_GOOD = (*_EVAL, "nowhere.gguf")
_ODD = ("pipe", "folder", "loop", "zeros", "nowhere")
_BEYOND = (
    ("--tokens", ("3", f"{(1 << 32) + 1}")),
    ("--window", ("1", f"{(1 << 20) + 1}")),
    ("--draws", ("0", "101")),
)
_WORDS = {
    "--convention": ("windows", "rolling"),
    "--amax": ("tensor", "row"),
    "--amax-from": ("dynamic", "static"),
    "--dtype": ("float32", "bfloat16"),
}
_RECIPES = ("--recipe", "--weights", "--activations")

ROWS = [
    *each(
        _DOOR, [("no such file", "nowhere.gguf"), ("a folder", "folder"), ("an array", "x.npy")], *_EVAL, "{}"
    ),
    *hostile(_DOOR, *_EVAL, "{}"),
    Command(_DOOR, "none", _EVAL, ("MODEL",)),
    Command(_DOOR, "two", (*_GOOD, "b.gguf"), ("b.gguf",)),
    *(row for option in _RECIPES for row in hostile(f"model eval {option}", *_GOOD, option, "{}")),
    *(Command(f"model eval {o}", "unknown", (*_GOOD, o, "4over7"), ("4over7", "4over6")) for o in _RECIPES),
    *(
        Command(f"model eval {o}", "with random bits", (*_GOOD, o, "te-train-gradient"), ("random bits",))
        for o in _RECIPES
    ),
    Command("model eval --recipe", "twice the same", (*_GOOD, *("--recipe", "nvfp4") * 2), ("different",)),
    Command(
        "model eval --weights",
        "nothing is quantized",
        (*_GOOD, "--weights", "none", "--activations", "none"),
        ("neither",),
    ),
    Command(
        "model eval --amax",
        "a tile has none by row",
        (*_GOOD, "--recipe", "4over6-16x16", "--amax", "row"),
        ("16x16",),
    ),
    *each("model eval --text", [(n, n) for n in (*_ODD, "x.npy", ".")], *_GOOD, "--text", "{}"),
    *hostile("model eval --text", *_GOOD, "--text", "{}"),
    *[
        number(f"model eval {option}", what, (*_GOOD, option, text), (option,), text)
        for option, beyond in _BEYOND
        for what, text in (*NOT_WHOLE, *((f"{n}", n) for n in beyond))
    ],
    Command("model eval --tokens", "beside --quick", (*_GOOD, "--quick", "--tokens", "9"), ("--quick",)),
    Command("model eval --window", "beside --quick", (*_GOOD, "--quick", "--window", "9"), ("--quick",)),
    *(
        row
        for option, words in _WORDS.items()
        for row in hostile(f"model eval {option}", *_GOOD, option, "{}", named=words)
    ),
    *hostile("model eval --exclude", *_GOOD, "--exclude", "{}"),
    *hostile("model eval --device", *_GOOD, "--device", "{}"),
    *each(
        "model eval --out",
        [
            ("under a file", "file/a.npz"),
            ("a pipe", "pipe"),
            ("a folder", "folder"),
            ("a name of 300 characters", "n" * 300),
        ],
        *_GOOD,
        *("--out", "{}"),
    ),
    *each("model eval", [("an unknown option", "--nope"), ("its beginning", "--tok")], *_GOOD, "{}", "4"),
    Command("model eval", "a switch with a value", (*_GOOD, "--quick=1"), ("--quick",)),
    *each(
        "model eval --capture",
        [("under a file", "file/a"), ("a folder", "taken"), ("a pipe", "pipe")],
        *(*_GOOD, "--capture", "{}"),
    ),
]
