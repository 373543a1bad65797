"""Run one peer's test file with a preset family in place of its kernels: a program of its own process.

    python -m judges.run ANSWERS PRESETS FOLDER FILE RESULT.json [OPTION OF PYTEST ...]

ANSWERS is a module of `judges.answers`. It puts stand-ins in the place of the peer's compiled parts, says
which cases are asked, and answers the kernels' calls by `fos_ref`. The file is read as it stands.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from judges.on_cpu import no_default_device, OnCPU

SHOWN = 5  #: failures told in the result


class Judge:
    """Chooses the cases and counts what became of them."""

    def __init__(self, chosen: Any) -> None:
        self.chosen, self.counts, self.failures = chosen, Counter(), []
        self.counts.update(passed=0, failed=0, skipped=0, left_out=0)

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        asked = [
            i
            for i in items
            if self.chosen(i.originalname, i.callspec.params if hasattr(i, "callspec") else {})
        ]
        self.counts["left_out"] = len(items) - len(asked)
        items[:] = asked

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.when == "call" or report.outcome != "passed":
            self.counts[report.outcome] += 1
        if report.outcome == "failed":
            self.failures.append(f"{report.nodeid}\n{str(report.longrepr)[-2000:]}")

    def pytest_collectreport(self, report: Any) -> None:
        if report.outcome == "failed":
            self.counts["failed"] += 1
            self.failures.append(f"{report.nodeid}\n{str(report.longrepr)[-4000:]}")


def main(answers: str, presets: str, folder: str, file: str, result: str, *more: str) -> None:
    module = import_module(f"judges.answers.{answers}")
    torch.set_num_threads(1)
    no_default_device()
    module.stand_in(Path(folder), presets)
    judge = Judge(module.chosen)
    options = ["-q", "--no-header", "--noconftest", "-p", "no:cacheprovider", "--import-mode=importlib"]
    with OnCPU():
        pytest.main([*options, *more, f"--rootdir={folder}", str(Path(folder) / file)], plugins=[judge])
    told = {**judge.counts, "failures": judge.failures[:SHOWN]}
    Path(result).write_text(json.dumps(told, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
