"""The examples of docs/report.md, and the commands that it names."""

from __future__ import annotations

import re
from pathlib import Path

from typer.main import get_command

from fos_ref.cli import app
from tests.docs.document import failing_examples

TEXT = (Path(__file__).parents[2] / "docs" / "report.md").read_text(encoding="utf-8")


def test_the_examples_give_what_they_say():
    attempted, report = failing_examples(TEXT)
    assert attempted > 4
    assert report == ""


def test_every_option_that_is_named_is_there():
    command = get_command(app)
    commands = (c for name in ("report", "model", "recipes") for c in tree(command.commands[name]))
    known = {option for c in commands for p in c.params for option in p.opts}
    named = set(re.findall(r"--[a-z][a-z-]*", TEXT))
    assert len(named) > 8
    assert named - known == set()


def tree(command):
    """Yield a command and those below it."""
    yield command
    for below in getattr(command, "commands", {}).values():
        yield from tree(below)
