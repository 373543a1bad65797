"""The bytes between the block scales: the swizzled layout pads to whole tiles, and readers want zeros."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fos_ref.check.evidence.cells import is_nan
from fos_ref.check.layouts import LOST, scale_maps, ScaleLayout
from fos_ref.formats.arrays import U8
from fos_ref.recipes.recipe import Recipe

NOTE = "ScalePadding"


@dataclass(frozen=True, slots=True)
class Padding:
    """Padding bytes of a swizzled buffer."""

    of: int
    bytes: int  #: that are not zero
    nan: int  #: of these

    def to_dict(self) -> dict[str, Any]:
        """Return the note as JSON values."""
        return {"note": NOTE, "bytes": self.bytes, "nan": self.nan, "of": self.of}

    def __str__(self) -> str:
        """Return the note as a line of text."""
        nan = f", {self.nan:,} of them NaN" if self.nan else ""
        return f"{NOTE}: {self.bytes:,} of {self.of:,} padding bytes are not zero{nan}"


def padding(scales: U8, rows: int, cols: int, r: Recipe, layout: ScaleLayout) -> Padding | None:
    """Return what stands between the scales (rows, cols) of a buffer; None where all of it is zero.

    Shapes: scales flat, as `check` takes them
    """
    if scales.size <= rows * cols:
        return None
    (flag, _, at), *_ = scale_maps(rows, cols, scales.size, layout)
    if flag or (at == LOST).any():
        return None
    rest = np.ones(scales.size, dtype=np.bool_)
    rest[at.ravel()] = False
    bytes_ = scales[rest]
    filled, nan = np.count_nonzero(bytes_), np.count_nonzero(is_nan(bytes_, r))
    return Padding(bytes_.size, int(filled), int(nan)) if filled else None
