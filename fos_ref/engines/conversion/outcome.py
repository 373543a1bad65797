"""What became of a checkpoint, tensor by tensor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.conventions import Convention


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one tensor."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    bytes_in: int
    bytes_out: int
    left: str | None = None  #: why it was copied unchanged; None when it was quantized
    amax: np.float32 | None = None  #: the largest of a stack
    picked4_share: float | None = None  #: of its blocks, how many map to 4
    experts: int | None = None  #: of a stack
    transposed: bool = False  #: whether each expert was turned around first
    padded: int | None = None  #: the columns of what was quantized, where zeros were added


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """What `quantize_checkpoint` did."""

    recipe: Recipe
    convention: Convention
    engine: str
    config: dict[str, object]  #: what the convention's readers look for beside the checkpoint
    outcomes: tuple[Outcome, ...]
    share: str = "none"
    apart: int = 0  #: groups of fused weights whose tensor scales differ
    orientation: str | None = None  #: how the experts of stacks lay; None without stacks
    files: tuple[str, ...] = ()  #: the names of the files that were written
