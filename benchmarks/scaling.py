"""What a second thread brings, and every further one."""

from __future__ import annotations

from typing import Any

import numba

from benchmarks.clock import alternate, ratios, Rounds, Spread, Subject
from benchmarks.subjects import Case, DTYPES, GIVEN, INCLUDED, ours, tensor

RECIPE = "4over6"
_MILLI = 1e3


def measure(shape: tuple[int, int], rounds: Rounds, threads: int) -> dict[str, Any]:
    """Return times with 1, 2, 4 .. threads in turn, and how many times faster each is than one."""
    counts = [n for n in (1 << i for i in range(threads.bit_length())) if n <= threads]
    rows = []
    for dtype in DTYPES:
        x = tensor(shape, dtype)
        for amax in (INCLUDED, GIVEN):
            run = ours(x, Case(RECIPE, dtype, amax))
            times = alternate([Subject(str(n), _on(run, n)) for n in counts], rounds)
            rows += [
                {
                    "dtype": dtype,
                    "amax": amax,
                    "threads": n,
                    "milliseconds": Spread.of([t * _MILLI for t in times[str(n)]]).document(4),
                    "times_faster_than_one": ratios(times["1"], times[str(n)]).document(3),
                }
                for n in counts
            ]
    numba.set_num_threads(threads)
    return {"recipe": RECIPE, "shape": list(shape), "rows": rows}


def _on(run: Any, threads: int) -> Any:
    def limited() -> None:
        numba.set_num_threads(threads)
        run()

    return limited
