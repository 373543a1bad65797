"""A folder in object storage, or wherever else fsspec reaches: read by ranges, written by uploads.

An upload to an object store appears whole: no name is there before its last part is (multipart uploads of S3
and of those that speak its protocol, of Google's and of Azure's). Elsewhere a file is uploaded under a name
of the attempt and renamed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from fos_ref.errors import CheckpointError, InputError, ToolchainError
from fos_ref.fleet.places.address import Address
from fos_ref.fleet.places.fetched import Fetched
from fos_ref.fleet.places.place import Stat
from fos_ref.fleet.places.retry import retried
from fos_ref.foreign import foreign, said, shown
from fos_ref.publish.staging import Staging

Out = TypeVar("Out")
#: Protocols whose uploads appear whole.
_WHOLE = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "memory"})
_TOKENS = ("ETag", "etag", "md5Hash", "generation", "LastModified", "last_modified", "mtime", "created")
_ATTEMPT = ".fos-attempt-"


class RemoteFolder:
    """See `Place`. Raises: ToolchainError without fsspec or the package that the protocol needs."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._protocol = self._url.partition("://")[0]
        try:
            import fsspec  # noqa: PLC0415 -- an extra
        except ImportError as e:
            msg = f"{url}: fsspec is not installed: pip install 'fos-ref[fleet]' brings it"
            raise ToolchainError(msg) from e
        try:
            self._fs, self._root = fsspec.core.url_to_fs(self._url)
        except ImportError as e:
            msg = f"{url}: {said(e)}: fsspec needs the package of this protocol"
            raise ToolchainError(msg) from e
        except Exception as e:
            msg = f"{shown(url)}: {said(e)}: a path, or a URL of a protocol that fsspec knows, is allowed"
            raise InputError(msg) from e
        self._root = self._root.rstrip("/")

    @property
    def url(self) -> str:
        """The URL."""
        return self._url

    def path(self, name: str) -> Path:
        """Return the URL of a file."""
        return Address(f"{self._url}/{name}" if name else self._url)

    def names(self, folder: str = "") -> dict[str, Stat]:
        """Return the files right in a folder of it."""
        at = self._at(folder) if folder else self._root
        self._fs.invalidate_cache()
        try:
            listed = self._asked(folder, lambda: self._fs.ls(at, detail=True))
        except FileNotFoundError:
            return {}
        found = {i["name"].rstrip("/").rpartition("/")[2]: _stat(i) for i in listed if i["type"] == "file"}
        return dict(sorted(found.items()))

    def stat(self, name: str) -> Stat | None:
        """Return size and ETag, or what stands for one."""
        self._fs.invalidate_cache()
        try:
            info = self._asked(name, lambda: self._fs.info(self._at(name)))
        except FileNotFoundError:
            return None
        return _stat(info) if info["type"] == "file" else None

    def open(self, name: str) -> Fetched:
        """Open a file: one request for its size, then ranges."""
        found = self.stat(name)
        if found is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self.path(name)))

        def ranged(start: int, stop: int) -> bytes:
            at = self._at(name)
            return bytes(self._asked(name, lambda: self._fs.cat_file(at, start=start, end=stop)))

        return Fetched(self.path(name), found.size, ranged)

    def read(self, name: str, most: int) -> bytes | None:
        """Return a small file; its size is asked for first."""
        found = self.stat(name)
        if found is None:
            return None
        if found.size > most:
            msg = f"{self.path(name)}: {found.size:,} bytes: at most {most:,} are allowed"
            raise CheckpointError(msg)
        return bytes(self._asked(name, lambda: self._fs.cat_file(self._at(name))))

    def put(self, name: str, data: bytes) -> None:
        """Upload a small file."""
        with self._named(name) as at:
            self._asked(name, lambda: self._fs.pipe_file(at, data))

    @contextlib.contextmanager
    def making(self, name: str) -> Iterator[Path]:
        """Return a path in a folder of this machine that is removed; upload what lies there at the end."""
        staging = Staging(Path(tempfile.gettempdir()))
        try:
            folder = staging.path / "made"  # its lock is free: that of the hidden folder is held
            folder.mkdir()
            path = folder / name
            yield path
            with self._named(name) as at:
                self._asked(name, lambda: self._fs.put_file(str(path), at))
        finally:
            staging.discard()

    def remove(self, name: str) -> None:
        """Remove a file."""
        with contextlib.suppress(FileNotFoundError):
            self._asked(name, lambda: self._fs.rm_file(self._at(name)))

    def ready(self) -> None:
        """Make the folders of records where the protocol has folders."""
        if self._protocol not in _WHOLE:
            for folder in (".fos/done", ".fos/failed"):
                at = self._at(folder)
                self._asked(folder, partial(self._fs.makedirs, at, exist_ok=True))

    def sweep(self) -> None:
        """Remove uploads under names of attempts: an object store has none."""
        for folder in ("", ".fos", ".fos/done", ".fos/failed") if self._protocol not in _WHOLE else ():
            for name in self.names(folder):
                if name.startswith(_ATTEMPT):
                    self.remove(f"{folder}/{name}".lstrip("/"))

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}"

    @contextlib.contextmanager
    def _named(self, name: str) -> Iterator[str]:
        """Return what to upload to: the name, or one of the attempt that takes the name at the end."""
        if self._protocol in _WHOLE:
            yield self._at(name)
            return
        folder, _, last = name.rpartition("/")
        attempt = self._at(f"{folder}/{_ATTEMPT}{secrets.token_hex(8)}-{last}".lstrip("/"))
        yield attempt
        self._asked(name, lambda: self._fs.mv(attempt, self._at(name)))

    def _asked(self, name: str, work: Callable[[], Out]) -> Out:
        """Return what fsspec answers, asked again after an error that may pass; errors are OSError."""
        return retried(lambda: self._as_oserror(name, work))

    def _as_oserror(self, name: str, work: Callable[[], Out]) -> Out:
        try:
            return work()
        except OSError as e:
            if isinstance(e, FileNotFoundError | PermissionError):
                raise type(e)(e.errno or errno.ENOENT, said(e), str(self.path(name))) from e
            raise OSError(errno.EIO, said(e), str(self.path(name))) from e
        except Exception as e:  # clients of object stores raise classes of their own
            raise OSError(errno.EIO, said(e), str(self.path(name))) from e


def _stat(info: Any) -> Stat:
    token = next((f"{k} {info[k]}" for k in _TOKENS if info.get(k)), "")
    with foreign(f"size {shown(info.get('size'))}", "a whole number is allowed"):
        return Stat(int(info["size"]), token)
