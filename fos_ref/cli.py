"""The command `fos`: registers the commands and turns every expected error into one line and exit 2."""

from __future__ import annotations

import os
import sys
from typing import cast

import typer

from fos_ref.commands.check import check
from fos_ref.commands.evidence import evidence
from fos_ref.commands.golden import golden
from fos_ref.commands.inspect import inspect
from fos_ref.commands.prove import prove
from fos_ref.commands.quantize import quantize
from fos_ref.commands.recipes import recipes
from fos_ref.commands.report import report
from fos_ref.errors import BitMismatch, FosError

EXIT_MISMATCH = 1
EXIT_UNUSABLE = 2
EXIT_INTERRUPTED = 130
#: The base of typer's errors about arguments: typer's own class in its newer versions, click's in older ones.
USAGE_ERROR = cast("type[Exception]", typer.BadParameter.__mro__[2])

app = typer.Typer(
    help="Bit-exact NVFP4 and Four Over Six: the dialects, their errors, their vectors.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(report)
app.command()(quantize)
app.command()(inspect)
app.command()(recipes)
app.command()(check)
app.command()(evidence)
app.command()(prove)
app.add_typer(golden)


def main() -> None:
    """Run `fos`; exit 0 as asked, 1 when a comparison failed, 2 on bad arguments or input."""
    sys.exit(run(sys.argv[1:]))


def run(args: list[str]) -> int:
    """Run `fos` with `args` and return the exit code, with no traceback for an expected error."""
    try:
        code = app(args=args, prog_name="fos", standalone_mode=False)
    except BitMismatch as e:
        typer.echo(str(e), err=True)
        return EXIT_MISMATCH
    except (BrokenPipeError, SystemExit) as e:
        if not _reader_left(e):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing more to say
        return 0
    except typer.Abort:
        return EXIT_INTERRUPTED
    except (USAGE_ERROR, FosError, OSError) as e:
        if line := _one_line(e):  # empty after the help of a bare `fos`
            typer.echo(f"fos: {line}", err=True)
        return EXIT_UNUSABLE
    return code if isinstance(code, int) else 0


def _reader_left(error: BaseException) -> bool:
    """Return whether the reader of a pipe (head, less) has gone; the parser makes an exit of that."""
    return isinstance(error, BrokenPipeError) or isinstance(error.__context__, BrokenPipeError)


def _one_line(error: Exception) -> str:
    """Return what was wrong as one line."""
    if isinstance(error, OSError):
        return f"{error.filename or 'file'}: {error.strerror or error}"
    text = getattr(error, "format_message", error.__str__)()
    return " ".join(text.split())
