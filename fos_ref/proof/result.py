"""What a proof claims, what it counted, and on what it ran."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

#: (things done so far, things to do): a proof calls it now and then.
Progress = Callable[[int, int], None]

PACKAGES = ("numpy", "numba", "ml_dtypes", "nvidia-cuda-runtime")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a proof found. `figures` hold whole numbers and text only: every machine finds the same ones."""

    compared: int  #: how many single comparisons were made
    unexplained: int  #: differences that no stated rule accounts for: 0, or the claim is false
    figures: dict[str, Any] = field(default_factory=dict)
    not_run: dict[str, str] = field(default_factory=dict)  #: a part that this machine could not run: why


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One claim and the function that tries to refute it."""

    name: str
    claim: str
    run: Callable[[Progress, int], Finding]  #: (progress, worker processes or threads) -> finding
    minutes: float  #: on two cores, for the reader who waits


def document(proof: Proof, found: Finding, seconds: float) -> dict[str, Any]:
    """Return what is written to reports/proof-NAME.json; `ran_on` is all that differs between machines."""
    return {
        "format": 1,
        "name": proof.name,
        "claim": proof.claim,
        **asdict(found),
        "ran_on": {"seconds": round(seconds, 1), **environment()},
    }


def environment() -> dict[str, Any]:
    """Return the machine and the versions that a figure depends on."""
    return {
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "packages": {p: v for p in PACKAGES if (v := _version(p)) is not None},
        "simd": _simd(),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _simd() -> list[str]:
    """Return the CPU features that NumPy dispatches on here, from its own configuration."""
    config = np.show_config(mode="dicts")
    found = config.get("SIMD Extensions", {}) if isinstance(config, dict) else {}
    return list(found.get("found", [])) or list(found.get("baseline", []))
