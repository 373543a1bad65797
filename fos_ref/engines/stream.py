"""Working through a tensor of a file in bounded memory: chunks read in order, results kept in order.

Memory holds a few chunks of about CHUNK_VALUES values, whatever the size of the tensor. The exception is a
16x16 recipe on very long rows: a chunk is at least 16 whole rows.

Chunks are worked on in several threads, each by one thread alone, while the caller's thread reads the next
one and writes what is ready: a chunk is too short to be shared out, and reading takes as long as quantizing.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, runtime_checkable, TypeVar

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


@runtime_checkable
class Compiled(Protocol):
    """What the compiled engine offers besides: its threads, and whether its code is there."""

    def threads(self) -> int:
        """Return how many threads a call in this thread may use."""

    def keep_to_this_thread(self) -> None:
        """Let further calls in this thread use no other."""

    def is_compiled(self) -> bool:
        """Return whether no code has to be compiled."""

    def when_compiling(self, say: Callable[[], None]) -> None:
        """Call `say` when code has to be compiled, once."""


def workers(engine: Engine) -> int:
    """Return how many chunks to work on at once: an engine of a GPU is parallel within a chunk."""
    if isinstance(engine, Compiled):
        return min(MAX_WORKERS, engine.threads())
    return min(MAX_WORKERS, os.cpu_count() or 1) if engine.name == "numpy" else 1


def alone(engine: Engine) -> Callable[[], None] | None:
    """Return what a worker calls first, so that it works on its chunks alone; None: nothing."""
    return engine.keep_to_this_thread if isinstance(engine, Compiled) else None


def in_order(
    fn: Callable[[In], Out],
    items: Iterable[In],
    count: int,
    first: Callable[[], None] | None = None,
) -> Iterator[Out]:
    """Map `fn` over `items` in `count` threads, holding at most count + 1 items; results keep their order.

    Each thread calls `first` before anything else; with a count of 1 there is none but the caller's.
    """
    if count == 1:
        yield from map(fn, items)
        return
    waiting: deque[Future[Out]] = deque()
    with ThreadPoolExecutor(count, initializer=first) as pool:
        for item in items:
            waiting.append(pool.submit(fn, item))
            if len(waiting) > count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
