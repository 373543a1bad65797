"""What every test run says about its machine, and the Hypothesis profiles.

HYPOTHESIS_PROFILE chooses: "dev" (30 examples, a new seed each run; the default), "ci" (the same examples
each run; the default where CI is set), "nightly" (10,000 examples).

FOS_MUTANT=NAME plants a mutant of fos_ref.mutants for the whole run, before any test is imported: the
suite has to fail then. tests/mutation.py does that for each of them.

`--peer-tests NAME=FOLDER` names the checkout of a peer, whose own test file is then run on our presets
(tests/differential/judges); without it that test is skipped.

The whole default suite is shared out among worker processes: tests/workers.py.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
from collections.abc import Iterator
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from tests import sampling, workers

_SLOW_MACHINES = [HealthCheck.too_slow]  # a busy machine is no finding

settings.register_profile("dev", max_examples=30, deadline=None, suppress_health_check=_SLOW_MACHINES)
settings.register_profile("ci", settings.get_profile("dev"), derandomize=True, database=None)
settings.register_profile("nightly", settings.get_profile("dev"), max_examples=10_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))

# A shell starts what runs in its background with some signals ignored, and children inherit that.
for _number, _handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGQUIT, signal.SIG_DFL)):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _handler)

MUTANT = os.environ.get("FOS_MUTANT", "")
if MUTANT:
    from fos_ref.mutants.catalogue import mutant

    PLANTED = mutant(MUTANT).planted()
    PLANTED.__enter__()  # never left: the process ends with it


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--peer-tests",
        action="append",
        default=[],
        metavar="NAME=FOLDER",
        help="the checkout of a peer whose own test file is to judge our presets; may be given again",
    )
    sampling.add_option(parser)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    number = workers.number(config)
    if number:
        os.environ.pop(workers.KEEPS_NOTHING, None)
    return number


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    outcome = yield
    if isinstance(collector, pytest.Directory) and workers.goes_back(collector.config):
        outcome.get_result().result.reverse()


@pytest.hookimpl(hookwrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    sampling.mark_the_others(items)
    if workers.is_one(config):
        items[:] = workers.in_order(items)
    yield  # -m and -k deselect
    sampling.keep_the_share(config, items)


@pytest.fixture(scope="session", autouse=True)
def one_compiler(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let one worker at a time compile; their folders lie side by side."""
    if not workers.is_one(request.config):
        yield
        return
    from tests.compile_once import compiling_in_turn  # noqa: PLC0415 -- Numba, in a worker only

    with compiling_in_turn(tmp_path_factory.getbasetemp().parent / "compiling"):
        yield


def pytest_report_header() -> list[str]:
    planted = [f"MUTANT PLANTED: {MUTANT}: this run has to fail"] if MUTANT else []
    return [
        *planted,
        f"numpy {np.__version__}, ml_dtypes {ml_dtypes.__version__}, CPU {_cpu()} ({platform.machine()})",
        _gpu(),
    ]


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "CPU part"))]
    return names[0] if names else platform.processor() or "unknown"


def _gpu() -> str:
    try:
        driver = ctypes.CDLL("libcuda.so.1")
        count = ctypes.c_int(0)
        usable = driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0
    except OSError:
        usable, count = False, ctypes.c_int(0)
    return (
        f"{count.value} CUDA GPU(s)"
        if usable and count.value
        else "no GPU: gpu tests are SKIPPED, not passed"
    )
