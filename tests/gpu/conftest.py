"""Compiled files of a test run lie in a folder of its own, unless FOS_GPU_CACHE names one."""

from __future__ import annotations

import os

import pytest

from fos_gpu.build.cache import VARIABLE


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        if VARIABLE not in os.environ:
            patch.setenv(VARIABLE, str(tmp_path_factory.mktemp("fos-gpu")))
        yield
