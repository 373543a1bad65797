"""`fos leak`: which outputs of a user's own causal function depend on tokens that come later."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import Annotated, Any, TYPE_CHECKING

import typer

from fos_ref.commands.options import AsJson, DTYPES, one_of, whole
from fos_ref.commands.output import say, say_json

if TYPE_CHECKING:
    from fos_ref.attention import LeakReport, PrefixReport
    from fos_ref.formats.arrays import AnyArray

Prefix = Annotated[
    bool, typer.Option("--prefix", help="Also compare the first tokens alone with all of them.")
]
EXIT_LEAK = 1
ARGUMENTS = ("qkv", "x")
_LONGEST = 4096


def leak(  # noqa: PLR0917 -- typer reads the parameters
    name: Annotated[
        str,
        typer.Argument(
            metavar="MODULE:FUNCTION",
            help="A function of NumPy arrays; MODULE can be imported or is a .py file.",
        ),
    ],
    tokens: Annotated[int, whole("Tokens T; each is changed.", 2, _LONGEST)] = 96,
    dim: Annotated[int, whole("Channels of a token.", 1, _LONGEST)] = 64,
    heads: Annotated[
        int | None, whole("Heads: arrays (heads, tokens, dim). [default: (tokens, dim)]", 1, _LONGEST)
    ] = None,
    arguments: Annotated[str, one_of(ARGUMENTS, "What FUNCTION takes: q, k and v, or one array.")] = "qkv",
    dtype: Annotated[str, one_of(DTYPES, "The dtype of the arrays.")] = "float32",
    seed: Annotated[int, whole("The seed of the arrays.")] = 0,
    sweep: Annotated[
        int, whole("Magnitudes of the worst token, to say how many bits leak; 0: none.", 0, 1 << 20)
    ] = 400,
    prefix: Prefix = False,  # noqa: FBT002
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Change each token of random arrays and say which earlier outputs move a bit.

    Exit 0 if none does, 1 on a leak, 2 where the function cannot be judged: it gives other bits for the
    same input, it raises, or it cannot be imported.
    """
    from fos_ref.attention import leaks, prefixes
    from fos_ref.outside.functions import load_function

    with redirect_stdout(sys.stderr):  # what the user's code prints
        f = load_function(name)
        shape = (tokens, dim) if heads is None else (heads, tokens, dim)
        arrays = _arrays(len(arguments), shape, dtype, seed)
        found = leaks(f, *arrays, sweep=sweep)
        parts = prefixes(f, *arrays) if prefix else None
    if as_json:
        say_json(_document(found, parts))
    else:
        _say(found, parts)
    raise typer.Exit(code=EXIT_LEAK if found.leaks else 0)


def _arrays(number: int, shape: tuple[int, ...], dtype: str, seed: int) -> list[AnyArray]:
    """Return normal arrays of one shape."""
    import numpy as np

    from fos_ref.inputs.distributions import DTYPES as BY_NAME

    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape).astype(np.float32).astype(BY_NAME[dtype]) for _ in range(number)]


def _document(found: LeakReport, parts: PrefixReport | None) -> dict[str, Any]:
    """Return the JSON document."""
    made = found.to_dict()
    if parts is not None:
        differing = {str(t): list(rows) for t, rows in parts.rows.items() if rows}
        refused = {str(t): said for t, said in parts.refused.items()}
        made["prefix"] = {"equal": parts.equal, "differing": differing, "refused": refused}
    return made


def _say(found: LeakReport, parts: PrefixReport | None) -> None:
    from fos_ref.attention.detector.report import KINDS

    say(str(found))
    for kind in dict.fromkeys(k for k in found.kinds.values() if k):
        say(f"{kind}: {KINDS[kind]}")
    if parts is not None:
        say(str(parts))
