"""docs/blackwell.md: its tables are the model's, its commands exist, it claims no run without a report."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from fos_gpu.proof.runs import INFINITY, model_codes, model_table
from fos_gpu.proof.sweep import INSTRUCTIONS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "blackwell.md").read_text(encoding="utf-8")
ROW = re.compile(r"\| 0x(\w) \| ([\d.]+) \| 0x(\w+) to 0x(\w+) \| 0x(\w) \| 0x(\w+) to 0x(\w+) \|")


def test_the_runs_are_those_of_the_codec():
    table, rows = model_table("E2M1"), ROW.findall(TEXT)
    assert len(rows) == 8
    for code, _, first, last, negative, low, high in rows:
        assert table[1:, int(code, 16)].tolist() == [int(first, 16), int(last, 16)]
        assert table[1:, 512 + int(negative, 16)].tolist() == [int(low, 16), int(high, 16)]
    assert [float(r[1]) for r in rows] == [0, 0.5, 1, 1.5, 2, 3, 4, 6]


@pytest.mark.parametrize(
    ("line", "patterns"),
    [
        ("+0, -0", [0, 0x80000000]),
        ("a negative value that rounds to zero", [0x80000001]),
        ("+infinity, -infinity", [INFINITY, 0xFF800000]),
        ("NaN of either sign, any payload", [0x7FC00000, 0xFFC00000, 0xFF800001]),
    ],
)
def test_the_specials_are_those_of_the_codec(line, patterns):
    _, e2m1, e4m3 = re.search(rf"^\| {re.escape(line)} (.*)\|$", TEXT, re.MULTILINE)[0].strip("|").split("|")
    for kind, cell in (("E2M1", e2m1), ("E4M3", e4m3)):
        said = [int(code, 16) for code in re.findall(r"0x(\w+)", cell)]
        found = model_codes(kind, np.array(patterns)).tolist()
        assert found == (said if len(said) == len(found) else said * len(found))


def test_every_command_and_path_is_there():
    for module in re.findall(r"python -m ([\w.]+)", TEXT):
        assert find_spec(module) is not None
    paths = re.findall(r"`((?:docs|fos_gpu|reports|tests)/[\w./-]*)`", TEXT)
    assert len(paths) >= 3
    assert [p for p in paths if not (ROOT / p).exists()] == []


def test_what_is_said_not_to_have_run_has_not():
    """When a card has run it, this fails and the sentence has to go."""
    found = json.loads((ROOT / "reports" / "proof-conversions.json").read_bytes())
    part = f"E2M1: {INSTRUCTIONS['E2M1']} on a device"
    assert (part in found["not_run"]) == ("compiled, not run" in TEXT)
    assert found["unexplained"] == 0
