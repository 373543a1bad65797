"""Rows of `fos report` with own recipes and inputs, and of where else it goes."""

from __future__ import annotations

from tests.doors.kit import checkpoints
from tests.doors.row import Command, each, hostile

_QUICK = ("report", "--quick", "--out", "out")
_OWN = (*_QUICK, "--recipe", "nvfp4")
_ODD = ("pipe", "folder", "loop", "zeros", "nowhere")
_FILES = (*checkpoints.FOREIGN, *checkpoints.LIES, *checkpoints.UNFIT, *_ODD)
_NO_FILE = (
    ("under a file", "file/a.html"),
    ("a folder", "taken"),
    ("a pipe", "pipe"),
    ("a name of 300 characters", "n" * 300 + ".html"),
)

ROWS = [
    *hostile("report --recipe", *_QUICK, "--recipe", "{}"),
    Command("report --recipe", "unknown", (*_QUICK, "--recipe", "4over7"), ("4over7", "4over6")),
    Command("report --recipe", "twice", (*_OWN, "--recipe", "nvfp4"), ("twice",)),
    Command(
        "report --recipe", "with random bits", (*_QUICK, "--recipe", "te-train-gradient"), ("random bits",)
    ),
    Command("report --recipe", "beside --training", (*_OWN, "--training"), ("--recipe",)),
    Command(
        "report --recipe", "beside --weights", (*_OWN, "--weights", "w.safetensors"), ("--distribution",)
    ),
    *each("report --recipe", [(f"{n}.json", f"{n}.json") for n in _ODD], *_QUICK, "--recipe", "{}"),
    *hostile("report --distribution", *_OWN, "--distribution", "{}"),
    *each(
        "report --distribution",
        [
            *((f"{n}.safetensors", f"{n}.safetensors") for n in _FILES),
            *((f"{n}.npy", f"{n}.npy") for n in _ODD),
            ("no such distribution", "norml"),
            ("a module that is missing", "nosuchmodule:f"),
            ("a function that is missing", "json:nope"),
            ("a number", "math:pi"),
            ("one that gives no array", "builtins:repr"),
            ("one that raises", "operator:truth"),
            ("one that exits", "sys:exit"),
        ],
        *(*_OWN, "--distribution", "{}"),
    ),
    Command("report --distribution", "twice", (*_OWN, *("--distribution", "normal") * 2), ("two inputs",)),
    *(row for o in ("html", "latex") for row in each(f"report --{o}", _NO_FILE, *_OWN, f"--{o}", "{}")),
    *(
        Command(f"report --{o}", "beside --products", (*_QUICK, "--products", f"--{o}", "a"), (f"--{o}",))
        for o in ("html", "latex")
    ),
    *hostile("report --figures", *_OWN, "--figures", "{}", named=("figures", "svg")),
]
