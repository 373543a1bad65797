"""Writing safetensors as a stream: every shape is known first, the header goes out first, then chunks.

The bytes go to a hidden file beside the target, which takes the target's name only when it is whole and on
the disk. After any failure, an interrupt included, that file is gone and an earlier target is as it was.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

import numpy as np

from fos_ref.errors import CheckpointError, InputError, Remedy
from fos_ref.formats.arrays import AnyArray
from fos_ref.storage.safetensors_read import LENGTH_BYTES, METADATA, TensorInfo

MAX_HEADER = 100_000_000  #: the largest header that the safetensors package reads
_ALIGNMENT = MappingProxyType(
    {
        "F64": 8,
        "I64": 8,
        "U64": 8,
        "C64": 8,
        "F32": 4,
        "I32": 4,
        "U32": 4,
        "F16": 2,
        "BF16": 2,
        "I16": 2,
        "U16": 2,
    }
)


def check_target(path: Path, source: Path | None = None, *, overwrite: bool = False) -> None:
    """Raise unless `path` can become a new file: its folder exists, and nothing stands there unless asked.

    Raises: InputError for the input file itself, for anything that is no regular file, and for an existing
    file without `overwrite`; OSError for a missing folder.
    """
    if not path.parent.is_dir():
        code = errno.ENOTDIR if path.parent.exists() else errno.ENOENT
        raise OSError(code, os.strerror(code), str(path.parent))
    if not os.path.lexists(path):
        return
    if source is not None and path.exists() and path.samefile(source):
        msg = f"{path} is the input file: another name is needed for the output"
        raise InputError(msg)
    if not (path.is_file() or path.is_symlink()):
        msg = f"{path} is not a regular file: a file name is needed for the output"
        raise InputError(msg)
    if not overwrite:
        msg = f"{path} exists already"
        raise InputError(msg, remedy=Remedy("overwrite=True", "replaces it"))


class SafetensorsWriter:
    """Write the tensors `infos` to `path`. Use it as a context manager; leaving it publishes the file.

    Tensors lie in the file by falling alignment, then by name, so that each starts on its own alignment.
    `write` may switch between tensors; each tensor's chunks come in order.
    Raises: InputError and OSError as `check_target`; OSError naming `path` when the disk is full.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        infos: Sequence[TensorInfo],
        metadata: Mapping[str, str],
        *,
        overwrite: bool = False,
    ) -> None:
        self.path = Path(path)
        self._overwrite = overwrite
        self._left: dict[str, int] = {}
        self._next: dict[str, int] = {}
        self._header = self._lay_out(infos, metadata)
        check_target(self.path, overwrite=overwrite)
        self._temp = self.path.with_name(f".fos-{secrets.token_hex(8)}.tmp")

    def __enter__(self) -> Self:
        with self._cleanup():
            self._file = self._temp.open("xb")
            self._file.write(self._header)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None
    ) -> None:
        if kind is not None:
            self._discard()
            return
        with self._cleanup():
            missing = [name for name, left in self._left.items() if left]
            assert not missing, f"tensors not written to their end: {missing}"
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            check_target(self.path, overwrite=self._overwrite)
            self._temp.replace(self.path)
            _sync_folder(self.path.parent)

    def write(self, name: str, data: AnyArray) -> None:
        """Append the bytes of `data` to the tensor called `name`."""
        raw = np.ascontiguousarray(data).reshape(-1).view(np.uint8)
        assert raw.size <= self._left[name], f"{name}: {raw.size} bytes, {self._left[name]} are left"
        with self._named():
            self._file.seek(self._next[name])
            self._file.write(raw.data)
        self._next[name] += raw.size
        self._left[name] -= raw.size

    def _lay_out(self, infos: Sequence[TensorInfo], metadata: Mapping[str, str]) -> bytes:
        header: dict[str, object] = {METADATA: dict(metadata)} if metadata else {}
        offset = 0
        for info in sorted(infos, key=lambda i: (-_ALIGNMENT.get(i.dtype, 1), i.name)):
            if info.name in header or info.name == METADATA:
                msg = f"{self.path}: two tensors would be called {info.name!r}"
                raise CheckpointError(msg)
            stop = offset + info.nbytes
            header[info.name] = {"dtype": info.dtype, "shape": info.shape, "data_offsets": (offset, stop)}
            self._next[info.name], self._left[info.name] = offset, info.nbytes
            offset = stop
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        text += b" " * (-len(text) % LENGTH_BYTES)
        if len(text) > MAX_HEADER:
            msg = f"{self.path}: the header would take {len(text)} bytes; readers take {MAX_HEADER}"
            raise CheckpointError(msg)
        self._next = {name: LENGTH_BYTES + len(text) + start for name, start in self._next.items()}
        return len(text).to_bytes(LENGTH_BYTES, "little") + text

    @contextlib.contextmanager
    def _cleanup(self) -> Iterator[None]:
        """Discard the unfinished file when the body fails."""
        try:
            with self._named():
                yield
        except BaseException:
            self._discard()
            raise

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        """Let an OSError of the unfinished file name the target."""
        try:
            yield
        except OSError as e:
            raise OSError(e.errno, e.strerror, str(self.path)) from e

    def _discard(self) -> None:
        file = getattr(self, "_file", None)
        if file is not None:
            with contextlib.suppress(OSError):  # closing flushes, and the disk may be full
                file.close()
        with contextlib.suppress(FileNotFoundError):
            self._temp.unlink()


def _sync_folder(folder: Path) -> None:
    """Put the new name on the disk where the system can (a folder cannot be opened on Windows)."""
    with contextlib.suppress(OSError):
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
