"""Counting bytes that differ, and the first block that does, in hex. NumPy only; no tolerance."""

from __future__ import annotations

from typing import Any

import numpy as np

WORD = {2: np.uint16, 4: np.uint32}


def differing(got: Any, want: Any, but: np.ndarray | None = None) -> dict[str, int]:
    """Return the number of differing bytes per field; picked4 only where the peer tells it.

    `but` (R, B) names blocks that are left out.
    """
    fields = [f for f in ("codes", "block_scales", "picked4") if getattr(want, f) is not None]
    for f in fields:
        assert getattr(got, f).shape == getattr(want, f).shape, f
    unequal = {f: getattr(got, f) != getattr(want, f) for f in fields}
    if but is not None:
        for a in unequal.values():
            by_block(a, but.shape)[but] = False
    return {f: int(np.count_nonzero(a)) for f, a in unequal.items()}


def by_block(a: np.ndarray, blocks: tuple[int, int]) -> np.ndarray:
    """Return a view (R, B, n) of an array (R, B * n): n entries for each block."""
    rows, count = blocks
    return a.reshape(rows, count, a.shape[1] // count)


def differing_blocks(got: Any, want: Any) -> np.ndarray:
    """Return (R, B): the blocks with a differing byte."""
    codes = by_block(got.codes != want.codes, want.block_scales.shape).any(axis=-1)
    wrong = codes | (got.block_scales != want.block_scales)
    return wrong if want.picked4 is None else wrong | (got.picked4 != want.picked4)


def first_mismatch(x: np.ndarray, got: Any, want: Any) -> str:
    """Return the first block (row, block) with a differing byte: its inputs, scales and codes in hex."""
    wrong = differing_blocks(got, want)
    if not wrong.any():
        return "no block differs"
    row, block = (int(i) for i in np.argwhere(wrong)[0])
    lines = [
        f"{np.count_nonzero(wrong)} of {wrong.size} blocks differ; the first is row {row}, block {block}",
        f"  x            {hex_words(by_block(x, wrong.shape)[row, block])}",
    ]
    for name, side in (("ours", got), ("peer", want)):
        scale = side.block_scales[row, block]
        codes_hex = by_block(side.codes, wrong.shape)[row, block].tobytes().hex(" ")
        picked = "" if side.picked4 is None else f"  picked4 {bool(side.picked4[row, block])}"
        lines.append(f"  {name}: scale {scale:02X}  codes {codes_hex}{picked}")
    return "\n".join(lines)


def hex_words(x: np.ndarray) -> str:
    """Return the bit patterns of floating-point values."""
    return " ".join(f"{int(w):0{x.itemsize * 2}X}" for w in np.ascontiguousarray(x).view(WORD[x.itemsize]))
