"""What it costs that values share random numbers: the variance of sums of their errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd

from fos_ref.formats.arrays import AnyArray, F64
from fos_ref.random import deal, Feed, MAPS, words
from fos_ref.report.training.plan import Done, Plan

COUNTS = (1, 2, 4, 8, 16, 32, 64)
_SEED = 5
_BYTE = 8


@dataclass(frozen=True, slots=True)
class Sums:
    """Which values of a map's tensor are summed: so many columns apart, which a product sums."""

    apart: int
    says: str


#: map -> sums over values that it may or may not make share
SUMS: Mapping[str, Sums] = MappingProxyType(
    {
        "te-tuned-row": Sums(256, "no word is used twice"),
        "torchao-triton": Sums(256, "no word is used twice"),
        "torchao-cute-column": Sums(256, "tokens 256 apart share a word"),
        "fouroversix-triton": Sums(64, "every 16x64 tile has the same words"),
    }
)


def jobs() -> list[str]:
    """Return the maps."""
    return list(SUMS)


def shared_noise(plan: Plan, done: Done) -> pd.DataFrame:
    """Return a row for each (map, n): the variance of the sum of n errors, in squared steps, and two laws.

    Values have places nu, uniform between their neighbours; rule A takes them up with the map's bytes. `own`
    is n/6, `shared` n/6 + n (n - 1) / 12: that of one random number for all n. `done` is called after each of
    `jobs()`.
    """
    rows = []
    for name in jobs():
        errors = _errors(name, plan.sums)
        rows += [
            {
                "map": name,
                "n": n,
                "variance": _variance(errors, n),
                "own": n / 6,
                "shared": n / 6 + n * (n - 1) / 12,
            }
            for n in COUNTS
        ]
        done()
    return pd.DataFrame(rows)


def _errors(name: str, lines: int) -> F64:
    """Return errors of one rounding each in steps, (values of a sum, sums)."""
    apart, most = SUMS[name].apart, COUNTS[-1]
    shape = _fitting(name, lines), apart * most
    r = _bytes(name, shape).reshape(shape[0], most, apart)[:lines]
    nu = np.random.default_rng(_SEED).random(r.shape)
    up = np.floor(np.ldexp(nu, _BYTE)) + r >= 1 << _BYTE
    return np.moveaxis(up - nu, 1, 0).reshape(most, -1)


def _fitting(name: str, rows: int) -> int:
    multiple = MAPS[name].multiple[0]
    return -(-rows // multiple) * multiple


def _bytes(name: str, shape: tuple[int, int]) -> AnyArray:
    return deal(words(name, shape, seed=_SEED), Feed.BYTE_NATURAL)


def _variance(errors: F64, n: int) -> float:
    """Return the variance of sums of the first n errors, in order."""
    sums = np.cumsum(errors[:n], axis=0)[-1]
    mean = np.cumsum(sums)[-1] / sums.size
    return float(np.cumsum((sums - mean) ** 2)[-1] / sums.size)
