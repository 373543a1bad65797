"""Archives from outside: nothing is inflated, and nothing is larger than the file that holds it."""

from __future__ import annotations

import io
import struct
import zipfile

import numpy as np
import pytest

from fos_ref.errors import GoldenFormatError
from fos_ref.outside.npz import read_npz
from fos_ref.vectors.npz import read_npz as read_canonical
from fos_ref.vectors.npz import write_npz

GOOD = write_npz({"a": np.arange(6, dtype=np.uint16).reshape(2, 3), "b": np.zeros((0, 4), np.uint8)})


def zipped(entries: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as z:
        for name, data in entries.items():
            z.writestr(name, data)
    return out.getvalue()


def lying(size: int) -> bytes:
    """Return an archive whose list of entries says that the array has `size` bytes."""
    data = bytearray(GOOD)
    at = data.index(b"PK\x01\x02")
    data[at + 20 : at + 28] = struct.pack("<II", size, size)
    return bytes(data)


NPY = b"\x93NUMPY\x01\x00\x46\x00{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000000,), }\n"
REFUSED = {
    "no archive": (b"no archive", "BadZipFile"),
    "deflated": (zipped({"a.npy": bytes(1 << 20)}, zipfile.ZIP_DEFLATED), "is compressed, 1,048,576 bytes"),
    "large by its own word": (lying(1 << 30), "1,073,741,952 bytes of arrays in a file of"),
    "a huge shape": (zipped({"a.npy": NPY}), "takes 1000000000080 bytes"),
    "a header of quotes": (zipped({"a.npy": b"\x93NUMPY\x01\x00\x03\x00'''"}), "not a .npy array"),
    "another file": (zipped({"a.txt": b"x"}), "'a.txt' is no .npy array"),
    "hostile name": (zipped({"\x1b[31m\u202e.txt": b"x"}), r"\x1b[31m\u202e.txt"),
    "cut": (GOOD[:-9], "not an npz file"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_one_short_line(name):
    data, problem = REFUSED[name]
    for read in (read_npz, read_canonical):
        arguments = (data, "file", GoldenFormatError) if read is read_npz else (data, "file")
        with pytest.raises(GoldenFormatError) as e:
            read(*arguments)
        assert problem in str(e.value)
        assert str(e.value).isprintable()
        assert len(str(e.value)) < 500


def test_a_name_twice_is_refused():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        z.writestr("a.npy", b"")
        with pytest.warns(UserWarning, match="Duplicate"):
            z.writestr("a.npy", b"")
    with pytest.raises(GoldenFormatError, match="a name is given twice"):
        read_npz(out.getvalue(), "file", GoldenFormatError)


def test_what_was_written_is_read():
    arrays = read_npz(GOOD, "file")
    assert list(arrays) == ["a", "b"]
    assert arrays["a"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert arrays["b"].shape == (0, 4)
