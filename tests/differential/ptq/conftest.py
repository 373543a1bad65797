"""What llm-compressor made of a tiny model by every method, once for a run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.differential.peers.base import installed, PeerMissing
from tests.meta.tree import ROOT

NEEDS = {
    "llmcompressor": "0.14.0.1",
    "compressed-tensors": "0.20.0",
    "transformers": "5.24.0",
    "datasets": "5.2.0",
}
ENVIRONMENT = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}


def program(name, *words) -> str:
    """Run a program of this folder in a process of its own; return what it printed."""
    command = [sys.executable, "-m", f"tests.differential.ptq.{name}", *map(str, words)]
    environment = os.environ | ENVIRONMENT
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    return done.stdout


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Path:
    """Return the folder with the model and what every method made of it."""
    for distribution, version in NEEDS.items():
        try:
            installed(distribution, version)
        except PeerMissing as reason:
            pytest.skip(str(reason))
    out = tmp_path_factory.mktemp("ptq")
    program("tiny", out)
    program("runs", out / "llama", out / "text.txt", out)
    return out
