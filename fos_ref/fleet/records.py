"""Records: what a task leaves behind, and all that the end of a run reads.

`.fos/done/SHARD.json` is written last. It says which task made which bytes. `.fos/failed/SHARD.json` says why
a shard cannot be made. Both are read from any machine that sees the folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fos_ref.fleet.form import COUNT, document, of_fields, read_form, REAL, SHA256, TEXT
from fos_ref.fleet.places.place import DONE, FAILED, Place
from fos_ref.fleet.shard import Made
from fos_ref.formats.bits import f32_hex

FORM, FAILED_FORM = "fos-fleet-done/1", "fos-fleet-failed/1"
_SIZES = {"type": "array", "items": COUNT}
_WEIGHT = of_fields({"amax": {"type": "string", "pattern": "^[0-9A-F]{8}$"}, "dtype": TEXT})
_TENSOR = of_fields({"dtype": TEXT, "shape": _SIZES, "nbytes": COUNT})
_SCHEMA = of_fields(
    {
        "form": {"const": FORM},
        "plan": SHA256,
        "task": SHA256,
        "shard": TEXT,
        "size": COUNT,
        "token": TEXT,
        "sha256": SHA256,
        "source_sha256": SHA256,
        "tensors": {"type": "object", "additionalProperties": _TENSOR},
        "weights": {"type": "object", "additionalProperties": _WEIGHT},
        "began": REAL,
        "ended": REAL,
        "bytes_read": COUNT,
    }
)
_FAILED = of_fields(
    {"form": {"const": FAILED_FORM}, "plan": SHA256, "task": SHA256, "shard": TEXT, "why": TEXT}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A done record."""

    plan: str
    task: str
    shard: str
    size: int
    token: str
    sha256: str
    source_sha256: str
    tensors: Mapping[str, Mapping[str, Any]]  #: of the output: dtype, shape, nbytes
    weights: Mapping[str, Mapping[str, str]]  #: by matrix: amax and dtype of the original
    began: float  #: seconds since 1970
    ended: float
    bytes_read: int

    def write(self, at: Place) -> None:
        """Write the record, and forget a failure."""
        own = {k: getattr(self, k) for k in self.__slots__}
        at.put(_name(DONE, self.shard), document({**own, "form": FORM}))
        at.remove(_name(FAILED, self.shard))

    @classmethod
    def read(cls, at: Place, shard: str) -> Done | None:
        """Return the record of a shard; None without one. Raises: OSError, CheckpointError."""
        found = read_form(at, _name(DONE, shard), _SCHEMA)
        return None if found is None else cls(**{k: v for k, v in found.items() if k != "form"})


def described(made: Made) -> dict[str, Any]:
    """Return what a record says of the tensors of an output."""
    dtypes = {o.name: o.dtype for o in made.outcomes}
    return {
        "tensors": {
            i.name: {"dtype": i.dtype, "shape": list(i.shape), "nbytes": i.nbytes} for i in made.tensors
        },
        "weights": {
            n: {"amax": f32_hex(a), "dtype": dtypes.get(n) or dtypes[n.rpartition("[")[0]]}
            for n, a in made.amaxes.items()
        },
    }


def write_failure(at: Place, *, plan: str, task: str, shard: str, why: str) -> None:
    """Write why a shard cannot be made."""
    own = {"plan": plan, "task": task, "shard": shard, "why": why}
    at.put(_name(FAILED, shard), document({**own, "form": FAILED_FORM}))


def failures(at: Place) -> dict[str, dict[str, Any]]:
    """Return the failures that are recorded, by shard."""
    found = {}
    for name in at.names(FAILED):
        record = read_form(at, f"{FAILED}/{name}", _FAILED)
        if record is not None:
            found[record["shard"]] = record
    return found


def recorded(at: Place) -> set[str]:
    """Return the shards that have a done record."""
    return {n.removesuffix(".json") for n in at.names(DONE) if n.endswith(".json")}


def _name(folder: str, shard: str) -> str:
    return f"{folder}/{shard}.json"
