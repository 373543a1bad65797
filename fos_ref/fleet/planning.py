"""Making a plan: headers, the index, the configuration of the model; no value of a weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fos_ref.engines.conversion.asked import Asked
from fos_ref.engines.conversion.plan import orientation_of, Plan, refuse_quantized
from fos_ref.engines.conversion.source import as_model, inputs_lie_transposed, unquantized
from fos_ref.errors import CheckpointError, InputError, Remedy
from fos_ref.fleet.hash_lists import hashes
from fos_ref.fleet.headers import Header, headers
from fos_ref.fleet.places.find import Origin
from fos_ref.fleet.places.place import Place, PLAN
from fos_ref.fleet.plan import Fleet, planned, read_plan
from fos_ref.outside.json import MOST_BYTES, read_json
from fos_ref.storage.folders import side_names
from fos_ref.storage.fused import fused_groups
from fos_ref.storage.reader_config import CONFIG, MODELOPT_CONFIG, quantization_config
from fos_ref.storage.safetensors_write import check_names
from fos_ref.version import VERSION


def make_plan(origin: Origin, target: Place, asked: Asked, *, new: bool = False) -> Fleet:
    """Read the headers of `origin` and write the plan into `target`; return it.

    target: a new or an empty folder, or one with this very plan
    new:    replace another plan; what its tasks gave stays where settings and shard are the same
    Raises: OSError; InputError for a target with other files or another plan, and for a source without a
            weight; CheckpointError for headers that cannot be used.
    """
    _check_apart(origin.place, target)
    if asked.recipe.stochastic:
        what = f"recipe {asked.recipe.name!r} takes random bits, and nothing says which matrix gets which"
        msg = f"{what}: one that takes none is allowed"
        raise InputError(msg)
    found = headers(origin)
    body = _body(origin, found, asked)
    data = planned(body)
    old = target.read(PLAN, MOST_BYTES)
    if old is None and target.names():
        msg = f"{target.url}: something is there already: a new or an empty folder is allowed"
        raise InputError(msg)
    if old is not None and old != data and not new:
        msg = f"{target.path(PLAN)} is another plan: one of the same source and settings is allowed"
        raise InputError(msg, remedy=Remedy("new=True", "makes a plan of these"))
    target.ready()
    if old != data:
        target.put(PLAN, data)
    return read_plan(target)


def _check_apart(source: Place, target: Place) -> None:
    """Raise InputError for an output into the folder that is read."""
    if source.url == target.url:
        msg = f"{target.url} is the folder that is read: another place is needed for the output"
        raise InputError(msg)


def _body(origin: Origin, found: Sequence[Header], asked: Asked) -> dict[str, Any]:
    for h in found:
        refuse_quantized(h.metadata, origin.place.path(h.name))
    model = _model(origin)
    tensors = {n: i for h in found for n, i in h.tensors.items()}
    stacks = any(asked.selection.is_stack(i) for i in tensors.values())
    lie = orientation_of(
        asked, stacks=stacks, transposed=lambda: inputs_lie_transposed(model or {}), where=origin.place.url
    )
    plan = Plan.chosen(tensors, asked, lie).with_a_weight(origin.place.url)
    copied = [i for n, i in tensors.items() if plan.left[n]]
    made = [i for w in plan.weights.values() for i in w.infos(asked.convention)]
    check_names(origin.place.path(origin.file), [*copied, *made])
    there = origin.place.names()
    lists = hashes(origin.place, there)
    taken = frozenset({h.name for h in found} | {CONFIG, MODELOPT_CONFIG, origin.file})
    siblings = _siblings(found, plan) if asked.share == "fused" else {}
    return {
        "source": origin.place.url,
        "file": origin.file,
        "settings": _settings(asked, plan),
        "model": model,
        "largest_tensor": max(i.nbytes for i in tensors.values()),
        "side_files": [{"name": n, **there[n]._asdict()} for n in side_names(there, taken)],
        "shards": [_part(h, lists.get(h.name), siblings.get(h.name, {})) for h in found],
    }


def _part(h: Header, listed: str | None, siblings: Mapping[str, str]) -> dict[str, Any]:
    own = {"name": h.name, "size": h.stat.size, "token": h.stat.token}
    return own | {"header_sha256": h.sha256, "sha256": listed, "siblings": dict(siblings)}


def _settings(asked: Asked, plan: Plan) -> dict[str, Any]:
    return {
        "recipe": asked.recipe.to_dict(),
        "recipe_fingerprint": asked.recipe.fingerprint(),
        "convention": asked.convention.name,
        "include": list(asked.selection.include),
        "exclude": list(asked.selection.exclude),
        "share": asked.share,
        "padding": asked.padding,
        "experts": plan.orientation,
        "quantization_config": quantization_config(asked.convention, plan.modules_left(), VERSION),
        "fos_version": VERSION,
    }


def _model(origin: Origin) -> dict[str, Any] | None:
    """Return the config.json beside the weights."""
    data, path = origin.place.read(CONFIG, MOST_BYTES), origin.place.path(CONFIG)
    if data is None:
        return None
    return unquantized(as_model(read_json(data, path, CheckpointError, infinite=True), path), path)


def _siblings(found: Sequence[Header], plan: Plan) -> dict[str, dict[str, str]]:
    """Return of each shard the fused weights that lie in others: a group has one tensor scale."""
    shard_of = {n: h.name for h in found for n in h.tensors}
    units = {u.name: u.weight.info.name for u in plan.units}
    needed: dict[str, dict[str, str]] = {}
    for group in fused_groups(units):
        places = {units[n]: shard_of[units[n]] for n in group}
        for shard in set(places.values()):
            others = {t: s for t, s in places.items() if s != shard}
            needed.setdefault(shard, {}).update(others)
    return {shard: dict(sorted(others.items())) for shard, others in needed.items() if others}
