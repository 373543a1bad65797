"""docs/checker.md: its example runs, its numbers are the code's, every file it names is there."""

from __future__ import annotations

import doctest
import re

import pytest

import fos_ref
from fos_ref.check.closest import NEAR_PERFECT
from fos_ref.check.explanation import LEAST_SHARE, MOST_LEAST
from fos_ref.check.flags import OF_LAST_BITS
from fos_ref.check.flaws.catalogue import catalogue
from fos_ref.check.residual import NEAR_TIE_ULPS
from fos_ref.check.search import DEPTHS
from fos_ref.proof.checker.bugs import QUANTIZERS
from fos_ref.proof.checker.inputs import families
from fos_ref.proof.checker.proof import LEAST_BOTH, LEAST_CASES, LEAST_FAMILIES, LEAST_FIRST
from tests.meta.tree import ROOT

PATH = ROOT / "docs" / "checker.md"
TEXT = " ".join(PATH.read_text(encoding="utf-8").split())


@pytest.mark.long
def test_the_example_runs():
    result = doctest.testfile(str(PATH), module_relative=False)
    assert result.failed == 0
    assert result.attempted > 5


def test_every_file_is_there():
    named = re.findall(r"`(fos_ref/[\w/*]+\.py)`", TEXT)
    assert len(named) >= 4
    assert all(list(ROOT.glob(n)) for n in named)


def test_the_numbers_are_those_of_the_code():
    assert f"at most {NEAR_TIE_ULPS} steps apart" in TEXT
    one, two, more = (f"{100 * v:.0f} %" for v in (LEAST_SHARE[1], LEAST_SHARE[2], MOST_LEAST))
    assert f"at least {one} of those that differed; by two flags {two}, by more {more}" in TEXT
    assert f"where at least {100 * NEAR_PERFECT:.0f} % of the blocks do" in TEXT
    (pairs, _), (triples, _) = DEPTHS
    assert (
        f"Fewer than {pairs} differing blocks are never explained by two mistakes, fewer than {triples}"
        in TEXT
    )
    assert f"below {LEAST_FIRST} % for any flag, below {LEAST_BOTH} % for pairs" in TEXT
    assert f"some {round(len(catalogue(fos_ref.recipe('4over6'))), -1)} mistakes" in TEXT
    assert (len(QUANTIZERS), len(list(families(fos_ref.recipe("4over6"), 0)))) == (6, 39)
    assert "six presets and 39 families" in TEXT
    assert f"fewer than {LEAST_CASES} cases or {LEAST_FAMILIES} families" in TEXT
    assert all(f"`{flag}`" in TEXT for flag in OF_LAST_BITS)
