"""Rows of `fos quantize`."""

from __future__ import annotations

from tests.doors.kit import checkpoints, documents, npy
from tests.doors.row import Command, each, hostile

_ODD = ("pipe", "folder", "loop", "zeros", "nowhere")
_IN = (*checkpoints.FOREIGN, *checkpoints.LIES, *checkpoints.UNFIT, *checkpoints.VALUES)
_TO = ("quantize", "w.safetensors")


_DRAWN = (*_TO, "out.safetensors", "--recipe", "te-train-gradient")


def _from(name: str, what: str = "", named: tuple[str, ...] = ()) -> Command:
    return Command("quantize IN.safetensors", what or name, ("quantize", name, "out.safetensors"), named)


def _option(option: str, value: str) -> tuple[str, ...]:
    return ("quantize", "w.safetensors", "out.safetensors", option, value)


ROWS = [
    *(_from(f"{name}.safetensors") for name in (*_IN, *_ODD)),
    _from("q.safetensors", "quantized already", ("q.safetensors",)),
    *(_from(f"{name}.safetensors", named=("quantized",)) for name in checkpoints.MANIFESTS),
    _from("x.npy", "an array"),
    _from("m.gguf", "a GGUF file", ("GGUF", "safetensors is allowed")),
    _from("gguf.safetensors", "a GGUF file of another name", ("GGUF", "safetensors is allowed")),
    *(_from(f"index-{name}.json") for name in documents.INDEXES if name != "good"),
    Command(
        "quantize IN.safetensors",
        "an index, into a folder that is not empty",
        ("quantize", "index-good.json", "taken"),
        ("taken", "empty"),
    ),
    Command(
        "quantize IN.safetensors",
        "an index, into a file",
        ("quantize", "index-good.json", "x.npy", "--force"),
        ("x.npy", "empty"),
    ),
    Command("quantize IN.safetensors", "a folder, into itself", ("quantize", ".", "new"), ("safetensors",)),
    _from("nothing", "a folder of nothing", ("nothing", "safetensors")),
    _from("taken", "a folder without weights", ("taken", "safetensors")),
    _from("w.safetensors/a", "a name under a file"),
    *hostile("quantize IN.safetensors", "quantize", "{}", "out.safetensors"),
    *each("quantize OUT.safetensors", [("nothing", ""), ("100,000 letters", "a" * 100_000)], *_TO, "{}"),
    *each(
        "quantize OUT.safetensors",
        [
            ("there already", "taken.safetensors"),
            ("a file in the way", "file/out.safetensors"),
            ("a folder that is missing", "nowhere/out.safetensors"),
            ("a folder", "taken"),
            ("an empty folder", "nothing"),
            ("a pipe", "pipe.safetensors"),
            ("a link to a file", "to-file"),
            ("the input", "w.safetensors"),
            ("the input by another way", "./taken/../w.safetensors"),
            ("a link to the input", "link.safetensors"),
            ("a hard link to the input", "hard-link.safetensors"),
            ("a loop of links", "loop.safetensors"),
            ("a name of 300 characters", "n" * 300 + ".safetensors"),
            ("a path of 5,000 characters", "d/" * 2500 + "out.safetensors"),
        ],
        *_TO,
        "{}",
    ),
    *each(
        "quantize OUT.safetensors",
        [
            ("the input, with --force", "w.safetensors"),
            ("a link to the input, with --force", "link.safetensors"),
            ("a hard link to the input, with --force", "hard-link.safetensors"),
            ("a folder, with --force", "taken"),
            ("an empty folder, with --force", "nothing"),
            ("a pipe, with --force", "pipe.safetensors"),
        ],
        *_TO,
        "{}",
        "--force",
    ),
    Command(
        "quantize OUT.safetensors", "there already, named", (*_TO, "taken.safetensors"), ("taken", "--force")
    ),
    Command(
        "quantize OUT.safetensors",
        "an unreadable folder",
        (*_TO, "out"),
        skip="root reads and writes whatever the permissions say: not run",
    ),
    *hostile("quantize --recipe", *_option("--recipe", "{}"), named=("recipe",)),
    *[
        Command("quantize --recipe", f"the file {name}.json", _option("--recipe", f"{name}.json"))
        for name in (*documents.FOREIGN, *documents.RECIPES, *_ODD, "large")
    ],
    Command("quantize --recipe", "one without a convention", _option("--recipe", "fouroversix-nvint4")),
    Command(
        "quantize --recipe",
        "one of another convention",
        _option("--recipe", "fouroversix-mxfp4-static6"),
        ("modelopt", "compressed-tensors", "gpt-oss"),
    ),
    Command("quantize --recipe", "one of rows", _option("--recipe", "te-nvfp4-row"), ("te-nvfp4-row",)),
    *hostile("quantize --convention", *_option("--convention", "{}"), named=("modelopt",)),
    Command(
        "quantize --convention",
        "one of MXFP4",
        _option("--convention", "gpt-oss"),
        ("gpt-oss", "modelopt", "compressed-tensors"),
    ),
    *hostile("quantize --share", *_option("--share", "{}"), named=("none", "fused")),
    *hostile("quantize --experts", *_option("--experts", "{}"), named=("out-in", "in-out")),
    Command("quantize --experts", "of no stack", _option("--experts", "in-out"), ("w.safetensors", "stack")),
    *hostile("quantize --random-bits", *_DRAWN, "--random-bits", "{}", named=("random",)),
    Command("quantize --random-bits", "no map", (*_DRAWN, "--random-bits", "nope:1:2"), ("nope",)),
    Command("quantize --random-bits", "no seed", (*_DRAWN, "--random-bits", "te-tuned-row"), ("SEED",)),
    Command(
        "quantize --random-bits", "of a plain recipe", _option("--random-bits", "te-tuned-row:1"), ("4over6",)
    ),
    Command("quantize --random-bits", "given never", _DRAWN, ("--random-bits", "words")),
    *(
        Command("quantize --random-bits", f"the file {name}.npy", (*_DRAWN, "--random-bits", f"{name}.npy"))
        for name in (*npy.FOREIGN, *npy.ARRAYS, *npy.EMPTY, *_ODD)
    ),
    *hostile("quantize --engine", *_option("--engine", "{}"), named=("engine", "numpy")),
    Command("quantize --engine", "in other case", _option("--engine", "NUMPY"), ("NUMPY", "numpy")),
    Command("quantize --engine", "one for checks", _option("--engine", "gpu"), ("gpu",)),
    *hostile("quantize --include", *_option("--include", "{}")),
    *each(
        "quantize --include",
        [
            ("stars", "*a" * 5000),
            ("open brackets", "[" * 5000),
            ("an open class", "[!-"),
            ("dots", "." * 2000),
        ],
        *_option("--include", "{}"),
    ),
    *each(
        "quantize --exclude",
        [
            ("everything", "*"),
            ("every weight", "?.weight"),
            ("stars", "*" * 5000),
            ("classes", "[a]*" + "*" * 100),
        ],
        *_option("--exclude", "{}"),
    ),
    Command("quantize", "no file", ("quantize",), ("IN.safetensors",)),
    Command("quantize", "one file", ("quantize", "w.safetensors"), ("OUT.safetensors",)),
    Command("quantize", "three files", ("quantize", "w.safetensors", "b", "c"), ("c",)),
    Command("quantize", "an unknown option", _option("--bits", "4"), ("--bits",)),
    Command(
        "quantize", "a switch with a value", ("quantize", "w.safetensors", "o", "--force=1"), ("--force",)
    ),
]
