"""On what was measured: processor, memory, versions, and how much of the machine others used meanwhile."""

from __future__ import annotations

import os
import platform
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Self

import numba

PACKAGES = ("numpy", "numba", "llvmlite", "ml_dtypes", "torch", "transformer-engine", "fouroversix")
_KIBI = 1024


def machine() -> dict[str, Any]:
    """Return the processor, the memory and the versions."""
    return {
        "processor": _field("/proc/cpuinfo", "model name") or platform.processor() or platform.machine(),
        "compiled for": numba.config.CPU_NAME or _cpu_name(),
        "cores": cores(),
        "memory_gib": round(_kibibytes("MemTotal") / _KIBI**2, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {p: v for p in PACKAGES if (v := _version(p)) is not None},
    }


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def available_bytes() -> int:
    """Return the memory that is free for the taking; 0 where the system does not say."""
    return _kibibytes("MemAvailable") * _KIBI


class Others:
    """How much of the cores other programs used between entering and leaving; None where it is not known."""

    share: float | None = None

    def __enter__(self) -> Self:
        self._start = self._now()
        return self

    def __exit__(self, *_: object) -> None:
        seconds, busy, own = (b - a for a, b in zip(self._start, self._now(), strict=True))
        if busy:
            self.share = max(0.0, (busy - own) / (seconds * (os.cpu_count() or 1)))

    @staticmethod
    def _now() -> tuple[float, float, float]:
        """Return (seconds, seconds that all cores were busy, seconds that this program used)."""
        times = os.times()
        return time.perf_counter(), _busy_seconds(), sum(times[:4])


def _busy_seconds() -> float:
    """Return the seconds that all cores together did not idle, 0 where the system does not say."""
    try:
        text = Path("/proc/stat").read_text(encoding="ascii")
    except OSError:
        return 0.0
    user, nice, system, _, _, irq, softirq, *_ = map(int, text.split("\n", 1)[0].split()[1:])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def _field(path: str, name: str) -> str | None:
    """Return the first field `name` of a file of `name: value` lines."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(name)), None)


def _kibibytes(name: str) -> int:
    found = _field("/proc/meminfo", name)
    return int(found.split()[0]) if found else 0


def _cpu_name() -> str:
    """Return the processor that the compiler sees."""
    from llvmlite import binding  # noqa: PLC0415 -- numba has loaded it

    return str(binding.get_host_cpu_name())


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
