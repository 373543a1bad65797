"""Some rows in a process of their own: what is seen in this process is what a user sees."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import subprocess
import sys

import pytest

from tests.doors.commands import ROWS
from tests.doors.running import Ended, faults, in_process, listing
from tests.meta.tree import ROOT

_COPIES, _STARTED = 9, 2
#: They load a compiler.
_SLOW = ("prove", "report", "golden chain", "golden write")
#: Spread over the whole table; what an argument of a process cannot hold is left out.
_ROWS = [
    r
    for r in ROWS
    if not (r.skip or r.door.startswith(_SLOW)) and all("\0" not in a and len(a) < 100_000 for a in r.args)
]
SOME = _ROWS[:: len(_ROWS) // _COPIES]
FEW = _ROWS[:: len(_ROWS) // _STARTED]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])}


@pytest.fixture(scope="module")
def ended(kit) -> dict[str, Ended]:
    """Return how each of the rows ended in a copy of a process that has loaded `fos`."""
    words = [[base64.b64encode(os.fsencode(a)).decode() for a in r.args] for r in SOME]
    command = [sys.executable, str(ROOT / "tests" / "doors" / "processes.py")]
    with contextlib.chdir(kit):
        done = subprocess.run(
            command, input=json.dumps(words).encode(), capture_output=True, check=True, env=environment()
        )
    found = [Ended(*e) for e in json.loads(done.stdout)]
    return dict(zip([r.id for r in SOME], found, strict=True))


@pytest.mark.parametrize("row", SOME, ids=[row.id for row in SOME])
def test_a_process_of_its_own_says_the_same(row, ended, inside):
    before = listing(inside)
    own, here = ended[row.id], in_process(row.args)
    assert (own.code, own.err) == (here.code, here.err)
    assert faults(row, own) == []
    assert listing(inside) == before


@pytest.mark.long
@pytest.mark.usefixtures("inside")
@pytest.mark.parametrize("row", FEW, ids=[row.id for row in FEW])
def test_so_does_a_program_that_is_started_for_it(row):
    command = [sys.executable, "-c", "from fos_ref.cli import main; main()", *map(os.fsencode, row.args)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60, env=environment())
    here = in_process(row.args)
    assert (done.returncode, done.stderr.decode("utf-8", "replace")) == (here.code, here.err)
