"""Which presets give the same bits on which data, and how many blocks the others have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from fos_ref.dialects.hardware import hardware_decides, is_approximate
from fos_ref.dialects.matrix import Counts, differing_blocks
from fos_ref.engines.stream import in_order
from fos_ref.formats.arrays import AnyArray
from fos_ref.formats.bits import widen
from fos_ref.inputs.distributions import make
from fos_ref.model.quantize import tensor_amax
from fos_ref.recipes import BLOCK, PRESETS, Recipe
from fos_ref.recipes.axes import (
    AmaxScope,
    BlockShape,
    Candidates,
    ElementFormat,
    ErrorMetric,
    ScaleFormat,
    TensorScale,
)
from fos_ref.recipes.searches import search_of
from fos_ref.report.lineup import Plan
from fos_ref.report.sweep import first

#: What the matrices are made on.
DATA = ("normal", "coarse", "subnormal-scale")
DTYPES = ("float32", "bfloat16")
_SEED = 0
_ROWS = 32  #: of each tensor: on these the blocks that a chip decides are counted, as that takes a while
_METRICS = (None, *ErrorMetric)


@dataclass(frozen=True, slots=True)
class Kind:
    """Presets whose blocks can be compared with each other: of E2M1 under E4M3 scales, without a search."""

    tail: str  #: of the file's name
    title: str
    shape: BlockShape
    chooses: bool
    drawn: bool = False

    def presets(self) -> list[str]:
        """Return the presets of this kind, alike ones beside each other."""
        found = [r for r in dict.fromkeys(PRESETS.values()) if self._holds(r)]
        return [r.name for r in sorted(found, key=_place)]

    def _holds(self, r: Recipe) -> bool:
        nvfp4 = r.element_format is ElementFormat.E2M1 and r.scale_format is ScaleFormat.E4M3
        scaled = r.block_shape is self.shape and r.tensor_scale is not TensorScale.NONE
        searches = search_of(r.candidates) is not None
        return (
            nvfp4 and scaled and not searches and (r.candidates is Candidates.FOUR_OVER_SIX) is self.chooses
        )


#: The first is drawn; the others are tables only.
KINDS = (
    Kind("", "4/6 with blocks of 1x16", BlockShape.ROW_16, chooses=True, drawn=True),
    Kind("-16x16", "4/6 with tiles of 16x16", BlockShape.TILE_16X16, chooses=True),
    Kind("-plain", "no choice between 4 and 6, blocks of 1x16", BlockShape.ROW_16, chooses=False),
)


def _place(r: Recipe) -> tuple[int, int, bool]:
    """Return what sorts a preset beside those it agrees with most: bound, metric, amax of the row."""
    return r.scale_max, _METRICS.index(r.error_metric), r.amax_scope is AmaxScope.ROW


@dataclass(frozen=True, slots=True)
class Matrix:
    """How many of `blocks` differ between every two presets, on one distribution."""

    kind: Kind
    distribution: str
    presets: tuple[str, ...]
    blocks: int
    counts: Counts
    sampled: int = 0  #: blocks (of a tile each row) on which those that a chip decides were counted
    undecided: Mapping[str, int] = field(default_factory=dict)  #: how many, by preset with approximate ones

    def decided_by_chip(self, preset: str) -> float | None:
        """Return the share of blocks that a chip decides; None for a preset with exact reciprocals."""
        return self.undecided[preset] / self.sampled if preset in self.undecided else None

    def dialects(self) -> list[list[int]]:
        """Return the presets that agree on every block, by their places; a preset is in one dialect only."""
        found: dict[int, list[int]] = {}
        for i, row in enumerate(self.counts):
            found.setdefault(int(np.argmin(row)), []).append(i)  # the first place without a difference
        return list(found.values())

    def shares(self) -> pd.DataFrame:
        """Return the share of blocks that differ, a row and a column for each preset."""
        number = {i: n for n, places in enumerate(self.dialects(), start=1) for i in places}
        table = pd.DataFrame(self.counts / self.blocks, columns=list(self.presets))
        table.insert(0, "preset", self.presets)
        table.insert(1, "dialect", [number[i] for i in range(len(self.presets))])
        table.insert(2, "chip_decides", [self.decided_by_chip(name) or 0.0 for name in self.presets])
        return table

    @property
    def stem(self) -> str:
        """The name of its files, without the ending."""
        return stem_of(self.kind, self.distribution)


def stem_of(kind: Kind, distribution: str) -> str:
    """Return the name of a matrix's files, without the ending."""
    return f"disagreement-{distribution}{kind.tail}"


Job = tuple[Kind, str, str]


def jobs() -> list[Job]:
    """Return what has to be measured: a kind of presets, a distribution, a dtype."""
    return [(kind, d, dtype) for kind in KINDS for d in DATA for dtype in DTYPES]


def matrices(plan: Plan, engine: str, threads: int, done: Callable[[], None]) -> list[Matrix]:
    """Return a matrix for each kind and distribution, over one tensor of each dtype.

    `done` is called after each of `jobs()`. The counts depend neither on the engine nor on the threads.
    """
    parts: dict[tuple[Kind, str], list[_Part]] = {}
    measured = in_order(lambda job: _measure(job, plan, engine), jobs(), threads, first(engine))
    for (kind, distribution, _), part in zip(jobs(), measured, strict=True):
        parts.setdefault((kind, distribution), []).append(part)
        done()
    return [_matrix(kind, distribution, found) for (kind, distribution), found in parts.items()]


@dataclass(frozen=True, slots=True)
class _Part:
    """What one tensor gives."""

    blocks: int
    counts: Counts
    sampled: int
    undecided: dict[str, int]


def _matrix(kind: Kind, distribution: str, parts: list[_Part]) -> Matrix:
    """Return the matrix over the tensors of a distribution."""
    names = parts[0].undecided
    return Matrix(
        kind,
        distribution,
        tuple(kind.presets()),
        sum(p.blocks for p in parts),
        sum((p.counts for p in parts), np.zeros_like(parts[0].counts)),
        sampled=sum(p.sampled for p in parts),
        undecided={name: sum(p.undecided[name] for p in parts) for name in names},
    )


def _measure(job: Job, plan: Plan, engine: str) -> _Part:
    kind, distribution, dtype = job
    rows, cols = plan.shape
    x = make(distribution, (max(rows // 2, BLOCK), cols), _SEED, dtype)
    recipes = [PRESETS[n] for n in kind.presets()]
    blocks, counts = differing_blocks(x, recipes, engine)
    undecided = {r.name: _undecided(x, r) for r in recipes if is_approximate(r)}
    return _Part(blocks, counts, min(_ROWS, len(x)) * cols // BLOCK, undecided)


def _undecided(x: AnyArray, r: Recipe) -> int:
    """Return how many blocks of the first rows a chip decides, under the scales of the whole tensor."""
    amax = tensor_amax(widen(x), r)
    return int(hardware_decides(x[:_ROWS], r, amax=amax[:_ROWS] if amax.ndim else amax).sum())
