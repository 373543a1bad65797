"""Rows of `fos doctor`: it takes nothing but --json."""

from __future__ import annotations

from tests.doors.row import Command, each

ROWS = [
    *each("doctor", [("an unknown option", "--nope"), ("its beginning", "--js")], "doctor", "{}"),
    Command("doctor", "a switch with a value", ("doctor", "--json=1"), ("--json",)),
    Command("doctor", "an argument", ("doctor", "numba"), ("numba",)),
]
