"""Files that are called .npy: good ones, and everything that one can find under that name."""

from __future__ import annotations

import gzip
import io
import pickle
import zipfile

import numpy as np

import fos_ref

MAGIC = b"\x93NUMPY"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00"


def saved(a: object) -> bytes:
    """Return an array as NumPy saves it."""
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(a), allow_pickle=True)
    return buffer.getvalue()


def headed(header: str, data: bytes = b"", version: int = 1) -> bytes:
    """Return a file of that header, whatever it says."""
    text = header.encode("latin1") + b"\n"
    size = len(text).to_bytes(2 if version == 1 else 4, "little")
    return MAGIC + bytes([version, 0]) + size + text + data


def shaped(shape: str, descr: str = "'<f4'", data: bytes = b"") -> bytes:
    """Return a file whose header claims a shape."""
    return headed(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}", data)


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as z:
        z.writestr("a.npy", saved(np.zeros((2, 16), np.float32)))
    return buffer.getvalue()


def good() -> dict[str, bytes]:
    """Return x, the codes and scales that nvfp4 makes of it, and codes of which one is none."""
    x = np.random.default_rng(1).standard_normal((32, 64)).astype(np.float32)
    q = fos_ref.quantize(x, "nvfp4", engine="numpy")
    above = np.full(x.shape, 15, np.uint8)  # codes one a byte
    above[3, 5] = 16
    return {
        "x.npy": saved(x),
        "codes.npy": saved(q.codes),
        "scales.npy": saved(q.block_scales),
        "above-15.npy": saved(above),
    }


#: No .npy file at all, whatever is expected in it.
FOREIGN = {
    "empty": b"",
    "one-byte": b"\x93",
    "zip": b"PK\x03\x04",
    "npz": _zip(),
    "pickle": pickle.dumps({"a": 1}),
    "png": PNG,
    "text": b"1.0 2.0 3.0\n",
    "gzip": gzip.compress(saved(np.zeros((2, 16), np.float32)), mtime=0),
    "no-header": MAGIC + b"\x01\x00",
    "short-header": headed("{'descr': '<f4', 'fortran_order'")[:-9],
    "another-version": MAGIC + b"\x09\x00" + b"\x00" * 40,
    "short-data": saved(np.zeros((32, 64), np.float32))[:-1],
    "code": headed("__import__('pathlib').Path('canary').touch()"),
    "quotes": headed("'''"),
    "brackets": headed("((("),
    "deep": headed("(" * 9000 + ")" * 9000),
    "unclosed": headed("{'descr':'<f4','fortran_order':False,'shape':(32,32"),
    "minus-signs": shaped("(" + "-" * 5000 + "1,)"),
    "long-header": headed(" " * 70_000 + "{}", version=2),
    "escape-in-header": headed("{'\x1b]0;pwn\x07': 1}"),
    "huge": shaped("(10000000000, 16)"),
    "beyond-int64": shaped("(100000000000000000000, 0)"),
    "overflowing": shaped("(4294967296, 4294967296)"),
    "boolean-shape": shaped("(True, 1024)", data=b"\0" * 4096),
    "negative": shaped("(-1, 16)", data=b"\0" * 64),
    "shape-of-text": shaped("('a', 16)"),
    "shape-a-number": shaped("16"),
    "indented": headed("  {'descr': '<f4',\n 'fortran_order': False, 'shape': (2, 16)}"[:-3]),
    "objects": saved(np.array([{"a": 1}], dtype=object)),
    "unknown-descr": shaped("(2, 16)", descr="'<f99'"),
    "descr-a-list-of-nothing": shaped("(2, 16)", descr="[]"),
    "nul-descr": shaped("(2, 16)", descr="'\\x00'"),
}
#: Arrays, of what cannot be x, codes or scales.
ARRAYS = {
    "complex": saved(np.zeros((32, 64), np.complex64)),
    "datetime": saved(np.zeros((32, 64), "M8[s]")),
    "strings": saved(np.full((32, 64), "a")),
    "bytes-of-text": saved(np.full((32, 64), b"a")),
    "structured": saved(np.zeros((32, 64), [("a", "f4"), ("b", "u1")])),
    "booleans": saved(np.zeros((32, 64), np.bool_)),
    "big-endian": saved(np.zeros((32, 64), ">f4")),
    "double": saved(np.zeros((32, 64))),
    "longdouble": saved(np.zeros((32, 64), np.longdouble)),
    "int32": saved(np.zeros((32, 64), np.int32)),
    "void": saved(np.zeros((32, 64), "V4")),
    "zero-dimensional": saved(np.float32(1)),
    "one-dimensional": saved(np.zeros(24, np.float32)),
    "ragged": saved(np.zeros((3, 17), np.float32)),
}
#: Values that the recipe refuses.
VALUES = {
    "nan": saved(np.full((32, 64), np.nan, np.float32)),
    "infinity": saved(np.full((32, 64), -np.inf, np.float32)),
    "signalling-nan": saved(np.full((32, 64), 0x7F800001, np.uint32).view(np.float32)),
}
#: Nothing in many rows: no work may follow from their number.
EMPTY = {
    "no-rows": saved(np.zeros((0, 16), np.float32)),
    "no-columns": saved(np.zeros((16, 0), np.float32)),
    "many-rows-of-nothing": shaped("(67108864, 0)"),
    "most-rows-of-nothing": shaped("(1099511627776, 0)"),
}


def files() -> dict[str, bytes]:
    """Return every file by its name."""
    bad = FOREIGN | ARRAYS | VALUES | EMPTY
    return good() | {f"{name}.npy": data for name, data in bad.items()}
