"""Orders of summation that somebody may use: over 16 terms, over a tile of 256, fused or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from fos_ref.formats.arrays import F32
from fos_ref.model.reduce import fused_in_order, halving_tree, in_order, torch_cpu
from fos_ref.recipes.recipe import BLOCK

Order: TypeAlias = Callable[[F32], F32]


def _neighbours(t: F32) -> F32:
    """Return (t0 + t1) + (t2 + t3) and so on."""
    while t.shape[-1] > 1:
        t = t[..., 0::2] + t[..., 1::2]
    return t[..., 0]


def _groups(k: int, inner: Order, outer: Order) -> Order:
    """Return the order that adds k neighbours by `inner`, then their sums by `outer`."""
    return lambda t: outer(inner(t.reshape(*t.shape[:-1], -1, k)))


def _lanes(k: int, inner: Order, outer: Order) -> Order:
    """Return the order that adds every k-th term by `inner`, then the k sums by `outer`."""
    return lambda t: outer(inner(t.reshape(*t.shape[:-1], -1, k).swapaxes(-1, -2)))


def _in_float64(t: F32) -> F32:
    total = t[..., 0].astype(np.float64)
    for i in range(1, t.shape[-1]):
        total = total + t[..., i]
    return total.astype(np.float32)


#: Over the 16 terms of a row.
ROW_ORDERS: Mapping[str, Order] = MappingProxyType(
    {
        "in order": in_order,
        "two halves of 8": _groups(8, in_order, in_order),
        "8 lanes, then in order": _lanes(8, in_order, in_order),
        "a tree of halves": halving_tree,
        "a tree of neighbours": _neighbours,
        "8 lanes, then a tree of neighbours": _lanes(8, in_order, _neighbours),
        "from the last to the first": lambda t: in_order(t[..., ::-1]),
        "in float64": _in_float64,
        "4 lanes, then in order": _lanes(4, in_order, in_order),
        "4 lanes, then a tree of halves": _lanes(4, in_order, halving_tree),
        "2 lanes": _lanes(2, in_order, in_order),
        "groups of 4, in order": _groups(4, in_order, in_order),
        "groups of 4, then a tree": _groups(4, in_order, halving_tree),
        "pairs, then in order": _groups(2, in_order, in_order),
    }
)
#: Over 16 differences, squared inside a fused multiply-add.
FUSED_ORDERS: Mapping[str, Order] = MappingProxyType(
    {
        "in order": fused_in_order,
        "two halves of 8": _groups(8, fused_in_order, in_order),
        "2 lanes": _lanes(2, fused_in_order, in_order),
        "4 lanes, then in order": _lanes(4, fused_in_order, in_order),
        "4 lanes, then a tree of halves": _lanes(4, fused_in_order, halving_tree),
        "8 lanes, then in order": _lanes(8, fused_in_order, in_order),
        "groups of 4, in order": _groups(4, fused_in_order, in_order),
        "from the last to the first": lambda d: fused_in_order(d[..., ::-1]),
    }
)


def for_tiles(row: Order, rows: Order = halving_tree) -> Order:
    """Return the order for terms (..., 16) or (..., 256): each row by `row`, then the rows by `rows`."""

    def total(t: F32) -> F32:
        if t.shape[-1] == BLOCK:
            return row(t)
        return rows(row(t.reshape(*t.shape[:-1], BLOCK, BLOCK)))

    return total


#: Over the 256 terms of a tile.
TILE_ORDERS: Mapping[str, Order] = MappingProxyType(
    {
        **{f"rows {name}, then a tree": for_tiles(order) for name, order in ROW_ORDERS.items()},
        "rows in order, then in order": for_tiles(in_order, in_order),
        "rows by a tree, then in order": for_tiles(halving_tree, in_order),
        "columns in order, then a tree": lambda t: halving_tree(
            in_order(t.reshape(*t.shape[:-1], BLOCK, BLOCK).swapaxes(-1, -2))
        ),
        "columns in order, then in order": lambda t: in_order(
            in_order(t.reshape(*t.shape[:-1], BLOCK, BLOCK).swapaxes(-1, -2))
        ),
        "all 256 in order": in_order,
        "all 256 by a tree of halves": halving_tree,
        "all 256 by a tree of neighbours": _neighbours,
        "all 256 as torch adds": torch_cpu,
    }
)
