"""Rows of `fos recipes` and `fos recipes diff`."""

from __future__ import annotations

from tests.doors.kit import checkpoints, documents, npy
from tests.doors.row import Command, each, HOSTILE, hostile

_DIFF = ("recipes", "diff")
_BAD = (*npy.FOREIGN, *npy.ARRAYS, *npy.VALUES)
_FILES = (*checkpoints.FOREIGN, *checkpoints.LIES, *checkpoints.VALUES)
#: Files with no tensor that fits both recipes.
_UNFIT = tuple(k for k in checkpoints.UNFIT)
_ODD = ("pipe", "folder", "loop", "zeros", "nowhere")


def _on(name: str, what: str = "", codes: tuple[int, ...] = (2,)) -> Command:
    return Command("recipes diff --on", what or name, (*_DIFF, "nvfp4", "4over6", "--on", name), codes=codes)


_NEW = ("recipes", "new")
#: Files that are no recipe: not there, no file, no JSON, other axes, too large, too deep, hostile.
_NO_RECIPES = (*documents.FOREIGN, *documents.RECIPES, *_ODD, "large")
ROWS = [
    *hostile("recipes --with", "recipes", "--with", "{}"),
    *each(
        "recipes --with",
        [(f"a value: {what}", text) for what, text in HOSTILE.items()],
        *("recipes", "--with", "NVTE_NVFP4_4OVER6={}"),
    ),
    *each(
        "recipes --with",
        [
            ("no value", "NVTE_NVFP4_4OVER6"),
            ("no name", "=all"),
            ("an empty value", "NVTE_NVFP4_4OVER6="),
            ("in other case", "nvte_nvfp4_4over6=all"),
            ("a near name", "NVTE_NVFP4_4OVER=all"),
        ],
        *("recipes", "--with", "{}"),
    ),
    Command(
        "recipes --with",
        "of two programs",
        ("recipes", "--with", "NVTE_NVFP4_4OVER6=all", "--with", "FLASHINFER_NVFP4_4OVER6=1"),
        ("TransformerEngine", "FlashInfer"),
    ),
    Command(
        "recipes --with",
        "twice",
        ("recipes", "--with", "NVTE_NVFP4_4OVER6=all", "--with", "NVTE_NVFP4_4OVER6=all"),
        ("twice",),
    ),
    Command(
        "recipes --with",
        "beside a name",
        ("recipes", "--with", "NVTE_NVFP4_4OVER6=all", "nvfp4"),
        ("--with",),
    ),
    *hostile("recipes new --from", *_NEW, "mine", "--from", "{}", named=("recipe",)),
    *[
        Command("recipes new --from", f"{name}.json", (*_NEW, "mine", "--from", f"{name}.json"))
        for name in _NO_RECIPES
        if name != "recipe-name-of-a-preset"
    ],
    *hostile("recipes new --set", *_NEW, "mine", "--from", "nvfp4", "--set", "{}"),
    *each(
        "recipes new --set",
        [
            ("an unknown axis", "bits=4"),
            ("an unknown value", "scale_max=449"),
            ("no value", "tie"),
            ("an empty value", "tie="),
            ("an empty axis", "=six"),
            ("two values", "tie=six=four"),
            ("a hostile value", "tie=\x1b]0;pwn\x07"),
            ("the name", "name=x"),
            ("hexadecimal", "scale_max=0x100"),
            ("digits of another script", "scale_max=\u0662\u0665\u0666"),
            ("an underscore", "scale_max=25_6"),
        ],
        *(*_NEW, "mine", "--from", "nvfp4", "--set", "{}"),
    ),
    *hostile("recipes new NAME", *_NEW, "{}", "--from", "nvfp4", without=("markup", "a path upwards")),
    Command("recipes new NAME", "a preset's name", (*_NEW, "4over6", "--from", "nvfp4"), ("4over6",)),
    Command("recipes new NAME", "given never", (*_NEW, "--from", "nvfp4"), ("NAME",)),
    Command("recipes new --from", "given never", (*_NEW, "mine"), ("--from",)),
    *hostile("recipes NAME", "recipes", "{}", named=("recipe",)),
    Command("recipes NAME", "another name", ("recipes", "nvfp5"), ("nvfp5", "nvfp4")),
    Command("recipes NAME", "in other case", ("recipes", "NVFP4"), ("NVFP4", "nvfp4")),
    Command("recipes NAME", "two names", ("recipes", "nvfp4", "4over6"), ("nvfp4 4over6",)),
    Command("recipes NAME", "three hostile names", ("recipes", "a\x1b[31m", "b\u202e", "c\nd")),
    Command("recipes NAME", "many long names", ("recipes", *["n" * 1000] * 100)),
    Command("recipes", "an unknown option", ("recipes", "--nope"), ("--nope",)),
    *hostile("recipes diff A", *_DIFF, "{}", "nvfp4", named=("recipe",)),
    *hostile("recipes diff B", *_DIFF, "nvfp4", "{}", named=("recipe",)),
    *[Command("recipes NAME", f"the file {name}.json", ("recipes", f"{name}.json")) for name in _NO_RECIPES],
    *[
        Command("recipes diff A", f"the file {name}.json", (*_DIFF, f"{name}.json", "nvfp4"))
        for name in _NO_RECIPES
    ],
    *[
        Command("recipes diff B", f"the file {name}.json", (*_DIFF, "nvfp4", f"{name}.json"))
        for name in _NO_RECIPES
    ],
    Command("recipes diff A", "another name", (*_DIFF, "nvfp5", "nvfp4"), ("nvfp5", "nvfp4")),
    Command("recipes diff B", "another name", (*_DIFF, "nvfp4", "nvfp5"), ("nvfp5", "nvfp4")),
    Command("recipes diff", "one recipe", (*_DIFF, "nvfp4"), ("B",)),
    Command("recipes diff", "three recipes", (*_DIFF, "nvfp4", "4over6", "te-nvfp4"), ("te-nvfp4",)),
    Command("recipes diff", "an unknown option", (*_DIFF, "nvfp4", "4over6", "--nope"), ("--nope",)),
    *(_on(f"{name}.npy") for name in (*_BAD, *_ODD)),
    *(_on(f"{name}.npy", codes=(0, 2)) for name in npy.EMPTY),
    *(_on(f"{name}.safetensors") for name in (*_FILES, *_UNFIT, *_ODD)),
    _on("good.json", "another kind of file"),
    _on("m.gguf", "a GGUF file"),
    _on("gguf.safetensors", "a GGUF file of another name"),
    _on(".", "this folder"),
    _on("x.npy/y", "a name under a file"),
    *hostile("recipes diff --on", *_DIFF, "nvfp4", "4over6", "--on", "{}"),
    Command(
        "recipes diff --on",
        "and a distribution",
        (*_DIFF, "nvfp4", "4over6", "--on", "x.npy", "--distribution", "normal"),
        ("--on", "--distribution"),
    ),
    Command(
        "recipes diff --on",
        "blocks of 16 and of 32",
        (*_DIFF, "nvfp4", "fouroversix-mxfp4-static6", "--on", "x.npy"),
        ("16", "32"),
    ),
    Command(
        "recipes diff --on",
        "rows that no tile has",
        (*_DIFF, "nvfp4", "4over6-16x16", "--on", "one-dimensional.npy"),
    ),
    *hostile(
        "recipes diff --distribution", *_DIFF, "nvfp4", "4over6", "--distribution", "{}", named=("normal",)
    ),
    *each(
        "recipes diff --distribution",
        [("another name", "gauss"), ("in other case", "Normal"), ("one with an underscore", "near_max")],
        *_DIFF,
        "nvfp4",
        "4over6",
        "--distribution",
        "{}",
        named=("allowed",),
    ),
]
