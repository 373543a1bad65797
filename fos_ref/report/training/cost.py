"""What a rounder costs on N(0, 1), and published figures beside ours."""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum

import numpy as np
import pandas as pd

from fos_ref.formats.arrays import F64
from fos_ref.inputs.distributions import make
from fos_ref.report.interval import half_width
from fos_ref.report.training.plan import Done, Plan
from fos_ref.report.training.rounders import Prepared, ROUNDERS
from fos_ref.rotate import gain

METRICS = ("error_e3", "shrink")
PERCENT, DIGITS = "1 %", "its digits"
_QUARTET = "Quartet II, arXiv 2601.22813v2, table 1"
_NOTEBOOK = "Quartet II, notebooks/unbiasedness.ipynb"
_COMPUTED = "computed from the source, 4.2 M values"


@dataclass(frozen=True, slots=True)
class Anchor:
    """A stated figure."""

    quantity: str
    stated: str
    source: str
    rounder: str
    metric: str
    held_to: str  #: PERCENT, DIGITS, or nothing: a figure that moves with the tensor is shown only


ANCHORS = (
    Anchor("nearest even, error", "9.0", _QUARTET, "nearest", "error_e3", PERCENT),
    Anchor("SR 16/17, error", "23.5", _QUARTET, "sr-ideal", "error_e3", PERCENT),
    Anchor("4/6 and SR, error", "17.5", _QUARTET, "4over6-own", "error_e3", PERCENT),
    Anchor("MS-EDEN, error", "9.4", _QUARTET, "eden", "error_e3", PERCENT),
    Anchor("MS-EDEN, error", "9.37", _COMPUTED, "eden", "error_e3", PERCENT),
    Anchor("MS-EDEN, simulator, error", "9.8", _NOTEBOOK, "eden-simulator", "error_e3", PERCENT),
    Anchor("MS-EDEN, simulator, error", "9.74", _COMPUTED, "eden-simulator", "error_e3", PERCENT),
    Anchor("MS-EDEN, simulator, shrink", "0.00056", _NOTEBOOK, "eden-simulator", "shrink", ""),
    Anchor("TE and torchao, error", "18.88", _COMPUTED, "te-ideal", "error_e3", PERCENT),
    Anchor("TE and torchao, shrink", "0.0034", _COMPUTED, "te-ideal", "shrink", DIGITS),
    Anchor("TE and torchao, A8, shrink", "0.0041", _COMPUTED, "te-a8", "shrink", ""),
)
_GAIN = ("gain of a product of two operands rotated by 128", "0.999786")
_LIMIT = 1.0  #: percent that a held figure may be off


def jobs(plan: Plan) -> list[tuple[str, int]]:
    """Return rounder and seed of what has to be measured."""
    return [(name, seed) for name in ROUNDERS for seed in range(plan.seeds)]


def costs(plan: Plan, done: Done) -> pd.DataFrame:
    """Return a row for each rounder: METRICS, each with its interval over the seeds, and what was taken.

    error_e3: squared error over the power, times 1000. shrink: 1 - <q, x> / <x, x>. `of` is "expectation"
    where both are exact over all draws of the rounding, else "one draw" a tensor. `done` is called after each
    of `jobs(plan)`.
    """
    rows = []
    for name, rounder in ROUNDERS.items():
        found = []
        for seed in range(plan.seeds):
            prepared = rounder.prepare(make("normal", plan.shape, seed))
            found.append(one(prepared, seed + 1))
            done()
        row: dict[str, object] = {
            "rounder": name,
            "of": "one draw" if prepared.exact is None else "expectation",
        }
        for metric, values in zip(METRICS, zip(*found, strict=True), strict=True):
            row |= {metric: fsum(values) / len(values), f"{metric}_ci": half_width(values)}
        rows.append(row)
    return pd.DataFrame(rows)


def one(prepared: Prepared, seed: int) -> tuple[float, float]:
    """Return error_e3 and shrink of one tensor."""
    q, x = prepared.draw(seed)
    if prepared.exact is None:
        return _metrics(q, x, np.zeros(()))
    return _metrics(prepared.exact[0], x, prepared.exact[1])


def _metrics(q: F64, x: F64, variance: F64) -> tuple[float, float]:
    power = total(x * x)
    error = total((q - x) ** 2) + total(variance)
    return 1e3 * error / power, 1 - total(q * x) / power


def total(values: F64) -> float:
    """Return the sum of all values, rounded once: the same on every machine."""
    return fsum(values.ravel().tolist())


def beside_ours(table: pd.DataFrame) -> pd.DataFrame:
    """Return the stated figures with ours and the deviation in percent."""
    ours = table.set_index("rounder")
    rows = [
        _row(a.quantity, a.stated, a.source, a.held_to, float(ours[a.metric][a.rounder])) for a in ANCHORS
    ]
    rows.append(_row(*_GAIN, "computed from the entries 181/2048", PERCENT, float(gain(128))))
    return pd.DataFrame(rows)


def digits(stated: str) -> int:
    """Return how many digits a figure is stated with."""
    return len(stated.lstrip("0.").replace(".", ""))


def in_digits(value: float, stated: str) -> str:
    """Return a value in as many digits as a figure is stated with: 3.4e-3."""
    mantissa, exponent = f"{value:.{digits(stated) - 1}e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def _row(quantity: str, stated: str, source: str, held_to: str, ours: float) -> dict[str, object]:
    off = 100 * (ours / float(stated) - 1)
    same = in_digits(ours, stated) == in_digits(float(stated), stated)
    agrees = {PERCENT: abs(off) <= _LIMIT, DIGITS: same}.get(held_to)
    return {
        "quantity": quantity,
        "stated": stated,
        "ours": ours,
        "deviation_pct": off,
        "held_to": held_to,
        "agrees": "" if agrees is None else "yes" if agrees else "no",
        "source": source,
    }
