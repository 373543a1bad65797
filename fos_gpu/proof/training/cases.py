"""What is compared: recipes, roundings, and where the words of each come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from fos_gpu.build.training_units import Rounding
from fos_ref.random import Feed
from fos_ref.random.maps.wordmap import Option

NO_OPTIONS: Mapping[str, Option] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Case:
    """One stochastic quantizer with its words: a map's, drawn in the kernel, or any words, given."""

    recipe: str
    rounding: Rounding
    map: str = ""
    options: Mapping[str, Option] = field(default_factory=lambda: NO_OPTIONS)

    @property
    def name(self) -> str:
        """What the case is called in the finding."""
        how = f"{self.recipe}, {self.rounding.rule} {self.rounding.feed.value} {self.rounding.bits}"
        chosen = "".join(f" {k}={v}" for k, v in self.options.items())
        return f"{how}, {self.map or 'given words'}{chosen}"


NATURAL, LANE, REVERSED = (
    Rounding.of("sr_a", f) for f in (Feed.BYTE_NATURAL, Feed.BYTE_LANE, Feed.PAIR_REVERSED)
)
SOFTWARE = Rounding.of("te_software", Feed.BYTE_NATURAL)
TE, TORCHAO, FOUROVERSIX = "te-cuda-nvfp4", "torchao-train-nvfp4", "fouroversix-static6"
_ROW_ONLY = MappingProxyType({"copies": "row"})
_COLUMN = MappingProxyType({"copy": "column", "tile_tokens": 256})

CASES = (
    Case(TE, NATURAL),
    Case(TE, LANE),
    Case(TE, Rounding.of("sr_b", Feed.HALF_REVERSED)),
    Case(TE, Rounding.of("sr_c", Feed.HALF, 13)),
    Case(TE, NATURAL, "te-fused-row"),
    Case(TE, REVERSED, "te-fused-column"),
    Case(TE, LANE, "te-tuned-row"),
    Case(TE, SOFTWARE, "te-tuned-row", _ROW_ONLY),
    Case(TE, SOFTWARE, "te-tuned-column"),
    Case(TE, NATURAL, "te-general-row"),
    Case(TE, NATURAL, "te-general-row", _ROW_ONLY),
    Case(TE, NATURAL, "te-general-column"),
    Case(TORCHAO, LANE, "torchao-triton"),
    Case(TORCHAO, REVERSED, "torchao-triton", _COLUMN),
    Case(TORCHAO, LANE, "torchao-cute-row"),
    Case(TORCHAO, REVERSED, "torchao-cute-column"),
    Case(FOUROVERSIX, LANE, "fouroversix-triton"),
    Case(FOUROVERSIX, Rounding.of("fouroversix_torch", Feed.WORD, 24)),
    Case(FOUROVERSIX, Rounding.of("quartet2_simulator", Feed.WORD), "quartet2-simulator"),
)
#: Maps of which the words themselves are compared: those that no case above draws.
OTHER_MAPS = ("fouroversix-triton-uniform", "quartet2-simulator-scales", "quartet2-scales")
