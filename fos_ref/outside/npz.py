"""Archives of arrays from outside: judged by what they say of themselves before anything is unpacked."""

from __future__ import annotations

import io
import zipfile

from fos_ref.errors import FosError, InputError
from fos_ref.foreign import foreign, shown
from fos_ref.formats.arrays import AnyArray
from fos_ref.outside.npy import npy_array

SUFFIX = ".npy"
_ALLOWED = "an uncompressed archive of .npy arrays is allowed"


def read_npz(data: bytes, name: str, error: type[FosError] = InputError) -> dict[str, AnyArray]:
    """Return the arrays of an archive that holds them as they are: no entry is inflated.

    Raises: `error` for anything but a whole archive of different names, and for entries that are compressed
            or together larger than the file.
    """
    with foreign(f"{name}: not an npz file", _ALLOWED, error), zipfile.ZipFile(io.BytesIO(data)) as z:
        entries = z.infolist()
        wrong = _wrong(entries, len(data))
        if wrong is not None:
            msg = f"{name}: {wrong}: {_ALLOWED}"
            raise error(msg)
        return {
            e.filename.removesuffix(SUFFIX): npy_array(z.read(e), f"{name}: {shown(e.filename)}", error)
            for e in entries
        }


def _wrong(entries: list[zipfile.ZipInfo], size: int) -> str | None:
    """Return what is wrong with the list of entries; None: nothing."""
    for e in entries:
        if e.compress_type != zipfile.ZIP_STORED or e.file_size != e.compress_size:
            return f"{shown(e.filename)} is compressed, {e.file_size:,} bytes in {e.compress_size:,}"
        if not e.filename.endswith(SUFFIX):
            return f"{shown(e.filename)} is no {SUFFIX} array"
    if len({e.filename for e in entries}) < len(entries):
        return "a name is given twice"
    total = sum(e.file_size for e in entries)
    return f"{total:,} bytes of arrays in a file of {size:,}" if total > size else None
