"""Every row of the table of bad inputs, for the program `fos`: 1,800 rows, a test for each door.

The default suite tries one of six, `-m long` all of them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.doors.commands import ROWS
from tests.doors.row import by_door, Command, EACH
from tests.doors.running import faults, in_process, listing, put_back

DOORS = by_door(row for row in ROWS if not row.skip)


@pytest.fixture(scope="module")
def before(kit):
    """Return what lies in the folder before any command has run."""
    return listing(kit)


def try_rows(rows: list[Command], folder: Path, before: dict[str, tuple[int, ...]]) -> None:
    """All rows of a door at once; a row that wrote something is found by its own listing."""
    found = []
    for row in rows:
        found += [f"{row.id}: {fault}" for fault in faults(row, in_process(row.args))]
        if (after := listing(folder)) != before:
            found.append(f"{row.id}: wrote {put_back(folder, before, after)}")
    assert not found, "\n".join(found)


@pytest.mark.parametrize("door", DOORS)
def test_a_bad_input_is_one_clear_line(door, inside, before):
    try_rows(DOORS[door][::EACH], inside, before)


@pytest.mark.long
@pytest.mark.parametrize("door", DOORS)
def test_every_bad_input_is_one_clear_line(door, inside, before):
    try_rows(DOORS[door], inside, before)


@pytest.mark.parametrize("row", [row for row in ROWS if row.skip], ids=lambda row: row.id)
def test_what_cannot_be_tried_here_says_why(row):
    pytest.skip(row.skip)
