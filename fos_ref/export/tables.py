"""Golden vectors as tables of whole numbers: one row a vector, a word of input, a block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fos_ref.errors.text import in_ascii
from fos_ref.export.columns import Column, DTYPE_NUMBERS, PRESENT, TABLES
from fos_ref.formats.arrays import AnyArray, U32
from fos_ref.recipes.recipe import Recipe
from fos_ref.vectors.bits import RAISES
from fos_ref.vectors.extent import DIGITS
from fos_ref.vectors.file import Vector
from fos_ref.vectors.notes import NOTES

#: One row of a table: a number or an array of numbers for each column.
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Text:
    """What stands in words about a vector."""

    id: str
    flags: tuple[str, ...]
    comment: str


@dataclass(slots=True)
class Tables:
    """The vectors of a recipe: texts, and numbers by table and column, (rows,) or (rows, numbers a row)."""

    recipe: Recipe
    texts: list[Text] = field(default_factory=list)
    columns: dict[str, dict[str, AnyArray]] = field(default_factory=dict)

    def rows(self, table: str) -> int:
        """Return the number of rows of a table."""
        return len(next(iter(self.columns[table].values())))

    def flags(self) -> list[str]:
        """Return every flag of the vectors once, in the order of the notes."""
        shown = {flag for text in self.texts for flag in text.flags}
        return [*(flag for flag in NOTES if flag in shown), *sorted(shown - set(NOTES))]

    def each(self, table: str) -> Iterator[Row]:
        """Yield the rows of a table: Python numbers and lists of them, by column."""
        columns = {name: a.tolist() for name, a in self.columns[table].items()}
        for values in zip(*columns.values(), strict=True):
            yield dict(zip(columns, values, strict=True))


def tables(vectors: Sequence[Vector]) -> Tables:
    """Return vectors of one recipe as tables, in their order."""
    r = vectors[0].recipe
    rows: dict[str, list[Row]] = {name: [] for name in TABLES}
    for n, v in enumerate(vectors):
        words = _words(v)
        blocks = [] if v.steps is None else [_block(v, n, b) for b in v.steps["blocks"]]
        rows["vectors"].append(_vector(v, len(rows["words"]), len(words), len(rows["blocks"]), len(blocks)))
        rows["words"] += words
        rows["blocks"] += blocks
    columns = {name: _stacked(TABLES[name], found, r) for name, found in rows.items()}
    return Tables(r, [_text(v) for v in vectors], columns)


def _text(v: Vector) -> Text:
    """Return the words of a vector as every form takes them: one line of printable ASCII."""
    return Text(in_ascii(v.id), tuple(map(in_ascii, v.flags)), in_ascii(v.case.comment))


def _stacked(columns: Sequence[Column], rows: Sequence[Row], r: Recipe) -> dict[str, AnyArray]:
    found = {}
    for c in columns:
        n = c.size(r)
        shape = (len(rows),) if n == 1 else (len(rows), n)
        a = np.array([row[c.name] for row in rows], dtype=np.uint32).reshape(shape)
        found[c.name] = a.astype(c.dtype)
    return found


def _vector(v: Vector, first_word: int, words: int, first_block: int, blocks: int) -> Row:
    x, amax = v.case.x, v.case.given.amax
    stride = x.shape[1] if v.case.buffer is None else v.case.buffer.shape[1]
    refused = bool(v.expected == RAISES)
    padded = (0, 0) if refused else _padded(v)
    return {
        "dtype": DTYPE_NUMBERS[x.dtype.name],
        "rows": x.shape[0],
        "cols": x.shape[1],
        "stride": stride,
        "first_word": first_word,
        "words": words,
        "pads": int(v.case.padding != "error"),
        "padded_rows": padded[0],
        "padded_cols": padded[1],
        "amax_given": int(amax is not None),
        "amax": 0 if amax is None else int(amax.view(np.uint32)),
        "refused": int(refused),
        "first_block": first_block,
        "blocks": blocks,
    }


def _padded(v: Vector) -> tuple[int, int]:
    codes = v.expected["codes"]
    return len(codes), v.recipe.codes_per_byte * len(codes[0].split(" "))


def _words(v: Vector) -> list[Row]:
    given = v.case.x if v.case.buffer is None else v.case.buffer
    own, wide = _own_bits(given).ravel(), _float32_bits(given).ravel()
    return [{"word": a, "word_float32": b} for a, b in zip(own.tolist(), wide.tolist(), strict=True)]


def _own_bits(x: AnyArray) -> AnyArray:
    return np.ascontiguousarray(x).view(f"u{x.dtype.itemsize}")


def _float32_bits(x: AnyArray) -> U32:
    with np.errstate(invalid="ignore"):  # a signalling NaN of float16
        wide = np.ascontiguousarray(x).astype(np.float32, copy=False)
    return wide.view(np.uint32)


def _block(v: Vector, n: int, b: Mapping[str, Any]) -> Row:
    r, row, col = v.recipe, b["row"], b["col"]
    height, width = r.block_rows, r.block_cols
    x, scale_at = _float32_bits(v.case.x), (row, col // width)
    inside = x[row : row + height, col : col + width]
    values = _numbers(v.expected["values_bits"])[row : row + height, col : col + width]
    codes = _numbers(v.expected["codes"])[row : row + height]
    codes = codes[:, col // r.codes_per_byte : (col + width) // r.codes_per_byte]
    has_errors = all(b[k] is not None and b[k]["error_bits"] is not None for k in ("map6", "map4"))
    return {
        "vector": n,
        "row": row,
        "col": col,
        "rows_in": inside.shape[0],
        "cols_in": inside.shape[1],
        "x": _filled(inside, height, width),
        **{k: _of_row(v.steps[f"{k}_bits"], row) for k in ("tensor_amax", "encode_scale", "decode_scale")},
        "block_amax": int(b["block_amax_bits"], 16),
        "base": int(b["base_bits"], 16),
        "present": _present(b) | PRESENT["errors"] * has_errors,
        **_candidate("map6", b["map6"], r),
        **_candidate("map4", b["map4"], r),
        "picked4": _numbers(v.expected["picked4"])[scale_at],
        "block_scale": _numbers(v.expected["block_scales"])[scale_at],
        "codes": codes.ravel(),
        "values": _filled(values, height, width),
    }


def _present(b: Mapping[str, Any]) -> int:
    return sum(PRESENT[k] for k in ("map6", "map4") if b[k] is not None)


def _of_row(text: list[str] | str, row: int) -> int:
    """Return a scale that is one for the tensor, or the row's own."""
    words = (text if isinstance(text, str) else text[0]).split(" ")
    return int(words[row if len(words) > 1 else 0], 16)


def _candidate(name: str, c: Mapping[str, Any] | None, r: Recipe) -> Row:
    n = r.block_rows * r.block_cols
    if c is None:
        zero: Row = dict.fromkeys(("base", "block_scale", "multiplier", "error"), 0)
        none = np.zeros(n, dtype=np.uint32)
        return {f"{name}_{k}": value for k, value in (zero | {"scaled": none, "element_codes": none}).items()}
    return {
        f"{name}_base": int(c["base_bits"], 16),
        f"{name}_block_scale": int(c["block_scale"], 16),
        f"{name}_multiplier": int(c["multiplier_bits"], 16),
        f"{name}_scaled": _numbers(c["scaled_bits"]).ravel(),
        f"{name}_element_codes": _codes("".join(c["element_codes"]), DIGITS // r.codes_per_byte),
        f"{name}_error": 0 if c["error_bits"] is None else int(c["error_bits"], 16),
    }


def _codes(digits: str, each: int) -> U32:
    return np.array([int(digits[i : i + each], 16) for i in range(0, len(digits), each)], dtype=np.uint32)


def _numbers(rows: Sequence[str]) -> U32:
    return np.array([[int(w, 16) for w in row.split(" ")] for row in rows], dtype=np.uint32)


def _filled(a: U32, height: int, width: int) -> U32:
    """Return a block whose part outside of the input is 0, as one row."""
    out = np.zeros((height, width), dtype=np.uint32)
    out[: a.shape[0], : a.shape[1]] = a
    return out.ravel()
