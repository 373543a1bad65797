"""What a kernel is tried on: the golden vectors of a recipe, made anew or read, and whole tensors.

The golden folder is not part of an installed package; the code that writes it is. So the vectors are made
here for any preset, those without committed files too, and continuous integration holds the files to that
code. With a folder given its files are read, and their bits are what is expected.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from fos_ref.engines.front import quantize
from fos_ref.errors import InputError, ShapeError
from fos_ref.formats.arrays import AnyArray, U8
from fos_ref.inputs.distributions import make
from fos_ref.recipes.axes import AmaxScope, TensorScale
from fos_ref.recipes.recipe import Recipe
from fos_ref.vectors.bits import RAISES
from fos_ref.vectors.case import Case
from fos_ref.vectors.file import name_of, read, Vector
from fos_ref.vectors.flags import flags, kills
from fos_ref.vectors.plan import GROUPS

TENSORS, STRATEGIES = "tensors", "strategies"
#: Rows and columns of whole tensors: those that tiles of 16, 32 and 128 rows divide, and those they do not.
SHAPES = ((1, 16), (3, 48), (16, 32), (33, 64), (128, 64), (129, 80), (31, 1024), (256, 512))
_FAMILIES = ("normal", "coarse")
_RAGGED = "the shape is no whole number of blocks: padding is the caller's business"
_REFUSED = "the recipe refuses the input"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trial:
    """One input and the bytes that a recipe makes of it."""

    name: str
    group: str
    x: AnyArray
    amax: Any  #: the caller's: None, a float32, or one for each row
    codes: U8  #: (R, C/2), or (R, C) of codes that have a byte each
    block_scales: U8  #: (R, blocks of a row)
    flags: tuple[str, ...] = ()  #: the mistakes that it is known to show


@dataclass(frozen=True, slots=True)
class NotRun:
    """A trial that could not be run, and why."""

    group: str
    why: str


def group_names(r: Recipe) -> tuple[str, ...]:
    """Return the groups of trials that suit a recipe, in the order in which they are run."""
    if r.stochastic:  # vectors have no words
        return (TENSORS,)
    return (*(name for name, group in GROUPS.items() if group.suits(r)), TENSORS, STRATEGIES)


def vector_trials(
    r: Recipe, group: str, dtypes: Sequence[str], *, takes_amax: bool, golden: Path | None
) -> Iterator[Trial | NotRun]:
    """Yield the golden vectors of a group: read where the folder has them, else made."""
    path = None if golden is None else golden / name_of(r.name, group)
    if path is not None and path.is_file():
        found = _committed(path.read_bytes(), name_of(r.name, group))
    else:
        found = _made(r, group)
    for case, trial in found:
        if not isinstance(trial, Trial):
            yield trial
        elif case.given.x.dtype.name in dtypes:
            yield _with_amax(trial, r) if takes_amax else _without_amax(trial, r)


@cache
def _committed(data: bytes, name: str) -> list[tuple[Case, Trial | NotRun]]:
    return [_read(v) for v in read(data, name)]


def _read(v: Vector) -> tuple[Case, Trial | NotRun]:
    """Return a committed vector as a trial whose expected bits are the file's."""
    r, group = v.recipe, v.id.split("/")[-2]
    why = _unasked(v.case, refused=v.expected == RAISES)
    if why is not None:
        return v.case, NotRun(group, why)
    codes, scales = (_bytes(v.expected[k]) for k in ("codes", "block_scales"))
    amax = v.case.amax(r)
    return v.case, Trial(
        name=v.id, group=group, x=v.case.x, amax=amax, codes=codes, block_scales=scales, flags=v.flags
    )


def _bytes(rows: Sequence[str]) -> U8:
    """Return rows of bytes in hex, which the reader has checked."""
    return np.array([[int(v, 16) for v in row.split(" ")] for row in rows], dtype=np.uint8)


@cache
def _made(r: Recipe, group: str) -> list[tuple[Case, Trial | NotRun]]:
    """Make the vectors of a group, flags included: every mutant is run on them, which takes a while."""
    cases = list(GROUPS[group].cases(r))
    marked = zip(cases, flags(cases, r, kills(cases, r)), strict=True)
    return [(case, _trial(case, r, group, i, found)) for i, (case, found) in enumerate(marked, 1)]


def _trial(case: Case, r: Recipe, group: str, number: int, found: Sequence[str]) -> Trial | NotRun:
    why = _unasked(case, refused=False)
    if why is None:
        try:
            return expected(f"{r.name}/{group}/{number}", group, case.x, case.amax(r), r, found=tuple(found))
        except InputError:
            why = _REFUSED
        except ShapeError:
            why = _RAGGED
    assert why is not None
    return NotRun(group, why)


def _unasked(case: Case, *, refused: bool) -> str | None:
    """Return why nothing is asked of a kernel here."""
    if case.padding != "error":
        return _RAGGED
    return _REFUSED if refused else None


def expected(
    name: str, group: str, x: AnyArray, amax: Any, r: Recipe, *, found: tuple[str, ...] = ()
) -> Trial:
    """Return the trial of an input, with the bytes of the NumPy model. Raises: InputError as `quantize`."""
    q = quantize(x, r, amax=amax, engine="numpy")
    return Trial(
        name=name, group=group, x=x, amax=amax, codes=q.codes, block_scales=q.block_scales, flags=found
    )


def _with_amax(t: Trial, r: Recipe) -> Trial | NotRun:
    """Return the trial for a kernel that is given its amax: the tensor's own where the vector has none."""
    amax = own_amax(t.x, r) if t.amax is None else t.amax
    if not np.all(np.isfinite(amax)):
        return NotRun(t.group, "the tensor amax is not finite, and the kernel takes one")
    return replace(t, amax=amax)


def own_amax(x: AnyArray, r: Recipe) -> Any:
    """Return max|x| as float32, or that of each row."""
    with np.errstate(all="ignore"):
        return np.max(np.abs(x.astype(np.float32)), axis=1 if r.amax_scope is AmaxScope.ROW else None)


def _without_amax(t: Trial, r: Recipe) -> Trial | NotRun:
    """Return the trial for a kernel that takes its own amax: the caller's amax stands in a block beside.

    The block of the vector keeps its bits, because the tensor amax is the same.
    """
    if t.amax is None or r.tensor_scale is TensorScale.NONE:
        return replace(t, amax=None)
    top = np.float32(np.max(t.amax))
    with np.errstate(all="ignore"):
        fits = np.isfinite(top) and np.float32(top.astype(t.x.dtype)) == top
        own = own_amax(t.x, r)
    if not fits or not np.all(own <= top):
        return NotRun(t.group, "the caller's amax is smaller than the tensor's: the kernel takes none")
    if np.all(own == top):
        return replace(t, amax=None)
    x = np.concatenate([t.x, _corner(t.x, top, r)], axis=1 if r.amax_scope is AmaxScope.ROW else 0)
    return expected(f"{t.name} beside its amax", t.group, x, None, r, found=t.flags)


def _corner(x: AnyArray, top: np.float32, r: Recipe) -> AnyArray:
    """Return one more row of blocks that holds `top` once; one more block a row for amaxes of rows."""
    by_row = r.amax_scope is AmaxScope.ROW
    more = np.zeros((x.shape[0], r.block_cols) if by_row else (r.block_rows, x.shape[1]), dtype=x.dtype)
    more[:, 0] = top if by_row else 0
    more[0, 0] = top
    return more


def tensor_trials(r: Recipe, dtypes: Sequence[str], shapes: Sequence[tuple[int, int]]) -> Iterator[Trial]:
    """Yield whole tensors of the shapes, each rounded up to whole blocks, every other one a view."""
    for family in _FAMILIES:
        for dtype in dtypes:
            for i, (rows, cols) in enumerate(shapes):
                shape = (-(-rows // r.block_rows) * r.block_rows, -(-cols // r.block_cols) * r.block_cols)
                x = make(family, shape, i, dtype)
                x = _view(x) if i % 2 else x
                kind = ", a view" if i % 2 else ""
                name = f"{TENSORS}: {family} {shape[0]}x{shape[1]} {dtype}{kind}"
                yield expected(name, TENSORS, x, None, r)


def _view(x: AnyArray) -> AnyArray:
    """Return the same values as a part of a wider buffer, whose rest is NaN."""
    buffer = np.full((x.shape[0], x.shape[1] + 16), np.nan, dtype=x.dtype)
    buffer[:, : x.shape[1]] = x
    return buffer[:, : x.shape[1]]
