"""Shell completion: `--install-completion` and `--show-completion`, for a named shell or the one in use."""

from __future__ import annotations

import os

import shellingham
import typer
from typer import completion

from fos_ref.errors import InputError

SHELLS = ("bash", "zsh", "fish", "powershell", "pwsh")
_PROGRAM = "fos"
#: What the shell sets to ask for completions.
_VARIABLE = "_FOS_COMPLETE"
_OPTIONS = ("--install-completion", "--show-completion")


def ready() -> None:
    """Get the shells ready where one asks for completions."""
    if _VARIABLE in os.environ:
        completion.completion_init()


def named(args: list[str]) -> list[str]:
    """Return `args` with the shell in use where an option stands without one.

    Raises: InputError where no shell is recognized.
    """
    return [*args, _shell_in_use()] if args[-1:] in [[option] for option in _OPTIONS] else args


def install(shell: str | None) -> None:
    """Write the completion of `shell` into its start-up files and say where. Raises: InputError, OSError."""
    if shell is not None:
        _, path = completion.install(shell=_known(shell), prog_name=_PROGRAM, complete_var=_VARIABLE)
        typer.echo(f"{shell} completion installed in {path}: it works in the next shell that you start")
        raise typer.Exit


def show(shell: str | None) -> None:
    """Print the completion of `shell`. Raises: InputError for an unknown one."""
    if shell is not None:
        script = completion.get_completion_script(
            prog_name=_PROGRAM, complete_var=_VARIABLE, shell=_known(shell)
        )
        typer.echo(script)
        raise typer.Exit


def _known(shell: str) -> str:
    if shell not in SHELLS:
        msg = f"shell {shell!r}: one of {', '.join(SHELLS)} is allowed"
        raise InputError(msg)
    return shell


def _shell_in_use() -> str:
    try:
        name: str = shellingham.detect_shell()[0]
    except (shellingham.ShellDetectionFailure, OSError) as e:
        msg = f"the shell in use is not recognized: name one of {', '.join(SHELLS)}"
        raise InputError(msg) from e
    return name
