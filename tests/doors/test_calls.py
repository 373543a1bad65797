"""Every row of the table of bad inputs, for the calls of the library: 4,500 rows, a test for each door.

The default suite tries one of six, `-m long` all of them.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from tests.doors.calls import ROWS
from tests.doors.judge import faults_of_line
from tests.doors.row import by_door, Call, EACH
from tests.doors.running import bounded, Hung, listing
from tests.doors.unchanged import same, snapshot

DOORS = by_door(ROWS)


def faults(row: Call) -> list[str]:
    """Return what is wrong with how a call ended."""
    before = snapshot((row.args, row.more))
    found = _raised(row)
    if not same(before, snapshot((row.args, row.more))):
        found.append("an argument was changed")
    return found


def _raised(row: Call) -> list[str]:
    try:
        with bounded(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            returned = row.function(*row.args, **row.more)
    except row.errors as e:
        return faults_of_line(str(e), row.named)
    except (Exception, Hung) as e:  # noqa: BLE001 -- every other error is a fault
        return [f"{type(e).__name__}, no FosError: {str(e)[:200]!a}"]
    return [f"nothing was raised; it returned a {type(returned).__name__}"]


def try_rows(rows: list[Call], folder: Path) -> None:
    """All rows of a door at once: there are thousands, and most take less than a test costs."""
    before = listing(folder)
    found = [f"{row.id}: {fault}" for row in rows for fault in faults(row)]
    assert not found, "\n".join(found)
    assert listing(folder) == before


@pytest.mark.parametrize("door", DOORS)
def test_a_bad_argument_is_one_clear_error(door, inside):
    try_rows(DOORS[door][::EACH], inside)


@pytest.mark.long
@pytest.mark.parametrize("door", DOORS)
def test_every_bad_argument_is_one_clear_error(door, inside):
    try_rows(DOORS[door], inside)
