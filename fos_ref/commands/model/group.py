"""`fos model` and its commands."""

from __future__ import annotations

import typer

from fos_ref.commands.help import Command, Group
from fos_ref.commands.model.evaluate import evaluate
from fos_ref.commands.model.quantize import quantize
from fos_ref.commands.model.train import train

model = typer.Typer(name="model", cls=Group, rich_markup_mode=None, help="Try recipes on language models.")


@model.callback()
def _group() -> None:
    """Try recipes on language models."""


model.command("eval", cls=Command, short_help="Score a text under recipes, token by token.")(evaluate)
model.command(cls=Command, short_help="Quantize weights by RTN, SmoothQuant, AWQ or GPTQ.")(quantize)
model.command(cls=Command, short_help="Train small models under several stacks.")(train)

__all__ = ["model"]
