"""An inspection of a whole checkpoint: the tasks of its shards, and what is wrong between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fos_ref.errors import InputError
from fos_ref.fleet.headers import Header, headers
from fos_ref.fleet.looking.inspecting import Look, look, Looked, Original
from fos_ref.fleet.looking.parts import View, views
from fos_ref.fleet.places.find import Origin
from fos_ref.fleet.workers.work import Workers
from fos_ref.inspect.parts import fused_siblings
from fos_ref.inspect.problems import Kind, Problem
from fos_ref.recipes.recipe import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Overall:
    """What was found, shard by shard, in the order of their names."""

    url: str
    against: str | None
    shards: tuple[Looked, ...]
    between: tuple[Problem, ...]  #: fused weights with different tensor scales, wherever they lie

    @property
    def problems(self) -> list[tuple[str, Problem]]:
        """Return (shard, problem), the shard empty for one between shards."""
        own = [(s.shard, p) for s in self.shards for p in s.problems]
        return [*own, *(("", p) for p in self.between)]

    @property
    def unread(self) -> list[Looked]:
        """The shards that could not be read."""
        return [s for s in self.shards if s.why]

    @property
    def holds(self) -> bool | None:
        """Whether the bytes are those of the manifests; None where not all could be told."""
        told = [s.holds for s in self.shards if s.weights]
        if False in told:
            return False
        return True if told and all(told) else None


def inspect_fleet(
    origin: Origin,
    workers: Workers,
    *,
    against: Origin | None = None,
    recipe: Recipe | None = None,
    blocks: int | None = None,
    say: Callable[[Looked], None] | None = None,
) -> Overall:
    """Inspect a quantized checkpoint, a task a shard.

    against: the checkpoint of which it was made
    recipe:  what is said to have made it; without one, and without `against`, a shard is held against the
             recipe of its own manifest
    blocks:  how many blocks to compare with `against`, in all; None: every one
    Raises:  OSError; CheckpointError for headers that cannot be used; InputError without quantized weights.
    """
    every = views(headers(origin))
    if not any(v.blocks for v in every):
        msg = f"{origin.place.url}: none of its {len(every)} shards holds an NVFP4 or MXFP4 weight"
        raise InputError(msg)
    originals = None if against is None else headers(against)
    total = sum(v.blocks for v in every)
    jobs = [
        Look(
            url=origin.place.url,
            view=v,
            recipe=recipe,
            original=None if against is None or not v.blocks else _original(against, originals or [], v),
            blocks=None if blocks is None else max(1, blocks * v.blocks // total),
        )
        for v in every
    ]
    found: list[Looked] = []
    for one in workers.map(look, jobs):
        found.append(one)
        if say is not None:
            say(one)
    shards = tuple(sorted((_without_fused(s) for s in found), key=lambda s: s.shard))
    weights = [w for s in shards for w in s.weights]
    between = fused_siblings([h for h, _ in weights], _stored(weights))
    url = None if against is None else against.place.url
    return Overall(url=origin.place.url, against=url, shards=shards, between=tuple(between))


def _stored(weights: Sequence[tuple[object, np.float32 | None]]) -> list[np.float32 | None]:
    return [s for _, s in weights]


def _without_fused(s: Looked) -> Looked:
    """Return a shard without the problems of fused weights: they are judged over all shards."""
    return replace(s, problems=tuple(p for p in s.problems if p.kind is not Kind.FUSED_SIBLINGS))


def _original(against: Origin, originals: Sequence[Header], view: View) -> Original:
    """Return where the originals of a view's weights lie by their names; all, where one is unknown."""
    shard_of = {t: h.name for h in originals for t in h.tensors}
    wanted = {t: shard_of[t] for t in view.parameters if t in shard_of}
    holders = wanted if len(wanted) == len(view.parameters) else shard_of
    return Original(against.place.url, holders)
