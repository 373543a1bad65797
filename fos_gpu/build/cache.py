"""Where compiled files lie: one file per content, whole or not at all, and nobody's but the user's.

What lies here is loaded and run. So the folder has to be the user's own and closed to others. A file is taken
only if it is a plain one of the user's, closed to others as well, and has the bytes that were written: their
digest is in its name. Any other is deleted and built again.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from fos_ref.errors import ToolchainError

VARIABLE = "FOS_GPU_CACHE"  #: a folder of the user's own choice
_HELPS = f"set {VARIABLE} to a folder of yours that is closed to others (chmod 700)"
_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_WORK = ".building-"  #: folders in which something is built
_ABANDONED = 24 * 3600.0  #: seconds after which nobody builds there any more
_DIGITS = 64  #: of a digest


def folder() -> Path:
    """Return the folder of compiled files: $FOS_GPU_CACHE, else fos-gpu in the user's cache folder."""
    own = os.environ.get(VARIABLE)
    if own:
        return Path(own)
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fos-gpu"
    except RuntimeError as e:  # no home folder
        msg = f"no folder for compiled files: {_HELPS}"
        raise ToolchainError(msg) from e


def cached(parts: Iterable[str], suffix: str, make: Callable[[Path], None]) -> Path:
    """Return the file whose content `parts` decide; make(path) writes it where it is not there and whole.

    parts: everything that the content depends on: source texts, options, architecture, compiler version.
    Raises: ToolchainError for a folder that is another's, open to others, or cannot be written.
    """
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    with _folder_errors():
        home = _private(folder())
        there = next(_whole(home, key, suffix), None)
    return there or _built(home, key, suffix, make)


def load(path: Path) -> ctypes.CDLL:
    """Return a shared library of the cache. Raises: ToolchainError where this system does not load it."""
    try:
        return ctypes.CDLL(str(path))
    except OSError as e:
        msg = f"{path} cannot be loaded: {e}: delete it, or {_HELPS}"
        raise ToolchainError(msg) from e


def _private(home: Path) -> Path:
    """Return the folder, made where it is missing; it is the user's own, and no other can write into it."""
    home.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        home.mkdir(mode=0o700)
        home.chmod(0o700)  # a umask may have taken more away
    status = home.lstat()
    wrong = ""
    if not stat.S_ISDIR(status.st_mode):
        wrong = "is no folder of its own"
    elif not _mine(status):
        wrong = "belongs to another user"
    elif status.st_mode & _OTHERS:
        wrong = f"is open to others (mode {stat.S_IMODE(status.st_mode):04o})"
    if wrong:
        msg = f"{home} {wrong}: what lies there is not loaded; {_HELPS}"
        raise ToolchainError(msg)
    return home


def _mine(status: os.stat_result) -> bool:
    return not hasattr(os, "geteuid") or status.st_uid == os.geteuid()


def _whole(home: Path, key: str, suffix: str) -> Iterator[Path]:
    """Yield the files of a key that are as they were written; delete the others."""
    for path in sorted(home.glob(f"{key}-{'?' * _DIGITS}{suffix}")):
        digest = path.name.removeprefix(f"{key}-").removesuffix(suffix)
        if _digest(path) == digest:
            yield path
        elif path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _digest(path: Path) -> str | None:
    """Return the digest of a file; None unless it is a plain one of the user's, closed to others."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode) or not _mine(status) or status.st_mode & _OTHERS:
        os.close(handle)
        return None
    with os.fdopen(handle, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _built(home: Path, key: str, suffix: str, make: Callable[[Path], None]) -> Path:
    """Build a file beside its place, flush it to the disk and give it its name.

    Two processes may build at once: each gives its own bytes their own name.
    """
    _clear(home)
    with tempfile.TemporaryDirectory(dir=home, prefix=_WORK) as work:
        built = Path(work) / f"{key}{suffix}"
        make(built)
        with _folder_errors(), built.open("rb") as file:
            os.fchmod(file.fileno(), 0o600)  # whatever the umask, and whatever a compiler sets
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
            path = built.replace(home / f"{key}-{digest}{suffix}")
    with _folder_errors():
        _flush(home)
    return path


def _clear(home: Path) -> None:
    """Delete what a process that was killed has left."""
    for left in home.glob(f"{_WORK}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _ABANDONED:
                shutil.rmtree(left)


def _flush(home: Path) -> None:
    """Write the names in a folder to the disk."""
    handle = os.open(home, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _folder_errors() -> Iterator[None]:
    """Turn an error of the folder into one line that says what helps."""
    try:
        yield
    except OSError as e:
        msg = f"no compiled file can be kept in {e.filename or folder()}: {e.strerror or e}: {_HELPS}"
        raise ToolchainError(msg) from e
