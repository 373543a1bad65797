"""What several commands of `fos fleet` take."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, TYPE_CHECKING

import typer

from fos_ref.commands.options import one_of, whole
from fos_ref.errors import InputError
from fos_ref.errors.text import shown

if TYPE_CHECKING:
    from fos_ref.fleet.run import Slice
    from fos_ref.fleet.workers.work import Workers

WORKERS_ENGINES = ("local", "dask")
_SHARD = re.compile(r"([0-9]{1,6})/([0-9]{1,6})")
Source = Annotated[str, typer.Argument(metavar="SRC", help="A folder, an index or a file; a path or a URL.")]
Target = Annotated[str, typer.Argument(metavar="DST", help="The folder of the output; a path or a URL.")]
By = Annotated[str, one_of(WORKERS_ENGINES, "Who runs the tasks: processes of this machine, or Dask.")]
Count = Annotated[int, whole("Worker processes of this machine; each gets its share of the cores.", 1, 4096)]
Scheduler = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Of Dask's scheduler. [default: one of this machine]")
]


@contextmanager
def tasks_by(engine: str, count: int, scheduler: str | None) -> Iterator[Workers]:
    """Return who runs the tasks. Raises: InputError for an address without Dask."""
    from fos_ref.fleet.run import workers_of

    if scheduler is not None and engine != "dask":
        msg = f"--scheduler {shown(scheduler)}: it goes with --engine dask"
        raise InputError(msg)
    with workers_of(engine, count, scheduler) as found:
        yield found


def part_of(text: str | None) -> Slice:
    """Return the slice that --shard names. Raises: InputError."""
    from fos_ref.fleet.run import Slice

    if text is None:
        return Slice()
    m = _SHARD.fullmatch(text)
    if m is None or not int(m[1]) < int(m[2]):
        msg = f"--shard {shown(text)}: I/N is allowed, I from 0 to N - 1"
        raise InputError(msg)
    return Slice(int(m[1]), int(m[2]))
