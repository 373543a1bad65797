"""docs/proofs.md says of other machines and of coverage what the reports say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.environments import REPORT as ENVIRONMENTS
from tests.measure_coverage import COMMAND, counts, missing, ranges, REPORT, share, summary

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "proofs.md").read_text(encoding="utf-8")
COVERAGE = json.loads(REPORT.read_bytes())
TOTAL = COVERAGE["total"]


def section(name: str) -> str:
    return re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", TEXT, flags=re.MULTILINE | re.DOTALL)[1]


def test_the_figures_of_coverage_are_those_of_the_report():
    text = section("Coverage")
    for part in ("lines", "branches"):
        percent = TOTAL["line_percent" if part == "lines" else "branch_percent"]
        assert f"{percent} % of {TOTAL[part]:,} {part}" in " ".join(text.split())
    assert COMMAND in text
    assert TOTAL["lines_covered"] * 100 >= 97 * TOTAL["lines"]
    assert COVERAGE["tests"]["failed"] == 0


@pytest.mark.parametrize("name", COVERAGE["not_covered"])
def test_every_file_that_is_not_covered_whole_is_named(name):
    """By its path, its folder, or its name within a list that starts with its folder."""
    text = section("Coverage")
    folder, file = name.rsplit("/", 1)
    assert f"`{name}`" in text or (f"`{folder}`" in text and (file.removesuffix(".py") in text))


def test_the_environments_named_are_those_recorded():
    text = section("Other machines")
    found = json.loads(ENVIRONMENTS.read_bytes())["environments"]
    numbers = {k: sorted({tuple(map(int, e[k].split("."))) for e in found}) for k in ("numpy", "ml_dtypes")}
    for package, name in (("numpy", "NumPy"), ("ml_dtypes", "ml_dtypes")):
        lowest, highest = (".".join(map(str, v)) for v in (numbers[package][0], numbers[package][-1]))
        assert f"{name} {lowest} to {highest}" in text
    assert all(m in text for m in ("x86-64", *{e["machine"] for e in found} - {"x86_64"}))
    for size, blocks in found[0]["blocks"].items():
        assert f"{blocks:,}" in text, size
    assert all(e["tests"] is None or e["tests"]["failed"] == 0 for e in found)


def test_runs_of_lines_and_shares():
    assert list(ranges([1, 2, 3, 7, 9, 10])) == ["1-3", "7", "9-10"]
    assert list(ranges([])) == []
    assert (share(999_999, 1_000_000), share(5, 5), share(1, 3)) == ("99.99", "100.00", "33.33")


def test_a_report_is_summed_by_folder_and_gaps_are_listed():
    def file(covered, lines, missing_lines, branches=()):
        figures = {"num_statements": lines, "covered_lines": covered, "excluded_lines": 1}
        figures |= {"num_branches": 4, "covered_branches": 4 - len(branches), "percent_covered": 0.5}
        return {"summary": figures, "missing_lines": missing_lines, "missing_branches": list(branches)}

    files = {
        "fos_ref/a.py": file(10, 10, []),
        "fos_ref/x/b.py": file(7, 10, [4, 5, 9], [[3, 4], [6, -1], [6, 8]]),
    }
    found = summary({"meta": {"version": "7.10"}, "files": files}, {"passed": 1})
    assert found["versions"]["coverage"] == "7.10"
    assert found["total"] == counts(list(files.values()))
    assert (found["total"]["line_percent"], found["total"]["branch_percent"]) == ("85.00", "62.50")
    assert {d: c["lines_covered"] for d, c in found["folders"].items()} == {"fos_ref": 10, "fos_ref/x": 7}
    assert found["not_covered"] == {"fos_ref/x/b.py": missing(files["fos_ref/x/b.py"])}
    assert missing(files["fos_ref/x/b.py"]) == {"lines": ["4-5", "9"], "branches": ["6->exit", "6->8"]}
