"""Rows of `fos inspect`."""

from __future__ import annotations

from tests.doors.commands.numbers import NOT_WHOLE
from tests.doors.commands.numbers import row as number
from tests.doors.kit import checkpoints, documents, ggml
from tests.doors.row import Command, each, hostile

_BAD = (*checkpoints.FOREIGN, *checkpoints.LIES, *checkpoints.UNFIT, *checkpoints.VALUES)
_ODD = ("pipe", "folder", "loop", "zeros", "nowhere")
_MAP = ("inspect", "q.safetensors", "--against", "w.safetensors", "--map")
_RECIPE = ("inspect", "q.safetensors", "--recipe")
_INDEXES = (*documents.FOREIGN, *(f"index-{k}" for k in documents.INDEXES if k != "good"))


def _file(name: str, what: str = "") -> Command:
    return Command("inspect FILE", what or name, ("inspect", name))


def _against(name: str, what: str = "") -> Command:
    return Command("inspect --against", what or name, ("inspect", "q.safetensors", "--against", name))


ROWS = [
    *(_file(f"{name}.safetensors") for name in (*_BAD, *_ODD)),
    *(
        Command("inspect FILE", name, ("inspect", f"{name}.safetensors"), ("manifest",), (0, 1))
        for name in checkpoints.MANIFESTS
    ),
    *(_file(f"{name}.json") for name in (*_INDEXES, *_ODD)),
    *(_file(f"{name}.gguf") for name in ggml.LIES),
    _file("m.gguf", "a GGUF file that is not quantized"),
    _file("gguf.safetensors", "a GGUF file of another name that is not quantized"),
    _file("gguf.json", "a GGUF file that is called an index"),
    _file("w.safetensors", "not quantized"),
    _file("index-good.json", "an index of what is not quantized"),
    _file("x.npy", "an array"),
    _file(".", "this folder"),
    _file("/", "the root folder"),
    _file("..", "the folder above"),
    _file("nothing", "an empty folder"),
    _file("taken", "a folder without weights"),
    *hostile("inspect FILE", "inspect", "{}"),
    *(_against(f"{name}.safetensors") for name in (*_BAD, *_ODD)),
    *(_against(f"{name}.json") for name in (*_INDEXES, *_ODD)),
    _against(".", "this folder"),
    _against("x.npy", "an array"),
    *(_against(f"{name}.gguf") for name in ggml.LIES),
    _against("m.gguf", "a GGUF file without the weights"),
    _against("nothing", "an empty folder"),
    _against("taken", "a folder without weights"),
    _against("only-a-norm.safetensors", "no weight of these"),
    *hostile("inspect --against", "inspect", "q.safetensors", "--against", "{}"),
    *[
        number("inspect --blocks", what, ("inspect", "q.safetensors", "--blocks", text), ("--blocks",), text)
        for what, text in NOT_WHOLE
    ],
    *hostile("inspect --map", *_MAP, "{}", named=("--map", "OLD=NEW")),
    *each(
        "inspect --map",
        [("without a sign", "a.weight"), ("of nothing", "=")],
        *_MAP,
        "{}",
        named=("--map", "OLD=NEW"),
    ),
    *each(
        "inspect --map",
        [
            ("to a name that is not there", "a.=nowhere."),
            ("to a hostile name", "a.=\x1b]0;pwn\x07\u202e"),
            ("away from all names", "a=a="),
        ],
        *_MAP,
        "{}",
        named=("no weight can be compared",),
    ),
    Command(
        "inspect --map",
        "without --against",
        ("inspect", "q.safetensors", "--map", "a=b"),
        ("--map", "--against ORIGINAL"),
    ),
    *hostile("inspect --recipe", *_RECIPE, "{}", named=("recipe",)),
    *each(
        "inspect --recipe",
        [
            (f"the file {name}.json", f"{name}.json")
            for name in (*documents.FOREIGN, *documents.RECIPES, *_ODD, "large")
        ],
        *_RECIPE,
        "{}",
    ),
    *each("inspect --recipe", [("another name", "nvfp5"), ("in other case", "NVFP4")], *_RECIPE, "{}"),
    Command("inspect --recipe", "without a value", _RECIPE, ("--recipe",)),
    Command(
        "inspect --blocks",
        "more than any file has",
        ("inspect", "q.safetensors", "--against", "w.safetensors", "--blocks", "9" * 30),
        codes=(0, 2),
    ),
    *each(
        "inspect",
        [("an unknown option", "--nope"), ("two files", "w.safetensors")],
        "inspect",
        "q.safetensors",
        "{}",
    ),
    *each(
        "inspect",
        [("--all with a value", "--all=5"), ("--strict with a value", "--strict=yes")],
        "inspect",
        "q.safetensors",
        "{}",
    ),
    Command("inspect", "no file", ("inspect",), ("FILE",)),
]
