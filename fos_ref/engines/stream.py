"""Working through a tensor of a file in bounded memory: chunks read in order, results kept in order.

Memory holds a few chunks of about CHUNK_VALUES values, whatever the size of the tensor. The exception is a
16x16 recipe on very long rows: a chunk is at least 16 whole rows.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from fos_ref.engines.registry import Engine
from fos_ref.formats.arrays import AnyArray
from fos_ref.recipes.axes import BlockShape
from fos_ref.recipes.recipe import BLOCK, Recipe
from fos_ref.storage.safetensors_read import SafetensorsFile, TensorInfo

CHUNK_VALUES = 1 << 20  #: values read at once: 4 MiB of float32
MAX_WORKERS = 8

In = TypeVar("In")
Out = TypeVar("Out")


def chunks(file: SafetensorsFile, info: TensorInfo, r: Recipe) -> Iterator[AnyArray]:
    """Read a weight (N, K) as matrices of whole blocks, in order.

    Where the rows of 1x16 blocks end does not matter: rows longer than a chunk are read as (N*K/16, 16).
    """
    rows, cols = info.shape
    if r.block_shape is BlockShape.ROW_16 and cols > CHUNK_VALUES:
        rows, cols = rows * cols // BLOCK, BLOCK
    step = max(1, CHUNK_VALUES // (cols * r.block_rows)) * r.block_rows
    for row in range(0, rows, step):
        yield file.read_values(info.name, row * cols, min(row + step, rows) * cols).reshape(-1, cols)


def workers(engine: Engine) -> int:
    """Return how many chunks to work on at once: the engines other than NumPy are parallel within a chunk."""
    return min(MAX_WORKERS, os.cpu_count() or 1) if engine.name == "numpy" else 1


def in_order(fn: Callable[[In], Out], items: Iterable[In], count: int) -> Iterator[Out]:
    """Map `fn` over `items` in `count` threads, holding at most count + 1 items; results keep their order."""
    if count == 1:
        yield from map(fn, items)
        return
    waiting: deque[Future[Out]] = deque()
    with ThreadPoolExecutor(count) as pool:
        for item in items:
            waiting.append(pool.submit(fn, item))
            if len(waiting) > count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
