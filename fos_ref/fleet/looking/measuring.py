"""What `fos report --weights` measures, shard by shard: sums of each tensor come back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import closing
from typing import NamedTuple

from fos_ref.errors import CheckpointError
from fos_ref.fleet.hashed import Hashed
from fos_ref.fleet.headers import headers
from fos_ref.fleet.places.find import Origin, place
from fos_ref.fleet.places.retry import retried
from fos_ref.fleet.workers.work import Workers
from fos_ref.report.weights import as_weights, measure_tensors, Measured, Weights
from fos_ref.storage.safetensors_read import SafetensorsFile


class Shard(NamedTuple):
    """One task."""

    url: str
    name: str
    engine: str
    threads: int


class Figures(NamedTuple):
    """What it gives."""

    name: str
    sha256: str
    measured: Measured


def measure_shard(job: Shard) -> Figures:
    """Measure the tensors of one shard. Raises: OSError, CheckpointError."""
    return retried(lambda: _measure(job))


def _measure(job: Shard) -> Figures:
    at = place(job.url)
    with closing(at.open(job.name)) as held:
        bytes_ = Hashed(held)
        found = measure_tensors(
            SafetensorsFile(at.path(job.name), bytes_), job.engine, lambda _: None, job.threads
        )
        return Figures(job.name, bytes_.sha256(), found)


def measure_fleet(
    origin: Origin, workers: Workers, *, engine: str, threads: int, say: Callable[[str], None] | None = None
) -> Weights:
    """Measure every recipe of the line-up on all shards of a checkpoint.

    The digest is that of the lines of sha256sum: two blanks between hash and name, a line a shard.
    Raises: OSError; CheckpointError; InputError where no tensor can be measured.
    """
    names = [h.name for h in headers(origin)]
    found: dict[str, Figures] = {}
    for one in workers.map(measure_shard, [Shard(origin.place.url, n, engine, threads) for n in names]):
        found[one.name] = one
        if say is not None:
            say(one.name)
    missing = [n for n in names if n not in found]
    if missing:
        msg = f"{origin.place.path(missing[0])}: no worker measured it"
        raise CheckpointError(msg)
    lines = "".join(f"{found[n].sha256}  {n}\n" for n in names)
    whole = found[names[0]].sha256 if len(names) == 1 else hashlib.sha256(lines.encode()).hexdigest()
    name = origin.place.path("x").parent.name or origin.file
    return as_weights(name, whole, [found[n].measured for n in names], origin.place.url)
