"""Every row of the table of bad inputs, for the program `fos`."""

from __future__ import annotations

import pytest

from tests.doors.commands import ROWS
from tests.doors.running import faults, in_process, listing, put_back


@pytest.fixture(scope="module")
def before(kit):
    """Return what lies in the folder before any command has run."""
    return listing(kit)


@pytest.mark.parametrize("row", ROWS, ids=[row.id for row in ROWS])
def test_a_bad_input_is_one_clear_line(row, inside, before):
    if row.skip:
        pytest.skip(row.skip)
    found = faults(row, in_process(row.args))
    after = listing(inside)
    if after != before:
        found.append(f"wrote {put_back(inside, before, after)}")
    assert not found, "\n".join([f"fos {' '.join(ascii(a[:80]) for a in row.args)}", *found])
