"""The programs of this folder, each in a process of its own: what a peer's import changes stays there.

A peer that is missing is a skip that says what to install; another version fails.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.differential.peers.base import installed, PeerMissing
from tests.meta.tree import ROOT

_PACKAGE = "tests.differential.checkpoints"
_SECONDS = 300
_LAST = 2000  #: characters of what a program that failed said
_TRANSFORMERS = {"transformers": "5.24.0", "accelerate": "1.15.0"}
_COMPRESSED = {"compressed-tensors": "0.20.0"}
_MODELOPT = {"nvidia-modelopt": "0.47.0", "omegaconf": "2.4.0", "nvidia-ml-py": "13.615.71", "pulp": "3.3.2"}
_TORCHAO = {"torchao": "0.18.0"}
#: Program -> the distributions that it was written for.
NEEDS: Mapping[str, Mapping[str, str]] = {
    "exporters.modelopt": _TRANSFORMERS | _MODELOPT,
    "exporters.llmcompressor": _TRANSFORMERS
    | _COMPRESSED
    | {"llmcompressor": "0.14.0.1", "datasets": "5.2.0", "nvidia-ml-py": "13.615.71"},
    "exporters.autoround": _TRANSFORMERS | {"auto-round": "0.16.1", "datasets": "5.2.0"},
    "exporters.torchao": _TRANSFORMERS | _TORCHAO,
    "exporters.mlx": {"mlx": "0.32.4"},
    "exporters.originals": _TRANSFORMERS,
    "readers.models": _TRANSFORMERS | _COMPRESSED,
    "readers.tensors": _TRANSFORMERS | _MODELOPT | _TORCHAO,
}
_QUIET = {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "PYTHONWARNINGS": "ignore"}
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def run(program: str, *arguments: str | Path) -> None:
    """Run a program; skip where a peer is missing; fail with its last words where it fails."""
    for distribution, version in NEEDS[program].items():
        try:
            installed(distribution, version)
        except PeerMissing as reason:
            pytest.skip(str(reason))
    done = subprocess.run(
        [sys.executable, "-m", f"{_PACKAGE}.{program}", *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | _QUIET | _ONE_THREAD,
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-_LAST:]


def once(folder: Path, make: Callable[[Path], None]) -> Path:
    """Return a folder that `make` filled: once for all worker processes, the others wait for the first.

    What failed once fails again with the same words.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    done, failed = (folder.with_name(f"{folder.name}.{word}") for word in ("done", "failed"))
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert not failed.exists(), failed.read_text(encoding="utf-8")
        if not done.exists():
            folder.mkdir(exist_ok=True)
            try:
                make(folder)
            except Exception as e:
                failed.write_text(f"{type(e).__name__}: {e}", encoding="utf-8")
                raise
            done.touch()
    return folder
