"""The program `fos`: it runs the commands and turns every expected error into one line and its exit code.

What it imports at its top is little and cannot fail: the parser and the commands load inside the guard.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any

from fos_ref.errors import EngineWarning, FosError, InputError
from fos_ref.errors.guard import close, ended, INTERRUPTED, reader_left, ready_process, say, UNUSABLE
from fos_ref.errors.text import line
from fos_ref.publish.signals import stopping

#: The option that an argument of the library is at the command line; where there is none, none is named.
OPTIONS = {"overwrite=True": "--force", "random_bits=": "--random-bits", "new=True": "--new"}
#: Of one argument: the longest path that Linux takes. Nothing that is typed is longer.
LONGEST = 4096


def __getattr__(name: str) -> Any:
    """Return `app`, the commands, loaded when they are first asked for."""
    if name == "app":
        from fos_ref.commands.app import app  # noqa: PLC0415 -- loaded inside the guard

        globals()["app"] = app
        return app
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


def main() -> None:
    """Run `fos`; exit 0 as asked, 1 when a comparison failed, 2 on bad arguments or input."""
    ready_process()
    sys.exit(run(sys.argv[1:]))


def run(args: list[str]) -> int:
    """Run `fos` with `args` and return the exit code, with no traceback for an expected error.

    Raises: SystemExit(128 + n) where signal n ended it (fos_ref/publish/signals.py).
    """
    try:
        with warnings.catch_warnings(), stopping():
            _say_warnings()
            code = _run(args)
    except SystemExit as e:
        if not reader_left(e):
            raise
        close(sys.stdout)  # nothing more to say
        return 0
    except BaseException as e:  # noqa: BLE001 -- a fault of the package is raised again
        return _usage(e) or ended(e, _said, "fos")
    return code if isinstance(code, int) else 0


def _run(args: list[str]) -> Any:
    """Run the parser, which runs a command."""
    for number, text in enumerate(args, start=1):
        if len(text) > LONGEST:
            msg = f"argument {number} has {len(text):,} characters: at most {LONGEST:,} are allowed"
            raise InputError(msg)
    from fos_ref.commands.completion import named, ready  # noqa: PLC0415

    ready()
    return sys.modules[__name__].app(args=named(args), prog_name="fos", standalone_mode=False)


def _usage(error: BaseException) -> int | None:
    """Return the exit code of what the parser raises, None for another error."""
    if type(error).__name__ == "Abort":
        return INTERRUPTED
    if not hasattr(error, "format_message"):
        return None
    text = " ".join(error.format_message().split())
    context = getattr(error, "ctx", None)
    say(line(f"fos: {text.rstrip('.')}; see `{context.command_path} --help`" if context else f"fos: {text}"))
    return UNUSABLE


def _said(error: FosError) -> str:
    """Return the error with the option that helps, where the library would name an argument."""
    if error.remedy is None:
        return str(error)
    option = OPTIONS.get(error.remedy.argument)
    return error.said if option is None else f"{error.said} ({option} {error.remedy.does})"


def _say_warnings() -> None:
    """Say each warning as one line; one of the package whatever the interpreter was told about warnings."""

    def show(message: Warning | str, *_: Any) -> None:
        first = str(message).strip().partition("\n")[0]  # Numba's own may have a traceback below it
        say(line(f"fos: warning: {first}"))

    warnings.simplefilter("always", EngineWarning)
    warnings.showwarning = show  # type: ignore[assignment]
