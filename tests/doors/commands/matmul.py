"""Rows of `fos matmul`."""

from __future__ import annotations

from tests.doors.commands.numbers import NO_NUMBER, NOT_AMAX, NOT_WHOLE, ROUNDED
from tests.doors.commands.numbers import row as number
from tests.doors.kit import npy
from tests.doors.row import Command, each, hostile

_SEGMENTS = ("matmul", "segments")
_FEW = ("--unit", "nvfp4", "--count", "1")
_OUT = ("-o", "out")
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
    *each(
        "matmul segments --out",
        [
            ("not empty", "taken"),
            ("a file", "file"),
            ("under a file", "file/a"),
            ("a pipe", "pipe"),
            ("a loop of links", "loop.json"),
            ("a link to a file", "to-file"),
            ("this folder", "."),
            ("a name of 300 characters", "n" * 300),
        ],
        *(*_SEGMENTS, *_FEW, "-o", "{}"),
    ),
    Command("matmul segments --out", "given never", (*_SEGMENTS, *_FEW), ("--out",)),
    *hostile(
        "matmul segments --unit", *_SEGMENTS, *_OUT, "--count", "1", "--unit", "{}", named=("if4-folded",)
    ),
    Command("matmul segments --unit", "in other case", (*_SEGMENTS, *_OUT, "--unit", "IF4"), ("IF4", "if4")),
    Command("matmul segments --unit", "given never", (*_SEGMENTS, *_OUT), ("--unit",)),
    *[
        number("matmul segments --count", what, (*_SEGMENTS, *_OUT, *_FEW[:2], "--count", t), ("--count",), t)
        for what, t in (*NOT_WHOLE, ("none", "0"), ("one too many", "10000001"), ("30 digits", "9" * 30))
    ],
    *[
        number("matmul segments --seed", what, (*_SEGMENTS, *_OUT, *_FEW, "--seed", t), ("--seed",), t)
        for what, t in (*NOT_WHOLE, ("beyond 64 bits", f"{1 << 64}"))
    ],
    *hostile(
        "matmul segments --code8",
        *(*_SEGMENTS, *_OUT, *_FEW, "--code8", "{}"),
        named=("datapath", "assert"),
    ),
    Command(
        "matmul segments --code8",
        "in other case",
        (*_SEGMENTS, *_OUT, *_FEW, "--code8", "Assert"),
        ("Assert", "assert"),
    ),
    Command("matmul segments", "a word too many", (*_SEGMENTS, *_OUT, *_FEW, "x"), ("x",)),
    Command("matmul segments", "an unknown option", (*_SEGMENTS, *_OUT, *_FEW, "--nope"), ("--nope",)),
    Command("matmul", "an unknown command", ("matmul", "nope"), ("nope",)),
]
