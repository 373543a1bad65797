"""The two tables of an export: which columns they have, how wide, how many numbers a row, and what they mean.

Every form (JSON, npz, C, memh) is made from these columns, so a field has one name and one meaning in all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Any

import numpy as np

from fos_ref.recipes.recipe import Recipe

_CODE, _BYTE, _HALF = 4, 8, 16


class Count(Enum):
    """How many numbers of a column stand in one row."""

    ONE = "1"
    ELEMENTS = "one for each element of the block"
    BYTES = "one for each byte of the block's codes"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, the bits of each number, how many stand in a row, and what they are."""

    name: str
    bits: int
    count: Count
    doc: str

    @property
    def dtype(self) -> np.dtype[Any]:
        """The smallest unsigned type that holds it."""
        return np.dtype("u1" if self.bits <= _BYTE else "u2" if self.bits <= _HALF else "u4")

    def width(self, r: Recipe) -> int:
        """Return the bits of each number of a recipe's table: of an element code 8 where it has a byte."""
        return _BYTE if self.bits == _CODE and r.codes_per_byte == 1 else self.bits

    def size(self, r: Recipe) -> int:
        """Return how many numbers stand in a row of a recipe's table."""
        n = r.block_rows * r.block_cols
        return {Count.ONE: 1, Count.ELEMENTS: n, Count.BYTES: n // r.codes_per_byte}[self.count]


_ONE, _ELEMENTS, _BYTES = Count.ONE, Count.ELEMENTS, Count.BYTES
#: What may be there of a block: bits of the column `present`.
PRESENT: Mapping[str, int] = MappingProxyType({"map6": 1, "map4": 2, "errors": 4})
#: Numbers of the column `dtype`.
DTYPE_NUMBERS: Mapping[str, int] = MappingProxyType({"float32": 0, "bfloat16": 1, "float16": 2})


def _word(name: str, doc: str) -> Column:
    """Return a column of one number of 32 bits a row."""
    return Column(name, 32, _ONE, doc)


def _candidate(name: str, label: str) -> tuple[Column, ...]:
    """Return the columns of a candidate, 0 where the recipe does not have it."""
    return (
        _word(f"{name}_base", f"block scale of {label} before its rounding, float32 bits (N6)"),
        Column(f"{name}_block_scale", 8, _ONE, f"block scale byte of {label} (N7)"),
        _word(f"{name}_multiplier", f"multiplier (or divisor) of {label}, float32 bits (N8)"),
        Column(f"{name}_scaled", 32, _ELEMENTS, f"scaled values of {label}, float32 bits (N8)"),
        Column(f"{name}_element_codes", _CODE, _ELEMENTS, f"element codes of {label}, one a number (N9)"),
        _word(f"{name}_error", f"error of {label}, float32 bits; 0 without a choice (N11, N12)"),
    )


VECTORS = (
    Column("dtype", 2, _ONE, "of the input: 0 float32, 1 bfloat16, 2 float16"),
    _word("rows", "rows of the input"),
    _word("cols", "columns of the input"),
    _word("stride", "words from one row of the input to the next; what lies between is poison"),
    _word("first_word", "where the input begins among the words"),
    _word("words", "how many words belong to it, poison included"),
    Column("pads", 1, _ONE, "1: the input is padded with zeros to whole blocks; 0: it must fit"),
    _word("padded_rows", "rows after padding; 0 where the input is refused"),
    _word("padded_cols", "columns after padding; 0 where the input is refused"),
    Column("amax_given", 1, _ONE, "1: the caller gives the tensor amax; 0: it is max |x| (N2)"),
    _word("amax", "the caller's tensor amax, float32 bits; the same for each row of a -row recipe"),
    Column("refused", 1, _ONE, "1: the input must be refused, and there are no blocks"),
    _word("first_block", "the vector's first row in the table of blocks"),
    _word("blocks", "how many rows of the table of blocks it has, block rows first"),
)
WORDS = (
    _word("word", "an element of an input as it was given, in the low bits; or poison beside it"),
    _word("word_float32", "the same value widened to float32 (exact)"),
)
BLOCKS = (
    _word("vector", "the row of its vector"),
    _word("row", "the first row of the block in the padded tensor"),
    _word("col", "the first column of the block in the padded tensor"),
    Column("rows_in", 16, _ONE, "rows of the block that lie in the input; the rest is padding"),
    Column("cols_in", 16, _ONE, "columns of the block that lie in the input; the rest is padding"),
    Column("x", 32, _ELEMENTS, "the block's input as float32 bits, 0 in padding"),
    _word("tensor_amax", "A, float32 bits (N2)"),
    _word("encode_scale", "S, float32 bits (N3)"),
    _word("decode_scale", "D, float32 bits (N3)"),
    _word("block_amax", "b, float32 bits (N4)"),
    _word("base", "the block scale before its rounding, float32 bits (N5)"),
    Column("present", 3, _ONE, "bit 0: map6 is there; bit 1: map4 is there; bit 2: both errors are there"),
    *_candidate("map6", "map-to-6"),
    *_candidate("map4", "map-to-4 (IF4: of INT4)"),
    Column("picked4", 1, _ONE, "result: 1 where map-to-4 (IF4: INT4) is kept (N13)"),
    Column("block_scale", 8, _ONE, "result: the stored block scale byte"),
    Column(
        "codes",
        8,
        _BYTES,
        "result: element 2j in the low nibble of byte j, element 2j+1 in the high (N15); a byte each where "
        "codes do not have 4 bits",
    ),
    Column("values", 32, _ELEMENTS, "result: dequantized, float32 bits, 0 in padding (N14)"),
)
TABLES: Mapping[str, tuple[Column, ...]] = MappingProxyType(
    {"vectors": VECTORS, "words": WORDS, "blocks": BLOCKS}
)
