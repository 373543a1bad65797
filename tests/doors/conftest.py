"""The folder of good and bad files, made once; every row starts in it and leaves it as it was."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fos_ref.cli import run
from tests.doors.kit.folder import build


@pytest.fixture(scope="session")
def kit(tmp_path_factory) -> Path:
    """Return the folder; what the commands load is loaded before a clock runs."""
    folder = build(tmp_path_factory.mktemp("doors"))
    for module in ("fos_ref.proof.catalog", "fos_ref.report.documents", "fos_ref.export.document"):
        __import__(module)
    assert run(["recipes", "nvfp4"]) == 0
    return folder


@pytest.fixture
def inside(kit, monkeypatch) -> Path:
    """Return the folder as the working folder of the test; `fos leak` looks for modules in it."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(kit)
    return kit
