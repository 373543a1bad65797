"""A checkpoint that is being read: by which engine, and how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from fos_ref.engines.conversion.asked import Progress
from fos_ref.engines.registry import Engine
from fos_ref.engines.stream import alone, in_order, Readable, workers
from fos_ref.formats.arrays import AnyArray

In = TypeVar("In")
Out = TypeVar("Out")


class Named(Protocol):
    """What has a place, for messages."""

    @property
    def path(self) -> Path:
        """Where it lies."""


class Tensors(Readable, Protocol):
    """What is read: the shards of a checkpoint, or the part of one that is held."""

    def file_of(self, name: str, /) -> Named:
        """Return the file that holds a tensor."""


@dataclass(slots=True, kw_only=True)
class Reading:
    """The source under way."""

    shards: Tensors
    engine: Engine
    total: int  #: bytes of both passes
    progress: Progress | None
    threads: int | None = None  #: at most so many; None: as many as the engine has
    done: int = field(default=0)

    def each(self, fn: Callable[[In], Out], items: Iterable[In]) -> Iterator[Out]:
        """Return fn of every item, in order, worked on in threads."""
        count, first = workers(self.engine), alone(self.engine)
        if self.threads is not None:
            count = min(count, self.threads)
            if count == 1 and first is not None:
                first()
        return in_order(fn, items, count, first)

    def counted(self, chunks: Iterable[AnyArray], cols: int | None = None) -> Iterator[AnyArray]:
        """Count the bytes of chunks as they are read: of each row those of `cols` values, None for all."""
        for chunk in chunks:
            values = chunk.size if cols is None else chunk.size // chunk.shape[1] * cols
            self.advance(values * chunk.itemsize)
            yield chunk

    def advance(self, nbytes: int) -> None:
        """Count bytes that were read."""
        self.done += nbytes
        if self.progress is not None:
            self.progress(self.done, self.total)
