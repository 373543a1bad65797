"""The products that tell accumulators apart, and what every accumulator makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import pandas as pd

from fos_ref.matmul import exact
from fos_ref.matmul.accumulate import accumulate, Accumulator, Order, Terms
from fos_ref.matmul.operand import operands
from fos_ref.matmul.telling import operands_of, VECTORS

BIG = 1 << 24  #: what V3 to V5 begin or end with
#: What each measures; a vector that is not here is described by itself.
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


def accumulators() -> pd.DataFrame:
    """Return a row for each vector: the exact sum, and the accumulator of each of UNITS."""
    rows = []
    for name in VECTORS:
        a, b = operands_of(name)
        x, y = operands(a, b, "report")
        totals = {unit: float(accumulate(x, y, form).total[0, 0]) for unit, form in UNITS.items()}
        rows.append({"vector": name, "exact": float(exact(a, b)[0, 0]), **totals})
    return pd.DataFrame(rows)


def measured_by(name: str) -> str:
    """Return what a vector measures, or what it is."""
    return MEASURES.get(name, VECTORS[name][0])


def digits(name: str, value: float) -> str:
    """Return an accumulator as the page shows it: powers of two, and what V3 to V5 have above 2^24."""
    if name.startswith(("V1", "V2")):
        return "0" if value == 0 else f"2^{value.hex().partition('p')[2]}"
    return f"{value - BIG:g}"
