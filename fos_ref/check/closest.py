"""The preset that the bytes come closest to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fos_ref.check.layouts import Bytes
from fos_ref.check.subject import blocks_of, Subject
from fos_ref.engines.front import quantize
from fos_ref.errors import FosError
from fos_ref.formats.arrays import AnyArray, F32, I64
from fos_ref.recipes.axes import AmaxScope
from fos_ref.recipes.catalog import PRESETS
from fos_ref.recipes.recipe import Recipe

_BLOCKS = 2048  #: of the rows on which all presets compete
_FINALISTS = 3


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


def closest(s: Subject) -> Closest | None:
    """Return the preset with the most equal blocks, the recipe itself aside; None if none is above zero.

    All presets compete on some rows, the best on the whole tensor. Only readings in the layout asked for.
    """
    reading = s.asked_reading()
    if reading is None or not s.x.size:
        return None
    rows = _rows(s.x.shape, s.recipe)
    got = _row_bytes(reading.codes, reading.scales, s.recipe)
    rivals = {r.fingerprint(): r for r in PRESETS.values() if _comparable(r, s.recipe)}
    ranking = [(_equal(s, r, rows, got), -i, r) for i, r in enumerate(rivals.values())]
    best = sorted(ranking, key=lambda t: t[:2], reverse=True)[:_FINALISTS]
    full = [(_equal(s, r, np.arange(len(s.x)), got), -i, r) for i, (_, _, r) in enumerate(best)]
    equal, _, winner = max(full, key=lambda t: t[:2])
    own = _row_bytes(s.want.codes, s.want.block_scales, s.recipe)
    as_is = int(np.count_nonzero(got.equal(own.codes, own.scales[:, 0])))
    return Closest(winner.name, equal, len(got.codes), as_is) if equal else None


def _comparable(r: Recipe, to: Recipe) -> bool:
    return r.block_cols == to.block_cols and bool(r.diff(to))


def _rows(shape: tuple[int, ...], r: Recipe) -> I64:
    """Return whole bands of 16 rows, spread over the tensor, of about _BLOCKS blocks."""
    rows, per_row = shape[0], shape[1] // r.block_cols
    bands = max(1, _BLOCKS // (16 * per_row))
    starts = np.unique(np.linspace(0, max(0, rows - 16) // 16, bands).astype(np.int64)) * 16
    return np.concatenate([np.arange(a, min(a + 16, rows)) for a in starts])


def _row_bytes(codes: AnyArray, scales: AnyArray, r: Recipe) -> Bytes:
    per_block = r.block_cols // 2
    return Bytes(codes.reshape(-1, per_block), scales.reshape(-1, 1))


def _equal(s: Subject, r: Recipe, rows: I64, got: Bytes) -> int:
    """Return how many blocks of some rows are equal; 0 where r cannot quantize x."""
    x = s.x[rows]
    if len(x) % r.block_rows:
        return 0
    try:
        q = quantize(x, r, amax=_amax(s, r, rows))
    except FosError:
        return 0
    want = blocks_of(q) if r.block_rows == 1 else _row_bytes(q.codes, q.block_scales, r)
    per_row = x.shape[1] // r.block_cols
    index = (rows[:, None] * per_row + np.arange(per_row)).ravel()
    return int(np.count_nonzero(got.pick(index).equal(want.codes, want.scales[:, 0])))


def _amax(s: Subject, r: Recipe, rows: I64) -> F32:
    """Return the amax that r would use on these rows of the tensor: the caller's where it fits."""
    used = s.want.tensor_amax
    by_row = r.amax_scope is AmaxScope.ROW
    if by_row:
        own = np.abs(s.x[rows].astype(np.float32)).max(axis=1) if used.ndim == 0 else used[rows]
        return np.asarray(own, dtype=np.float32)
    return np.asarray(np.abs(s.x.astype(np.float32)).max() if used.ndim else used, dtype=np.float32)
