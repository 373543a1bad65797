"""Run as a program: the four commands, each in a process of its own, while something happens to them.

The processes are forked after the imports, so a case takes milliseconds. Prints one JSON object a case.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import io
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fos_ref import cli
from tests.publish.rooms import at, no_work, prepare, state, WRITERS

warnings.filterwarnings(
    "ignore", "This process .* is multi-threaded", DeprecationWarning
)  # libraries' threads

Act = Callable[[], None]
Arguments = tuple[str, ...]
Process = tuple[int, int]  #: its number, and where to read its error stream
SIGNALS = ("KILL", "HUP", "QUIT", "ABRT", "XCPU", "XFSZ", "USR1", "ALRM", "TERM", "INT")
IN_RENAMES = ("KILL", "TERM", "INT")  #: sent after the first rename, too
_NEW_MOUNTS = 0x00020000  #: CLONE_NEWNS
_FULL = "256k"
_NOBODY = 65534


class CannotError(Exception):
    """This machine does not let us try it."""


def spawn(
    folder: Path,
    arguments: Arguments,
    moment: str = "writing",
    act: Act | None = None,
    user: int | None = None,
) -> Process:
    """Start a command in `folder`, with `act` called at a moment."""
    out, into = os.pipe()
    pid = os.fork()
    if pid:
        os.close(into)
        return pid, out
    code = 99
    try:
        os.chdir(folder)
        if user is not None:
            os.setuid(user)
        os.dup2(into, 2)
        os.dup2(os.memfd_create("output"), 1)
        patch = pytest.MonkeyPatch()
        no_work(patch)
        if act is not None:
            at(patch, moment, act)
        try:
            code = cli.run(list(arguments))
        except SystemExit as e:
            code = e.code if isinstance(e.code, int) else 98
        sys.stderr.flush()
    finally:
        os._exit(code)


def ended(process: Process) -> tuple[int, str]:
    """Wait for a process; return its exit code as a shell has it, 128 + n for a signal, and what it said."""
    with os.fdopen(process[1], encoding="utf-8") as f:
        said = f.read()
    code = os.waitstatus_to_exitcode(os.waitpid(process[0], 0)[1])
    return code if code >= 0 else 128 - code, said


def hidden(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.rglob(".*"))


def result(folder: Path, process: Process, name: str, what: str, moment: str = "") -> dict[str, Any]:
    """Return how a command ended, what it left, and how the next run ended in the same place."""
    writer, (code, said) = WRITERS[name], ended(process)
    found: dict[str, Any] = {"command": name, "what": what, "moment": moment, "code": code, "said": said}
    if (folder / "filler").exists():
        (folder / "filler").unlink()
    found |= {"left": hidden(folder), "state": state(folder, writer.outputs)}
    if what != "removed":
        found |= {"next": ended(spawn(folder, writer.again))[0], "left_after": hidden(folder)}
    return found


def fresh(root: Path) -> Path:
    folder = root / f"case{len(list(root.glob('case*')))}"
    folder.mkdir()
    prepare(folder)
    return folder


def killed(root: Path) -> Iterator[dict[str, Any]]:
    """Every signal to every command while it writes, and some while it renames."""
    for name in WRITERS:
        for short in SIGNALS:
            for moment in ("writing", *(("renaming",) if short in IN_RENAMES else ())):
                yield _killed(root, name, short, moment)


def killed_in_turn(root: Path) -> Iterator[dict[str, Any]]:
    """Every signal to one command while it writes, some to another while it renames, KILL to all."""
    names = list(WRITERS)
    for name in names:
        yield _killed(root, name, "KILL", "renaming")
    for i, short in enumerate(SIGNALS):
        yield _killed(root, names[i % len(names)], short, "writing")
        if short in IN_RENAMES:
            yield _killed(root, names[i // 2 % len(names)], short, "renaming")


def _killed(root: Path, name: str, short: str, moment: str) -> dict[str, Any]:
    folder, number = fresh(root), getattr(signal, f"SIG{short}")
    process = spawn(folder, WRITERS[name].arguments, moment, lambda: os.kill(os.getpid(), number))
    return result(folder, process, name, short, moment)


def disturbed(root: Path) -> Iterator[dict[str, Any]]:
    """Something else happens to the folder meanwhile, or stands in the way from the start."""
    for name, writer in WRITERS.items():
        for what, act in (("removed", _remove), ("appeared", _appear)):
            folder = fresh(root)
            process = spawn(folder, writer.arguments, "writing", lambda f=folder, a=act: a(f))
            yield result(folder, process, name, what)
        folder = fresh(root)
        yield result(folder, spawn(folder, writer.arguments, "writing", _small_files), name, "file limit")


def forbidden(root: Path) -> Iterator[dict[str, Any]]:
    """Folders in which the user may write nothing."""
    root.chmod(0o755)
    for name, writer in WRITERS.items():
        folder = fresh(root)
        (folder / "in.safetensors").chmod(0o644)
        for path in (folder, *(p for p in folder.rglob("*") if p.is_dir())):
            path.chmod(0o555)
        user = _NOBODY if os.geteuid() == 0 else None  # root may write anywhere
        found = result(folder, spawn(folder, writer.arguments, user=user), name, "forbidden")
        for path in (folder, *(p for p in folder.rglob("*") if p.is_dir())):
            path.chmod(0o755)
        yield found


def mounted(root: Path) -> Iterator[dict[str, Any]]:
    """A disk that fills, and one that is read-only."""
    for name in WRITERS:
        for what in ("full", "read-only"):
            yield _mounted(root, name, what)


def _remove(folder: Path) -> None:
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _appear(folder: Path) -> None:
    """Put something where each command is about to put a file."""
    (folder / "out.safetensors").write_bytes(b"mine")
    (folder / "out").mkdir()
    (folder / "out/mine").write_bytes(b"mine")
    (folder / "golden/v1/nvfp4/worked.json").unlink()
    (folder / "golden/v1/nvfp4/worked.json").mkdir()
    (folder / "reports/quick/position.csv").mkdir()


def _small_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


def _mounted(root: Path, name: str, what: str) -> dict[str, Any]:
    """Run a command in a file system of its own that is full or read-only, where mounting is allowed."""
    folder = fresh(root)
    pid = os.fork()
    if not pid:
        found: dict[str, Any] = {"command": name, "what": what}
        try:
            found = _in_a_mount(folder, name, what)
        except (CannotError, subprocess.CalledProcessError, OSError) as e:
            found["skipped"] = str(e)
        finally:
            Path(f"{folder}.json").write_text(json.dumps(found), encoding="utf-8")
            os._exit(0)
    os.waitpid(pid, 0)
    return json.loads(Path(f"{folder}.json").read_text(encoding="utf-8"))


def _in_a_mount(folder: Path, name: str, what: str) -> dict[str, Any]:
    if ctypes.CDLL(None, use_errno=True).unshare(_NEW_MOUNTS):
        raise CannotError(os.strerror(ctypes.get_errno()))
    _mount("--make-rprivate", "/")
    _mount("-t", "tmpfs", "-o", f"size={_FULL}", "tmpfs", str(folder))
    prepare(folder)
    if what == "read-only":
        _mount("-o", "remount,ro", str(folder))
        return result(folder, spawn(folder, WRITERS[name].arguments), name, what)
    return result(
        folder, spawn(folder, WRITERS[name].arguments, "writing", lambda: _fill(folder)), name, what
    )


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)


def _fill(folder: Path) -> None:
    with (folder / "filler").open("wb", buffering=0) as f:
        try:
            while True:
                f.write(bytes(4096))
        except OSError:
            pass


def together(root: Path) -> Iterator[dict[str, Any]]:
    """Two of a kind at once: each waits, with its file open, until the other has come as far."""
    for name, writer in WRITERS.items():
        for arguments in dict.fromkeys((writer.arguments, writer.again)):
            folder = fresh(root)
            meet = [os.pipe(), os.pipe()]
            pids = [
                spawn(folder, arguments, "writing", lambda i=i, m=meet: _meet(m[i][1], m[1 - i][0]))
                for i in range(2)
            ]
            both = sorted(map(ended, pids))
            for fd in (*meet[0], *meet[1]):
                os.close(fd)
            found = {"command": name, "what": " ".join(arguments), "codes": [code for code, _ in both]}
            found |= {"said": "".join(said for _, said in both), "left": hidden(folder)}
            yield found | {"state": state(folder, writer.outputs)}


def _meet(own: int, other: int) -> None:
    os.write(own, b"!")
    os.read(other, 1)


def warm(root: Path) -> None:
    """Import what the commands import when they run, so that their processes need not."""
    folder = fresh(root)
    os.chdir(folder)
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()):
        no_work(patch)
        assert [cli.run(list(w.arguments)) for w in WRITERS.values()] == [0] * len(WRITERS)


def main() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run under nohup
    parts, root = sys.argv[2:], Path(sys.argv[1])
    warm(root)
    gc.freeze()  # a child that collects would copy all of this
    for part in parts:
        for found in PARTS[part](root):
            sys.stdout.write(json.dumps({"part": part, **found}) + "\n")


PARTS = {part.__name__: part for part in (killed, killed_in_turn, disturbed, forbidden, mounted, together)}


if __name__ == "__main__":
    main()
