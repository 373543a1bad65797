"""The programs of this folder: each in a process of its own, from a checkout that a variable names.

A missing checkout or package is a skip that says what is needed; another version fails.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.differential.peers.base import checkout, installed, PeerMissing
from tests.meta.tree import ROOT

_SECONDS = 900
_LAST = 2000  #: characters of what a program that failed said
_NEEDS = {"torch": "2.13.0+cpu", "triton": "3.9.0"}
_ENVIRONMENT = {"TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}


@dataclass(frozen=True)
class Program:
    """One peer's kernels under Triton's interpreter."""

    module: str
    variable: str  #: names the checkout
    version: str
    sha256: Mapping[str, str]  #: of the files that are run

    def run(self, folder: Path, **arrays: Any) -> dict[str, np.ndarray]:
        """Return what the program makes of some arrays. Skips where it cannot run."""
        try:
            for distribution, version in _NEEDS.items():
                installed(distribution, version)
            root = checkout(self.variable, self.version, self.sha256)
        except PeerMissing as reason:
            pytest.skip(str(reason))
        source, target = folder / "in.npz", folder / "out.npz"
        np.savez(source, **arrays)
        done = subprocess.run(
            [sys.executable, "-m", f"tests.differential.training.{self.module}", root, source, target],
            cwd=ROOT,
            env=os.environ | _ENVIRONMENT,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-_LAST:]
        with np.load(target) as found:
            return dict(found)


_AO = "torchao/prototype/moe_training/nvfp4_training/"
TORCHAO = Program(
    module="torchao_triton",
    variable="FOS_TORCHAO_REPO",
    version="36027d82d1ad9949597ea16002ff4940374b1b94",
    sha256={
        f"{_AO}hadamard_utils.py": "5431ce576679820c980143f9907261aaa6335f7355ee3ef847fbd9705fe131cd",
        f"{_AO}hadamard_amax_triton.py": "a7be8a00b853aa7eac88f0e3f0fc9c77e5a445df507dbdc41a881a0811a9275d",
        f"{_AO}hadamard_quantize_row_col_triton.py": (
            "ec82549e5dd731fba6ab153325f90e898ba61f5d2c2a25096462d743f96feb8f"
        ),
        f"{_AO}quantize_2d_triton.py": "1fecd6effbc5bb0c6f1aec7fe34e0a9643f14a6a3d00a0fc84069b9a5d46ad2e",
    },
)
_Q2 = "src/models/quantization/"
QUARTET2 = Program(
    module="quartet2_simulator",
    variable="FOS_QUARTET2_REPO",
    version="8776a90b7aa0c0a400ad858a3c05a66f7ec55b73",
    sha256={
        f"{_Q2}quantizers/nvfp4_triton.py": (
            "a7b9778cef94b0c550e844c13b1c262cce2228af43b9f013d4233fab269e1e73"
        ),
        f"{_Q2}schemes/quartet_2.py": "76454f287a52f20afea7b31c591a6e776a7470e4aabc6b1740b533af6da99d7d",
    },
)
QUARTET2_NVIDIA = replace(
    QUARTET2,
    module="quartet2_nvidia",
    sha256={
        **QUARTET2.sha256,
        f"{_Q2}schemes/nvidia.py": "c071e6a953d6c663d07b285368df1b6ba7178cd51c3f88526910d5705a39c998",
    },
)
_FOS = "src/fouroversix/"
FOUROVERSIX = Program(
    module="fouroversix_triton",
    variable="FOS_FOUROVERSIX_REPO",
    version="dadfad6901d473a734fe71e0b082e70ee993e23a",
    sha256={
        f"{_FOS}kernels/triton/quantize.py": (
            "0e13420d8b5a4d3b2a3c64d88436ffdfa866cb10366f1102b8604b898c1b79b7"
        ),
        f"{_FOS}kernels/triton/fp4.py": "0e198c331f697b203a90de7c4fdf01ea6daf596d18373924b268303909dbc6d3",
        f"{_FOS}kernels/triton/fp8.py": "06ac94c214de50a40833d635a21cee10101d463b4d433666f2647e0881064981",
        f"{_FOS}kernels/triton/fp.py": "ddbd4d03866ddd0c22589f7d986e88d7d3ca8c61250983fed8c3a50d05f5e7b6",
        f"{_FOS}kernels/triton/constants.py": (
            "cfb4965c299535a09c4b361510ebdebb058bdde0f05c985edbea03181cfdc033"
        ),
        f"{_FOS}kernels/constants.py": "58829ef745e6bfaa510f0384e82d81fd94849f2ebe40d738f1e5d52bf0e2bb1d",
        f"{_FOS}utils.py": "1793f341117668564ed7ab492c9bea7adbb9a578a54195d54e937a5d361fee64",
    },
)
