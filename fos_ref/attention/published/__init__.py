"""What public programs do to q, k and v before causal attention, restated from their formulas and judged.

No program was run: these are float32 NumPy restatements of preparations that were read, in one order of
sums. What they show is which outputs can depend on which tokens; the bits of a kernel are others.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from fos_ref.attention.published.caches import CACHES
from fos_ref.attention.published.modelopt import MODELOPT
from fos_ref.attention.published.row import Published
from fos_ref.attention.published.smoothing import SMOOTHED
from fos_ref.attention.published.te import TE

#: name -> the program; docs/leak.md has the table.
PUBLISHED: Mapping[str, Published] = MappingProxyType(
    {p.name: p for p in (*SMOOTHED, *MODELOPT, *CACHES, *TE)}
)

__all__ = ["PUBLISHED", "Published"]
