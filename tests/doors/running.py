"""Running a row: `fos` in this process, with what it prints, a limit of time and one of memory."""

from __future__ import annotations

import contextlib
import io
import os
import resource
import shutil
import signal
import stat
import sys
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from unittest.mock import patch

from typer.main import get_command

from fos_ref.cli import run
from tests.doors.judge import faults_of_line, unclean
from tests.doors.row import Command

SECONDS = 30  #: of a processor that a refusal may take; most take milliseconds, imports included
WAITING = 600  #: of the clock: what waits takes no processor, and a busy machine lets everything wait
MEMORY = 3 << 30  #: bytes of address space beyond those in use: compiled code reserves much of it
#: The commands as the parser has them: made once, where a process makes them at its start.
_TREE = cache(get_command)
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Hung(BaseException):
    """It took too long. No `except Exception` of the program catches it."""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """Allow the code inside some seconds and some memory."""

    def late(*_: object) -> None:
        raise Hung

    used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * _PAGE
    limits = resource.getrlimit(resource.RLIMIT_AS)
    before = {n: signal.signal(n, late) for n in (signal.SIGPROF, signal.SIGALRM)}
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, limits[1]))
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    signal.setitimer(signal.ITIMER_REAL, WAITING)
    try:
        yield
    finally:
        for timer in (signal.ITIMER_PROF, signal.ITIMER_REAL):
            signal.setitimer(timer, 0)
        resource.setrlimit(resource.RLIMIT_AS, limits)
        for number, handler in before.items():
            signal.signal(number, handler)


def in_process(args: tuple[str, ...]) -> Ended:
    """Run `fos` as its entry point does, into streams with an encoding like a terminal's."""
    out, err = (
        io.TextIOWrapper(io.BytesIO(), "utf-8", errors="backslashreplace", write_through=True)
        for _ in range(2)
    )
    with (
        bounded(),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("always")
        try:
            with patch("typer.main.get_command", _TREE):
                code = run(list(args))
        except SystemExit as e:
            code = e.code if isinstance(e.code, int) else 1
        except (Exception, Hung):  # noqa: BLE001 -- what would be a traceback
            code = 1
            err.write(traceback.format_exc())
    return Ended(code, *(s.buffer.getvalue().decode("utf-8", "replace") for s in (out, err)))


def listing(folder: Path) -> dict[str, tuple[int, ...]]:
    """Return what lies in a folder: each name's mode, a file's size and time; links are not followed.

    Of the many folders of vectors and findings only the time is taken, which any new name changes.
    """
    found: dict[str, tuple[int, ...]] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            s = entry.stat(follow_symlinks=False)
            if not stat.S_ISDIR(s.st_mode):
                found[entry.path] = (s.st_mode, s.st_size, s.st_mtime_ns)
            elif entry.name.startswith(("golden", "finding")):
                found[entry.path] = (s.st_mode, s.st_mtime_ns)
            else:
                found |= {entry.path: (s.st_mode,)} | listing(Path(entry.path))
    return found


def put_back(
    folder: Path, before: dict[str, tuple[int, ...]], after: dict[str, tuple[int, ...]]
) -> list[str]:
    """Remove what is new, take what changed for what was there, and return the names of both."""
    names = sorted(k for k in before.keys() | after.keys() if before.get(k) != after.get(k))
    for name in names:
        if name not in before and Path(name).is_dir() and not Path(name).is_symlink():
            shutil.rmtree(name, ignore_errors=True)
        elif name not in before:
            Path(name).unlink(missing_ok=True)
        else:
            before.pop(name)
    before.update((k, v) for k, v in listing(folder).items() if k in names)
    return [str(Path(name).relative_to(folder)) for name in names]


def faults(row: Command, ended: Ended) -> list[str]:
    """Return what is wrong with how a row ended; what it wrote is asked for elsewhere."""
    if "Traceback" in ended.err:
        return [f"exit {ended.code}: a traceback: {ended.err.strip().splitlines()[-1][:300]}"]
    found = []
    if ended.code not in row.codes:
        found.append(f"exit {ended.code}, not one of {row.codes}: {ended.err[:300]!a}")
    if ended.code != 2:
        shown = ended.out + ended.err
        found += [f"control characters {unclean(shown)!a}"] * bool(unclean(shown.replace("\n", "")))
        return found + [f"does not name {word!r}" for word in row.named if word not in shown]
    if ended.out:
        found.append(f"printed on the output: {ended.out[:100]!a}")
    if not ended.err.endswith("\n"):
        found.append("no newline at the end")
    if not ended.err.startswith("fos: "):
        found.append(f"does not begin with 'fos: ': {ended.err[:60]!a}")
    return found + faults_of_line(ended.err.removesuffix("\n"), row.named)


def main() -> int:
    """Say `fos` as a program of its own does, for tests/doors/test_process.py."""
    return run(sys.argv[1:])
