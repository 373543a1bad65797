"""The README's examples print what it says, and its Start block is exactly two commands."""

from __future__ import annotations

import doctest
import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"


def test_examples_print_what_the_readme_says() -> None:
    result = doctest.testfile(str(README), module_relative=False)
    assert result.attempted >= 8
    assert result.failed == 0


def test_start_is_two_commands() -> None:
    start = README.read_text().split("## Start\n\n")[1].split("\n\n")[0]
    commands = [line for line in start.splitlines() if line.startswith("    ")]
    assert len(commands) == 2
    assert commands[0].endswith("fos report")
    assert commands[1].endswith("-m pytest")


def test_the_proofs_are_quoted_as_they_were_found():
    rows = re.findall(r"^\| `([\w-]+)` \| .* \| ([\d,]+) \| (\d+) \|$", README.read_text(), re.MULTILINE)
    assert len(rows) >= 7
    for name, compared, unexplained in rows:
        found = json.loads((ROOT / "reports" / f"proof-{name}.json").read_bytes())
        assert (f"{found['compared']:,}", str(found["unexplained"])) == (compared, unexplained), name
