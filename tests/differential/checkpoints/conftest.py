"""What the exporters wrote, once for all worker processes of a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import workers

from .programs import once, run


@pytest.fixture(scope="session")
def room(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that all workers share."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if workers.is_one(request.config) else base) / "checkpoints"


@pytest.fixture(scope="session")
def exported(room: Path) -> Callable[[str], Path]:
    """Return what gives the folder of an exporter: its checkpoints, and `original` among them."""
    return lambda exporter: once(room / exporter, lambda folder: run(f"exporters.{exporter}", folder))
