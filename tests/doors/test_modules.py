"""Every row of the modules that are run by `python -m`, by their `main`."""

from __future__ import annotations

import contextlib
import io
from importlib import import_module

import pytest

from fos_ref.proof.result import Finding
from tests.doors.judge import faults_of_line
from tests.doors.modules import ROWS
from tests.doors.running import bounded, listing


def at_once(*_args, **_more):
    """Find nothing, in no time: what is asked here is what the door lets through."""
    return Finding(compared=1, unexplained=0, figures={}, not_run={})


@pytest.mark.sample(40)
@pytest.mark.parametrize("row", ROWS, ids=[row.id for row in ROWS])
def test_a_bad_argument_of_a_module_is_one_clear_line(row, inside, monkeypatch):
    module, before, err = import_module(row.module), listing(inside), io.StringIO()
    if hasattr(module, "plan"):
        monkeypatch.setattr(module, "run", at_once)
    with bounded(), contextlib.redirect_stderr(err):
        try:
            code = module.main(list(row.args))
        except SystemExit as e:
            code = e.code
    found = faults_of_line(err.getvalue().removesuffix("\n"), row.named)
    assert (code, found) == (2, [])
    assert err.getvalue().startswith("error: ")
    assert listing(inside) == before
