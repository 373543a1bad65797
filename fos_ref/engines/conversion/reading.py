"""A checkpoint that is being read: by which engine, and how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from fos_ref.engines.conversion.asked import Progress
from fos_ref.engines.registry import Engine
from fos_ref.engines.stream import alone, in_order, workers
from fos_ref.formats.arrays import AnyArray
from fos_ref.storage.shards import Shards

In = TypeVar("In")
Out = TypeVar("Out")


@dataclass(slots=True, kw_only=True)
class Reading:
    """The source under way."""

    shards: Shards
    engine: Engine
    total: int  #: bytes of both passes
    progress: Progress | None
    done: int = field(default=0)

    def each(self, fn: Callable[[In], Out], items: Iterable[In]) -> Iterator[Out]:
        """Return fn of every item, in order, worked on in threads."""
        return in_order(fn, items, workers(self.engine), alone(self.engine))

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
