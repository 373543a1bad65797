"""Memory that does not reach the shape is never read: views of what was moved, cut or never there."""

from __future__ import annotations

import array
import ctypes
import mmap
import os

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided, sliding_window_view

import fos_ref
from fos_ref.errors import DtypeError, FosError
from fos_ref.verify import check
from tests.every import every

SAYS = "an array whose memory is there is allowed"


def ones(rows: int = 64) -> np.ndarray:
    return np.ones((rows, 1024), np.float32)


def moved() -> np.ndarray:
    owner = ones()
    view = owner[3:]
    owner.resize((1, 16), refcheck=False)
    return view


def shrunk_in_place() -> np.ndarray:
    owner = np.ones(512, np.float32)
    view = owner.reshape(16, 32)
    owner.resize((511,), refcheck=False)
    return view


GONE = {
    "moved": moved,
    "shrunk by one": shrunk_in_place,
    "strides beyond": lambda: as_strided(ones(), (100, 1024)),
    "a view of strides beyond": lambda: as_strided(ones(), (100, 1024))[50:],
    "strides before": lambda: as_strided(ones(), (16, 16), (-4096, 4)),
    "a shape beyond one value": lambda: as_strided(np.ones(1, np.float32), (4, 16), (64, 4)),
}
THERE = {
    "an owner": ones,
    "a view": lambda: ones()[1::2, ::-1],
    "strides inside": lambda: as_strided(ones(), (63, 16), (4096, 4)),
    "a window": lambda: sliding_window_view(ones(1), 16, axis=1),
    "broadcast": lambda: np.broadcast_to(ones(1), (64, 1024)),
    "a part, then as much as the whole": lambda: as_strided(ones()[2:4].view(np.ndarray), (62, 1024)),
    "bytes": lambda: np.frombuffer(bytes(256), np.float32),
    "bytearray": lambda: np.frombuffer(bytearray(256), np.float32)[16:],
    "memoryview": lambda: np.asarray(memoryview(ones())[5:]),
    "anonymous map": lambda: np.frombuffer(mmap.mmap(-1, 8192), np.float32)[1024:],
    "array.array": lambda: np.frombuffer(array.array("f", [1.0] * 64), np.float32),
    "ctypes": lambda: np.ctypeslib.as_array((ctypes.c_float * 64)()),
    "empty": lambda: as_strided(np.ones(0, np.float32), (0, 16), (64, 4)),
    "a matrix": lambda: np.asmatrix(ones())[2:],
}


@every(GONE)
def test_memory_that_is_not_there_is_not_read(name):
    for call in (fos_ref.quantize, fos_ref.trace, lambda x: fos_ref.quantize(x, engine="numba")):
        with pytest.raises(DtypeError, match=rf"x: its shape spans .*: {SAYS}"):
            call(GONE[name]())


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
@every(THERE)
def test_memory_that_is_there_is_taken(name):
    x = THERE[name]()
    want = fos_ref.quantize(np.array(x, copy=True, subok=False))
    assert fos_ref.quantize(x).codes.tobytes() == want.codes.tobytes()


def test_bytes_and_numbers_are_held_to_it_too():
    x = np.zeros((64, 1024), np.float32)
    q = fos_ref.quantize(x)
    cut = as_strided(np.zeros(8, np.uint8), q.codes.shape, (0, 9))
    doors = {
        "codes": lambda: check(x, cut, q.block_scales),
        "scales": lambda: check(x, q.codes, as_strided(np.zeros(8, np.uint8), (64, 64))),
        "swizzle": lambda: fos_ref.swizzle(cut),
        "unswizzle": lambda: fos_ref.unswizzle(cut, 64, 512),
        "amax": lambda: fos_ref.quantize(
            x, "te-nvfp4-row", amax=as_strided(np.ones(1, np.float32), (64,), (4,))
        ),
    }
    for name, call in doors.items():
        with pytest.raises(FosError) as e:
            call()
        assert SAYS in str(e.value), name


def test_a_map_with_an_offset_is_taken(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(np.ones(65536, np.float32).tobytes())
    with path.open("rb") as f, mmap.mmap(f.fileno(), 4096, access=mmap.ACCESS_READ, offset=65536) as m:
        x = np.frombuffer(m, np.float32)
        fos_ref.quantize(x)
        del x


@pytest.mark.skipif(os.name != "posix", reason="elsewhere a file under a map cannot be cut")
@pytest.mark.parametrize("offset", [0, 8192, 100])
def test_a_file_cut_under_its_map_is_not_read(tmp_path, offset):
    path = tmp_path / "x"
    x = np.memmap(path, np.float32, "w+", offset=offset, shape=(64, 1024))
    x[:] = 1
    x.flush()
    fos_ref.quantize(x)
    fos_ref.quantize(x[3:])
    os.truncate(path, offset + 4096)
    fos_ref.quantize(x[:1])
    for rest in (x, x[3:], x[1:2]):
        with pytest.raises(DtypeError, match=r"x: it reaches byte \d+ of a file of"):
            fos_ref.quantize(rest)
