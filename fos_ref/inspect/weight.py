"""What was found out about one quantized weight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fos_ref.formats.bits import f32_hex
from fos_ref.inspect.findings import Facts, Finding
from fos_ref.inspect.reading import Reading
from fos_ref.storage.held import Held


@dataclass(slots=True, kw_only=True)
class Compared:
    """How a weight compares with what it was made of, under each contender that is left."""

    blocks: int  #: looked at
    equal: dict[int, int]  #: by contender, those that were compared
    owners: dict[int, str | None]  #: by contender: the weight whose amax makes the stored tensor scale
    clean: dict[int, int] = field(default_factory=dict)  #: by contender: groups of 16 rows that are all equal
    groups: int = 0  #: of 16 rows
    own_amax: bool = False  #: compared under the weight's own amax, whatever the file says
    error: float | None = None  #: |x - value| / |x| as the file says, on a sample of rows
    differ: dict[int, slice] = field(default_factory=dict)  #: by contender: the first rows that differ

    @property
    def best(self) -> tuple[int | None, int]:
        """Return (contender, its equal blocks): the first of those that did best."""
        first = max(self.equal, key=lambda i: self.equal[i], default=None)
        return first, 0 if first is None else self.equal[first]


@dataclass(slots=True, kw_only=True)
class WeightFound:
    """One quantized weight."""

    held: Held
    stored: np.float32 | None  #: the tensor scale in the file
    reading: Reading  #: the one that the counts were taken with
    reads: bool = True  #: False: no reading is close to the original
    read: Mapping[str, Finding]  #: tensor_scale, nibble_order, scale_layout
    facts: Facts
    compared: Compared | None = None
    blocks: int = 0  #: compared, and
    equal: int = 0  #: equal under the dialect that fits the weight best among those of the file
    dialect: str | None = None

    @property
    def findings(self) -> dict[str, Finding]:
        """Every property of the weight."""
        return {**self.read, **self.facts.findings}

    def to_dict(self) -> dict[str, Any]:
        """Return the weight as plain JSON values."""
        return {
            "shape": list(self.held.shape),
            "convention": self.held.family.name,
            "format": self.held.format.value,
            "blocks": self.blocks,
            "equal": self.equal,
            "reading": str(self.reading) if self.reads else None,
            "relative_error": None if self.compared is None else self.compared.error,
            "dialect": self.dialect,
            "tensor_scale_bits": None if self.stored is None else f32_hex(self.stored),
            "largest_scale_byte": f"{self.facts.top:02X}",
            "largest_product": self.facts.product,
            "share4": self.facts.rule.share4,
            "counts": dict(self.facts.counts),
            "findings": {k: f.to_dict() for k, f in self.findings.items()},
        }
