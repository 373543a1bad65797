"""Rows of `fos model`."""

from __future__ import annotations

from tests.doors.commands.numbers import NOT_WHOLE
from tests.doors.commands.numbers import row as number
from tests.doors.kit import documents
from tests.doors.row import Command, each, hostile

_TRAIN = ("model", "train")
_DOOR = "model train CONFIG.json"
_GOOD = (*_TRAIN, "pretrain-good.json")
_ODD = ("pipe", "folder", "loop", "zeros", "nowhere", "large")

ROWS = [
    *(Command(_DOOR, name, (*_TRAIN, f"{name}.json")) for name in (*documents.FOREIGN, *_ODD)),
    *(
        Command(_DOOR, name, (*_TRAIN, f"pretrain-{name}.json"))
        for name in documents.PRETRAIN
        if name != "good"
    ),
    *hostile(_DOOR, *_TRAIN, "{}"),
    Command(_DOOR, "none", _TRAIN, ("CONFIG.json",)),
    Command(_DOOR, "two", (*_GOOD, "x.json"), ("x.json",)),
    *each(
        "model train --out",
        [
            ("a file", "file"),
            ("under a file", "file/a"),
            ("a pipe", "pipe"),
            ("a link to a file", "to-file"),
            ("a name of 300 characters", "n" * 300),
        ],
        *_GOOD,
        *("--out", "{}"),
    ),
    *hostile("model train --device", *_GOOD, "--device", "{}", named=("auto", "cuda")),
    Command("model train --device", "in other case", (*_GOOD, "--device", "CPU"), ("CPU", "cpu")),
    *[
        number("model train --seconds", what, (*_GOOD, "--seconds", text), ("--seconds",), text)
        for what, text in (*NOT_WHOLE, ("none", "0"), ("beyond its range", f"{(1 << 30) + 1}"))
    ],
    *each("model train", [("an unknown option", "--nope"), ("its beginning", "--sec")], *_GOOD, "{}", "4"),
    Command("model train", "a switch with a value", (*_GOOD, "--restart=1"), ("--restart",)),
    Command("model", "an unknown command", ("model", "nope"), ("nope",)),
]
