"""How far a fleet is, told from records alone: from any machine, whoever runs it."""

from __future__ import annotations

from dataclasses import dataclass

from fos_ref.fleet.places.place import MANIFEST, Place
from fos_ref.fleet.plan import Fleet
from fos_ref.fleet.records import Done, failures, recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The state of a plan. A record of another task than the plan's counts as missing."""

    plan: str
    shards: int
    done: tuple[str, ...]
    failed: dict[str, str]  #: why
    missing: tuple[str, ...]
    bytes_done: int
    bytes_total: int
    rate: float | None  #: bytes a second from the first beginning to the last end; None before a record
    seconds_left: float | None
    finished: bool  #: index, configuration and manifest are there


def status(fleet: Fleet, at: Place) -> Status:
    """Read the records of a plan. Raises: OSError, CheckpointError."""
    there = recorded(at)
    own = {n: Done.read(at, n) for n in fleet.parts if n in there}
    done = {n: r for n, r in own.items() if r is not None and r.task == fleet.task(fleet.parts[n])}
    failed = {
        n: f["why"]
        for n, f in failures(at).items()
        if n in fleet.parts and n not in done and f["task"] == fleet.task(fleet.parts[n])
    }
    made = sum(fleet.parts[n].stat.size for n in done)
    rate = None
    if done:
        seconds = max(r.ended for r in done.values()) - min(r.began for r in done.values())
        rate = made / seconds if seconds > 0 else None
    missing = tuple(n for n in fleet.parts if n not in done and n not in failed)
    left = sum(fleet.parts[n].stat.size for n in missing)
    return Status(
        plan=fleet.id,
        shards=len(fleet.parts),
        done=tuple(done),
        failed=failed,
        missing=missing,
        bytes_done=made,
        bytes_total=fleet.nbytes,
        rate=rate,
        seconds_left=None if rate is None else left / rate,
        finished=len(done) == len(fleet.parts) and at.stat(MANIFEST) is not None,
    )
