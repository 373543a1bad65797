"""Whether the text of a vector has as many rows and numbers as its input and its recipe make it.

Everything that is taken out of a vector by row and column (an export's tables) may count on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from fos_ref.errors import GoldenFormatError
from fos_ref.recipes.axes import AmaxScope
from fos_ref.recipes.recipe import Recipe
from fos_ref.vectors.bits import Json, RAISES
from fos_ref.vectors.case import Case

DIGITS = 2  #: of a byte of codes
#: A part of a vector, its rows, and how many rows and numbers a row it has to have.
Part = tuple[str, Sequence[str], int, int]


class Extent(NamedTuple):
    """Rows and columns of an input that was padded as its case says."""

    rows: int
    cols: int


def check_extent(name: str, case: Case, r: Recipe, expected: Any, steps: Any) -> None:
    """Raise GoldenFormatError, with the part that is wrong, unless every part has its rows and numbers."""
    if expected == RAISES:
        return
    padded = _padded(case, r)
    if padded is None:
        msg = f"{name}: an input {case.x.shape} that is not padded has no whole blocks: it must be refused"
        raise GoldenFormatError(msg)
    for what, text, rows, numbers in (*_expected(expected, case, padded, r), *_steps(steps, padded, r)):
        if len(text) != rows or any(len(row.split(" ")) != numbers for row in text):
            msg = f"{name}: {what}: {rows} rows of {numbers} are allowed"
            raise GoldenFormatError(msg)


def _padded(case: Case, r: Recipe) -> Extent | None:
    """Return the extent after padding; None where an input that is not padded has no whole blocks."""
    rows, cols = case.x.shape
    whole = Extent(-(-rows // r.block_rows) * r.block_rows, -(-cols // r.block_cols) * r.block_cols)
    return whole if case.padding != "error" or whole == (rows, cols) else None


def _expected(e: Json, case: Case, padded: Extent, r: Recipe) -> Iterator[Part]:
    blocks = padded.cols // r.block_cols
    yield "expected/codes", e["codes"], padded.rows, padded.cols // r.codes_per_byte
    yield "expected/block_scales", e["block_scales"], padded.rows, blocks
    yield "expected/picked4", e["picked4"], padded.rows, blocks
    yield "expected/values_bits", e["values_bits"], *case.x.shape


def _steps(steps: Json, padded: Extent, r: Recipe) -> Iterator[Part]:
    scales = padded.rows if r.amax_scope is AmaxScope.ROW else 1
    for what in ("tensor_amax_bits", "encode_scale_bits", "decode_scale_bits"):
        yield f"steps/{what}", [steps[what]], 1, scales
    places = [
        f"{i} {j}" for i in range(0, padded.rows, r.block_rows) for j in range(0, padded.cols, r.block_cols)
    ]
    given = [f"{b['row']} {b['col']}" for b in steps["blocks"]]
    yield (
        "steps/blocks, a row and a column of each in order",
        given if given == places else [],
        len(places),
        2,
    )
    for n, block in enumerate(steps["blocks"]):
        for which in ("map6", "map4"):
            if block[which] is not None:
                yield from _candidate(block[which], f"steps/blocks/{n}/{which}", r)


def _candidate(c: Json, where: str, r: Recipe) -> Iterator[Part]:
    yield f"{where}/scaled_bits", c["scaled_bits"], r.block_rows, r.block_cols
    n = DIGITS // r.codes_per_byte
    digits = [" ".join(row[i : i + n] for i in range(0, len(row), n)) for row in c["element_codes"]]
    yield f"{where}/element_codes", digits, r.block_rows, r.block_cols
