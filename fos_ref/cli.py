"""The command `fos`: registers the commands and turns every expected error into one line and exit 2."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from pathlib import Path
from typing import Annotated, cast, TextIO

import typer

from fos_ref.commands.check import check
from fos_ref.commands.completion import install, named, ready, SHELLS, show
from fos_ref.commands.evidence import evidence
from fos_ref.commands.golden import golden
from fos_ref.commands.help import Command, Group
from fos_ref.commands.inspect import inspect
from fos_ref.commands.prove import prove
from fos_ref.commands.quantize import quantize
from fos_ref.commands.recipes import recipes
from fos_ref.commands.report import report
from fos_ref.errors import BitMismatch, FosError
from fos_ref.version import VERSION

EXIT_MISMATCH = 1
EXIT_UNUSABLE = 2
EXIT_INTERRUPTED = 130
#: The base of typer's errors about arguments: typer's own class in its newer versions, click's in older ones.
USAGE_ERROR = cast("type[Exception]", typer.BadParameter.__mro__[2])
#: The option that an argument of the library is at the command line; where there is none, none is named.
OPTIONS = {"overwrite=True": "--force"}

app = typer.Typer(
    cls=Group,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(cls=Command, short_help="Measure every rule on named inputs and on real weights.")(report)
app.add_typer(recipes)
app.command(cls=Command, short_help="Quantize the weights of a checkpoint to NVFP4.")(quantize)
app.command(cls=Command, short_help="Compare a kernel's output; name the mistake.")(check)
app.command(cls=Command, short_help="Say what a quantized checkpoint is.")(inspect)
app.add_typer(golden)
app.command(cls=Command, short_help="Say what was compared with whose program.")(evidence)
app.command(cls=Command, short_help="Run the long proofs.")(prove)


def _print_version(asked: bool) -> None:  # noqa: FBT001 -- typer hands over the switch
    if asked:
        typer.echo(f"fos {VERSION}")
        raise typer.Exit


def _shells() -> list[str]:
    return list(SHELLS)


@app.callback()
def fos(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    install_completion: Annotated[
        str | None,
        typer.Option(
            metavar="[SHELL]",
            callback=install,
            is_eager=True,
            autocompletion=_shells,
            help=f"Make this shell complete `fos`: {', '.join(SHELLS)}. [default: the one in use]",
        ),
    ] = None,
    show_completion: Annotated[
        str | None,
        typer.Option(
            metavar="[SHELL]",
            callback=show,
            is_eager=True,
            autocompletion=_shells,
            help="Print what --install-completion would install.",
        ),
    ] = None,
) -> None:
    """Bit-exact NVFP4 and Four Over Six: the dialects, their errors, their vectors."""


def main() -> None:
    """Run `fos`; exit 0 as asked, 1 when a comparison failed, 2 on bad arguments or input."""
    if sys.stdout is None:  # it was closed: what is printed goes nowhere
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 -- to the end
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name that the encoding lacks is escaped, not an error
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(run(sys.argv[1:]))


def run(args: list[str]) -> int:
    """Run `fos` with `args` and return the exit code, with no traceback for an expected error."""
    try:
        ready()
        code = app(args=named(args), prog_name="fos", standalone_mode=False)
    except BitMismatch as e:
        _say(_said(e))
        return EXIT_MISMATCH
    except (BrokenPipeError, SystemExit) as e:
        if not _reader_left(e):
            raise
        _close(sys.stdout)  # nothing more to say
        return 0
    except (typer.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    except (USAGE_ERROR, FosError, OSError) as e:
        if isinstance(e, OSError) and not e.filename:
            _close(sys.stdout)  # which may be what could not be written
        _say(f"fos: {_one_line(e)}")
        return EXIT_UNUSABLE
    return code if isinstance(code, int) else 0


def _reader_left(error: BaseException) -> bool:
    """Return whether the reader of a pipe (head, less) has gone; the parser makes an exit of that."""
    return isinstance(error, BrokenPipeError) or isinstance(error.__context__, BrokenPipeError)


def _say(text: str) -> None:
    """Print on the error stream; the exit code stands even where that cannot be written."""
    try:
        typer.echo(text, err=True)
    except OSError:
        _close(sys.stderr)


def _close(stream: TextIO) -> None:
    """Send what `stream` still holds to nowhere, so that the interpreter does not fail on it at its end."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _one_line(error: Exception) -> str:
    """Return what was wrong as one line."""
    if isinstance(error, OSError):
        return f"{error.filename or 'output'}: {error.strerror or error}"
    if isinstance(error, FosError):
        return " ".join(_said(error).split())
    text = " ".join(getattr(error, "format_message", error.__str__)().split())
    context = getattr(error, "ctx", None)
    return f"{text.rstrip('.')}; see `{context.command_path} --help`" if context else text


def _said(error: FosError) -> str:
    """Return the error with the option that helps, where the library would name an argument."""
    if error.remedy is None:
        return str(error)
    option = OPTIONS.get(error.remedy.argument)
    return error.said if option is None else f"{error.said} ({option} {error.remedy.does})"
