"""A vector's expected bits and every intermediate, as JSON: what is written, and what is compared."""

from __future__ import annotations

import numpy as np

from fos_ref.engines.front import dequantize, quantize, trace
from fos_ref.errors import InputError, ShapeError
from fos_ref.formats.arrays import AnyArray, F32
from fos_ref.formats.bits import canonical_nan
from fos_ref.model.trace import Candidate, Trace
from fos_ref.recipes.recipe import Recipe
from fos_ref.vectors.bits import Json, RAISES
from fos_ref.vectors.bits_text import to_hex
from fos_ref.vectors.case import Case


def outcome(case: Case, r: Recipe, engine: str) -> Json | str:
    """Return codes, block scales, choices and values that an engine gives; "raises" where it refuses."""
    try:
        q = quantize(case.x, r, amax=case.amax(r), engine=engine, padding=case.padding)
    except (InputError, ShapeError):
        return RAISES
    assert q.picked4 is not None
    return {
        "codes": to_hex(q.codes),
        "block_scales": to_hex(q.block_scales),
        "picked4": to_digits(q.picked4),
        "values_bits": to_hex(canonical_nan(dequantize(q))),
    }


def steps(case: Case, r: Recipe) -> Json | None:
    """Return every intermediate of the NumPy model; None where it refuses the input."""
    try:
        t = trace(case.x, r, amax=case.amax(r), padding=case.padding)
    except (InputError, ShapeError):
        return None
    places = [(i, j) for i in range(t.base.shape[0]) for j in range(t.base.shape[1])]
    return {
        "tensor_amax_bits": _words(t.tensor_amax),
        "encode_scale_bits": _words(t.encode_scale),
        "decode_scale_bits": _words(t.decode_scale),
        "blocks": [_block(t, i, j) for i, j in places],
    }


def to_digits(flags: AnyArray) -> list[str]:
    """Return booleans (R, B) as R strings of 0 and 1: "0 1 1"."""
    return [" ".join("1" if v else "0" for v in row) for row in flags]


def _block(t: Trace, i: int, j: int) -> Json:
    return {
        "row": i * t.recipe.block_rows,
        "col": j * t.recipe.block_cols,
        "block_amax_bits": _word(t.block_amax[i, j]),
        "base_bits": _word(t.base[i, j]),
        "map6": _candidate(t.map6, i, j, t.recipe),
        "map4": _candidate(t.map4, i, j, t.recipe),
    }


def _candidate(c: Candidate | None, i: int, j: int, r: Recipe) -> Json | None:
    if c is None:
        return None
    rows, cols = r.block_rows, r.block_cols
    multiplier = np.broadcast_to(c.multiplier, c.scale.shape)
    return {
        "base_bits": _word(c.base[i, j]),
        "block_scale": f"{int(c.scale_code[i, j]):02X}",
        "multiplier_bits": _word(multiplier[i, j]),
        "scaled_bits": to_hex(canonical_nan(c.scaled[i, j].reshape(rows, cols))),
        "element_codes": [_code_digits(row, r) for row in c.codes[i, j].reshape(rows, cols)],
        "error_bits": None if c.error is None else _word(c.error[i, j]),
    }


def _code_digits(codes: AnyArray, r: Recipe) -> str:
    """Return element codes as a digit each, or as the two of a byte where codes have one of their own."""
    if r.codes_per_byte == 1:
        return "".join(f"{int(v):02X}" for v in codes)
    return "".join(f"{int(v) & 0xF:X}" for v in codes)


def _word(value: np.float32) -> str:
    return to_hex(canonical_nan(np.array([[value]], dtype=np.float32)))[0]


def _words(values: F32) -> str:
    """Return one number, or one for each row, in one string."""
    return to_hex(canonical_nan(np.asarray(values, dtype=np.float32).reshape(1, -1)))[0]
