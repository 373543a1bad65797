"""The headers of all shards of a checkpoint: 8 + n bytes of each, and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from fos_ref.errors import CheckpointError
from fos_ref.errors.text import shown
from fos_ref.fleet.places.find import Origin
from fos_ref.fleet.places.place import Place, Stat
from fos_ref.outside.json import MOST_BYTES, read_json
from fos_ref.outside.safetensors import check_header
from fos_ref.storage.safetensors_read import header_bytes, METADATA, read_header
from fos_ref.storage.shards import weight_map_of
from fos_ref.storage.tensor_info import TensorInfo

_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What the header of one shard says. The shard may be truncated: its task finds that out, alone."""

    name: str
    stat: Stat
    sha256: str  #: of the header
    metadata: Mapping[str, str]
    tensors: Mapping[str, TensorInfo]


def index_of(origin: Origin) -> dict[str, str] | None:
    """Return the weight_map of a checkpoint; None for a single file. Raises: CheckpointError."""
    if not origin.has_index:
        return None
    path = origin.place.path(origin.file)
    data = origin.place.read(origin.file, MOST_BYTES)
    if data is None:
        msg = f"{path}: no such file: an index, a safetensors file or a folder is allowed"
        raise CheckpointError(msg)
    return weight_map_of(read_json(data, path, CheckpointError), path)


def headers(origin: Origin) -> list[Header]:
    """Read the headers of all shards, several at once.

    Raises: OSError; CheckpointError for a header that cannot be used, for a tensor that two shards hold, and
            for one that the index names and its shard does not hold.
    """
    weight_map = index_of(origin)
    names = [origin.file] if weight_map is None else sorted(set(weight_map.values()))
    with ThreadPoolExecutor(min(_AT_ONCE, len(names))) as pool:
        found = list(pool.map(lambda n: header(origin.place, n), names))
    _check(found, weight_map, origin)
    return found


def header(place: Place, name: str) -> Header:
    """Read one header."""
    path, stat = place.path(name), place.stat(name)
    if stat is None:
        msg = f"{path}: no such file: the index names it"
        raise CheckpointError(msg)
    held = place.open(name)
    try:
        raw, _ = header_bytes(lambda at, count: held.read(at, at + count), path)
    finally:
        held.close()
    entries = read_header(raw, path)
    check_header(entries, -1, path)
    return Header(
        name=name,
        stat=stat,
        sha256=hashlib.sha256(raw).hexdigest(),
        metadata=entries.get(METADATA) or {},
        tensors={n: _info(n, e) for n, e in entries.items() if n != METADATA},
    )


def _info(name: str, entry: Mapping[str, Any]) -> TensorInfo:
    start, stop = entry["data_offsets"]
    return TensorInfo(name, entry["dtype"], tuple(entry["shape"]), stop - start)


def _check(found: Sequence[Header], weight_map: Mapping[str, str] | None, origin: Origin) -> None:
    holders: dict[str, str] = {}
    for h in found:
        for tensor in h.tensors:
            if tensor in holders:
                path = origin.place.path(h.name)
                msg = f"{path}: {shown(tensor)} is in {holders[tensor]} too: one of them is allowed"
                raise CheckpointError(msg)
            holders[tensor] = h.name
    wrong = {t: n for t, n in (weight_map or {}).items() if holders.get(t) != n}
    unnamed = [t for t in holders if weight_map is not None and t not in weight_map]
    if wrong or unnamed:
        path = origin.place.path(origin.file)
        lost = next(iter(wrong), "")
        what = (
            f"{shown(lost)} is not in {wrong[lost]!r}, where the index puts it"
            if wrong
            else f"{shown(unnamed[0])} is in {holders[unnamed[0]]}, and the index does not name it"
        )
        msg = f"{path}: {what}"
        raise CheckpointError(msg)
