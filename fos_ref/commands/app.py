"""The program `fos` as its parser has it: every command, the version, the completion."""

from __future__ import annotations

from typing import Annotated

import typer

from fos_ref.commands.check import check
from fos_ref.commands.completion import install, SHELLS, show
from fos_ref.commands.doctor import doctor
from fos_ref.commands.evidence import evidence
from fos_ref.commands.fleet.group import fleet
from fos_ref.commands.golden import golden
from fos_ref.commands.help import Command, Group
from fos_ref.commands.inspect import inspect
from fos_ref.commands.leak import leak
from fos_ref.commands.matmul import matmul
from fos_ref.commands.model.group import model
from fos_ref.commands.prove import prove
from fos_ref.commands.quantize import quantize
from fos_ref.commands.recipes import recipes
from fos_ref.commands.report import report
from fos_ref.version import VERSION

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
app.add_typer(fleet)
app.add_typer(matmul)
app.add_typer(model)
app.command(cls=Command, short_help="Find where a causal function looks ahead.")(leak)
app.add_typer(golden)
app.command(cls=Command, short_help="Say what was compared with whose program.")(evidence)
app.command(cls=Command, short_help="Run the long proofs.")(prove)
app.command(cls=Command, short_help="Say what this installation can do.")(doctor)


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
