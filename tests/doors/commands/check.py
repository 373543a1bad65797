"""Rows of `fos check`."""

from __future__ import annotations

from tests.doors.commands.numbers import NOT_AMAX, ROUNDED
from tests.doors.commands.numbers import row as number
from tests.doors.kit import documents, npy
from tests.doors.row import Command, each, hostile

_ODD = ("pipe.npy", "folder.npy", "loop.npy", "zeros.npy", "nowhere.npy", "x.npy/y")
_GGUF = ("m.gguf", "gguf.npy")
_BAD = (*npy.FOREIGN, *npy.ARRAYS)
_NO_FILE = ("pipe", "folder", "loop", "zeros", "nowhere", "large")
_TAKEN = "recipe-name-of-a-preset"
_GOOD = ("x.npy", "codes.npy", "scales.npy")
_RECIPE = ("--recipe", "nvfp4")
_LAST = ("scales.npy", *_RECIPE)


def _files(place: int, metavar: str, names: tuple[str, ...]) -> list[Command]:
    """Return a row for each file in one of the three places."""
    found = []
    for name in names:
        files = [*_GOOD]
        files[place] = name
        found.append(Command(f"check {metavar}", name, ("check", *files, *_RECIPE)))
    return found


def _names(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{n}.npy" for n in names)


def _option(option: str, value: str, *more: str) -> tuple[str, ...]:
    return ("check", *_GOOD, *(() if option == "--recipe" else _RECIPE), option, value, *more)


ROWS = [
    *_files(0, "X.npy", (*_names((*_BAD, *npy.VALUES, *npy.EMPTY)), *_ODD, *_GGUF)),
    *_files(1, "CODES.npy", (*_names((*_BAD, *npy.EMPTY)), *_ODD, *_GGUF, "x.npy", "scales.npy")),
    *_files(2, "SCALES.npy", (*_names((*_BAD, *npy.EMPTY)), *_ODD, *_GGUF, "x.npy", "codes.npy")),
    *hostile("check X.npy", "check", "{}", "codes.npy", "scales.npy", *_RECIPE),
    *hostile("check CODES.npy", "check", "x.npy", "{}", "scales.npy", *_RECIPE),
    *hostile("check SCALES.npy", "check", "x.npy", "codes.npy", "{}", *_RECIPE),
    *hostile("check --recipe", *_option("--recipe", "{}"), named=("recipe",)),
    Command("check --recipe", "another name", _option("--recipe", "nvfp5"), ("nvfp5", "nvfp4")),
    Command("check --recipe", "given never", ("check", *_GOOD), ("--recipe",)),
    Command("check --recipe", "without a value", ("check", *_GOOD, "--recipe"), ("--recipe",)),
    *[
        number("check --amax", what, _option("--amax", text), ("amax",), text)
        for what, text in NOT_AMAX
        if what != "beyond float32"
    ],
    Command("check --amax", "beyond float32", _option("--amax", "1e39"), ("amax 1e+39", "float32")),
    *[
        number(f"check {option}", what, _option(option, text), (what_for,), text)
        for option, what_for in (("--encode-scale", "scale"), ("--tensor-scale", "scale"))
        for what, text in (*NOT_AMAX, ("zero", "0"))
        if what not in ROUNDED
    ],
    Command("check --tensor-scale", "and an amax", _option("--tensor-scale", "1", "--amax", "1"), ("amax",)),
    *[
        Command("check --recipe", f"the file {name}.json", _option("--recipe", f"{name}.json"), (words,))
        for name, words in (
            *((k, f"{k}.json") for k in (*documents.FOREIGN, *documents.RECIPES, *_NO_FILE) if k != _TAKEN),
            (_TAKEN, "'4over6'"),
        )
    ],
    Command("check --amax", "minus zero is zero", _option("--amax", "-0.0"), codes=(0, 1)),
    Command("check --amax", "one number for every row", _option("--amax", "2", "--recipe", "te-nvfp4-row")),
    *hostile("check --scale-layout", *_option("--scale-layout", "{}"), named=("linear", "swizzled")),
    Command("check --scale-layout", "in other case", _option("--scale-layout", "Linear"), ("linear",)),
    *hostile("check --random-bits", *_option("--random-bits", "{}"), named=("random",)),
    Command("check --random-bits", "no map", _option("--random-bits", "nope:1:2"), ("nope",)),
    *hostile("check --x-dtype", *_option("--x-dtype", "{}"), named=("float32", "bfloat16")),
    Command("check --x-dtype", "of another size", _option("--x-dtype", "bfloat16"), ("bfloat16", "x.npy")),
    Command("check --x-dtype", "in other case", _option("--x-dtype", "FLOAT32"), ("FLOAT32", "float32")),
    Command(
        "check --x-dtype",
        "of objects",
        ("check", "complex.npy", "codes.npy", "scales.npy", *_RECIPE, "--x-dtype", "float32"),
    ),
    *each("check", [("an unknown option", "--nope"), ("its beginning", "--rec")], *_option("{}", "nvfp4")),
    Command("check", "a switch with a value", ("check", *_GOOD, *_RECIPE, "--strict=1"), ("--strict",)),
    Command(
        "check CODES.npy", "one a byte, one above 15", ("check", "x.npy", "above-15.npy", *_LAST), ("16",)
    ),
    Command("check", "four files", ("check", *_GOOD, "x.npy", *_RECIPE), ("x.npy",)),
    Command("check", "two files", ("check", "x.npy", "codes.npy", *_RECIPE), ("SCALES.npy",)),
    Command("check", "files in another order", ("check", "codes.npy", "x.npy", "scales.npy", *_RECIPE)),
]
