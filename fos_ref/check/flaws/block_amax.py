"""Flaws of the block amax: which values it is taken over, and whether by their magnitude (N4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from fos_ref.check.flaws.flaw import Flaw, Wrap
from fos_ref.check.population import AROUND, Population
from fos_ref.formats.arrays import F32
from fos_ref.recipes.recipe import Recipe

_PAIR = "two blocks side by side"
#: Columns whose blocks a group of threads gets right before the width doubles.
_RIGHT_BEFORE = (32, 64, 128, 256, 512, 1024)
#: What every kind of mistake in a loop sees of a block.
_PARTS = (
    ("leaves out the last value", slice(None, -1)),
    ("leaves out the first value", slice(1, None)),
    ("is that of every other value", slice(None, None, 2)),
    ("is that of every other value, from the second on", slice(1, None, 2)),
)


def flaws(r: Recipe) -> Iterator[Flaw]:
    """Yield the flaws of this part of the walk under r."""
    for name in AROUND:
        yield _flaw(f"the block amax is that of {name}", _taken_over(name))
    for columns in _RIGHT_BEFORE:
        what = f"the block amax is that of {_PAIR}, but for the first {columns} columns"
        yield _flaw(what, _from(columns))
    what = f"the block amax is that of {_PAIR}, but for the first {2 * r.block_cols} values of the tensor"
    yield _flaw(what, _but_for_the_first_pair)
    for words, part in _parts(r):
        yield _flaw(f"the block amax {words}", _over(part))
    yield _flaw("the block amax is the largest value: signs count", _signed)
    yield _flaw("the block amax is that of the negative values", _negated)


def _flaw(what: str, wrap: Wrap) -> Flaw:
    return Flaw("BlockAmax", what, wraps={"block_amax": wrap})


def _parts(r: Recipe) -> Iterator[tuple[str, slice]]:
    yield from _PARTS
    half = r.block_rows * r.block_cols // 2
    yield f"is that of its first {half} values", slice(None, half)
    yield f"is that of its last {half} values", slice(half, None)


def _taken_over(name: str) -> Wrap:
    return lambda _: lambda x, r, p: p.around(name)  # noqa: ARG005


def _from(columns: int) -> Wrap:
    def wrap(old: Any) -> Any:
        def amax(x: F32, r: Recipe, p: Population) -> F32:
            right = p.place[:, 1:] * r.block_cols < columns
            return np.where(right, old(x, r, p), p.around(_PAIR))

        return amax

    return wrap


def _but_for_the_first_pair(old: Any) -> Any:
    def amax(x: F32, r: Recipe, p: Population) -> F32:
        first = (p.place[:, :1] == 0) & (p.place[:, 1:] <= 1)
        return np.where(first, old(x, r, p), p.around(_PAIR))

    return amax


def _over(part: slice) -> Wrap:
    return lambda old: lambda x, r, p: old(_only(x, part), r, p)


def _only(x: F32, part: slice) -> F32:
    """Return x with zeros outside `part`."""
    kept = np.zeros_like(x)
    kept[..., part] = x[..., part]
    return kept


def _signed(old: Any) -> Any:
    return lambda x, r, p: old(np.maximum(x, np.float32(0)), r, p)


def _negated(old: Any) -> Any:
    return lambda x, r, p: old(np.minimum(x, np.float32(0)), r, p)
