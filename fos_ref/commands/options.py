"""What the options of several commands take, and what a shell completes. Every call pays for this file."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, NoReturn

import typer

#: Written out, so that the help need not load them; tests hold them to the lists that they stand for.
ENGINES = ("auto", "numpy", "numba", "cuda")
CONVENTIONS = ("modelopt", "compressed-tensors", "gpt-oss")
SHARES = ("none", "fused")
ORIENTATIONS = ("out-in", "in-out")
LAYOUTS = ("linear", "swizzled")
DTYPES = ("float32", "bfloat16", "float16")


def presets() -> list[str]:
    """Return the names of the presets, for a shell to complete."""
    from fos_ref.recipes import PRESETS, STOCHASTIC

    return [*PRESETS, *STOCHASTIC]


def distributions() -> list[str]:
    """Return the names of the distributions, for a shell to complete."""
    from fos_ref.inputs.distributions import FAMILIES

    return list(FAMILIES)


def one_of(values: tuple[str, ...], text: str) -> Any:
    """Return an option that takes one of `values`: the help shows them, a shell completes them."""

    def parse(given: str) -> str:
        return given if given in values else _refuse(given, f"one of {', '.join(values)}")

    return typer.Option(
        metavar="|".join(values), autocompletion=lambda: list(values), help=text, parser=parse
    )


def whole(text: str, lowest: int = 0, highest: int = 1 << 53) -> Any:
    """Return an option that takes a whole number, in decimal digits."""

    def parse(given: Any) -> int:
        if isinstance(given, int):  # the default
            return given
        if _DIGITS.fullmatch(given) and lowest <= int(given) <= highest:
            return int(given)
        return _refuse(given, f"a whole number from {lowest} to {highest}")

    return typer.Option(metavar="N", help=text, parser=parse)


def real(metavar: str, text: str) -> Any:
    """Return an option that takes a finite number, in decimal digits."""

    def parse(given: Any) -> float:
        if isinstance(given, float):  # the default
            return given
        if _DECIMAL.fullmatch(given) and math.isfinite(float(given)):
            return float(given)
        return _refuse(given, "a finite decimal number")

    return typer.Option(metavar=metavar, help=text, parser=parse)


#: Python's own readers take more: underscores, and the digits of every script. So many digits are enough.
_DIGITS = re.compile(r"[+-]?[0-9]{1,40}")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,400}\.?[0-9]{0,400}|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,9})?")


def _refuse(given: str, allowed: str) -> NoReturn:
    msg = f"{given!r}: {allowed} is allowed"
    raise typer.BadParameter(msg)


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
RecipeName = Annotated[
    str,
    typer.Option(
        metavar="NAME|FILE",
        autocompletion=presets,
        help="A preset (`fos recipes`), or a recipe's .json file.",
    ),
]
EngineName = Annotated[str, one_of(ENGINES, "Who computes it; the bits are the same.")]
