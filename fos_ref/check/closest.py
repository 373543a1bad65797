"""The preset that the bytes come closest to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fos_ref.check.layouts import Bytes
from fos_ref.check.subject import blocks_of, Subject
from fos_ref.engines.front import quantize
from fos_ref.engines.given import Fixed
from fos_ref.errors import FosError
from fos_ref.formats.arrays import AnyArray, F32, I64
from fos_ref.recipes.axes import AmaxScope
from fos_ref.recipes.catalog import PRESETS
from fos_ref.recipes.recipe import Recipe

_FEW = 256  #: blocks of the rows on which all presets are tried
_LEAST = 0.5  #: of these blocks, for a preset to be tried on more
_BLOCKS = 2048
_FINALISTS = 3
NEAR_PERFECT = 0.9  #: of the blocks, for the preset to be mentioned
MARGIN = 4  #: times fewer blocks differ from it than from the recipe


@dataclass(frozen=True, slots=True)
class Closest:
    """A preset, and how many rows of 16 (or 32) values have the very bytes that were given."""

    preset: str
    equal: int
    of: int
    own: int  #: those that are equal by the recipe itself

    @property
    def share(self) -> float:
        """The share of them."""
        return self.equal / self.of if self.of else 0.0


def hint(s: Subject, *, complete: bool) -> str | None:
    """Return the preset that fits far better than the recipe, as a question; None where none does.

    complete: whether one cause explains every block; then nothing more is worth a word
    """
    near = None if complete else closest(s)
    if near is None or near.share < NEAR_PERFECT:
        return None
    if (near.of - near.equal) * MARGIN > near.of - near.own:
        return None
    percent = "100" if near.equal == near.of else f"{min(100 * near.share, 99.99):.4g}"
    return f"{percent} % of blocks equal {near.preset}: did you mean that?"


def closest(s: Subject) -> Closest | None:
    """Return the preset with the most equal blocks, the recipe itself aside; None if none has half of them.

    All presets are tried on a few rows, those with half of the blocks equal there on more, the best on the
    whole tensor. Only readings in the layout asked for.
    """
    reading = s.asked_reading()
    if reading is None or not s.x.size:
        return None
    got = _row_bytes(reading.codes, reading.scales, s.recipe)
    rivals = {r.fingerprint(): r for r in PRESETS.values() if _comparable(r, s.recipe)}
    few = _rows(s.x.shape, s.recipe, _FEW)
    least = len(few) * s.x.shape[1] // s.recipe.block_cols * _LEAST
    left = [r for r in rivals.values() if _equal(s, r, few, got) >= max(least, 1)]
    for rows, many in ((_rows(s.x.shape, s.recipe, _BLOCKS), _FINALISTS), (np.arange(len(s.x)), 1)):
        ranking = sorted(((_equal(s, r, rows, got), -i) for i, r in enumerate(left)), reverse=True)
        left = [left[-i] for _, i in ranking[:many]]
    if not left:
        return None
    own = _row_bytes(s.want.codes, s.want.block_scales, s.recipe)
    as_is = int(np.count_nonzero(got.equal(own.codes, own.scales[:, 0])))
    return Closest(left[0].name, ranking[0][0], len(got.codes), as_is)


def _comparable(r: Recipe, to: Recipe) -> bool:
    return r.laid_out_as(to) and bool(r.diff(to))


def _rows(shape: tuple[int, ...], r: Recipe, blocks: int) -> I64:
    """Return whole bands of 16 rows, spread over the tensor, of about `blocks` blocks."""
    rows, per_row = shape[0], shape[1] // r.block_cols
    bands = max(1, blocks // (16 * per_row))
    starts = np.unique(np.linspace(0, max(0, rows - 16) // 16, bands).astype(np.int64)) * 16
    return np.concatenate([np.arange(a, min(a + 16, rows)) for a in starts])


def _row_bytes(codes: AnyArray, scales: AnyArray, r: Recipe) -> Bytes:
    return Bytes(codes.reshape(-1, r.block_bytes), scales.reshape(-1, 1))


def _equal(s: Subject, r: Recipe, rows: I64, got: Bytes) -> int:
    """Return how many blocks of some rows are equal; 0 where r cannot quantize x."""
    x = s.x[rows]
    if len(x) % r.block_rows:
        return 0
    try:
        q = quantize(x, r, **_fixed(s, r, rows).keywords())
    except FosError:
        return 0
    want = blocks_of(q) if r.block_rows == 1 else _row_bytes(q.codes, q.block_scales, r)
    per_row = x.shape[1] // r.block_cols
    index = (rows[:, None] * per_row + np.arange(per_row)).ravel()
    return int(np.count_nonzero(got.pick(index).equal(want.codes, want.scales[:, 0])))


def _fixed(s: Subject, r: Recipe, rows: I64) -> Fixed:
    """Return what fixes r's tensor scale on these rows: the caller's S or D where it fits, else an amax."""
    if s.fixed.scaled and s.want.tensor_amax.ndim == 0 and r.amax_scope is AmaxScope.TENSOR:
        return s.fixed
    return Fixed(amax=_amax(s, r, rows))


def _amax(s: Subject, r: Recipe, rows: I64) -> F32:
    """Return the amax that r would use on these rows of the tensor: the caller's where it fits."""
    used = s.want.tensor_amax
    by_row = r.amax_scope is AmaxScope.ROW
    if by_row:
        own = np.abs(s.x[rows].astype(np.float32)).max(axis=1) if used.ndim == 0 else used[rows]
        return np.asarray(own, dtype=np.float32)
    return np.asarray(np.abs(s.x.astype(np.float32)).max() if used.ndim else used, dtype=np.float32)
