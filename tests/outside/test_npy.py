""".npy files from outside: NumPy's own are read as NumPy reads them, and no header is believed."""

from __future__ import annotations

import io
import struct

import ml_dtypes
import numpy as np
import pytest

from fos_ref.cli import run
from fos_ref.errors import CheckpointError
from fos_ref.outside.npy import npy_array, read_npy
from tests.every import every

ARRAYS = {
    "float32": np.arange(12, dtype=np.float32).reshape(3, 4),
    "columns first": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    "one axis": np.arange(5, dtype=np.uint8),
    "no axis": np.array(3.5, dtype=np.float16),
    "empty": np.zeros((2, 0), np.float32),
    "bfloat16": np.ones((2, 3), ml_dtypes.bfloat16),
    "E4M3": np.ones((2, 3), ml_dtypes.float8_e4m3fn),
    "big-endian": np.arange(3, dtype=">f4"),
    "text": np.array(["a", "bc"]),
    "truth": np.array([True, False]),
    "complex": np.ones(2, np.complex64),
}


def saved(a, version=None) -> bytes:
    out = io.BytesIO()
    np.lib.format.write_array(out, np.asanyarray(a), version=version)
    return out.getvalue()


@every(list(ARRAYS))
def test_what_numpy_writes_is_read_as_numpy_reads_it(name):
    for version in ((1, 0), (2, 0), (3, 0)):
        data = saved(ARRAYS[name], version)
        got, want = npy_array(data, "file"), np.load(io.BytesIO(data))
        assert (got.dtype, got.shape, got.strides) == (want.dtype, want.shape, want.strides)
        assert got.tobytes() == want.tobytes()
        assert got.flags.writeable


def with_header(text: str, data: bytes = bytes(64)) -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode("latin1") + data


def of_shape(shape: str, descr: str = "'<f4'") -> bytes:
    return with_header(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n")


REFUSED = {
    "empty": b"",
    "an archive": b"PK\x03\x04" + bytes(60),
    "a pickle": b"\x80\x04K\x01.",
    "cut in the magic": b"\x93NUM",
    "version 9": b"\x93NUMPY\x09\x00\x10\x00",
    "header past the end": b"\x93NUMPY\x01\x00\xff\x20{",
    "header of 4 GiB": b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}",
    "open quotes": with_header("'''"),
    "open brackets": with_header("(((("),
    "indented": with_header(" x\n  y"),
    "no end": with_header("{'descr':'<f4','fortran_order':False,'shape':(32,32"),
    "minus signs": of_shape(f"({'-' * 5000}1,)"),
    "minus": of_shape("(-4, -4)"),
    "truth as a size": of_shape("(True, 16)"),
    "huge": of_shape("(10000000000, 16)"),
    "past every integer": of_shape("(100000000000000000000, 1)"),
    "past every integer, empty": of_shape("(100000000000000000000, 0)"),
    "many sizes": of_shape(f"({'1,' * 3000})"),
    "many large sizes": of_shape(f"({'9999999999,' * 800})"),
    "long size": of_shape(f"({'1' * 5000},)"),
    "power": of_shape("(10**9,)"),
    "call": of_shape("(__import__('os').getpid(),)"),
    "object": of_shape("(2, 8)", "'|O'"),
    "fields": of_shape("(2,)", "[('a', '<f4'), ('b', '<f4')]"),
    "no bytes": of_shape("(1000000000000000000,)", "'|V0'"),
    "unknown type": of_shape("(4, 4)", "'<f5'"),
    "number as type": of_shape("(4, 4)", "4"),
    "a field twice": with_header("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (4, 4)}"),
    "a field too few": with_header("{'descr': '<f4', 'shape': (4, 4)}"),
    "a field too many": with_header(
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 4), 'fortran_orders': 1}"
    ),
    "too short": of_shape("(4, 5)"),
    "too long": of_shape("(4, 3)"),
    "escapes": with_header("\x1b]0;pwn\x07" * 100),
}


@every(list(REFUSED))
def test_what_is_no_array_is_one_short_line(name):
    with pytest.raises(CheckpointError) as e:
        npy_array(REFUSED[name], "file", CheckpointError)
    said = str(e.value)
    assert said.startswith("file: not a ")
    assert "one .npy array of numbers is allowed" in said or "at most 10,000 are allowed" in said
    assert said.isprintable()
    assert len(said) < 500


@pytest.mark.long
@pytest.mark.parametrize("name", ["huge", "an archive", "minus signs", "empty", "object"])
def test_both_commands_read_through_this_door(tmp_path, capsys, name):
    """What NumPy's reader raised beyond ValueError was a traceback, and EOFError exit 130 without a word."""
    np.save(tmp_path / "x.npy", np.zeros((4, 32), np.float32))
    np.save(tmp_path / "good.npy", np.zeros((4, 16), np.uint8))
    (tmp_path / "bad.npy").write_bytes(REFUSED[name])
    x, good, bad = (str(tmp_path / f"{n}.npy") for n in ("x", "good", "bad"))
    for files in ((bad, good, good), (x, bad, good), (x, good, bad)):
        assert run(["check", *files, "--recipe", "nvfp4"]) == 2
    assert run(["recipes", "diff", "nvfp4", "te-nvfp4", "--on", bad]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 4
    assert all("bad.npy: not a " in line for line in lines)


def test_a_pipe_is_refused_and_a_file_is_read(tmp_path):
    np.save(tmp_path / "x.npy", ARRAYS["float32"])
    assert np.array_equal(read_npy(tmp_path / "x.npy"), ARRAYS["float32"])
    with pytest.raises(CheckpointError, match="not a regular file"):
        read_npy("/dev/zero", CheckpointError)
