"""`fos matmul check`: the output of a matrix product against the exact one, its bounds and the models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TYPE_CHECKING

import typer

from fos_ref.commands.help import Command, Group
from fos_ref.commands.matmul_segments import segments
from fos_ref.commands.options import AsJson, DTYPES, LAYOUTS, one_of, real, RecipeName
from fos_ref.commands.output import say, say_json
from fos_ref.errors import InputError

if TYPE_CHECKING:
    from fos_ref.formats.arrays import AnyArray
    from fos_ref.storage.tensor import QuantizedTensor

matmul = typer.Typer(
    name="matmul", cls=Group, rich_markup_mode=None, help="Judge products of quantized tensors."
)
EXIT_DIFFERENT = 1
#: As fos_ref.matmul has them; a test holds them to it.
PROGRAMS = (
    "exact",
    "te",
    "cutlass",
    "blackwell-fp4",
    "flashinfer",
    "torchao",
    "fouroversix-torch",
    "jax",
    "vllm-emulation",
    "hopper-f16",
    "ampere-f16",
    "ggml",
)


@matmul.callback()
def _group() -> None:
    """Judge products of quantized tensors."""


matmul.command(cls=Command, short_help="Write random segments for a MAC unit.")(segments)


@matmul.command(cls=Command, short_help="Compare a product with the exact one; name the mistake.")
def check(  # noqa: PLR0917 -- typer reads the parameters
    out: Annotated[Path, typer.Argument(metavar="OUT.npy", help="The output (M, N); see --dtype.")],
    a_codes: Annotated[Path, typer.Argument(metavar="A_CODES.npy", help="Codes of a (M, K), uint8.")],
    a_scales: Annotated[Path, typer.Argument(metavar="A_SCALES.npy", help="Block scales of a, uint8.")],
    b_codes: Annotated[Path, typer.Argument(metavar="B_CODES.npy", help="Codes of b (N, K), uint8.")],
    b_scales: Annotated[Path, typer.Argument(metavar="B_SCALES.npy", help="Block scales of b, uint8.")],
    recipe: RecipeName,
    amax_a: Annotated[float | None, real("A", "The tensor amax of a. [default: no tensor scale]")] = None,
    amax_b: Annotated[float | None, real("B", "The tensor amax of b. [default: no tensor scale]")] = None,
    alpha: Annotated[
        float | None, real("X", "The factor that the kernel was given. [default: that of the amaxes]")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            autocompletion=lambda: list(PROGRAMS),
            help=f"The program whose bits are asked for: {', '.join(PROGRAMS)}. [default: any]",
        ),
    ] = None,
    scale_layout: Annotated[str, one_of(LAYOUTS, "The layout of the block scales.")] = "linear",
    dtype: Annotated[
        str | None, one_of(DTYPES, "What the bits of OUT are: .npy files cannot say bfloat16.")
    ] = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Compare a product of quantized tensors with the exact one; say whose bits it has, or what is wrong.

    Exit 0 if the bits are certified or a model's, 1 if not, 2 on unusable input.
    """
    from fos_ref.matmul.judge import check_matmul

    a = _tensor(a_codes, a_scales, recipe, amax_a, scale_layout)
    b = _tensor(b_codes, b_scales, recipe, amax_b, scale_layout)
    found = check_matmul(_output(out, dtype), a, b, model=model, alpha=alpha)
    if as_json:
        say_json(found.to_dict())
    else:
        say(str(found))
    raise typer.Exit(code=0 if found.equal else EXIT_DIFFERENT)


@matmul.command(cls=Command, short_help="Say which accumulator gives the outputs of the vectors.")
def accumulator(
    outputs: Annotated[
        list[str],
        typer.Argument(metavar="VECTOR=OUTPUT...", help="As V3=16777216; or float32 bits, V3=0x4B800000."),
    ],
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Say which accumulator a unit has, from its outputs of the vectors V1 to V5 before alpha.

    V1b, V2, V3, V4c and V5 tell the known ones apart; more narrow the bits. `fos golden export` writes their
    codes. Exit 0 if some known accumulator gives all of them, 1 if none does, 2 on unusable input.
    """
    from fos_ref.matmul.telling import which_accumulator

    found = which_accumulator(dict(map(_given, outputs)))
    if as_json:
        say_json(found.to_dict())
    else:
        say(str(found))
    raise typer.Exit(code=0 if found.forms or found.exact else EXIT_DIFFERENT)


def _given(text: str) -> tuple[str, float]:
    """Return a vector's name and its output."""
    import numpy as np

    from fos_ref.foreign import shown

    name, _, value = text.partition("=")
    try:
        if value.lower().startswith("0x"):
            return name, float(np.uint32(int(value, 16)).view(np.float32))
        number = float(value)
    except (ValueError, OverflowError):
        number = float("nan")
    with np.errstate(all="ignore"):
        if float(np.float32(number)) == number:
            return name, number
    msg = f"{shown(text)}: a vector, = and a float32 number or its bits after 0x are allowed"
    raise InputError(msg)


def _tensor(codes: Path, scales: Path, recipe: str, amax: float | None, layout: str) -> QuantizedTensor:
    """Return the quantized tensor of two files; without an amax one without a tensor scale."""
    from fos_ref.engines.from_bytes import from_bytes
    from fos_ref.outside.npy import read_npy
    from fos_ref.recipes.axes import AmaxScope, TensorScale
    from fos_ref.recipes.catalog import recipe as get_recipe

    r = get_recipe(recipe)
    packed = read_npy(codes)
    rows = packed.size // packed.shape[-1] if packed.ndim and packed.shape[-1] else 0
    fixed: dict[str, Any] = {} if r.tensor_scale is TensorScale.NONE else {"tensor_scale": 1.0}
    if r.amax_scope is AmaxScope.ROW:
        fixed = {"amax": _rows(float(r.range_max), rows)}
    if amax is not None:
        fixed = {"amax": _rows(amax, rows) if r.amax_scope is AmaxScope.ROW else amax}
    return from_bytes(packed, read_npy(scales), r, scale_layout=layout, **fixed)  # type: ignore[arg-type]


def _rows(amax: float, rows: int) -> AnyArray:
    import numpy as np

    return np.full(rows, amax)


def _output(path: Path, dtype: str | None) -> AnyArray:
    """Return the output; bits of a 16-bit type where `dtype` says which."""
    from fos_ref.inputs.distributions import DTYPES as SIZED
    from fos_ref.outside.npy import read_npy

    found = read_npy(path)
    if dtype is None:
        return found
    if found.dtype.itemsize != SIZED[dtype].itemsize:
        sizes = ", ".join(f"{k} ({v.itemsize} bytes)" for k, v in SIZED.items())
        msg = f"--dtype {dtype} for {path} of {found.dtype}: one of {sizes} that fits is allowed"
        raise InputError(msg)
    return found.view(SIZED[dtype])


__all__ = ["matmul"]
