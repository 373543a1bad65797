"""Compiled code kept on the disk: where it lies, whom it is read from, and that it is what was written.

Numba unpickles and runs whatever lies in its cache. So an entry is read only where it may be trusted as far
as the program beside it, and only where its bytes are the ones that were written. Anything else is compiled
again and written anew: a file cut by a full disk, one of another version, one of another user.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import njit
from numba.core.caching import FunctionCache, IndexDataCacheFile

from fos_ref.errors import ToolchainError

VARIABLE = "NUMBA_CACHE_DIR"
_HELPS = f"set {VARIABLE} to a folder of yours"
_NO_FOLDER = "no locator available"  #: what Numba says of it
_DIGEST = hashlib.sha256().digest_size


def cached(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return a decorator that compiles a function and keeps its code. Options are those of numba.njit.

    Raises: ToolchainError where there is no folder to keep it in: 20 to 80 seconds in each process are no
    fast engine.
    """

    def compiled(function: Callable[..., Any]) -> Any:
        made = njit(**options)(function)
        made._cache = _Cache(function)  # noqa: SLF001 -- as enable_caching does
        return made

    return compiled


class _Cache(FunctionCache):  # type: ignore[misc]
    """Numba's cache of one function: what cannot be read is compiled, what cannot be kept is not."""

    def __init__(self, function: Callable[..., Any]) -> None:
        try:
            super().__init__(function)
        except (RuntimeError, OSError) as e:
            why = "" if _NO_FOLDER in str(e) else f" ({e})"
            msg = f"engine 'numba': no folder can be written to keep compiled code in{why}: {_HELPS}"
            raise ToolchainError(msg) from e
        source = Path(function.__code__.co_filename).stat()
        if not _trusted(Path(self._cache_path).stat(), source):
            msg = f"engine 'numba': {self._cache_path} is another user's, or anybody's to write: {_HELPS}"
            raise ToolchainError(msg)
        stamp = self._impl.locator.get_source_stamp()
        self._cache_file = _Files(self._cache_path, self._impl.filename_base, stamp, source)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the compiled code of a signature; None where it has to be compiled."""
        try:
            return super().load_overload(sig, target_context)
        except MemoryError:
            raise  # compiling takes more
        except Exception:  # noqa: BLE001 -- whatever is wrong with the entry, it is made again
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep the compiled code if that is possible; it runs in this process either way."""
        with contextlib.suppress(OSError):
            super().save_overload(sig, data)


class _Files(IndexDataCacheFile):  # type: ignore[misc]
    """The files of one function, each under the digest of its content and of Numba's version."""

    def __init__(self, folder: str, name: str, stamp: Any, source: os.stat_result) -> None:
        super().__init__(cache_path=folder, filename_base=name, source_stamp=stamp)
        self._source = source

    def _load_index(self) -> dict[Any, str]:
        data = self._read(Path(self._index_path))
        stamp, found = (None, {}) if data is None else pickle.loads(data)  # noqa: S301 -- see _read
        return found if stamp == self._source_stamp else {}

    def _save_index(self, overloads: dict[Any, str]) -> None:
        self._write(self._index_path, self._dump((self._source_stamp, overloads)))

    def _load_data(self, name: str) -> Any:
        data = self._read(Path(self._data_path(name)))
        if data is None:
            raise FileNotFoundError(name)  # as Numba takes an entry that is gone
        return pickle.loads(data)  # noqa: S301 -- see _read

    def _save_data(self, name: str, data: Any) -> None:
        self._write(self._data_path(name), self._dump(data))

    def _read(self, path: Path) -> bytes | None:
        """Return what was written to a file, None where it is not there, not ours, or not whole."""
        try:
            handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        except OSError:
            return None
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or not _trusted(status, self._source):
            os.close(handle)
            return None
        with os.fdopen(handle, "rb") as file:
            digest, data = file.read(_DIGEST), file.read()
        return data if digest == self._digest(data) else None

    def _write(self, path: str, data: bytes) -> None:
        with self._open_for_write(path) as file:
            file.write(self._digest(data) + data)

    def _digest(self, data: bytes) -> bytes:
        return hashlib.sha256(self._version.encode() + b"\0" + data).digest()


def _trusted(status: os.stat_result, source: os.stat_result) -> bool:
    """Return whether nobody could write here who could not write the program itself."""
    if not hasattr(os, "geteuid"):
        return True  # this system says nothing of owners
    owners = (os.geteuid(), 0, source.st_uid)
    return status.st_uid in owners and not status.st_mode & ~source.st_mode & stat.S_IWOTH
