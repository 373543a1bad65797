"""Counting bytes that differ, and the first block that does, in hex. NumPy only; no tolerance."""

from __future__ import annotations

from typing import Any

import numpy as np

WORD = {2: np.uint16, 4: np.uint32}
BYTES_PER_BLOCK = 8  #: 16 codes
BLOCK = 16


def differing(got: Any, want: Any) -> dict[str, int]:
    """Return the number of differing bytes per field; picked4 only where the peer tells it."""
    fields = [f for f in ("codes", "block_scales", "picked4") if getattr(want, f) is not None]
    for f in fields:
        assert getattr(got, f).shape == getattr(want, f).shape, f
    return {f: int(np.count_nonzero(getattr(got, f) != getattr(want, f))) for f in fields}


def first_mismatch(x: np.ndarray, got: Any, want: Any) -> str:
    """Return the first block (row, block) with a differing byte: its 16 inputs, scales and codes in hex."""
    rows, cols = x.shape
    codes = (got.codes != want.codes).reshape(rows, cols // BLOCK, BYTES_PER_BLOCK).any(axis=-1)
    wrong = codes | (got.block_scales != want.block_scales)
    if want.picked4 is not None:
        wrong |= got.picked4 != want.picked4
    if not wrong.any():
        return "no block differs"
    row, block = (int(i) for i in np.argwhere(wrong)[0])
    lines = [
        f"{np.count_nonzero(wrong)} of {wrong.size} blocks differ; the first is row {row}, block {block}",
        f"  x            {hex_words(x[row, block * BLOCK :][:BLOCK])}",
    ]
    for name, side in (("ours", got), ("peer", want)):
        scale = side.block_scales[row, block]
        codes_hex = side.codes[row, block * BYTES_PER_BLOCK :][:BYTES_PER_BLOCK].tobytes().hex(" ")
        picked = "" if side.picked4 is None else f"  picked4 {bool(side.picked4[row, block])}"
        lines.append(f"  {name}: scale {scale:02X}  codes {codes_hex}{picked}")
    return "\n".join(lines)


def hex_words(x: np.ndarray) -> str:
    """Return the bit patterns of floating-point values."""
    return " ".join(f"{int(w):0{x.itemsize * 2}X}" for w in np.ascontiguousarray(x).view(WORD[x.itemsize]))
