"""`fos recipes`: list the dialects, show one, or say what two of them do differently."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from fos_ref.commands.help import Command, Group
from fos_ref.commands.options import AsJson, distributions, presets
from fos_ref.commands.output import say_json
from fos_ref.errors import InputError

_USAGE = (
    "fos recipes | fos recipes NAME | fos recipes diff A B [--on FILE | --distribution NAME] | "
    "fos recipes new NAME --from A [--set AXIS=VALUE]"
)


class _NameOrCommand(Group):
    """A group whose argument is a preset, unless the first word is one of its commands."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Leave everything after a command's name to that command."""
        word = next((a for a in args if not a.startswith("-")), None)
        ctx.allow_interspersed_args = word not in self.commands
        return super().parse_args(ctx, args)

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options, and the argument where no command is named."""
        mine = ctx.command is self and ctx.allow_interspersed_args
        return [p for p in super().get_params(ctx) if mine or p.param_type_name == "option"]

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ARG002 -- as the parser calls it
        """Return the two forms."""
        return ["[OPTIONS]", "[NAME] | diff A B | new NAME"]


recipes = typer.Typer(
    name="recipes",
    cls=_NameOrCommand,
    invoke_without_command=True,
    rich_markup_mode=None,
    short_help="List the dialects, show one, or say where two differ.",
)


def _names() -> list[str | tuple[str, str]]:
    """Return what may follow `fos recipes`, for a shell to complete."""
    return [("diff", "where two dialects differ"), ("new", "a recipe of your own"), *presets()]


@recipes.callback()
def listed(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME", autocompletion=_names, help="Show this preset axis by axis. [default: list all]"
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            metavar="NAME=VALUE",
            help="List what a program makes with this setting of its own; may be given again.",
        ),
    ] = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """List the dialects, show one axis by axis, or say where two differ.

    `fos recipes --with NVTE_NVFP4_4OVER6=all` lists those that a program makes with such settings. `fos
    recipes diff A B` says on how many blocks two differ, and why: see `fos recipes diff --help`.
    """
    if settings and (names or ctx.invoked_subcommand is not None):
        msg = "recipes --with beside a name or a command: --with alone is allowed"
        raise InputError(msg)
    if ctx.invoked_subcommand is not None:
        return
    from fos_ref.commands.recipe_tables import described, described_table, listing, listing_table
    from fos_ref.recipes import recipe

    match names or []:
        case []:
            _print(listing(settings), listing_table, as_json=as_json)
        case [name]:
            _print(described(recipe(name)), described_table, as_json=as_json)
        case given:
            msg = f"recipes {' '.join(given)}: allowed is {_USAGE}"
            raise InputError(msg)


@recipes.command(cls=Command, short_help="Say where two dialects differ, on how many blocks, and why.")
def diff(  # noqa: PLR0917 -- typer reads the parameters
    ctx: typer.Context,
    a: Annotated[str, typer.Argument(metavar="A", autocompletion=presets, help="A preset.")],
    b: Annotated[
        str, typer.Argument(metavar="B", autocompletion=presets, help="The preset to compare it with.")
    ],
    on: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Count on this .npy or .safetensors file.")
    ] = None,
    distribution: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            autocompletion=distributions,
            help="Count on a generated tensor, e.g. normal or coarse.",
        ),
    ] = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Say where two dialects differ, on how many blocks, and why.

    Shows the axes that differ. With --on or --distribution also, of the blocks of the tensors, how many
    differ, how many of them each axis alone explains, how many a chip decides, and how far apart the values
    are. The last line is the smallest change of settings after which both agree.
    """
    from fos_ref.commands.recipe_diff import difference, difference_tables
    from fos_ref.recipes import recipe

    data = difference(recipe(a), recipe(b), on, distribution)
    group = ctx.parent  # `fos recipes --json diff A B` means the same
    _print(data, difference_tables, as_json=as_json or bool(group and group.params["as_json"]))


@recipes.command(cls=Command, short_help="Print the JSON of a recipe of your own.")
def new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="What your recipe is called: no preset's name.")
    ],
    base: Annotated[
        str,
        typer.Option(
            "--from", metavar="A", autocompletion=presets, help="The preset, or .json file, to start from."
        ),
    ],
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="AXIS=VALUE",
            help="Give an axis this value; AXIS alone: list its values. May be repeated. [default: none]",
        ),
    ] = None,
) -> None:
    """Print the JSON of a recipe of your own: a preset with other axes. Every --recipe takes the file.

    `fos recipes NAME` shows every axis, --set AXIS what it may be; docs/recipes.md has a first recipe.
    """
    from fos_ref.commands.recipe_tables import described
    from fos_ref.recipes import recipe
    from fos_ref.recipes.catalog import own_name
    from fos_ref.recipes.file import changed

    made = own_name(changed(recipe(base), name, settings or ()))
    say_json(described(made))


def _print(data: Any, table: Any, *, as_json: bool) -> None:
    if as_json:
        say_json(data)
    else:
        from fos_ref.report.console import output

        output().print(table(data))
