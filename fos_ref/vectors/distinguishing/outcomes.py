"""What recipes make of inputs, remembered; and where, in small and in large inputs, two of them part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from fos_ref.engines.front import trace
from fos_ref.errors import InputError
from fos_ref.formats.arrays import AnyArray, Bool, F32, U8
from fos_ref.inputs.corners import corners, ramps, scale_midpoints
from fos_ref.inputs.distributions import make
from fos_ref.model.dequantize import dequantize_matrix
from fos_ref.model.trace import Trace
from fos_ref.recipes.axes import AmaxScope
from fos_ref.recipes.recipe import Recipe

#: Families that are searched for a block, and the shape of their tensors.
_COMMON = (("normal", "coarse"), (64, 256))
_RARE = (("coarse", "normal", "subnormal-scale", "heavy-tailed", "worst-case"), (256, 512))
_DTYPES = ("float32", "bfloat16")

Block = tuple[int, int]  #: rows and columns under one block scale
Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Input:
    """A tensor and, where it matters, the caller's tensor amax."""

    x: AnyArray
    amax: np.float32 | None = None

    @property
    def buffer(self) -> AnyArray | None:
        """The larger array whose upper left corner x is; None for a tensor of its own."""
        return None if self.x.flags.c_contiguous or self.x.base is None else np.asarray(self.x.base)


@dataclass(frozen=True, slots=True)
class Bytes:
    """What a recipe makes of a tensor: codes (R, C), scales repeated to (R, C), A, and values if asked."""

    codes: U8
    scales: U8
    amax: F32
    values: F32 | None

    def differs(self, other: Bytes) -> Bool:
        """Return (R, C): where the two part."""
        different: Bool = (self.codes != other.codes) | (self.scales != other.scales)
        if self.values is not None and other.values is not None:
            different = different | (self.values.view(np.uint32) != other.values.view(np.uint32))
        return different


Stage = Callable[[Recipe, Recipe], Input | None]


@cache
def inputs(name: str, block: Block) -> Sequence[Input]:
    """Return the inputs of a stage, in the order in which they are tried."""
    return tuple(_INPUTS[name](*block))


def amax_for(r: Recipe, given: Input) -> Any:
    """Return the input's amax in the shape the recipe takes: one for all, or the same for every row."""
    if given.amax is None or r.amax_scope is AmaxScope.TENSOR:
        return given.amax
    return np.broadcast_to(np.asarray(given.amax, dtype=np.float32), given.x.shape[:1])


def outcome(r: Recipe, given: Input, *, values: bool = False) -> Bytes | None:
    """Return what the NumPy model makes of an input by a recipe; None where the recipe refuses it."""
    try:
        t = trace(given.x, r, amax=amax_for(r, given))
    except InputError:
        return None
    return Bytes(
        codes=t.codes,
        scales=np.repeat(t.block_scales, r.block_cols, axis=1),
        amax=np.broadcast_to(t.scales.amax, (given.x.shape[0], 1)),
        values=_values(t) if values else None,
    )


def _values(t: Trace) -> F32:
    return dequantize_matrix(t.codes, t.block_scales, t.scales, t.recipe)


@dataclass(slots=True)
class Outcomes:
    """Inputs by stage, cheap ones first, and what each recipe made of them."""

    _known: dict[Key, Bytes | None] = field(default_factory=dict)

    def stages(self, *, values: bool) -> list[Stage]:
        """Return the stages of a search: each gives the first input on which two recipes part, or None."""
        return [
            lambda a, b: self._small("ramps", a, b, values),
            lambda a, b: self._cut("common", a, b, values),
            lambda a, b: self._small("corners", a, b, values),
            lambda a, b: self._cut("rare", a, b, values),
        ]

    def _small(self, name: str, a: Recipe, b: Recipe, values: bool) -> Input | None:  # noqa: FBT001
        """Return the first input that is small as it is."""
        block = _block(a, b)
        for i, given in enumerate(inputs(name, block)):
            if _part(*(self._outcome(r, (name, block, i), given, values) for r in (a, b))) is not None:
                return given
        return None

    def _cut(self, name: str, a: Recipe, b: Recipe, values: bool) -> Input | None:  # noqa: FBT001
        """Return one block cut out of a tensor, with the tensor amax it was seen under."""
        rows, cols = block = _block(a, b)
        for i, given in enumerate(inputs(name, block)):
            first, second = (self._outcome(r, (name, block, i), given, values) for r in (a, b))
            at = _part(first, second)
            if first is None or at is None:
                continue
            row, col = at[0] // rows * rows, at[1] // cols * cols
            x = given.x[row : row + rows, col : col + cols].copy()
            cut = Input(x=x, amax=np.float32(first.amax[row, 0]))
            if _part(*(outcome(r, cut, values=values) for r in (a, b))) is not None:
                return cut
        return None

    def _outcome(self, r: Recipe, tensor: Key, given: Input, values: bool) -> Bytes | None:  # noqa: FBT001
        key = (tuple(r.axes().values()), tensor, values)
        if key not in self._known:
            self._known[key] = outcome(r, given, values=values)
        return self._known[key]


def _block(a: Recipe, b: Recipe) -> Block:
    """Return the rows and columns of the larger block of two recipes."""
    return max(a.block_rows, b.block_rows), max(a.block_cols, b.block_cols)


def _part(a: Bytes | None, b: Bytes | None) -> tuple[int, int] | None:
    """Return where the two outcomes part first; (0, 0) where one recipe refuses the input; None: nowhere."""
    if a is None or b is None:
        return None if a is b else (0, 0)
    different = a.differs(b)
    if not different.any():
        return None
    row, col = np.unravel_index(int(np.argmax(different)), different.shape)
    return int(row), int(col)


def _common(rows: int, cols: int) -> list[Input]:  # noqa: ARG001
    families, shape = _COMMON
    return [Input(x=make(f, shape, 0, dtype)) for f in families for dtype in _DTYPES]


def _rare(rows: int, cols: int) -> list[Input]:
    families, shape = _RARE
    midpoints = Input(x=scale_midpoints(rows, cols), amax=np.float32(1))
    return [midpoints, *(Input(x=make(f, shape, 0, dtype)) for f in families for dtype in _DTYPES)]


_INPUTS: dict[str, Callable[[int, int], list[Input]]] = {
    "ramps": lambda rows, cols: [Input(x=x, amax=amax) for x, amax in ramps(rows, cols)],
    "common": _common,
    "corners": lambda rows, cols: [Input(x=x, amax=amax) for x, amax in corners(rows, cols)],
    "rare": _rare,
}
