"""The end of a run: index, configuration and manifest, made from the plan and the records alone.

Whoever finds every record there makes them, perhaps several at once: each writes the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping

from fos_ref.engines.conversion.target import as_document, index_document
from fos_ref.errors import CheckpointError
from fos_ref.fleet.form import document
from fos_ref.fleet.places.find import place
from fos_ref.fleet.places.place import MANIFEST, Place
from fos_ref.fleet.plan import Fleet
from fos_ref.fleet.records import Done
from fos_ref.fleet.task import proven
from fos_ref.formats.bits import from_f32_hex
from fos_ref.storage.conventions import stored_tensor_scale
from fos_ref.storage.fused import fused_groups
from fos_ref.storage.reader_config import documents
from fos_ref.storage.tensor_info import NUMPY_DTYPES

FORM = "fos-fleet/1"


def records(fleet: Fleet, at: Place) -> dict[str, Done] | None:
    """Return the records of all shards; None while one is missing, or its output is."""
    found: dict[str, Done] = {}
    for name, part in fleet.parts.items():
        record = Done.read(at, name)
        if record is None or not proven(at, fleet.task(part), name):
            return None
        found[name] = record
    return found


def finish(fleet: Fleet, at: Place, found: Mapping[str, Done]) -> dict[str, str]:
    """Write what goes beside the shards; return name -> sha256 of every file of the output but side files.

    Raises: OSError; CheckpointError for a small file of the source that changed since the plan.
    """
    source = place(fleet.source)
    for name, stat in fleet.side_files.items():
        if source.stat(name) != stat:
            msg = f"{source.path(name)}: not the file that was planned: it changed since"
            raise CheckpointError(msg)
        data = source.read(name, stat.size)
        if at.stat(name) is None or at.read(name, max(stat.size, at_size(at, name))) != data:
            at.put(name, data or b"")
    asked, settings = fleet.asked(), fleet.settings["quantization_config"]
    files = {
        n: as_document(v) for n, v in documents(asked.convention, settings, fleet.model, whole=True).items()
    }
    if not fleet.file.endswith(".safetensors"):
        places = {t: (i["nbytes"], r.shard) for r in found.values() for t, i in r.tensors.items()}
        files[fleet.file] = index_document(places)
    files[MANIFEST] = document(_manifest(fleet, found))
    for name, data in files.items():
        at.put(name, data)
    at.sweep()
    return {r.shard: r.sha256 for r in found.values()}


def at_size(at: Place, name: str) -> int:
    """Return the size of a file, 0 where there is none."""
    stat = at.stat(name)
    return 0 if stat is None else stat.size


def _manifest(fleet: Fleet, found: Mapping[str, Done]) -> dict[str, object]:
    return {
        "form": FORM,
        "plan": fleet.id,
        "recipe": fleet.settings["recipe"]["name"],
        "recipe_fingerprint": fleet.settings["recipe_fingerprint"],
        "fused_groups_apart": apart(fleet, found),
        "shards": {
            n: {
                "sha256": r.sha256,
                "size": r.size,
                "source_sha256": r.source_sha256,
                "weights": len(r.weights),
            }
            for n, r in found.items()
        },
    }


def apart(fleet: Fleet, found: Mapping[str, Done]) -> int:
    """Return how many groups of weights that runtimes join have different tensor scales."""
    asked = fleet.asked()
    if not asked.convention.tensor_scale:
        return 0
    weights = {n: w for r in found.values() for n, w in r.weights.items()}
    count = 0
    for group in fused_groups(weights):
        scales = {
            stored_tensor_scale(
                from_f32_hex(weights[n]["amax"]),
                asked.recipe,
                asked.convention,
                NUMPY_DTYPES[weights[n]["dtype"]],
            )
            for n in group
        }
        count += len(scales) > 1
    return count
