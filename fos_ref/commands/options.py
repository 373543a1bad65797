"""What the options of several commands take, and what a shell completes. Every call pays for this file."""

from __future__ import annotations

from typing import Annotated, Any

import typer

#: Written out, so that the help need not load them; tests hold them to the lists that they stand for.
ENGINES = ("auto", "numpy", "numba", "cuda")
CONVENTIONS = ("modelopt", "compressed-tensors")
LAYOUTS = ("linear", "swizzled")
DTYPES = ("float32", "bfloat16", "float16")


def presets() -> list[str]:
    """Return the names of the presets, for a shell to complete."""
    from fos_ref.recipes import PRESETS

    return list(PRESETS)


def distributions() -> list[str]:
    """Return the names of the distributions, for a shell to complete."""
    from fos_ref.inputs.distributions import FAMILIES

    return list(FAMILIES)


def one_of(values: tuple[str, ...], text: str) -> Any:
    """Return an option that takes one of `values`: the help shows them, a shell completes them."""
    return typer.Option(metavar="|".join(values), autocompletion=lambda: list(values), help=text)


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
RecipeName = Annotated[
    str, typer.Option(metavar="NAME", autocompletion=presets, help="A preset; `fos recipes` lists them.")
]
EngineName = Annotated[str, one_of(ENGINES, "Who computes it; the bits are the same.")]
