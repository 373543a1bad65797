"""What a value costs in tensors from ten thousand values to a billion: a cliff would show."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.clock import alternate, Rounds, significant, Spread, Subject
from benchmarks.machine import available_bytes
from benchmarks.subjects import Case, DTYPES, INCLUDED, ours, OUTPUT_BYTES, tensor
from fos_ref.formats.arrays import AnyArray

COLUMNS = 10_000  #: 625 blocks
RECIPE = "4over6"
PATTERN = (1024, 1024)
MEMORY_SHARE = 0.5  #: of the memory that is free, at most
_NANO = 1e9


def measure(sizes: list[int], rounds: Rounds) -> dict[str, Any]:
    """Return nanoseconds a value for each size and dtype, amax included, sizes in turn."""
    found: dict[str, Any] = {"recipe": RECIPE, "rows": [], "not_run": {}}
    for dtype in DTYPES:
        fitting = [n for n in sizes if _fits(n, dtype)]
        for n in sizes:
            if n not in fitting:
                found["not_run"][f"{n} values of {dtype}"] = "it would take more than half of the free memory"
        case = Case(RECIPE, dtype, INCLUDED)
        subjects = [Subject(str(n), ours(filled(n, dtype), case)) for n in fitting]
        times = alternate(subjects, rounds)
        for n in fitting:
            spread = Spread.of([t / n * _NANO for t in times[str(n)]])
            found["rows"].append({"dtype": dtype, "values": n, "nanoseconds_per_value": spread.document(4)})
        del subjects
    return found


def rise(found: dict[str, Any], dtype: str) -> float | None:
    """Return the most that a value costs in some size over the least in a smaller one; None for one size."""
    medians = [row["nanoseconds_per_value"]["median"] for row in found["rows"] if row["dtype"] == dtype]
    rises = [m / min(medians[:i]) for i, m in enumerate(medians) if i]
    return significant(max(rises), 3) if rises else None


def filled(n: int, dtype: str) -> AnyArray:
    """Return n normal values that repeat after a million."""
    pattern = tensor(PATTERN, dtype).reshape(-1)
    x = np.empty(n, dtype=DTYPES[dtype])
    for start in range(0, n, pattern.size):
        part = x[start : start + pattern.size]
        part[:] = pattern[: part.size]
    return x.reshape(-1, COLUMNS)


def _fits(n: int, dtype: str) -> bool:
    free = available_bytes()
    return not free or n * (DTYPES[dtype].itemsize + OUTPUT_BYTES) <= free * MEMORY_SHARE
