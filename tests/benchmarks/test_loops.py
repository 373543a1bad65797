"""`python -m benchmarks.loops`: both forms of a loop are run, compared and timed."""

from __future__ import annotations

import pytest

from benchmarks import loops
from benchmarks.clock import Rounds
from benchmarks.loops_plain import PLAIN
from fos_ref.fast.lanes import step

BRIEF = Rounds(2, 0.0)


@pytest.fixture(autouse=True)
def little(monkeypatch):
    """Time little, and of the loops the one that is compiled fastest."""
    monkeypatch.setattr(loops, "ROUNDS", BRIEF)
    monkeypatch.setattr(loops, "CALLS", 2)
    monkeypatch.setattr(loops, "VECTOR", {"bytes": loops.VECTOR["bytes"]})


def test_every_loop_has_a_plain_form():
    assert list(PLAIN) == NAMES


NAMES = list(loops.VECTOR)


@pytest.mark.long
def test_the_table_says_that_the_bits_are_the_same(capsys):
    assert loops.main() == 0
    *_, row = capsys.readouterr().out.splitlines()
    assert row.startswith("| bytes |")
    assert row.endswith("| yes |")


@pytest.mark.long
def test_other_bits_are_seen(monkeypatch, capsys):
    @step
    def idle(w, x, out, chunk):  # noqa: ARG001
        return

    monkeypatch.setitem(loops.PLAIN, "bytes", idle)
    assert loops.main() == 1
    assert capsys.readouterr().out.splitlines()[-1].endswith("| NO |")
