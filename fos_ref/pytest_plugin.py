"""The pytest plugin: the fixture `fos_kernel` runs your quantizer on the inputs that break quantizers.

    import pytest

    @pytest.mark.fos_kernel(recipe="te-mse-256", dtypes=["bfloat16"])
    def test_my_kernel(fos_kernel):
        fos_kernel(my_kernel)

    @pytest.mark.fos_kernel(recipe="te-mse-256")
    def test_my_kernel_by_group(fos_kernel, fos_group):     # one test for each group of trials
        fos_kernel(my_kernel)

The marker and the call take the arguments of `fos_ref.verify.conformance`; an argument of the call overrides
one of the marker. A kernel that does not conform fails the test with the report. A kernel that raises fails
it with its own error as the cause. The terminal's summary has one line for each kernel; the test's user
properties have the report as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

NAME = "fos_kernel"
GROUP = "fos_group"
_DOC = (
    "fos_kernel(recipe='4over6', **options): what the fixture fos_kernel tries a quantizer on; "
    "options as fos_ref.verify.conformance has them"
)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", _DOC)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test for each group of trials where the fixture `fos_group` is asked for."""
    if GROUP not in metafunc.fixturenames:
        return
    from fos_ref.errors.guard import answer  # noqa: PLC0415 -- a run without the marker needs none of it

    options = _options(metafunc.definition.get_closest_marker(NAME))
    try:
        groups = options.get("groups") or _groups(options.get("recipe", "4over6"))
    except Exception as e:
        told = answer(e)
        if told is None:
            raise
        pytest.fail(told.said, pytrace=False)  # one line, for each test of the function
    metafunc.parametrize(GROUP, list(groups))


def _groups(recipe: Any) -> Any:
    from fos_ref.verify import conformance_groups  # noqa: PLC0415

    return conformance_groups(recipe)


@pytest.fixture
def fos_kernel(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Return `fos_kernel(f, recipe=..., **options) -> Report`, which runs the quantizer f.

    It fails the test unless every byte of every trial is equal. It skips the test if no trial could be run.
    """
    options = _options(request.node.get_closest_marker(NAME))
    if GROUP in request.fixturenames:
        options["groups"] = [request.getfixturevalue(GROUP)]

    def tried(f: Callable[..., Any], recipe: Any = None, **more: Any) -> Any:
        from fos_ref.verify import conformance  # noqa: PLC0415

        given = {**options, **more} | ({} if recipe is None else {"recipe": recipe})
        report = conformance(f, **given)
        request.node.user_properties.append((NAME, json.dumps(report.to_dict())))
        _fail(report)
        return report

    return tried


def _options(marker: pytest.Mark | None) -> dict[str, Any]:
    if marker is None:
        return {}
    named = {"recipe": marker.args[0]} if marker.args else {}
    return {**named, **marker.kwargs}


def _fail(report: Any) -> None:
    """Raise BitMismatch with the report unless it is of equality; skip where there was nothing to try."""
    from fos_ref.errors import BitMismatch  # noqa: PLC0415
    from fos_ref.errors.text import line  # noqa: PLC0415

    __tracebackhide__ = True
    if not report.trials:
        pytest.skip(line("; ".join(report.not_run)) or "no trial is of these dtypes")
    if not report.equal:
        raised = next((f.error for f in report.failures if f.error is not None), None)
        raise BitMismatch(str(report)) from raised


def _summary(found: dict[str, Any]) -> str:
    """Return the JSON of a report in one line."""
    tried = f"{found['recipe']}: {found['trials']:,} trials"
    if found["equal"]:
        return f"{tried}, all equal"
    return f"{tried}, {found['failed']:,} differ; named: {', '.join(found['causes']) or 'nothing'}"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """List what was tried: one line for each kernel and test."""
    reports = [r for kind in ("passed", "failed") for r in terminalreporter.getreports(kind)]
    lines = [
        f"{r.nodeid}: {_summary(json.loads(value))}"
        for r in reports
        if getattr(r, "when", "") == "call"
        for key, value in r.user_properties
        if key == NAME
    ]
    if lines:
        from fos_ref.errors.text import printable  # noqa: PLC0415

        terminalreporter.section("kernels tried by fos_kernel")
        for line in lines:
            terminalreporter.line(printable(line))
