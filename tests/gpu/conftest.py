"""Compiled files of a test run lie in one folder, its workers' too, unless FOS_GPU_CACHE names another."""

from __future__ import annotations

import os

import pytest

from fos_gpu.build.cache import VARIABLE
from tests import workers


@pytest.fixture(scope="session", autouse=True)
def own_cache(request, tmp_path_factory):
    base = tmp_path_factory.getbasetemp()
    with pytest.MonkeyPatch.context() as patch:
        if VARIABLE not in os.environ:
            patch.setenv(VARIABLE, str((base.parent if workers.is_one(request.config) else base) / "fos-gpu"))
        yield
