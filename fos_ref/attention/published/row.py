"""A public program's attention: its source, its head, and the verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fos_ref.formats.arrays import F32


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A preparation that somebody published, as a head: callable with q, k, v (T, d)."""

    name: str
    source: str  #: repository@commit:file::function
    head: Callable[..., F32]
    kind: str | None  #: of LeakReport
    tensors: str  #: of "qkv" those whose later tokens reach earlier outputs
    why: str

    def __call__(self, q: Any, k: Any, v: Any) -> F32:
        """Return the output of the head (T, dv)."""
        return self.head(q, k, v)
