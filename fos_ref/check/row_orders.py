"""Rows that stand in another order: halves exchanged or interleaved, as of fused gate and up projections."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from fos_ref.check.layouts import Reading
from fos_ref.formats.arrays import I64, U8
from fos_ref.recipes.recipe import Recipe

FLAG = "RowPermutation"
_GROUPS = (1, 2, 4, 8, 16, 32, 64, 128)  #: rows that are interleaved as one
_COLUMNS = 64  #: bytes of each row that are compared
_LEAST = 0.5  #: of the bytes, that stand right in the other order
_GAIN = 0.5  #: of those that stand wrong in the order that was asked for


@dataclass(frozen=True, slots=True)
class Order:
    """Where the rows stand: true row i is the given row `at[i]`."""

    words: str
    at: I64


def orders(rows: int) -> Iterator[Order]:
    """Yield the orders that somebody may have made of an even number of rows, each once."""
    seen: set[bytes] = {np.arange(rows).tobytes()}
    for order in _all_orders(rows):
        if order.at.tobytes() not in seen:
            seen.add(order.at.tobytes())
            yield order


def _all_orders(rows: int) -> Iterator[Order]:
    i, half = np.arange(rows), rows // 2
    yield Order("from the last to the first", i[::-1].copy())
    if rows % 2:
        return
    yield Order("with their halves exchanged", (i + half) % rows)
    for n in _GROUPS:
        if not half % n:
            by = f"by {n}" if n > 1 else "one by one"
            for first, words in ((0, ""), (1, ", the second first")):
                at = _interleaved(rows, n, first)
                yield Order(f"with their halves interleaved {by}{words}", at)
                yield Order(f"with interleaved halves taken apart {by}{words}", np.argsort(at))
            yield Order(f"exchanged in pairs of {n}", i ^ n if not rows % (2 * n) else i)


def _interleaved(rows: int, n: int, first: int) -> I64:
    """Return where the rows of two halves stand after groups of n were dealt in turn."""
    half, j = np.divmod(np.arange(rows), rows // 2)
    return np.asarray(j // n * 2 * n + (half ^ first) * n + j % n)


def permuted_readings(found: Iterable[Reading], codes: U8, scales: U8, r: Recipe) -> Iterator[Reading]:
    """Yield readings with rows put back in order, where the bytes show that they stand in another one.

    found: the readings of one tensor, all upright; codes (R, C / 2), scales (R, B): the recipe's bytes.
    Codes and scales are put back together, or those alone that stand wrong.
    """
    if not codes.size:
        return
    read: U8 | None = None
    for reading in found:
        if reading.codes is not read:
            read, own = reading.codes, _order(reading.codes, codes)
        if own is not None:
            yield _put_back(reading, own, "", codes=True, scales=True)
            yield _put_back(reading, own, " in the codes, not in the scales", codes=True, scales=False)
        elif r.block_rows == 1:
            other = _order(reading.scales, scales)
            if other is not None:
                yield _put_back(reading, other, " in the scales, not in the codes", codes=False, scales=True)


def _put_back(reading: Reading, o: Order, where: str, *, codes: bool, scales: bool) -> Reading:
    known = reading.known
    return replace(
        reading,
        flags=(*reading.flags, FLAG),
        what="; ".join(w for w in (reading.what, f"rows stand {o.words}{where}") if w),
        codes=reading.codes[o.at] if codes else reading.codes,
        scales=reading.scales[o.at] if scales else reading.scales,
        known=known[o.at] if scales and known is not None else known,
    )


def _order(got: U8, want: U8) -> Order | None:
    """Return the order in which the rows of `got` are those of `want`; None where they are in place."""
    columns = np.unique(np.linspace(0, want.shape[1] - 1, _COLUMNS).astype(np.int64))
    some, right = got[:, columns], want[:, columns]
    place = float((some == right).mean())
    if place == 1 and np.array_equal(got, want):
        return None
    least = max(_LEAST, place + _GAIN * (1 - place))
    shares = [(float((some[o.at] == right).mean()), -i, o) for i, o in enumerate(orders(len(want)))]
    share, _, best = max(shares, key=lambda s: s[:2], default=(0.0, 0, None))
    if best is not None and share >= least:
        return best
    matched = _matched(got, want)
    moved = matched is not None and not np.array_equal(matched, np.arange(len(got)))
    if matched is None or not moved or float((got[matched] == want).mean()) < least:
        return None
    return Order("in another order than the input's", matched)


def _matched(got: U8, want: U8) -> I64 | None:
    """Return where each row of `want` stands in `got`; None unless it is there, once."""
    place = {row.tobytes(): i for i, row in enumerate(got)}
    at = np.array([place.get(row.tobytes(), -1) for row in want])
    return at if len(place) == len(got) and len(np.unique(at)) == len(at) and at.min() >= 0 else None
