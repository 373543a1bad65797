"""The parts of the compiled walk, each in a loop of its own over a tensor, to be timed by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from fos_ref.fast import config as k
from fos_ref.fast.blocks import block_amaxes, read_blocks, write_codes, write_scales
from fos_ref.fast.filter import (
    decide,
    encode_regular,
    is_usual,
    keep_only,
    regular,
    usual_scales,
    write_regular,
)
from fos_ref.fast.hot import read_whole
from fos_ref.fast.kernel import _append, _append_open, _stamp, DROP_NAN, fast_chunk, SEVEN
from fos_ref.fast.lanes import LANES
from fos_ref.fast.literal import block_scales, chooses, quantize_literally
from fos_ref.fast.scales import tensor_scales

ROW = 16
CHUNK = LANES * ROW
Loop = Callable[..., Any]
#: The loops take (scratch, job, chunks); a job is (x as bytes, configuration, constants, layout, scales,
#: outputs); a layout (rows, columns, block rows, block columns, blocks of a chunk). Rows are whole blocks,
#: columns whole chunks.
LOOPS: dict[str, Loop] = {}
_STAMP = _stamp()


def _loop(make: Callable[[str], Loop]) -> None:
    """Compile a loop; the stamp in its closure makes the cached code belong to the engine's files."""
    function = make(_STAMP)
    LOOPS[function.__name__] = njit(error_model="numpy", cache=True)(function)


@njit(error_model="numpy", inline="always")
def _places(chunk: int, layout: tuple[int, int, int, int, int]) -> tuple[int, int]:
    """Return the first value of a chunk and its first block."""
    columns, rows = layout[1], layout[2]
    line, column = chunk // (columns // CHUNK), chunk % (columns // CHUNK)
    return line * rows * columns + column * CHUNK, line * rows * (columns // ROW) + column * LANES


@njit(error_model="numpy", inline="always")
def _values(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return bytes as 32-bit words and as half words."""
    return x.view(np.uint32), x.view(np.uint16)


@_loop
def _(stamp: str) -> Loop:
    def ready(w, job, chunks):  # noqa: ANN001, ANN202, ARG001
        assert stamp
        a, s, d = job[4]
        tensor_scales(w, a, s, d)

    return ready


@_loop
def _(stamp: str) -> Loop:
    def read(w, job, chunks):  # noqa: ANN001, ANN202
        assert stamp
        x, c, _, layout, _, _ = job
        values = _values(x)
        for i in range(chunks):
            first, _ = _places(i, layout)
            read_whole(w, values, c[k.DTYPE_AT], first, layout[1], layout[2:4])

    return read


@_loop
def _(stamp: str) -> Loop:
    def scales(w, job, chunks):  # noqa: ANN001, ANN202
        assert stamp
        _, c, f, _, _, _ = job
        left = 0
        for _ in range(chunks):
            if is_usual(c):
                left += usual_scales(w, c, f, SEVEN)
            else:
                block_scales(w, c, f)
                left += regular(w, c, SEVEN)
        return left

    return scales


@_loop
def _(stamp: str) -> Loop:
    def errors(w, job, chunks):  # noqa: ANN001, ANN202
        assert stamp
        c, left = job[1], 0
        for _ in range(chunks):
            if chooses(c):
                left += decide(w, c)
            else:
                keep_only(w, c)
        return left

    return errors


@_loop
def _(stamp: str) -> Loop:
    def encode(w, job, chunks):  # noqa: ANN001, ANN202
        assert stamp
        _, c, _, layout, _, (codes, scale_bytes, picked) = job
        columns, rows = layout[1], layout[2]
        for i in range(chunks):
            first, block = _places(i, layout)
            encode_regular(w, c, codes, first // 8, columns // 8, rows)
            write_regular(w, scale_bytes, picked, block, columns // ROW, rows)

    return encode


@_loop
def _(stamp: str) -> Loop:
    def literal(w, job, chunks):  # noqa: ANN001, ANN202
        assert stamp
        x, c, f, layout, _, (codes, scale_bytes, picked) = job
        _, columns, rows, width, count = layout
        shape, at, values = (rows, width), np.empty(LANES, np.int64), _values(x)
        for i in range(chunks):
            _append(at, 0, _places(i, layout)[0], width, count)
            read_blocks(w, values, c[k.DTYPE_AT], at, count, columns, shape)
            block_amaxes(w, c[k.VALUES_AT], c[k.NONFINITE_AT] == DROP_NAN)
            block_scales(w, c, f)
            quantize_literally(w, c, f)
            write_codes(w, codes, at, count, columns, shape)
            write_scales(w, scale_bytes, picked, at, count, columns, shape)

    return literal


@_loop
def _(stamp: str) -> Loop:
    def undecided(w, job, chunks):  # noqa: ANN001, ANN202
        assert stamp
        x, c, f, layout, _, _ = job
        count, at, values = 0, np.zeros(LANES, np.int64), _values(x)
        for i in range(chunks):
            first, _ = _places(i, layout)
            read_whole(w, values, c[k.DTYPE_AT], first, layout[1], layout[2:4])
            if fast_chunk(w, c, f, chooses(c)) != 0:
                count += _append_open(w, at, 0, first, ROW)
        return count

    return undecided
