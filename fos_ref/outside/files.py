"""A file from outside as bytes: a regular file, and no larger than its reader can use."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from fos_ref.errors import FosError, InputError
from fos_ref.foreign import said, shown

_STEP = 1 << 20  #: bytes read at once of what is more than a file says of itself


def check_regular(path: str | os.PathLike[str], error: type[FosError] = InputError) -> int:
    """Return the size of a file in bytes. A pipe or a device is never opened, so nothing waits for it.

    Raises: OSError where there is none; `error` for what is no regular file, and for a name that no file has.
    """
    try:
        found = os.stat(path)  # noqa: PTH116 -- a Path reads the same
    except ValueError as e:  # a zero byte, or half of a surrogate pair
        msg = f"file name {shown(str(path))}: {said(e)}: the name of a file is allowed"
        raise error(msg) from e
    if not stat.S_ISREG(found.st_mode):
        msg = f"{path}: not a regular file"
        raise error(msg)
    return found.st_size


def read_file(path: str | os.PathLike[str], most: int, error: type[FosError] = InputError) -> bytes:
    """Return the bytes of a regular file of at most `most` bytes.

    Raises: OSError; `error` for what is no regular file, or larger.
    """
    size = check_regular(path, error)
    if size <= most:
        data = _read(path, size, most + 1)
        size = len(data)
    if size > most:
        msg = f"{path}: {size:,} bytes: at most {most:,} are allowed"
        raise error(msg)
    return data


def _read(path: str | os.PathLike[str], size: int, most: int) -> bytes:
    """Return at most `most` bytes. The file may have grown, and some say 0 of themselves.

    No memory is taken for bytes that are not there.
    """
    with Path(path).open("rb") as file:
        parts = [file.read(min(size + 1, most))]
        if len(parts[0]) <= size:  # its end: no copy is made
            return parts[0]
        while (left := most - sum(map(len, parts))) and parts[-1]:
            parts.append(file.read(min(_STEP, left)))
    return b"".join(parts)
