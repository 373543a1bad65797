"""npz files whose bytes depend on the arrays alone: no compression, headers written out here.

What NumPy's own savez writes around the arrays (zip64 fields, modes, the padding of an npy header) is its own
affair and has changed between versions. It is fixed here; numpy.load reads the result as any other.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping

import numpy as np

from fos_ref.errors import GoldenFormatError
from fos_ref.formats.arrays import AnyArray
from fos_ref.outside.npz import read_npz as unpack

_MAGIC = b"\x93NUMPY\x01\x00"
_ALIGNED = 64  #: the array begins at a multiple of that
_EPOCH = (1980, 1, 1, 0, 0, 0)  #: the first time that a zip file can hold
_UNIX = 3
_MODE = 0o644 << 16


def write_npz(arrays: Mapping[str, AnyArray]) -> bytes:
    """Return an npz file of arrays of unsigned numbers, sorted by name, uncompressed, little-endian."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as z:
        for name in sorted(arrays):
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=_EPOCH)
            entry.create_system, entry.external_attr = _UNIX, _MODE
            z.writestr(entry, _npy(arrays[name]))
    return out.getvalue()


def read_npz(data: bytes, name: str) -> dict[str, AnyArray]:
    """Return the arrays of a file; GoldenFormatError unless `write_npz` would write the same bytes."""
    arrays = unpack(data, name, GoldenFormatError)
    if any(a.dtype.kind != "u" for a in arrays.values()) or write_npz(arrays) != data:
        msg = f"{name}: not in canonical form: `fos golden write` writes it"
        raise GoldenFormatError(msg)
    return arrays


def _npy(a: AnyArray) -> bytes:
    """Return an array as an npy file of version 1.0."""
    stored = np.ascontiguousarray(a).astype(a.dtype.newbyteorder("<"), copy=False)
    if stored.dtype.kind != "u":
        msg = f"npz: an array of {a.dtype}: unsigned numbers are allowed"
        raise GoldenFormatError(msg)
    shape = f"({', '.join(map(str, a.shape))}{',' if a.ndim == 1 else ''})"
    text = f"{{'descr': '{stored.dtype.str}', 'fortran_order': False, 'shape': {shape}, }}"
    length = len(_MAGIC) + 2 + len(text) + 1
    header = text.encode("ascii") + b" " * (-length % _ALIGNED) + b"\n"
    return _MAGIC + struct.pack("<H", len(header)) + header + stored.tobytes()
