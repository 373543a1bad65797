"""One task, one shard: skip what is proven, make the rest, record last.

It may run anywhere, several times, twice at once. Each attempt writes under a name of its own, and all write
the same bytes: executed at least once, with exactly one result.
"""

from __future__ import annotations

import errno
import time
from contextlib import closing, ExitStack
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from fos_ref.engines.registry import get_engine
from fos_ref.errors import CheckpointError, FosError, RecipeError, ToolchainError
from fos_ref.errors.text import line
from fos_ref.fleet.digests import sha256_of, sha256_of_file
from fos_ref.fleet.hashed import Hashed
from fos_ref.fleet.headers import header
from fos_ref.fleet.places.find import place
from fos_ref.fleet.places.place import Place
from fos_ref.fleet.places.retry import PAUSE, retried
from fos_ref.fleet.plan import Fleet, Part, read_plan
from fos_ref.fleet.records import described, Done, write_failure
from fos_ref.fleet.shard import Making
from fos_ref.fleet.window import HOLD, Window
from fos_ref.formats.environment import check_float_environment
from fos_ref.storage.safetensors_read import SafetensorsFile

DONE, SKIPPED, FAILED, LOST = "done", "skipped", "failed", "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How tasks run; no bit depends on it."""

    engine: str = "auto"
    threads: int = 1
    hold: int = HOLD  #: bytes of a matrix that is held
    verify: bool = False  #: whether the bytes of a finished output are read again before it is skipped
    pause: float = PAUSE


class Result(NamedTuple):
    """What came of a task."""

    shard: str
    state: str
    why: str = ""
    seconds: float = 0.0


def run_task(target: str, plan: str, shard: str, how: How) -> Result:
    """Run the task of one shard of the plan with this id, in the folder `target`.

    Returns: done or skipped; failed for input that cannot be used, which is recorded and not tried again;
             lost where files or the network fail, each try later than the last.
    Raises:  ToolchainError where something is not installed on this machine.
    """
    began = time.time()
    try:
        state, why = retried(lambda: _once(target, plan, shard, how), pause=how.pause)
    except OSError as e:
        state, why = LOST, line(str(e))
    return Result(shard, state, why, time.time() - began)


def _once(target: str, plan: str, shard: str, how: How) -> tuple[str, str]:
    check_float_environment()
    fleet, at = _plan(target, plan), place(target)
    part = fleet.parts[shard]
    task = fleet.task(part)
    if proven(at, task, shard, verify=how.verify):
        return SKIPPED, ""
    try:
        make(fleet, part, at, how)
    except (ToolchainError, RecipeError):
        raise
    except FosError as e:
        write_failure(at, plan=fleet.id, task=task, shard=shard, why=str(e))
        return FAILED, str(e)
    return DONE, ""


@lru_cache(maxsize=4)
def _plan(target: str, plan: str) -> Fleet:
    """Return the plan of a folder, read once a process. Raises: CheckpointError for another one."""
    found = read_plan(place(target))
    if found.id != plan:
        msg = f"{target}: the plan is {found.id[:12]} now, not {plan[:12]}: it was made anew meanwhile"
        raise CheckpointError(msg)
    return found


def proven(at: Place, task: str, shard: str, *, verify: bool = False) -> bool:
    """Return whether a record of this very task is there, and the output that it speaks of.

    The output is that one where its size and its ETag or time of writing are the recorded ones; where they
    are not, or with `verify`, its bytes decide.
    """
    record, found = Done.read(at, shard), at.stat(shard)
    if record is None or found is None or record.task != task or record.size != found.size:
        return False
    if found.token == record.token and found.token and not verify:
        return True
    return sha256_of(at, shard) == record.sha256


def make(fleet: Fleet, part: Part, at: Place, how: How) -> None:
    """Make one shard and record it. Raises: OSError; FosError for input that cannot be used."""
    began, source = time.time(), place(fleet.source)
    _check_planned(source, part)
    with ExitStack() as stack:

        def window(name: str) -> tuple[Window, Hashed]:
            held = Hashed(stack.enter_context(closing(source.open(name))))
            return Window(SafetensorsFile(source.path(name), held), how.hold), held

        own, bytes_ = window(part.name)
        values = sum(i.nbytes for i in own.tensors.values())
        making = Making(
            fleet=fleet,
            siblings=part.siblings,
            window=own,
            engine=get_engine(how.engine, fleet.recipe(), values),
            threads=how.threads,
            sibling=lambda name: window(name)[0],
        )
        found: list[str] = []

        def unchanged() -> None:
            own.release()
            found.append(bytes_.sha256())
            _check_source(source, part, found[0])

        with at.making(part.name) as path:
            made = making.write(path, unchanged)
            size, sha256 = path.stat().st_size, sha256_of_file(path)
        count = bytes_.count
    stat = at.stat(part.name)
    if stat is None or stat.size != size:
        raise OSError(errno.EIO, f"{size} bytes were written, and others are there", str(at.path(part.name)))
    Done(
        plan=fleet.id,
        task=fleet.task(part),
        shard=part.name,
        size=size,
        token=stat.token,
        sha256=sha256,
        source_sha256=found[0],
        **described(made),
        began=began,
        ended=time.time(),
        bytes_read=count,
    ).write(at)


def _check_planned(source: Place, part: Part) -> None:
    """Raise CheckpointError unless a shard is the one that was planned."""
    found = header(source, part.name)
    if (found.stat, found.sha256) != (part.stat, part.header_sha256):
        raise _changed(source, part)


def _check_source(source: Place, part: Part, sha256: str) -> None:
    """Raise CheckpointError unless a shard stayed as it was, and is what a list of hashes says."""
    if source.stat(part.name) != part.stat:
        raise _changed(source, part)
    if part.sha256 not in {None, sha256}:
        msg = f"{source.path(part.name)}: its sha256 is {sha256}, the list beside it has {part.sha256}"
        raise CheckpointError(msg)


def _changed(source: Place, part: Part) -> CheckpointError:
    msg = (
        f"{source.path(part.name)}: not the file that was planned: it changed since (`fos fleet plan --new`)"
    )
    return CheckpointError(msg)
