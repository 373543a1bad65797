"""A plan: what is made of which shards, written down once. Everything that follows is a function of it.

`.fos/plan.json` has the recipe, the settings, and of each shard its size, its ETag or time of writing, and
the digest of its header. The id of the plan is the digest of all that. The id of a task is that of the
settings and of its shard alone: where a new plan differs in one shard, what the others have given stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fos_ref.engines.conversion.asked import Asked
from fos_ref.errors import CheckpointError, InputError
from fos_ref.fleet.form import COUNT, digest, document, OBJECT, of_fields, or_null, read_form, SHA256, TEXT
from fos_ref.fleet.places.place import Place, PLAN, Stat
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.conventions import convention
from fos_ref.storage.select import Selection

FORM = "fos-fleet-plan/1"
_TEXTS = {"type": "array", "items": TEXT}
_SHARD = of_fields(
    {
        "name": TEXT,
        "size": COUNT,
        "token": TEXT,
        "header_sha256": SHA256,
        "sha256": or_null(SHA256),
        "siblings": {"type": "object", "additionalProperties": TEXT},
    }
)
_SIDE = of_fields({"name": TEXT, "size": COUNT, "token": TEXT})
_SETTINGS = of_fields(
    {
        "recipe": OBJECT,
        "recipe_fingerprint": SHA256,
        "convention": TEXT,
        "include": _TEXTS,
        "exclude": _TEXTS,
        "share": TEXT,
        "padding": {"type": "boolean"},
        "experts": or_null(TEXT),
        "quantization_config": OBJECT,
        "fos_version": TEXT,
    }
)
SCHEMA = of_fields(
    {
        "form": {"const": FORM},
        "id": SHA256,
        "source": TEXT,
        "file": TEXT,
        "settings": _SETTINGS,
        "model": or_null(OBJECT),
        "largest_tensor": COUNT,
        "side_files": {"type": "array", "items": _SIDE},
        "shards": {"type": "array", "items": _SHARD, "minItems": 1},
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One shard of the source."""

    name: str
    stat: Stat
    header_sha256: str
    sha256: str | None  #: of the whole file, where a list of hashes lies beside it
    siblings: Mapping[str, str]  #: fused weights in other shards whose amax it needs: tensor -> shard

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        own = {"name": self.name, "size": self.stat.size, "token": self.stat.token}
        return own | {
            "header_sha256": self.header_sha256,
            "sha256": self.sha256,
            "siblings": dict(self.siblings),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """A plan as it is read back."""

    id: str
    source: str  #: the folder
    file: str  #: its index, or its only safetensors file
    settings: Mapping[str, Any]
    model: Mapping[str, Any] | None
    largest_tensor: int
    side_files: Mapping[str, Stat]
    parts: Mapping[str, Part]

    @property
    def nbytes(self) -> int:
        """The bytes of all shards."""
        return sum(p.stat.size for p in self.parts.values())

    def task(self, part: Part) -> str:
        """Return the id of the task of one shard."""
        return digest({"settings": self.settings, "shard": part.to_dict()})

    def recipe(self) -> Recipe:
        """Return the recipe. Raises: RecipeError, CheckpointError for one that another version wrote."""
        found = Recipe.from_dict(self.settings["recipe"])
        if found.fingerprint() != self.settings["recipe_fingerprint"]:
            msg = f"plan {self.id[:12]}: the fingerprint of recipe {found.name!r} is not the one recorded"
            raise CheckpointError(msg)
        return found

    def asked(self) -> Asked:
        """Return how shards are to be quantized."""
        s, r = self.settings, self.recipe()
        return Asked.checked(
            r,
            convention(s["convention"], r),
            selection=Selection(tuple(s["include"]), tuple(s["exclude"])),
            share=s["share"],
            padding=s["padding"],
            experts=s["experts"],
        )


def planned(body: Mapping[str, Any]) -> bytes:
    """Return the file of a plan: its content and its id."""
    return document({**body, "form": FORM, "id": digest({**body, "form": FORM})})


def read_plan(at: Place) -> Fleet:
    """Return the plan of a folder. Raises: OSError; InputError without one; CheckpointError."""
    found = read_form(at, PLAN, SCHEMA)
    if found is None:
        msg = f"{at.url}: no plan is in this folder: `fos fleet plan SRC {at.url}` makes one"
        raise InputError(msg)
    if digest({k: v for k, v in found.items() if k != "id"}) != found["id"]:
        msg = f"{at.path(PLAN)}: its content is not that of plan {found['id'][:12]}: it was edited"
        raise CheckpointError(msg)
    return as_fleet(found)


def as_fleet(found: Mapping[str, Any]) -> Fleet:
    """Return a plan from its JSON values."""
    parts = [
        Part(
            name=s["name"],
            stat=Stat(s["size"], s["token"]),
            header_sha256=s["header_sha256"],
            sha256=s["sha256"],
            siblings=s["siblings"],
        )
        for s in found["shards"]
    ]
    return Fleet(
        id=found["id"],
        source=found["source"],
        file=found["file"],
        settings=found["settings"],
        model=found["model"],
        largest_tensor=found["largest_tensor"],
        side_files={s["name"]: Stat(s["size"], s["token"]) for s in found["side_files"]},
        parts={p.name: p for p in parts},
    )
