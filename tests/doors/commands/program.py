"""Rows of `fos` itself."""

from __future__ import annotations

from tests.doors.row import Command, each, hostile

ROWS = [
    *hostile("fos", "{}", without=("nothing",)),
    Command("fos", "an empty command", ("",), ("report",)),
    Command("fos", "a near command", ("quantise",), ("quantise", "quantize")),
    *each("fos", [("an unknown option", "--nope"), ("a hostile option", "--\x1b]0;x\x07\u202e")], "{}"),
    Command("fos", "an option of 100,000 letters", ("--" + "a" * 100_000,)),
    Command("fos", "an option of a command", ("--json", "recipes"), ("--json",)),
    Command("fos", "a value for a switch", ("--version=3",), ("--version",)),
    *hostile("fos --show-completion", "--show-completion", "{}", named=("bash", "zsh")),
    *hostile("fos --install-completion", "--install-completion", "{}", named=("bash", "zsh")),
    Command("fos --show-completion", "in other case", ("--show-completion", "Bash"), ("Bash", "bash")),
    Command("fos --install-completion", "another shell", ("--install-completion", "csh"), ("csh", "zsh")),
]
