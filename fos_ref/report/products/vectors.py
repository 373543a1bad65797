"""Products that tell accumulators apart: one output each, and what every accumulator makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from fos_ref.engines.from_bytes import from_bytes
from fos_ref.formats.arrays import U8
from fos_ref.matmul import exact
from fos_ref.matmul.accumulate import accumulate, Accumulator, Order, Terms
from fos_ref.matmul.operand import operands
from fos_ref.recipes.recipe import BLOCK
from fos_ref.report.products.plan import RECIPE
from fos_ref.storage.layout import pack_nibbles
from fos_ref.storage.tensor import QuantizedTensor

BIG = 1 << 24  #: what V3 to V5 begin or end with
_STEP = 4  #: blocks of an instruction
Part = tuple[int, list[int], list[int]]  #: scale byte of both, leading codes of a and of b


def _step(*parts: Part) -> list[Part]:
    """Return blocks that fill whole instructions."""
    return [*parts, *[(0, [], [])] * (-len(parts) % _STEP)]


_UP: Part = (0x7E, [7], [7])
_DOWN: Part = (0x7E, [7], [15])
_SIXTEEN: Part = (0x78, [6] * 16, [6] * 16)  #: 2^24
_ONE: Part = (0x38, [2], [2])
#: docs/products.md says what each measures.
VECTORS: Mapping[str, list[Part]] = MappingProxyType(
    {
        "V1": _step(_UP, (0x01, [1], [1]), _DOWN),
        "V1b": _step(_UP, (0x01, [1], [2]), _DOWN),
        "V1c": _step(_UP, (0x01, [2], [2]), _DOWN),
        "V2": [*_step((0x01, [1], [1])), *_step(_UP), *_step(_DOWN)],
        "V3": [*_step(_SIXTEEN), *_step((0x38, [2], [3]))],
        "V4": [*_step(_SIXTEEN), *_step(_ONE) * 63],
        "V4b": [*_step(_ONE) * 63, *_step(_SIXTEEN)],
        "V4c": [*_step(_SIXTEEN), *_step(_ONE, _ONE, _ONE) * 21],
        "V5": [*_step(_SIXTEEN), *_step((0x38, [2] * 15, [2] * 8 + [10] * 7))],
    }
)
MEASURES: Mapping[str, str] = MappingProxyType(
    {
        "V1": "bits of the alignment",
        "V1b": "bits of the alignment",
        "V1c": "bits of the alignment",
        "V2": "the order",
        "V3": "the rounding",
        "V4": "whether single ones are lost",
        "V4b": "whether they are kept when they come first",
        "V4c": "the length of a step",
        "V5": "whether a block is exact",
    }
)
UNITS: Mapping[str, Accumulator] = MappingProxyType(
    {
        "te": Accumulator(terms=Terms.GROUPS),
        "te reversed": Accumulator(terms=Terms.GROUPS, order=Order.REVERSE),
        "cutlass": Accumulator(terms=Terms.ELEMENTS),
        **{f"{f} bits": Accumulator(terms=Terms.GROUPS, align=f, step=64) for f in (35, 34, 25)},
    }
)


def pair(name: str) -> tuple[QuantizedTensor, QuantizedTensor]:
    """Return the operands of a vector, (1, K) each, without tensor scales."""
    parts = VECTORS[name]
    scales = np.array([[scale for scale, _, _ in parts]], dtype=np.uint8)
    return _row([a for _, a, _ in parts], scales), _row([b for _, _, b in parts], scales)


def _row(blocks: list[list[int]], scales: U8) -> QuantizedTensor:
    codes = np.zeros((len(blocks), BLOCK), dtype=np.uint8)
    for line, leading in zip(codes, blocks, strict=True):
        line[: len(leading)] = leading
    return from_bytes(pack_nibbles(codes.reshape(1, -1)), scales, RECIPE, tensor_scale=1.0)


def accumulators() -> pd.DataFrame:
    """Return a row for each vector: the exact sum, and the accumulator of each of UNITS."""
    rows = []
    for name in VECTORS:
        a, b = pair(name)
        x, y = operands(a, b, "report")
        totals = {unit: float(accumulate(x, y, form).total[0, 0]) for unit, form in UNITS.items()}
        rows.append({"vector": name, "exact": float(exact(a, b)[0, 0]), **totals})
    return pd.DataFrame(rows)


def digits(name: str, value: float) -> str:
    """Return an accumulator as the page shows it: powers of two, and what V3 to V5 have above 2^24."""
    if name.startswith(("V1", "V2")):
        return "0" if value == 0 else f"2^{value.hex().partition('p')[2]}"
    return f"{value - BIG:g}"
