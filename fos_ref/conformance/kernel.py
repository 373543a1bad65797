"""Calling somebody's kernel: what it is given, what it may return, and what differs."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fos_ref.check.evidence.cells import is_nan
from fos_ref.check.evidence.padding import Padding, padding
from fos_ref.check.outcomes.hardware import hardware_decided
from fos_ref.conformance.trials import own_amax, Trial
from fos_ref.errors import FosError, ShapeError
from fos_ref.formats.arrays import Bool, U8
from fos_ref.formats.environment import check_float_environment
from fos_ref.recipes.axes import Reciprocal
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.bytes_door import as_bytes
from fos_ref.storage.codes_door import as_codes
from fos_ref.storage.layout import swizzled_shape, unswizzle
from fos_ref.storage.tensor import QuantizedTensor

AMAX = "amax"
_PARTS = 2
_AFTER = "after the kernel's call this thread"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a kernel made of a trial."""

    codes: U8
    block_scales: U8  #: linear
    padding: Padding | None = None  #: of swizzled scales, where it is not zero
    decided: int = 0  #: blocks that differ as a chip's reciprocals may have them


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A trial that went wrong."""

    trial: Trial
    what: str
    blocks: int = 0  #: that differ; 0 where there are no bytes to compare
    of: int = 0
    answer: Answer | None = None
    error: Exception | None = None  #: that the kernel raised


@dataclass(frozen=True, slots=True)
class Kernel:
    """A function from values to (codes, block scales), and how it wants to be called."""

    f: Callable[..., Any]
    recipe: Recipe
    to: Callable[[Any], Any] | None
    takes_amax: bool
    scale_layout: str
    nan_blocks: str  #: "equal", or "any": blocks whose scale is NaN here and there count as equal

    def failure(self, t: Trial) -> Failure | Answer:
        """Return what is wrong on a trial; its answer where every byte is right."""
        before = t.x.copy()
        try:
            out = self._called(t)
        except Exception as e:  # noqa: BLE001 -- whatever a kernel raises is a finding about it
            check_float_environment(_AFTER)
            return Failure(trial=t, what=f"it raised {type(e).__name__}: {e}", error=e)
        check_float_environment(_AFTER)  # else what is expected of the next trial would be wrong
        try:
            answer = self._answer(out, t)
        except FosError as e:
            return Failure(trial=t, what=str(e))
        if t.x.tobytes() != before.tobytes():
            t.x[...] = before  # others are given it too
            return Failure(trial=t, what="it changed its input")
        differs = blocks_that_differ(answer, t) & ~self._excused(answer, t)
        decided = differs & self._decided(differs, answer, t)
        answer = replace(answer, decided=int(np.count_nonzero(decided)))
        differs &= ~decided
        count = int(np.count_nonzero(differs))
        if not count:
            return answer
        return Failure(trial=t, what=_first(differs, answer, t), blocks=count, of=differs.size, answer=answer)

    def _excused(self, a: Answer, t: Trial) -> Bool:
        """Return where both scale bytes are NaN, of any sign, and the codes may be any."""
        both = is_nan(t.block_scales, self.recipe) & is_nan(a.block_scales, self.recipe)
        return both & (self.nan_blocks == "any")

    def _decided(self, differs: Bool, a: Answer, t: Trial) -> Bool:
        """Return where a chip's reciprocals, one unit off, give the bytes: no failure of the kernel."""
        if self.recipe.reciprocal is not Reciprocal.APPROXIMATE or not differs.any():
            return np.zeros_like(differs)
        return hardware_decided(t.x, a.codes, a.block_scales, self.recipe, t.amax)

    def _called(self, t: Trial) -> Any:
        x = t.x if self.to is None else self.to(t.x)
        if not self.takes_amax:
            return self.f(x)
        return self.f(x, amax=own_amax(t.x, self.recipe) if t.amax is None else t.amax)

    def _answer(self, out: Any, t: Trial) -> Answer:
        """Return the bytes as NumPy arrays; ShapeError or DtypeError for anything else."""
        if isinstance(out, QuantizedTensor):
            out = (out.codes, out.block_scales)
        if not isinstance(out, (tuple, list)) or len(out) != _PARTS:
            msg = f"it returned a {type(out).__name__}: (codes, block scales) is allowed"
            raise ShapeError(msg)
        codes, scales = as_codes(out[0], "codes", t.x.shape, self.recipe), as_bytes(out[1], "block scales")
        rows, columns = t.block_scales.shape
        if codes.size != t.codes.size:
            msg = f"codes of shape {codes.shape}: x of {t.x.shape} takes {t.codes.shape}"
            raise ShapeError(msg)
        wanted = (
            t.block_scales.size if self.scale_layout == "linear" else np.prod(swizzled_shape(rows, columns))
        )
        if scales.size != wanted:
            msg = (
                f"block scales of shape {scales.shape}: {int(wanted)} bytes, {self.scale_layout}, are allowed"
            )
            raise ShapeError(msg)
        flat = scales.reshape(-1)
        if self.scale_layout == "linear":
            return Answer(codes.reshape(t.codes.shape), flat.reshape(rows, columns))
        linear = unswizzle(flat, rows, columns)
        between = padding(flat, rows, columns, self.recipe, "swizzled")
        return Answer(codes.reshape(t.codes.shape), linear.reshape(rows, columns), between)


def blocks_that_differ(a: Answer, t: Trial) -> Bool:
    """Return (R, blocks of a row): where a code or the scale byte is not the recipe's."""
    by_block = (*t.block_scales.shape, -1)
    codes = (a.codes.reshape(by_block) != t.codes.reshape(by_block)).any(axis=-1)
    differs: Bool = codes | (a.block_scales != t.block_scales)
    return differs


def _first(differs: Bool, a: Answer, t: Trial) -> str:
    """Return the first block that differs, in hex."""
    row, col = (int(i) for i in np.unravel_index(int(np.argmax(differs)), differs.shape))
    size = t.codes.shape[1] // t.block_scales.shape[1]
    here = slice(col * size, (col + 1) * size)
    got, want = (
        f"{scales[row, col]:02X} {codes[row, here].tobytes().hex(' ').upper()}"
        for scales, codes in ((a.block_scales, a.codes), (t.block_scales, t.codes))
    )
    return f"block ({row}, {col}): scale byte and codes are {got}, not {want}"


def names_amax(f: Callable[..., Any]) -> bool:
    """Return whether a function has a parameter called amax."""
    try:
        return AMAX in inspect.signature(f).parameters
    except Exception:  # noqa: BLE001 -- a builtin, an object without a signature, or one that objects
        return False
