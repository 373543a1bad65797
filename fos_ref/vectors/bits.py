"""What a vector is made of, as JSON and back: an input's bits, and the bits a recipe makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fos_ref.engines.front import dequantize, quantize
from fos_ref.errors import InputError
from fos_ref.formats.bits import f32_hex, from_f32_hex
from fos_ref.inputs.distributions import DTYPES
from fos_ref.recipes.recipe import Recipe
from fos_ref.vectors.bits_text import from_hex, to_hex
from fos_ref.vectors.distinguishing.outcomes import amax_for, Input

RAISES = "raises"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Side:
    """One recipe of a committed vector, and what it has to give."""

    recipe: Recipe
    fingerprint: str
    expected: Any


def result(r: Recipe, given: Input, engine: str, *, values: bool = False) -> Json | str:
    """Return what a recipe makes of an input, as hex; "raises" where it refuses it."""
    try:
        q = quantize(given.x, r, amax=amax_for(r, given), engine=engine)
    except InputError:
        return RAISES
    out: Json = {"codes": to_hex(q.codes), "block_scales": to_hex(q.block_scales)}
    return out | {"values_bits": to_hex(dequantize(q))} if values else out


def input_json(given: Input) -> Json:
    """Return an input's fields."""
    x, amax = given.x, given.amax
    return {
        "dtype": next(name for name, dtype in DTYPES.items() if dtype == x.dtype),
        "shape": list(x.shape),
        "x_bits": to_hex(x),
        "amax_bits": None if amax is None else f32_hex(amax),
    }


def read_input(v: Json, name: str) -> Input:
    """Return the input of a vector that fits its schema; GoldenFormatError for bits of another shape."""
    x = from_hex(v["x_bits"], v["dtype"], (v["shape"][0], v["shape"][1]), f"{name}: x_bits")
    amax = v["amax_bits"]
    return Input(x=x, amax=None if amax is None else from_f32_hex(amax))
