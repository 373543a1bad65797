""".npy files from outside: the header is read by its own small grammar, and held against the file's size.

NumPy's reader evaluates the header as Python, takes archives and pickles for arrays, and makes the array of
the header's size before it looks for the bytes.
"""

from __future__ import annotations

import io
import math
import os
import re
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from fos_ref.errors import FosError, InputError
from fos_ref.foreign import foreign, shown
from fos_ref.formats.arrays import AnyArray
from fos_ref.outside.files import check_regular

MAGIC = b"\x93NUMPY"
MOST_HEADER = 10_000  #: bytes, as NumPy has it
_LENGTH_BYTES = {b"\x01\x00": 2, b"\x02\x00": 4, b"\x03\x00": 4}  #: by version
_ALLOWED = "one .npy array of numbers is allowed"
#: One field of the header: a quoted name, and a quoted type, a truth value or a tuple of sizes.
_FIELD = re.compile(
    r"""\s*(['"])(?P<name>descr|fortran_order|shape)\1\s*:\s*"""
    r"""(?:(['"])(?P<type>[<>|=]?[?biufcSUV][0-9]{0,9})\3|(?P<truth>True|False)|\((?P<sizes>[0-9,\s]*)\))\s*(?:,|\Z)"""
)
_SIZES = re.compile(r"\s*(?:[0-9]{1,40}\s*,\s*)*(?:[0-9]{1,40}\s*)?")


class Header(NamedTuple):
    """What a header says."""

    dtype: np.dtype[Any]
    fortran: bool
    shape: tuple[int, ...]


def read_npy(path: str | os.PathLike[str], error: type[FosError] = InputError) -> AnyArray:
    """Return the array of a .npy file.

    Raises: OSError where there is none; `error` for anything but one whole array of numbers, bytes or bits.
    """
    size = check_regular(path, error)
    with Path(path).open("rb") as file:
        return _read(file, size, str(path), error)


def npy_array(data: bytes, name: str, error: type[FosError] = InputError) -> AnyArray:
    """Return the array of a .npy file that was read already. Raises: `error` as `read_npy` does."""
    return _read(io.BytesIO(data), len(data), name, error)


def _read(file: BinaryIO, size: int, name: str, error: type[FosError]) -> AnyArray:
    with foreign(f"{name}: not a .npy array", _ALLOWED, error):
        header = _header(file, name, error)
        start, values = file.tell(), math.prod(header.shape)
        needed = start + values * header.dtype.itemsize
        if needed != size:
            given = f"{header.dtype} {shown(list(header.shape))} takes {shown(needed)} bytes, it has {size:,}"
            msg = f"{name}: not a whole .npy array: {given}: {_ALLOWED}"
            raise error(msg)
        raw = np.empty(size - start, dtype=np.uint8)
        if file.readinto(raw.data) != raw.size:  # type: ignore[attr-defined]
            msg = f"{name}: it became shorter while it was read"
            raise error(msg)
        return raw.view(header.dtype).reshape(header.shape, order="F" if header.fortran else "C")


def _header(file: BinaryIO, name: str, error: type[FosError]) -> Header:
    """Return the header; `file` then stands at the first byte of the array."""
    begin = file.read(len(MAGIC) + 2)
    width = _LENGTH_BYTES.get(begin[len(MAGIC) :]) if begin.startswith(MAGIC) else None
    if width is None:
        msg = f"{name}: not a .npy array (it begins with {shown(begin)}): {_ALLOWED}"
        raise error(msg)
    length = int.from_bytes(file.read(width), "little")
    if length > MOST_HEADER:
        msg = f"{name}: not a .npy array (a header of {length:,} bytes): at most {MOST_HEADER:,} are allowed"
        raise error(msg)
    text = file.read(length).decode("latin1")
    found = _fields(text)
    if found is None:
        msg = f"{name}: not a .npy array of plain numbers (header {shown(text.strip())}): {_ALLOWED}"
        raise error(msg)
    return found


def _fields(text: str) -> Header | None:
    """Return what the text of a header says, None for another form."""
    body = text.strip()
    if not (body.startswith("{") and body.endswith("}")):
        return None
    left, found = body[1:-1].strip(), {}
    while left:
        field = _FIELD.match(left)
        if field is None or field["name"] in found:
            return None
        found[field["name"]] = field
        left = left[field.end() :].lstrip()
    return _said(found)


def _said(found: dict[str, re.Match[str]]) -> Header | None:
    """Return the three fields by their values, None where one is missing or of another kind."""
    if len(found) != 3:  # noqa: PLR2004
        return None
    kind, truth, sizes = found["descr"]["type"], found["fortran_order"]["truth"], found["shape"]["sizes"]
    if kind is None or truth is None or sizes is None or not _SIZES.fullmatch(sizes):
        return None
    dtype = np.dtype(kind)
    shape = tuple(int(n) for n in sizes.split(",") if n.strip())
    return Header(dtype, truth == "True", shape) if dtype.itemsize else None
