"""The fixture `fos_kernel` inside a pytest of its own: what passes, what fails, and what is printed."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from fos_ref.verify import conformance_groups
from tests.conformance.kernels import GOLDEN

pytest_plugins = ["pytester"]

HEAD = f"""
import numpy as np, pytest, fos_ref

SMALL = dict(recipe="te-mse-256", dtypes=["float32"], golden={str(GOLDEN)!r}, diagnose=0)

def right(x):
    q = fos_ref.quantize(x, "te-mse-256", engine="numpy")
    return q.codes, q.block_scales

def wrong(x):
    q = fos_ref.quantize(x, "te-mae-256", engine="numpy")
    return q.codes, q.block_scales
"""
BODIES = {
    "marker": """
@pytest.mark.fos_kernel(**SMALL, groups=["worked", "near-ties"])
def test_right(fos_kernel):
    report = fos_kernel(right)
    assert report.equal and report.trials > 20

@pytest.mark.fos_kernel(**SMALL, groups=["worked", "near-ties"])
def test_wrong(fos_kernel):
    fos_kernel(wrong, diagnose=1)

@pytest.mark.fos_kernel("te-mae-256", dtypes=["float32"], groups=["worked"])
def test_the_calls_arguments_come_first(fos_kernel):
    fos_kernel(right, "te-mse-256", groups=["ties"], golden=SMALL["golden"])

def test_without_a_marker(fos_kernel):
    fos_kernel(right, **SMALL, groups=["worked"])
""",
    "groups": """
@pytest.mark.fos_kernel(**SMALL, groups=["worked", "ties", "near-ties"])
def test_wrong(fos_kernel, fos_group):
    fos_kernel(wrong)

@pytest.mark.fos_kernel("te-mse-256", groups=["worked", "ties"], dtypes=[], golden=SMALL["golden"])
def test_nothing(fos_kernel, fos_group):
    fos_kernel(right)
""",
    "all": """
@pytest.mark.fos_kernel(recipe="nvfp4")
def test_all(fos_kernel, fos_group):
    fos_kernel(right)
""",
    "raises": """
@pytest.mark.fos_kernel(**SMALL, groups=["worked"])
def test_broken(fos_kernel):
    fos_kernel(lambda x: 1 / 0)
""",
}


def run(pytester: pytest.Pytester, body: str, *args: str) -> pytest.RunResult:
    pytester.makepyfile(HEAD + BODIES[body])
    plugins = ["fos_ref.pytest_plugin", "no:cacheprovider", "no:benchmark"]
    options = [*(word for name in plugins for word in ("-p", name)), "--strict-markers", "-q"]
    return pytester.runpytest_inprocess(*options, *args)


def in_xml(path: Path) -> dict[str, dict[str, Any]]:
    """Return the reports that the XML file of a run carries, by test."""
    return {
        case.get("name"): json.loads(p.get("value"))
        for case in ET.parse(path).iter("testcase")  # noqa: S314 -- our own file
        for p in case.iter("property")
        if p.get("name") == "fos_kernel"
    }


@pytest.mark.long
def test_a_marker_a_call_and_both(pytester):
    done = run(pytester, "marker", "--junit-xml=out.xml")
    done.assert_outcomes(passed=3, failed=1)
    done.stdout.fnmatch_lines(
        [
            "*BitMismatch: te-mse-256: * trials differ",
            "*failed of those that show it, by flag: MetricMae *",
            "*MetricMae: * blocks: the metric is mae",
            "*kernels tried by fos_kernel*",
            "*::test_right: te-mse-256: * trials, all equal",
            "*::test_wrong: te-mse-256: * trials, * differ; named: MetricMae*",
        ]
    )
    found = in_xml(pytester.path / "out.xml")
    assert found["test_wrong"]["causes"][0] == "MetricMae"
    assert found["test_wrong"]["flags"]["MetricMae"]["failed"] > 0
    assert found["test_right"]["equal"] is True


@pytest.mark.long
def test_one_test_for_each_group(pytester):
    done = run(pytester, "groups")
    passed, failed = (done.parseoutcomes().get(k, 0) for k in ("passed", "failed"))
    assert (passed, failed) == (2, 1)
    assert done.parseoutcomes()["skipped"] == 2  # no dtype was asked for: nothing to try is no pass
    done.stdout.fnmatch_lines(["*test_wrong*near-ties*"])


def test_without_groups_there_is_a_test_for_every_group_of_the_recipe(pytester):
    done = run(pytester, "all", "--collect-only")
    found = [line.split("[")[1] for line in done.stdout.lines if "test_all[" in line]
    assert found == [f"{group}]" for group in conformance_groups("nvfp4")]


def test_an_error_of_the_kernel_is_shown_with_its_traceback(pytester):
    done = run(pytester, "raises")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["*fos_kernel(lambda x: 1 / 0)*", "*ZeroDivisionError: division by zero*"])


def test_a_run_without_the_fixture_prints_nothing_of_it(pytester):
    pytester.makepyfile("def test_other(): pass")
    done = pytester.runpytest_inprocess("-p", "fos_ref.pytest_plugin")
    done.assert_outcomes(passed=1)
    assert "fos_kernel" not in done.stdout.str()
    assert (
        "fos_kernel" in pytester.runpytest_inprocess("-p", "fos_ref.pytest_plugin", "--markers").stdout.str()
    )


@pytest.mark.sample(1)
@pytest.mark.parametrize("recipe", ["nope", "two\\nlines\\x1b]0;pwn\\x07"])
def test_a_marker_that_names_no_recipe_is_one_line(pytester, recipe):
    body = f'@pytest.mark.fos_kernel(recipe="{recipe}")\ndef test_it(fos_kernel, fos_group): pass\n'
    pytester.makepyfile(HEAD + body)
    done = pytester.runpytest_inprocess("-p", "fos_ref.pytest_plugin", "-q", "--color=no")
    text = done.stdout.str()
    assert "no recipe is called" in text
    assert "Traceback" not in text
    assert "fos_ref/" not in text.partition("short test summary")[0]
    assert all(x.isprintable() for x in text.split("\n"))
