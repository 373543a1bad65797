"""What is written, and where: a file, or a folder of shards with their index and configuration."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fos_ref.engines.conversion.amaxes import Amaxes
from fos_ref.engines.conversion.asked import Asked
from fos_ref.engines.conversion.source import Origin
from fos_ref.engines.conversion.units import Weight
from fos_ref.engines.conversion.writing import Shard
from fos_ref.publish.publication import Publication
from fos_ref.publish.targets import Targets, whole_folder
from fos_ref.storage.manifest import CONFIG_KEY, Manifest, Source
from fos_ref.storage.reader_config import CONFIG, documents, file_names
from fos_ref.version import VERSION

_COPY_BYTES = 1 << 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where a checkpoint goes."""

    origin: Origin
    path: Path  #: of a file, or of a new folder
    config: bool  #: whether the configuration goes beside a file; it always does in a folder

    def targets(self, asked: Asked, *, overwrite: bool) -> Targets:
        """Return what is published: a folder at once, or a file and its configuration."""
        if self.origin.is_folder:
            read = self.origin.path if self.origin.path.is_dir() else self.origin.file
            return whole_folder(self.path, inputs=[read])
        beside = file_names(asked.convention) if self.config else ()
        inputs = [self.origin.file, *([self.origin.folder / CONFIG] if self.config else [])]
        names = [self.path.name, *beside]
        return Targets(self.path.parent, names, inputs=inputs, overwrite=overwrite, parents=False)

    @property
    def writes_config(self) -> bool:
        """Whether a configuration is written."""
        return self.config or self.origin.is_folder

    def name(self, shard: Shard) -> str:
        """Return the name of a file of weights."""
        return shard.file.path.name if self.origin.is_folder else self.path.name

    def place(self, shard: Shard) -> Path:
        """Return the path of the same, for messages."""
        return self.path / self.name(shard) if self.origin.is_folder else self.path

    def documents(
        self, asked: Asked, config: Mapping[str, Any], model: Mapping[str, Any] | None
    ) -> dict[str, bytes]:
        """Return the configuration files by name."""
        if not self.writes_config:
            return {}
        found = documents(asked.convention, config, model, whole=self.origin.is_folder)
        return {name: as_document(value) for name, value in found.items()}

    def index(self, shards: list[Shard], asked: Asked) -> dict[str, bytes]:
        """Return the index of a folder that had one."""
        if not self.origin.has_index:
            return {}
        places = {i.name: (i.nbytes, self.name(s)) for s in shards for i in s.infos(asked)}
        return {self.origin.file.name: index_document(places)}

    def copy_side_files(self, shards: list[Shard], out: Publication) -> Iterator[str]:
        """Copy what goes with the weights of a folder; return the names."""
        if not self.origin.is_folder:
            return
        for name in self.origin.side_files(frozenset(map(self.name, shards))):
            target = out.open(name)
            with (self.origin.folder / name).open("rb") as file:
                while data := file.read(_COPY_BYTES):
                    with out.naming(name):
                        target.write(data)
            yield name


def metadata(shard: Shard, amaxes: Amaxes, asked: Asked, config: Mapping[str, Any]) -> dict[str, str]:
    """Return the metadata of a file: the source's, the recipe manifest of its weights, the configuration."""
    manifest = Manifest(
        version=VERSION,
        convention=asked.convention,
        recipe=asked.recipe,
        tensors={u.name: _source(w, amaxes, u.name) for w in shard.weights for u in w.units()},
    )
    return {**shard.file.metadata, **manifest.to_metadata(), CONFIG_KEY: json.dumps(config)}


def _source(w: Weight, amaxes: Amaxes, name: str) -> Source:
    padded = w.whole if w.padded else None
    return Source(amaxes.used[name], w.info.dtype, w.shape, padded, w.transposed)


def index_document(places: Mapping[str, tuple[int, str]]) -> bytes:
    """Return an index of shards. places: tensor -> (its bytes, the file that holds it)."""
    weight_map = {name: places[name][1] for name in sorted(places)}
    total = sum(nbytes for nbytes, _ in places.values())
    return as_document({"metadata": {"total_size": total}, "weight_map": weight_map})


def as_document(value: object) -> bytes:
    """Return a JSON file as it lies beside weights."""
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
