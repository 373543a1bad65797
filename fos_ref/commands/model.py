"""`fos model`: what a recipe does to a language model."""

from __future__ import annotations

import typer

from fos_ref.commands.help import Command, Group
from fos_ref.commands.model_train import train

model = typer.Typer(name="model", cls=Group, rich_markup_mode=None, help="Try recipes on language models.")


@model.callback()
def _group() -> None:
    """Try recipes on language models."""


model.command(cls=Command, short_help="Train small models under several stacks.")(train)
