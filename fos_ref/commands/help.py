"""How the help of every command looks: plain lines, each option and argument by what it takes."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from fos_ref.errors import InputError, near

_UNUSABLE = 2


class _Plain:
    """Shows an argument by its metavar alone, where typer adds the Python type, and says so in the usage."""

    def collect_usage_pieces(self: Any, ctx: Any) -> list[str]:
        """Return the usage after the command's name: options first, then the arguments, then a group's."""
        pieces = [_usage(p) for p in self.get_params(ctx) if p.param_type_name == "argument"]
        return ["[OPTIONS]", *pieces, *filter(None, [getattr(self, "subcommand_metavar", None)])]

    def format_options(self: Any, ctx: Any, formatter: Any) -> None:
        """Write the arguments, the options and, of a group, its commands."""
        records = [(p, p.get_help_record(ctx)) for p in self.get_params(ctx)]
        shown = [(p, r[0], r[1].replace("\\[", "[")) for p, r in records if r]  # older typers escape for rich
        arguments = [(p.metavar, text) for p, _, text in shown if p.param_type_name == "argument"]
        options = [(name, text) for p, name, text in shown if p.param_type_name == "option"]
        for title, rows in (("Arguments", arguments), ("Options", options)):
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)
        if isinstance(self, TyperGroup):
            self.format_commands(ctx, formatter)


def _usage(argument: Any) -> str:
    name = argument.metavar if argument.required else f"[{argument.metavar}]"
    return f"{name}..." if argument.nargs != 1 else str(name)


class Command(_Plain, TyperCommand):
    """A command of `fos`."""


class Group(_Plain, TyperGroup):
    """A command of `fos` that has commands of its own; bare it shows its help, unless it does something."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Show the help where a command is needed and none is given; exit 2 as for other missing words."""
        if not args and not self.invoke_without_command and not ctx.resilient_parsing:
            typer.echo(ctx.get_help())
            raise typer.Exit(_UNUSABLE)
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that is named. Raises: InputError for another name, with those that are near."""
        if args[0] not in self.commands and not ctx.resilient_parsing:
            names = near(args[0], self.commands)
            hint = (
                f"did you mean {', '.join(names)}?"
                if names
                else f"one of {', '.join(self.commands)} is allowed"
            )
            msg = f"no command of `{ctx.command_path}` is called {args[0]!r}: {hint}"
            raise InputError(msg)
        return super().resolve_command(ctx, args)
