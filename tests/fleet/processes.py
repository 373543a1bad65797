"""Drivers as programs of their own, and the processes below them: they are found by pid, and killed by it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = "from fos_ref.cli import main; main()"


def driver(*args: str, log: Path, **environment: str) -> subprocess.Popen:
    """Start `fos` with arguments."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **environment}
    with log.open("wb") as out:
        return subprocess.Popen([sys.executable, "-c", PROGRAM, *args], stdout=out, stderr=out, env=env)


def until(true: Callable[[], object], seconds: float = 120, what: str = "") -> object:
    """Wait until something is true; files are polled, nothing is slept out."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := true():
            return found
        time.sleep(0.002)
    raise TimeoutError(what or str(true))


def below(pid: int) -> set[int]:
    """Return the processes that a process has started, and theirs."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue
    found, level = set(), {pid}
    while level:
        level = {p for p, parent in parents.items() if parent in level} - found
        found |= level
    return found


def writing(pids: set[int], folder: Path) -> int | None:
    """Return a process that has a file of an attempt open below a folder."""
    for pid in pids:
        try:
            for fd in Path(f"/proc/{pid}/fd").iterdir():
                target = str(fd.readlink())
                if target.startswith(f"{folder}/.fos-") and target.endswith(".safetensors"):
                    return pid
        except OSError:
            continue
    return None


def gone(pids: set[int], seconds: float = 60) -> None:
    """Wait until processes have ended by themselves; those that do not are killed, by their pid."""
    try:
        until(lambda: not any(_lives(p) for p in pids), seconds)
    except TimeoutError:
        for p in filter(_lives, pids):
            os.kill(p, signal.SIGKILL)
        until(lambda: not any(_lives(p) for p in pids), 10)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
