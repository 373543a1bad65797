"""What a run of the peers' suite compared, as sorted JSON without a date: equal runs, equal files."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from fos_ref.recipes import Recipe

from .cases import Case
from .peers.base import Peer

VARIABLE = "FOS_PEERS_EVIDENCE"  #: names the file to write; unset: nothing is written
FIELDS = ("codes", "block_scales", "picked4")


@dataclass
class Figures:
    """What was compared for one preset."""

    recipe: Recipe
    peer: Peer
    blocks: int = 0
    differing: Counter[str] = field(default_factory=Counter)
    compared: set[str] = field(default_factory=set)
    families: set[str] = field(default_factory=set)
    dtypes: set[str] = field(default_factory=set)

    def add(self, case: Case, counts: dict[str, int]) -> None:
        self.blocks += case.x.size // (16 * self.recipe.block_rows)
        self.differing.update(counts)
        self.compared.update(counts)
        self.families.add(case.family)
        self.dtypes.add(case.dtype)

    def to_dict(self) -> dict[str, Any]:
        return {
            "peer": self.peer.name,
            "version": self.peer.version,
            "fingerprint": self.recipe.fingerprint(),
            "block": self.recipe.block_shape.value,
            "blocks": self.blocks,
            "differing_bytes": {f: self.differing[f] if f in self.compared else None for f in FIELDS},
            "families": sorted(self.families),
            "dtypes": sorted(self.dtypes),
        }


@dataclass
class Evidence:
    figures: dict[str, Figures] = field(default_factory=dict)
    not_run: dict[str, str] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Write the file whole or not at all."""
        ran = {name: f.to_dict() for name, f in self.figures.items()}
        versions = {name: metadata.version(name) for name in ("numpy", "torch")}
        data = {"format": 1, "not_run": self.not_run, "presets": ran, "versions": versions}
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        unfinished.write_text(json.dumps(data, indent=1, sort_keys=True) + "\n")
        unfinished.replace(path)
