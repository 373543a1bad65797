"""Where things stand: the index arithmetic of fos_layout.h under g++, far beyond 2^31 too."""

from __future__ import annotations

import ctypes
import shutil
import subprocess

import numpy as np
import pytest

import fos_gpu
import fos_ref
from fos_gpu.build.kernels import LAYOUT
from fos_gpu.build.lower import source
from fos_ref.errors import DtypeError, ShapeError
from tests.gpu import surface
from tests.gpu.emulation.device import device

pytestmark = pytest.mark.skipif(
    shutil.which("g++") is None, reason="g++ is not installed: no index was computed by the header"
)
__all__ = ["device"]
TEXT = f"""
#include "{LAYOUT}"
using namespace fos_layout;
extern "C" {{
index swizzled(index row, index col, index tiles) {{ return swizzled_at(row, col, tiles); }}
void place(index at, index tiles, index* out) {{
  Place p = swizzled_place(at, tiles);
  out[0] = p.row, out[1] = p.col;
}}
index groups(index rows, index cols) {{ return column_groups(rows, cols); }}
index value_at(index column, index block, int i, index cols) {{
  return column_value_at(column, block, i, cols);
}}
void block(index group, int thread, index rows, index cols, index* out) {{
  ColumnBlock b = column_block(group, thread, rows, cols);
  out[0] = b.column, out[1] = b.block, out[2] = b.inside;
}}
}}
"""
KT = 1 << 14


@pytest.fixture(scope="module")
def header(tmp_path_factory):
    folder = tmp_path_factory.mktemp("layout")
    (folder / "maps.cpp").write_text(TEXT, encoding="utf-8")
    (folder / LAYOUT).write_text(source(LAYOUT), encoding="utf-8")
    command = ["g++", "-std=c++17", "-shared", "-fPIC", "-Wall", "-Werror", "maps.cpp", "-o", "maps.so"]
    subprocess.run(command, check=True, cwd=folder)
    library = ctypes.CDLL(str(folder / "maps.so"))
    for name in ("swizzled", "groups", "value_at"):
        getattr(library, name).restype = ctypes.c_longlong
    return library


def call(function, *numbers):
    return function(*(ctypes.c_longlong(n) for n in numbers))


def numbers(function, count, *given) -> tuple[int, ...]:
    out = (ctypes.c_longlong * count)()
    function(*(ctypes.c_longlong(n) for n in given), out)
    return tuple(out)


def place_in_tiles(row: int, col: int, tiles: int) -> int:
    """N16, as the document writes it."""
    return ((row // 128) * tiles + col // 4) * 512 + (row % 32) * 16 + (row % 128 // 32) * 4 + col % 4


def test_the_swizzle_is_a_permutation_of_whole_tiles(header):
    tiles, rows = 3, 256
    cells = [(r, c) for r in range(rows) for c in range(4 * tiles)]
    there = [call(header.swizzled, r, c, tiles) for r, c in cells]
    assert there == [place_in_tiles(r, c, tiles) for r, c in cells]
    assert sorted(there) == list(range(len(cells)))
    assert [numbers(header.place, 2, at, tiles) for at in there] == cells


@pytest.mark.parametrize("row", [(1 << 31) - 1, 1 << 31, (1 << 32) + 77, (1 << 36) + 12345])
def test_the_swizzle_beyond_2_to_the_31(header, row):
    at = call(header.swizzled, row, 4 * KT - 3, KT)
    assert at == place_in_tiles(row, 4 * KT - 3, KT)
    assert at > 1 << 31
    assert numbers(header.place, 2, at, KT) == (row, 4 * KT - 3)


@pytest.mark.parametrize(("rows", "cols"), [(16, 1), (16, 32), (64, 33), (80, 31), (144, 80), (1024, 48)])
def test_every_block_of_a_column_has_one_thread(header, rows, cols):
    found = []
    for group in range(call(header.groups, rows, cols)):
        for thread in range(128):
            column, block, inside = numbers(header.block, 3, group, thread, rows, cols)
            assert 0 <= column < cols
            assert 0 <= block < rows // 16
            if inside:
                found.append((column, block))
    assert sorted(found) == [(c, b) for c in range(cols) for b in range(rows // 16)]


@pytest.mark.parametrize("cols", [16, 48, 80, 112])
def test_the_threads_of_a_tile_stay_together(header, cols):
    for group in range(call(header.groups, 80, cols)):
        for first in range(0, 128, 16):
            tile = [numbers(header.block, 3, group, first + i, 80, cols) for i in range(16)]
            assert [c for c, _, _ in tile] == list(range(tile[0][0], tile[0][0] + 16))
            assert tile[0][0] % 16 == 0
            assert len({(b, inside) for _, b, inside in tile}) == 1


def test_a_value_beyond_2_to_the_31(header):
    cols = (1 << 20) + 3
    assert call(header.value_at, 5, 1 << 16, 7, cols) == ((1 << 20) + 7) * cols + 5


@pytest.mark.parametrize("shape", [(1, 1), (127, 3), (128, 4), (129, 5), (300, 17), (0, 4), (4, 0)])
def test_both_ways_on_the_device(device, shape):
    scales = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    there = fos_gpu.swizzle(device(scales))
    surface.assert_same(np.asarray(there), fos_ref.swizzle(scales))
    surface.assert_same(np.asarray(fos_gpu.unswizzle(there, *shape)), scales)


def test_what_is_refused(device):
    flat = device(np.zeros(512, np.uint8))
    with pytest.raises(ShapeError, match="2 dimensions are allowed"):
        fos_gpu.swizzle(flat)
    with pytest.raises(ShapeError, match=r"scales has 512 bytes: scales of shape \(129, 4\) take 1024"):
        fos_gpu.unswizzle(flat, 129, 4)
    with pytest.raises(ShapeError, match=r"out has 512 bytes: scales of shape \(129, 4\) take 1024"):
        fos_gpu.swizzle(device(np.zeros((129, 4), np.uint8)), out=flat)
    with pytest.raises(DtypeError, match="scales has dtype int8: uint8"):
        fos_gpu.swizzle(device(np.zeros((4, 4), np.int8)))
