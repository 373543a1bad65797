"""Each peer's own test file, with our presets where its kernels were: none fails, as many pass as is told."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fos_ref.dialects.judges import JUDGED, Judged

pytestmark = pytest.mark.peer
ROOT = Path(__file__).parents[3]
#: The option's name -> the module of `answers`.
ANSWERS = {
    "transformer-engine": "te",
    "flashinfer": "flashinfer",
    "torchao": "torchao",
    "modelopt": "modelopt",
    "fouroversix": "fouroversix",
}
WRONG = "nvfp4"  #: a preset that no peer's file accepts as its own


def folder_of(judged: Judged, config: pytest.Config) -> Path:
    """Return the checkout that the option names; skip without it."""
    given = dict(pair.partition("=")[::2] for pair in config.getoption("--peer-tests"))
    unknown = sorted(set(given) - set(ANSWERS))
    assert not unknown, f"--peer-tests {unknown}: the names are {sorted(ANSWERS)}"
    if judged.name not in given:
        pytest.skip(
            f"no checkout of {judged.repository} at {judged.commit}: --peer-tests {judged.name}=FOLDER"
        )
    pytest.importorskip("torch", reason="torch is not installed; every peer here is a torch program")
    folder = Path(given[judged.name]).resolve()
    assert hashlib.sha256((folder / judged.file).read_bytes()).hexdigest() == judged.sha256
    return folder


def run(judged: Judged, presets: str, folder: Path, out: Path, *more: str) -> dict:
    """Run the file in a process of its own, whose modules are the peer's."""
    path = os.pathsep.join(
        [str(ROOT / "tests" / "differential"), str(ROOT), os.environ.get("PYTHONPATH", "")]
    )
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "NVTE_", "FLASHINFER_"))
    }
    command = [sys.executable, "-m", "judges.run", ANSWERS[judged.name], presets]
    done = subprocess.run(
        [*command, str(folder), judged.file, str(out), *more],
        cwd=out.parent,
        env={**environment, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert out.exists(), done.stdout[-2000:] + done.stderr[-4000:]
    return json.loads(out.read_text(encoding="utf-8"))


@pytest.mark.parametrize("judged", JUDGED, ids=lambda j: f"{j.name}, {j.presets}")
def test_the_file_accepts_the_presets(judged: Judged, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    told = run(judged, judged.presets, folder_of(judged, request.config), tmp_path / "result.json")
    assert told["failures"] == []
    assert (told["passed"], told["failed"], told["skipped"]) == (judged.passed, judged.failed, judged.skipped)


@pytest.mark.parametrize("judged", JUDGED, ids=lambda j: f"{j.name}, {j.presets}")
def test_the_file_refuses_another_preset(
    judged: Judged, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    told = run(judged, WRONG, folder_of(judged, request.config), tmp_path / "result.json", "-x")
    assert told["failed"] == 1
    assert "Assertion" in told["failures"][0] or "Failed: " in told["failures"][0]
