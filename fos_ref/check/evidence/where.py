"""Where do the blocks lie that differ? In words, where they fill rows, columns, a tile, or every n-th."""

from __future__ import annotations

import numpy as np

from fos_ref.formats.arrays import Bool, I64

_FILLED = 0.9  #: of a region: it is the region, whatever lies outside
_THINLY = 0.2  #: of a region, at least, for its borders to be told by what lies outside
_EDGE = 0.25  #: of the density of a region, at least, along its edges
_CHANCE = 10.0  #: blocks expected outside the region, at the density inside, of which none differs
_STEPS = 16  #: every n-th row up to this n
_ROUNDS = 3  #: how often a period has to come


def where(differing: Bool, rows: int, cols: int) -> str | None:
    """Return the region that the differing blocks fill; None where there is none.

    differing: (T, B) over blocks of `rows` x `cols` values
    """
    if not differing.any():
        return None
    if differing.all():
        return "every block"
    band, bar = np.asarray(differing.any(axis=1)), np.asarray(differing.any(axis=0))
    box = np.ix_(np.arange(*_ends(band)), np.arange(*_ends(bar)))
    part = differing[box]
    within = part.size < differing.size
    named = _box(_ends(band), _ends(bar), (rows, cols), differing.shape)
    if within and part.mean() >= _FILLED:
        return named
    for along, name, size in ((0, "row", rows), (1, "column", cols)):
        found = _periodic(differing if along == 0 else differing.T, name, size)
        if found is not None:
            return found
    return named if within and _sharp(part) and _fills(differing, _mask(differing.shape, *box)) else None


def _sharp(part: Bool) -> bool:
    """Return whether the outer lines of a region are filled about as well as the rest."""
    lines = (part[0], part[-1], part[:, 0], part[:, -1])
    return all(line.mean() >= _EDGE * part.mean() for line in lines)


def _ends(some: Bool) -> tuple[int, int]:
    found = np.flatnonzero(some)
    return int(found[0]), int(found[-1]) + 1


def _mask(shape: tuple[int, ...], rows: I64, cols: I64) -> Bool:
    mask = np.zeros(shape, dtype=np.bool_)
    mask[rows, cols] = True
    return mask


def _fills(differing: Bool, region: Bool) -> bool:
    """Return whether the differing blocks, none of which is outside, make out the region."""
    inside = int(np.count_nonzero(region))
    density = np.count_nonzero(differing) / inside
    return bool(density >= _FILLED or (density >= _THINLY and density * (region.size - inside) >= _CHANCE))


def _box(band: tuple[int, int], bar: tuple[int, int], block: tuple[int, int], shape: tuple[int, ...]) -> str:
    rows = _span(band, block[0], shape[0], "row")
    cols = _span(bar, block[1], shape[1], "column")
    if cols is None:
        return rows or "every block"
    if rows is None:
        return cols
    rows = _span(band, block[0], shape[0], "row", plain=True)
    return f"{rows}, {_span(bar, block[1], shape[1], 'column', plain=True)}"


def _span(ends: tuple[int, int], size: int, of: int, name: str, *, plain: bool = False) -> str | None:
    """Return a run of blocks in rows or columns of values; None where it is all of them."""
    first, last = ends[0] * size, ends[1] * size - 1
    if ends == (0, of):
        return None
    if name == "row" and ends == (1, of) and of > 2 and not plain:  # noqa: PLR2004 -- of 2 rows it is row 1
        return "all but row 0" if size == 1 else f"all but rows 0..{first - 1}"
    if name == "column" and ends[1] == of and not plain:
        return f"columns {first}.."
    return f"{name} {first}" if first == last else f"{name}s {first}..{last}"


def _periodic(differing: Bool, name: str, size: int) -> str | None:
    """Return 'every n-th row from a on', or 'all but row a'."""
    rows = np.flatnonzero(differing.any(axis=1))
    count = len(differing)
    if len(rows) == count - 1 and count > 2:  # noqa: PLR2004 -- one of two is no exception
        hole = int(np.setdiff1d(np.arange(count), rows)[0])
        if _fills(differing, np.broadcast_to((np.arange(count) != hole)[:, None], differing.shape)):
            at = f"{name} {hole}" if size == 1 else f"{name}s {hole * size}..{(hole + 1) * size - 1}"
            return f"all but {at}"
    for step in range(min(_STEPS, count // _ROUNDS), 1, -1):
        first = int(rows[0])
        if first >= step or (rows % step != first).any() or len(rows) < _ROUNDS:
            continue
        region = np.broadcast_to((np.arange(count) % step == first)[:, None], differing.shape)
        if _fills(differing, region):
            unit = name if size == 1 else f"block of {size} {name}s"
            return f"every {_ordinal(step)} {unit} from {name} {first * size} on"
    return None


def _ordinal(n: int) -> str:
    return f"{n}{ {2: 'nd', 3: 'rd'}.get(n, 'th') }"
