"""Searches over more block scales than two, as data: what is tried, in which order (N6).

The error of a candidate has to be strictly smaller to replace the one that is kept, so the first of equals
wins. What the error is say the recipe's axes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from fos_ref.recipes.axes import Candidates


class Tried(Enum):
    """What a search varies."""

    AMAX = "amax"  #: the block amax of N5, times a factor: rounded to float32
    #: the same, each product rounded to the dtype of the input. The choice is made before the tensor scale:
    #: the tensor amax is the largest range that is kept
    RANGE = "range"
    SCALE = "scale"  #: the block scale itself, whatever the block amax is


@dataclass(frozen=True, slots=True)
class Search:
    """Candidates in the order in which they are tried."""

    tried: Tried
    factors: tuple[tuple[float, ...], ...] = ()  #: of each candidate, one product after the other; as float32
    codes: tuple[int, ...] = ()  #: scale bytes


_HUNDREDTHS = (100, *(i for i in range(50, 152) if i != 100))  # noqa: PLR2004 -- 1.00 comes first
SEARCHES: Mapping[Candidates, Search] = MappingProxyType(
    {
        # auto-round 0.16.1 data_type/nvfp.py::search_nvfp4_scale
        Candidates.FACTORS: Search(Tried.AMAX, factors=tuple((i / 100,) for i in _HUNDREDTHS)),
        # llm-compressor 0.14.0.1 observers/mse_quant.py::_grid_search_mse: int((1 - 0.8 / 1.8) * 200) steps
        Candidates.RANGES: Search(Tried.RANGE, factors=tuple((1.8, 1 - i / 200) for i in range(111))),
        Candidates.SCALES: Search(Tried.SCALE, codes=tuple(range(1, 127))),
    }
)


def search_of(candidates: Candidates) -> Search | None:
    """Return the search that a value of the axis stands for, None for the others."""
    return SEARCHES.get(candidates)
