"""Which tensors of a quantized checkpoint are looked at with which shard: a weight with its codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from fos_ref.fleet.headers import Header
from fos_ref.storage.held_find import held_weights
from fos_ref.storage.parts import Part


class View(NamedTuple):
    """What one task sees: tensor -> the shard that holds it, of one shard mostly."""

    shard: str
    holders: Mapping[str, str]
    blocks: int  #: of the weights in it
    parameters: tuple[str, ...]  #: what their originals may be called


def views(found: Sequence[Header]) -> list[View]:
    """Return the views of all shards: parts of a weight that lie in other shards go with its codes."""
    shard_of = {n: h.name for h in found for n in h.tensors}
    held = held_weights({n: i for h in found for n, i in h.tensors.items()})
    holders: dict[str, dict[str, str]] = {h.name: {} for h in found}
    moved: dict[str, str] = {}
    for group in held.groups:
        first = group.parts.get(Part.CODES) or next(iter(group.parts.values()))
        moved |= {i.name: shard_of[first.name] for i in group.parts.values()}
    for tensor, shard in shard_of.items():
        holders[moved.get(tensor, shard)][tensor] = shard
    blocks, parameters = dict.fromkeys(holders, 0), {n: dict[str, None]() for n in holders}
    for w in held.weights:
        at = moved.get(w.codes.name, shard_of[w.codes.name])
        blocks[at] += w.blocks
        parameters[at][w.parameter] = None
    return [View(n, holders[n], blocks[n], tuple(parameters[n])) for n in holders]
