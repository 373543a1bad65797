"""The maps of fouroversix's and Quartet II's kernels: numbers in a tile, numbers in memory, threads."""

from __future__ import annotations

import numpy as np

from fos_ref.formats.arrays import I64
from fos_ref.random.maps.wordmap import Asked, indexed_draws, Places, WordMap

_FOUROVERSIX = "mit-han-lab/fouroversix@dadfad69:src/fouroversix/kernels/triton/fp4.py::"
_QUARTET = "IST-DASLab/Quartet-II@8776a90b:"
_TILE_ROWS, _TILE_COLUMNS = 16, 64
_USED = np.array([0, 1, 4, 5])  #: of a block's eight words, those of its bytes 0, 1, 4 and 5
_SCALES = 8  #: of a row that a thread of the scale kernel has: four from its own key, four from the next
_THREADS = 8


def _first_in_tile(rows: I64, columns: I64) -> I64:
    """Return the number of a block's first word, counted inside of the 16x64 tile."""
    return rows % _TILE_ROWS * _TILE_COLUMNS + columns % _TILE_COLUMNS // 16 * 16


def _key(seed: int) -> np.ndarray[tuple[()], np.dtype[np.uint64]]:
    return np.array(seed, dtype=np.uint64)


def _fouroversix(asked: Asked) -> Places:
    """Return the places of cvt.rs's words: the tile's number is in none of them."""
    index = _first_in_tile(asked.rows, 4 * asked.groups) + _USED[asked.groups % 4]
    return indexed_draws(index, _key(asked.seed))


def _fouroversix_uniform(asked: Asked) -> Places:
    """Return the places where cvt.rs is missing: a word for each value, the odd ones' from the next seed."""
    index = _first_in_tile(asked.rows, asked.groups) + asked.groups % 16 // 2
    return indexed_draws(index, _key(asked.seed) + (asked.groups % 2).astype(np.uint64))


def _flat_values(asked: Asked) -> Places:
    """Return the places of tl.rand(seed, number of the value in memory)."""
    return indexed_draws(asked.rows * asked.shape[1] + asked.groups, _key(asked.seed))


def _flat_blocks(asked: Asked) -> Places:
    """Return the places of tl.rand(seed, number of the block in memory)."""
    return indexed_draws(asked.rows * (asked.shape[1] // 16) + asked.groups, _key(asked.seed))


def _quartet_scales(asked: Asked) -> Places:
    """Return the places of 16-bit noise: the counter has thread and thread block, and no row.

    Rows 32 to 63 of each 64 take the high halves of the words of rows 0 to 31.
    """
    eight, k = asked.groups // _SCALES, asked.groups % _SCALES
    counter = np.zeros((*eight.shape, 4), dtype=np.uint32)
    counter[..., 0], counter[..., 1] = eight % _THREADS, eight // _THREADS
    key = _key(asked.seed) + (k // 4).astype(np.uint64)
    return Places(counter, k % 4, key, shift=16 * (asked.rows % 64 // 32))


TRITON_MAPS = (
    WordMap(
        name="fouroversix-triton",
        source=f"{_FOUROVERSIX}_create_rbits_for_cvt_rs",
        place=_fouroversix,
        shares="rows 16 apart and columns 64 apart: every 16x64 tile has the same words",
    ),
    WordMap(
        name="fouroversix-triton-uniform",
        source=f"{_FOUROVERSIX}_add_fake_randomness_for_stochastic_rounding",
        elements=1,
        place=_fouroversix_uniform,
        shares="rows 16 apart and columns 64 apart: every 16x64 tile has the same words",
    ),
    WordMap(
        name="quartet2-simulator",
        source=f"{_QUARTET}src/models/quantization/quantizers/nvfp4_triton.py::sr_1x16s_fp4_kernel",
        elements=1,
        place=_flat_values,
        shares="none",
    ),
    WordMap(
        name="quartet2-simulator-scales",
        source=f"{_QUARTET}src/models/quantization/schemes/quartet_2.py::eden_1x16s_fp4_kernel",
        elements=16,
        place=_flat_blocks,
        shares="none",
    ),
    WordMap(
        name="quartet2-scales",
        source=f"{_QUARTET}kernels/csrc/group_transform_and_eden.cu::eden_convert_scales_kernel",
        elements=16,
        bits=16,
        multiple=(64, 128),
        place=_quartet_scales,
        shares="rows 64 apart: the row is in no counter, only which half of 64 rows it is in",
    ),
)
