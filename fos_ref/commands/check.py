"""`fos check`: a kernel's codes and scales against a recipe, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TYPE_CHECKING

import typer

from fos_ref.commands.options import AsJson, DTYPES, LAYOUTS, one_of, real, RecipeName
from fos_ref.commands.output import say, say_json
from fos_ref.commands.random_bits import bits_of
from fos_ref.commands.random_bits import random_bits as random_bits_option
from fos_ref.errors import InputError

if TYPE_CHECKING:
    from fos_ref.formats.arrays import AnyArray

EXIT_DIFFERENT = 1


def check(  # noqa: PLR0917 -- typer reads the parameters
    x: Annotated[Path, typer.Argument(metavar="X.npy", help="The input: float32 or float16; see --x-dtype.")],
    codes: Annotated[Path, typer.Argument(metavar="CODES.npy", help="Packed codes, uint8.")],
    scales: Annotated[Path, typer.Argument(metavar="SCALES.npy", help="Block scales, uint8.")],
    recipe: RecipeName,
    amax: Annotated[float | None, real("A", "The tensor amax, a float32 value. [default: max|x|]")] = None,
    encode_scale: Annotated[
        float | None, real("S", "The encode scale that the kernel was given, in place of an amax.")
    ] = None,
    tensor_scale: Annotated[
        float | None, real("D", "The decode scale that the kernel was given; 1: it has no tensor scale.")
    ] = None,
    scale_layout: Annotated[str, one_of(LAYOUTS, "The layout asked for.")] = "linear",
    x_dtype: Annotated[
        str | None, one_of(DTYPES, "What the bits of X are: .npy files cannot say bfloat16.")
    ] = None,
    random_bits: Annotated[
        str | None,
        random_bits_option("The random words of a stochastic recipe. [default: judged by statistics]"),
    ] = None,
    strict: Annotated[  # noqa: FBT002
        bool, typer.Option("--strict", help="Exit 1 on a note too, such as padding that is not zero.")
    ] = False,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Compare codes and scales with the recipe; name the mistake. Exit 0 equal, 1 not, 2 unusable input."""
    from fos_ref.outside.npy import read_npy

    found = _judge(recipe, random_bits)(
        _input(x, x_dtype),
        read_npy(codes),
        read_npy(scales),
        recipe=recipe,
        amax=amax,
        encode_scale=encode_scale,
        tensor_scale=tensor_scale,
        scale_layout=scale_layout,
    )
    if as_json:
        say_json(found.to_dict())
    else:
        say(str(found))
    failed = not found.equal or (strict and bool(getattr(found, "notes", None)))
    raise typer.Exit(code=EXIT_DIFFERENT if failed else 0)


def _judge(recipe: str, random_bits: str | None) -> Callable[..., Any]:
    """Return who judges: draws of a stochastic recipe, or bytes of one that leaves nothing to chance."""
    from fos_ref.check.api import check as run
    from fos_ref.check.stochastic.api import check_stochastic
    from fos_ref.recipes.catalog import recipe as get_recipe

    if random_bits is None and not get_recipe(recipe).stochastic:
        return run
    return partial(check_stochastic, random_bits=bits_of(random_bits))


def _input(path: Path, dtype: str | None) -> AnyArray:
    """Return x; bits of a 16-bit type where `dtype` says which."""
    from fos_ref.inputs.distributions import DTYPES as SIZED
    from fos_ref.outside.npy import read_npy

    a = read_npy(path)
    if dtype is None:
        return a
    if dtype not in SIZED or a.dtype.itemsize != SIZED[dtype].itemsize:
        sizes = ", ".join(f"{k} ({v.itemsize} bytes)" for k, v in SIZED.items())
        msg = f"--x-dtype {dtype} for {path} of {a.dtype}: one of {sizes} that fits is allowed"
        raise InputError(msg)
    return a.view(SIZED[dtype])


__all__ = ["check"]
