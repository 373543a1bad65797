"""`python -m benchmarks.loops`: the loops written as vector instructions against plain Numba, as Markdown.

Both work on the same scratch, in turn, on one thread, and their bits are compared first. docs/engine.md has
the table of two instruction sets. Alone, plain loops do better than in the walk: there they are optimised
again, together with what is around them.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from benchmarks.clock import alternate, ratios, Rounds, Spread, Subject
from benchmarks.document import number, table
from benchmarks.loops_plain import PLAIN
from benchmarks.machine import machine
from fos_ref.fast.config import position
from fos_ref.fast.hot import add_errors, encode, read_whole
from fos_ref.fast.hot_scales import write_bytes
from fos_ref.fast.lanes import AMAX, CHOSEN, FACTOR4, FACTOR6, KEPT, LANES, SCRATCH, step, WORDS, X
from fos_ref.formats.arrays import AnyArray
from fos_ref.recipes.axes import ErrorMetric

ROUNDS = Rounds(15, 0.01, time.thread_time)
CHUNK, CHUNKS, CALLS = LANES * 16, 64, 2000  #: values, different chunks, calls a turn
Loop = Callable[..., Any]


def _read(dtype: int) -> Loop:
    @step
    def read(w, x, out, i):  # noqa: ANN001, ANN202, ARG001
        read_whole(w, x, dtype, i * CHUNK, 0, (1, 16))

    return read


def _sum(metric: int) -> Loop:
    @step
    def add(w, x, out, i):  # noqa: ANN001, ANN202, ARG001
        add_errors(w, metric, 0, FACTOR6, FACTOR4)

    return add


def _encode(*, by_value: bool, divided: bool) -> Loop:
    @step
    def write(w, x, out, i):  # noqa: ANN001, ANN202, ARG001
        encode(w, out[0], by_value, divided, 0, i * CHUNK // 8)

    return write


@step
def _bytes(w, x, out, i):  # noqa: ANN001, ANN202, ARG001
    write_bytes(w, out[1], out[2], i * LANES)


#: What the engine does; loops_plain.PLAIN has the same in plain Numba under the same names.
VECTOR: dict[str, Loop] = {
    "read float32": _read(0),
    "read bfloat16": _read(1),
    "sum of squares": _sum(position(ErrorMetric.MSE)),
    "sum of magnitudes": _sum(position(ErrorMetric.MAE)),
    "maximum": _sum(position(ErrorMetric.ABS_MAX)),
    "codes": _encode(by_value=False, divided=False),
    "codes, divided": _encode(by_value=False, divided=True),
    "codes, sign by value": _encode(by_value=True, divided=False),
    "codes, sign by value, divided": _encode(by_value=True, divided=True),
    "bytes": _bytes,
}


def main() -> int:
    """Print the table."""
    rows = []
    for name, loop in VECTOR.items():
        runs = {"vector": _turns(loop), "plain": _turns(PLAIN[name])}
        scratches = {kind: _scratch() for kind in runs}
        results = {kind: _first(runs[kind], scratches[kind]) for kind in runs}
        same = all(np.array_equal(a, b) for a, b in zip(*results.values(), strict=True))
        subjects = [Subject(kind, _bound(runs[kind], scratches[kind])) for kind in runs]
        times = alternate(subjects, ROUNDS)
        each = [Spread.of(times[kind]).median / CALLS / LANES * 1e9 for kind in runs]
        ratio = ratios(times["plain"], times["vector"])
        rows.append((name, *(number(t) for t in each), number(ratio.median), "yes" if same else "NO"))
    m = machine()
    sys.stdout.write(f"{m['processor']}, compiled for {m['compiled for']}; ns a block\n\n")
    sys.stdout.write(table(("loop", "vector", "plain", "plain / vector", "same bits"), rows) + "\n")
    return 0 if all(row[-1] == "yes" for row in rows) else 1


def _turns(loop: Loop) -> Loop:
    """Return many calls; what is written in between keeps the compiler from doing the work once."""

    @njit(error_model="numpy")
    def turns(w, x, out, unknown, calls):  # noqa: ANN001, ANN202
        for i in range(calls):
            w[unknown[i % CHUNKS]] = i
            loop(w, x, out, i % CHUNKS)

    return turns


def _scratch() -> tuple[Any, ...]:
    """Return scratch, input, outputs and the places of no meaning, filled with normal values."""
    rng = np.random.Generator(np.random.Philox(0))
    w = np.zeros(WORDS, np.uint32)
    w[X : X + CHUNK] = rng.standard_normal(CHUNK, dtype=np.float32).view(np.uint32)
    for row in (FACTOR6, FACTOR4, CHOSEN):
        w[row : row + LANES] = rng.uniform(0.5, 1.5, LANES).astype(np.float32).view(np.uint32)
    w[KEPT : KEPT + LANES] = rng.integers(0, 127, LANES)
    x = rng.standard_normal(CHUNK * CHUNKS, dtype=np.float32).view(np.uint8)
    sizes = ((CHUNK // 8, np.uint32), (LANES, np.uint8), (LANES, np.uint8))
    out = tuple(np.zeros(CHUNKS * size, kind) for size, kind in sizes)
    return w, (x.view(np.uint32), x.view(np.uint16)), out, np.full(CHUNKS, WORDS - 1)


def _first(run: Loop, given: tuple[Any, ...]) -> list[AnyArray]:
    run(*given, 1)
    w, _, out, _ = given
    return [w[:CHUNK].copy(), w[AMAX:SCRATCH].copy(), *(o.copy() for o in out)]


def _bound(run: Loop, given: tuple[Any, ...]) -> Callable[[], object]:
    return lambda: run(*given, CALLS)


if __name__ == "__main__":
    sys.exit(main())
