"""What a run of the peers' suite compared, as sorted JSON without a date: equal runs, equal files."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from fos_ref.publish.publication import write_all
from fos_ref.publish.targets import Targets
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
    left_out: int = 0  #: blocks not among them, on which the peer's release is not the preset's commit
    differing: Counter[str] = field(default_factory=Counter)
    compared: set[str] = field(default_factory=set)
    families: set[str] = field(default_factory=set)
    dtypes: set[str] = field(default_factory=set)

    def add(self, case: Case, counts: dict[str, int], left_out: int = 0) -> None:
        self.blocks += case.x.size // (self.recipe.block_cols * self.recipe.block_rows) - left_out
        self.left_out += left_out
        self.differing.update(counts)
        self.compared.update(counts)
        self.families.add(case.family)
        self.dtypes.add(case.dtype)

    def to_dict(self) -> dict[str, Any]:
        apart = self.peer.releases.get(self.recipe.name)
        if self.left_out:
            apart = apart or self.peer.libraries[self.recipe.name]
        return {
            "peer": self.peer.name,
            "version": self.peer.version,
            "ci": self.peer.in_ci,
            "fingerprint": self.recipe.fingerprint(),
            "block": self.recipe.block_shape.value,
            "blocks": self.blocks,
            "blocks_left_out": self.left_out,
            "left_out_because": apart.why if apart else None,
            "differing_bytes": {f: self.differing[f] if f in self.compared else None for f in FIELDS},
            "families": sorted(self.families),
            "dtypes": sorted(self.dtypes),
        }


@dataclass
class Evidence:
    figures: dict[str, Figures] = field(default_factory=dict)
    conversions: dict[str, dict[str, Any]] = field(default_factory=dict)  #: "peer: format" -> counts
    not_run: dict[str, str] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Write the file whole or not at all; what an earlier run found stays where this one did not look."""
        before = json.loads(path.read_text()) if path.exists() else {}
        ran = before.get("presets", {}) | {name: f.to_dict() for name, f in self.figures.items()}
        skipped = before.get("not_run", {}) | self.not_run
        data = {
            "format": 1,
            "conversions": before.get("conversions", {}) | self.conversions,
            "not_run": {k: why for k, why in skipped.items() if k not in ran or k in self.not_run},
            "peers": totals(ran),
            "presets": ran,
            "versions": {name: metadata.version(name) for name in ("numpy", "torch")},
        }
        text = json.dumps(data, indent=1, sort_keys=True) + "\n"
        write_all(Targets(path.parent, [path.name]), {path.name: text.encode()})


def totals(presets: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return each peer's presets, blocks and differing bytes, added up."""
    found: dict[str, dict[str, Any]] = {}
    for f in presets.values():
        start = {"version": f["version"], "presets": 0, "blocks": 0, "differing_bytes": 0}
        total = found.setdefault(f["peer"], start)
        total["presets"] += 1
        total["blocks"] += f["blocks"]
        total["differing_bytes"] += sum(n or 0 for n in f["differing_bytes"].values())
    return found
