"""The random numbers of a block for the oracle: dealt out by the oracle itself, from the words of a trace."""

from __future__ import annotations

from fos_ref.model.trace import Trace
from fos_ref.oracle.random_elements import dealt


def of_block(t: Trace, i: tuple[int, ...]) -> tuple[list[int], list[int]] | None:
    """Return the numbers of block i for the first and the second candidate, None where there are none.

    In the order of the block's values; of a recipe whose block scales are rounded, the one of its scale.
    """
    if t.random_bits is None:
        return None
    r, words = t.recipe, t.random_bits.words
    rows = range(i[0] * r.block_rows, (i[0] + 1) * r.block_rows)
    each = []
    for draw in words:
        groups = draw.shape[1] * r.block_cols // t.codes.shape[1]  # words of a block in each of its rows
        part = [draw[row, i[1] * groups : (i[1] + 1) * groups].tolist() for row in rows]
        if r.random_feed is None:
            each.append([w for row in part for w in row])
        else:
            each.append([n for row in part for w in row for n in dealt(w, r.random_feed, r.random_width)])
    return each[0], each[-1]
