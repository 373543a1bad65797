"""`import fos_ref` is quick and brings nothing that a user did not ask for."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys

import pytest

import fos_ref
from tests.meta.tree import ROOT, tree

HEAVY = ("torch", "cupy", "numba", "pandas", "matplotlib", "scipy", "jsonschema", "fos_gpu")
SECONDS = 1.0  #: a quarter of it on a core of 2024
THEIRS = "numpy, ml_dtypes"  #: imported before the clock starts: a slow release of them is not ours

SCRIPT = """
import json, sys, time
{first}
start = time.process_time()
{statement}
print(json.dumps([time.process_time() - start, sorted(m for m in {heavy} if m in sys.modules)]))
"""


def imported(statement: str, heavy: tuple[str, ...] = HEAVY, first: str = "") -> tuple[float, list[str]]:
    """Return (processor seconds, heavy modules) of an import in a fresh interpreter."""
    run = [sys.executable, "-c", SCRIPT.format(statement=statement, heavy=heavy, first=first)]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    seconds, heavy = json.loads(done.stdout)
    return seconds, heavy


EVERYTHING = "from fos_ref import *"


@pytest.mark.parametrize("statement", ["import fos_ref", EVERYTHING, "import fos_ref.cli"])
def test_importing_brings_nothing_heavy(statement):
    assert imported(statement)[1] == []


def test_a_name_is_imported_when_it_is_asked_for():
    assert imported("import fos_ref", ("numpy", "fos_ref.engines"))[1] == []
    assert imported("import fos_ref; fos_ref.quantize", ("numpy", "fos_ref.engines"))[1] != []
    assert imported("import fos_ref; fos_ref.PRESETS; fos_ref.recipe('4over6')", ("numpy",))[1] == []


def test_every_public_name_is_there():
    """As type checkers see them: the same objects under the same names."""
    seen = [n for n in ast.walk(tree(ROOT / "fos_ref" / "__init__.py")) if isinstance(n, ast.ImportFrom)]
    homes = {a.name: n.module for n in seen for a in n.names if n.module.startswith("fos_ref.")}
    del homes["VERSION"]
    assert homes == fos_ref._HOMES
    assert sorted(homes) == sorted(fos_ref.__all__)
    for public in fos_ref.__all__:
        assert getattr(fos_ref, public) is getattr(importlib.import_module(homes[public]), public)
    assert {*fos_ref.__all__, "verify", "__version__"} <= set(dir(fos_ref))
    assert all(getattr(fos_ref, package).__name__ == f"fos_ref.{package}" for package in fos_ref._PACKAGES)
    with pytest.raises(AttributeError, match="has no attribute 'quantise'"):
        fos_ref.quantise  # noqa: B018 -- the look-up is the test


def test_importing_takes_less_than_a_second():
    """The best of three, in processor time, so that a busy machine does not decide."""
    assert min(imported(EVERYTHING, first=f"import {THEIRS}")[0] for _ in range(3)) < SECONDS


def test_the_measurement_would_see_a_heavy_import():
    assert "pandas" in imported("import pandas")[1]
