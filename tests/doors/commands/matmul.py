"""Rows of `fos matmul`."""

from __future__ import annotations

from tests.doors.commands.numbers import NO_NUMBER, NOT_AMAX, ROUNDED
from tests.doors.commands.numbers import row as number
from tests.doors.kit import npy
from tests.doors.row import Command, each, hostile

_ACCUMULATOR = "matmul accumulator VECTOR=OUTPUT..."
_PATH = ("matmul", "check")
_ODD = ("pipe.npy", "folder.npy", "loop.npy", "zeros.npy", "nowhere.npy", "x.npy/y", "m.gguf")
_GOOD = ("x.npy", "codes.npy", "scales.npy", "codes.npy", "scales.npy")
_RECIPE = ("--recipe", "nvfp4")
_FILES = ("OUT.npy", "A_CODES.npy", "A_SCALES.npy", "B_CODES.npy", "B_SCALES.npy")


def _files(place: int) -> list[Command]:
    """Return a row for each file in one of the five places."""
    found = []
    for name in (*(f"{n}.npy" for n in (*npy.FOREIGN, *npy.ARRAYS, *npy.EMPTY)), *_ODD):
        files = [*_GOOD]
        files[place] = name
        found.append(Command(f"matmul check {_FILES[place]}", name, (*_PATH, *files, *_RECIPE)))
    return found


def _hostile(place: int) -> list[Command]:
    files = [*_GOOD]
    files[place] = "{}"
    return hostile(f"matmul check {_FILES[place]}", *_PATH, *files, *_RECIPE)


def _option(option: str, value: str, *more: str) -> tuple[str, ...]:
    return (*_PATH, *_GOOD, *(() if option == "--recipe" else _RECIPE), option, value, *more)


ROWS = [
    *(row for place in range(len(_FILES)) for row in (*_files(place), *_hostile(place))),
    *hostile("matmul check --recipe", *_option("--recipe", "{}"), named=("recipe",)),
    Command("matmul check --recipe", "another name", _option("--recipe", "nvfp5"), ("nvfp5", "nvfp4")),
    Command("matmul check --recipe", "given never", (*_PATH, *_GOOD), ("--recipe",)),
    *[
        number(f"matmul check {option}", what, _option(option, text), (option[2:6],), text)
        for option in ("--amax-a", "--amax-b")
        for what, text in NOT_AMAX
        if what not in ROUNDED
    ],
    *[
        number("matmul check --alpha", what, _option("--alpha", text), ("alpha",), text)
        for what, text in (*NO_NUMBER, ("nan", "nan"), ("infinity", "inf"), ("beyond float64", "1e400"))
    ],
    *hostile("matmul check --model", *_option("--model", "{}"), named=("te", "cutlass")),
    Command("matmul check --model", "in other case", _option("--model", "TE"), ("TE", "te")),
    *hostile("matmul check --scale-layout", *_option("--scale-layout", "{}"), named=("linear", "swizzled")),
    *hostile("matmul check --dtype", *_option("--dtype", "{}"), named=("float32", "bfloat16")),
    Command("matmul check --dtype", "of another size", _option("--dtype", "bfloat16"), ("bfloat16", "x.npy")),
    *each(
        "matmul check", [("an unknown option", "--nope"), ("its beginning", "--rec")], *_option("{}", "nvfp4")
    ),
    Command(
        "matmul check", "an output of another shape", (*_PATH, *_GOOD, *_RECIPE), ("(32, 64)", "(32, 32)")
    ),
    Command("matmul check", "four files", (*_PATH, *_GOOD[:4], *_RECIPE), ("B_SCALES.npy",)),
    Command("matmul check", "six files", (*_PATH, *_GOOD, "x.npy", *_RECIPE), ("x.npy",)),
    *hostile(_ACCUMULATOR, "matmul", "accumulator", "{}"),
    Command(_ACCUMULATOR, "a value with an escape", ("matmul", "accumulator", "V3=\x1b[31m"), ("V3=",)),
    Command(_ACCUMULATOR, "none", ("matmul", "accumulator"), ("VECTOR",)),
    Command(_ACCUMULATOR, "no float32", ("matmul", "accumulator", "V3=0.1"), ("V3=0.1", "float32")),
    Command(_ACCUMULATOR, "too many bits", ("matmul", "accumulator", "V3=0x1FFFFFFFF"), ("V3", "float32")),
    Command(_ACCUMULATOR, "an unknown vector", ("matmul", "accumulator", "V9=1"), ("V9", "V5")),
    Command(_ACCUMULATOR, "an option", ("matmul", "accumulator", "V3=1", "--nope"), ("--nope",)),
    Command("matmul", "an unknown command", ("matmul", "nope"), ("nope",)),
]
