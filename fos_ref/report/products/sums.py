"""How many outputs are certified, and how far accumulators are from the exact sum, by data and K."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd

from fos_ref.formats.arrays import F64
from fos_ref.matmul import certificate, exact
from fos_ref.matmul.accumulate import accumulate, Accumulator, HALF_ULP, Order, Running, Terms
from fos_ref.matmul.bounds import magnitudes
from fos_ref.matmul.models import Factors, MODELS
from fos_ref.matmul.operand import operands
from fos_ref.report.products.plan import DATA, Done, operands_of, Plan
from fos_ref.storage.tensor import QuantizedTensor

REVERSED = "te reversed"
_HALVES = ("hopper-f16", "ampere-f16")


def _accumulators() -> dict[str, Accumulator]:
    """Return the accumulators of codes times block scales, each once, and one in the other order."""
    found: dict[str, Accumulator] = {}
    for m in MODELS.values():
        if m.accumulator and m.factors is Factors.CODES and m.accumulator not in found.values():
            found[m.name] = m.accumulator
    return found | {REVERSED: Accumulator(terms=Terms.GROUPS, order=Order.REVERSE)}


#: name -> accumulator; programs that differ in alpha alone share one
ACCUMULATORS: Mapping[str, Accumulator] = MappingProxyType(_accumulators())


class Measured(NamedTuple):
    """Both tables."""

    shares: pd.DataFrame
    distances: pd.DataFrame


def jobs(plan: Plan) -> list[tuple[str, int]]:
    """Return data and K of what has to be measured."""
    return list(product(DATA, plan.lengths))


def measure(plan: Plan, done: Done) -> Measured:
    """Return the shares, a row for each (data, K), and the distances, a row for each accumulator of it.

    A share is of `plan.outputs`^2 outputs, in percent. A distance is abs(accumulator - exact sum) of an
    output in units of 2^-24 times the sum of the magnitudes of its terms: products of 16 values, or single
    ones. `bound` is the largest of the bounds along the accumulator's own order, `any_order` that of every
    order, in the same units. `done` is called after each of `jobs(plan)`.
    """
    shares, distances = [], []
    for data, k in jobs(plan):
        a, b = operands_of(data, k, plan.outputs)
        named = {"data": data, "k": k}
        rows = [named | row for row in _distances(a, b, half=k <= plan.longest_half)]
        distances += rows
        equal = {str(row["accumulator"]): row["exact_pct"] for row in rows}
        shares.append(
            named
            | {f"{level}_pct": _percent(certificate(a, b, level)) for level in ("element", "block")}
            | {f"{m}_exact_pct": equal[m] for m in ("te", "cutlass", "blackwell-fp4")}
        )
        done()
    return Measured(pd.DataFrame(shares), pd.DataFrame(distances))


def _percent(which: object) -> float:
    return 100 * float(np.mean(np.asarray(which)))


def _distances(a: QuantizedTensor, b: QuantizedTensor, *, half: bool) -> list[dict[str, object]]:
    true = exact(a, b).astype(np.float64)
    x, y = operands(a, b, "report")
    groups = x.elements.shape[1]
    terms = {
        Terms.GROUPS: _Unit(groups, magnitudes(x, y)),
        Terms.ELEMENTS: _Unit(groups * x.elements.shape[2], magnitudes(x.single(), y.single())),
    }
    return [
        {"accumulator": name, **_distance(true, accumulate(x, y, form), terms[form.terms])}
        for name, form in ACCUMULATORS.items()
        if half or name not in _HALVES
    ]


class _Unit(NamedTuple):
    """How many terms an output has, and the sum of their magnitudes."""

    terms: int
    size: F64


def _distance(true: F64, found: Running, of: _Unit) -> dict[str, float]:
    error = np.abs(found.total.astype(np.float64) - true)
    unit = HALF_ULP * np.where(of.size > 0, of.size, 1)
    height = of.terms - 1
    return {
        "exact_pct": _percent(error == 0),
        "largest": float(np.max(error / unit)),
        "mean": float(np.cumsum(error / unit, axis=None)[-1]) / error.size,
        "bound": float(np.max(found.bound / unit)),
        "any_order": height / (1 - height * HALF_ULP),
    }
