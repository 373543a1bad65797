"""Named arrays of whole numbers as text: memories for $readmemh, and constants of C."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from fos_ref.formats.arrays import AnyArray

_WORDS_A_LINE = 16
#: The width of a word in bits.
_WIDTHS = {np.dtype("u1"): 8, np.dtype("u2"): 16, np.dtype("u4"): 32, np.dtype("u8"): 64}
_LONG = 32  #: bits from which on a constant of C needs more than `u`


def memories(folder: str, columns: Mapping[str, AnyArray]) -> dict[str, bytes]:
    """Return FOLDER/NAME.memh of each array, a word a line."""
    found = {}
    for name, values in columns.items():
        digits = _WIDTHS[values.dtype] // 4
        lines = [f"{v:0{digits}X}" for v in values.tolist()]
        found[f"{folder}/{name}.memh"] = ("\n".join(lines) + "\n").encode("ascii")
    return found


def constants(prefix: str, columns: Mapping[str, AnyArray]) -> Iterator[str]:
    """Yield the lines of PREFIX_NAME for each array."""
    for name, values in columns.items():
        bits = _WIDTHS[values.dtype]
        yield f"static const uint{bits}_t {prefix}_{name}[{values.size}] = {{"
        words = [f"0x{v:0{bits // 4}X}" + ("ull" if bits > _LONG else "u") for v in values.tolist()]
        for i in range(0, len(words), _WORDS_A_LINE):
            yield f"    {', '.join(words[i : i + _WORDS_A_LINE])},"
        yield "};"
