"""One task of an inspection: the weights of one shard."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from fos_ref.errors import CheckpointError
from fos_ref.errors.text import line
from fos_ref.fleet.looking.parts import View
from fos_ref.fleet.places.find import place
from fos_ref.fleet.places.retry import retried
from fos_ref.formats.bits import f32_hex
from fos_ref.inspect.job import Job
from fos_ref.inspect.problems import joined, Kind, Problem
from fos_ref.inspect.report import Inspection
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.conventions import stored_tensor_scale
from fos_ref.storage.held import Held
from fos_ref.storage.held_find import held_weights
from fos_ref.storage.manifest import Manifest
from fos_ref.storage.safetensors_read import SafetensorsFile
from fos_ref.storage.shards import Shards
from fos_ref.storage.tensor_info import NUMPY_DTYPES


class Original(NamedTuple):
    """The checkpoint that the weights were made of."""

    url: str
    holders: Mapping[str, str]  #: of the tensors that this task may ask for


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one task is to look at."""

    url: str
    view: View
    recipe: Recipe | None
    original: Original | None
    blocks: int | None  #: to compare


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What it found. why: why the shard could not be read; empty where it was."""

    shard: str
    why: str = ""
    problems: tuple[Problem, ...] = ()
    foreign: tuple[str, ...] = ()  #: weights whose tensor scale is not the manifest's
    holds: bool | None = None
    weights: tuple[tuple[Held, np.float32 | None], ...] = ()  #: with the tensor scale in the file
    found: Mapping[str, Any] | None = None  #: as `fos inspect --json` prints it, weights aside


def look(job: Look) -> Looked:
    """Inspect the weights of one shard. Errors of its bytes, and of the network at last, are its result."""
    try:
        return retried(lambda: _look(job))
    except (CheckpointError, OSError) as e:
        return Looked(shard=job.view.shard, why=line(str(e)))


def _look(job: Look) -> Looked:
    with ExitStack() as stack:
        file = _shards(stack, job.url, job.view.holders, job.view.shard)
        found = held_weights(file.tensors)
        if not found.weights and not found.groups:
            return Looked(shard=job.view.shard)
        original = None if job.original is None else _shards(stack, *job.original, "")
        manifest = Manifest.merged(
            [Manifest.from_metadata(f.metadata, f.path) for f in file.files], file.path
        )
        recipe = job.recipe or (manifest.recipe if manifest is not None and original is None else None)
        seen = Job(file, original, found, job.blocks, recipe, [], None).run()
    foreign = list(_foreign(seen))
    return Looked(
        shard=job.view.shard,
        problems=(*joined(foreign), *seen.problems),
        foreign=tuple(name for _, name, _ in foreign),
        holds=False if foreign else seen.manifest_holds,
        weights=tuple((w.held, w.stored) for w in seen.weights),
        found={k: v for k, v in seen.to_dict().items() if k != "weights"},
    )


def _shards(stack: ExitStack, url: str, holders: Mapping[str, str], own: str) -> Shards:
    """Open the shards that hold some tensors; the manifest is that of `own`, of all where it is empty."""
    at = place(url)
    files: dict[str, SafetensorsFile] = {}
    for name in _order(holders.values(), own):
        files[name] = stack.enter_context(SafetensorsFile(at.path(name), at.open(name)))
        if own and name != own:
            files[name].metadata = {}
    return Shards.of(at.path(own), files, holders)


def _order(names: Iterable[str], own: str) -> list[str]:
    return sorted({*names, *([own] if own else [])})


def _foreign(seen: Inspection) -> Iterator[tuple[Kind, str, str]]:
    """Yield each weight whose tensor scale is not the one that the manifest's amax makes."""
    if not isinstance(seen.manifest, Manifest) or not seen.manifest.convention.tensor_scale:
        return
    m = seen.manifest
    for w in seen.weights:
        made = m.tensors.get(w.held.name)
        if made is None or w.stored is None or made.dtype not in NUMPY_DTYPES:
            continue
        wanted = stored_tensor_scale(made.amax, m.recipe, m.convention, NUMPY_DTYPES[made.dtype])
        if w.stored != wanted:
            what = f"its tensor scale is {w.stored!s} ({f32_hex(w.stored)}), the manifest's amax makes it "
            yield Kind.TENSOR_SCALE, w.held.name, f"{what}{wanted!s} ({f32_hex(wanted)})"
