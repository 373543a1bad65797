"""`import fos_ref` is quick and brings nothing that a user did not ask for."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ("torch", "cupy", "numba", "pandas", "matplotlib", "scipy", "jsonschema", "fos_gpu")
SECONDS = 0.5

SCRIPT = """
import json, sys, time
start = time.process_time()
import {module}
print(json.dumps([time.process_time() - start, sorted(m for m in {heavy} if m in sys.modules)]))
"""


def imported(module: str) -> tuple[float, list[str]]:
    """Return (processor seconds, heavy modules) of importing `module` in a fresh interpreter."""
    run = [sys.executable, "-c", SCRIPT.format(module=module, heavy=HEAVY)]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    seconds, heavy = json.loads(done.stdout)
    return seconds, heavy


@pytest.mark.parametrize("module", ["fos_ref", "fos_ref.cli"])
def test_importing_brings_nothing_heavy(module):
    assert imported(module)[1] == []


def test_importing_takes_less_than_half_a_second():
    """The best of three, in processor time, so that a busy machine does not decide."""
    assert min(imported("fos_ref")[0] for _ in range(3)) < SECONDS


def test_the_measurement_would_see_a_heavy_import():
    assert "pandas" in imported("pandas")[1]
