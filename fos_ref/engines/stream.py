"""Working through a tensor of a file in bounded memory: chunks read in order, results kept in order.

Memory holds a few chunks of about CHUNK_VALUES values, whatever the size of the tensor. The exceptions are a
16x16 recipe on very long rows (a chunk is at least 16 whole rows) and experts that lie transposed: one is
held whole.

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
from fos_ref.recipes.recipe import Recipe

CHUNK_VALUES = 1 << 20  #: values read at once: 4 MiB of float32
MAX_WORKERS = 8

In = TypeVar("In")
Out = TypeVar("Out")


class Readable(Protocol):
    """What holds tensors: a file, or the shards of a checkpoint."""

    def read_values(self, name: str, start: int, stop: int) -> AnyArray:
        """Return values start..stop of a tensor, counted in row-major order, as a fresh 1-D array."""


def pieces(file: Readable, name: str, start: int, shape: tuple[int, int], step: int) -> Iterator[AnyArray]:
    """Read a matrix that begins at value `start` of a tensor as (n, shape[1]), `step` rows at once."""
    rows, cols = shape
    for row in range(0, rows, step):
        stop = min(row + step, rows)
        yield file.read_values(name, start + row * cols, start + stop * cols).reshape(-1, cols)


def at_once(cols: int, block_rows: int = 1) -> int:
    """Return how many rows of `cols` values make a chunk of whole blocks."""
    return max(1, CHUNK_VALUES // (max(1, cols) * block_rows)) * block_rows


def chunks(file: Readable, name: str, start: int, shape: tuple[int, int], r: Recipe) -> Iterator[AnyArray]:
    """Read a matrix (N, K), K whole blocks, as matrices of whole blocks, in order.

    Where the rows of blocks of one row end does not matter: rows longer than a chunk are read block by block.
    """
    rows, cols = shape
    if r.block_rows == 1 and cols > CHUNK_VALUES:
        rows, cols = rows * cols // r.group, r.group
    return pieces(file, name, start, (rows, cols), at_once(cols, r.block_rows))


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
