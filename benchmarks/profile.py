"""Where the time of a chunk goes on one thread: reading, scales, errors, codes, the literal path."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

import fos_ref
from benchmarks.clock import alternate, Rounds, significant, Spread, Subject
from benchmarks.profile_steps import CHUNK, LOOPS
from benchmarks.subjects import tensor
from fos_ref.fast.config import constants, FILTER_AT, integers
from fos_ref.fast.kernel import quantize_range
from fos_ref.fast.lanes import LANES, WORDS
from fos_ref.formats.arrays import AnyArray
from fos_ref.model.quantize import tensor_scales
from fos_ref.recipes.recipe import BLOCK, Recipe

CASES = (
    ("4over6", "float32"),
    ("4over6", "bfloat16"),
    ("4over6-mae", "float32"),
    ("4over6-absmax", "float32"),
    ("4over6-16x16", "float32"),
    ("nvfp4", "float32"),
)
STEPS = ("read", "scales", "errors", "encode")  #: of a chunk that the filter decides
LITERAL, WALK = "literal", "walk"
LITERAL_SHARE = 16  #: the literal path is timed on a sixteenth of the chunks: it is slow
_NANO = 1e9


def measure(shape: tuple[int, int], rounds: Rounds) -> dict[str, Any]:
    """Return nanoseconds a chunk of each step, one thread, and what they come to beside the whole walk."""
    rounds = replace(rounds, clock=time.thread_time)
    return {"shape": list(shape), "rows": [_row(name, dtype, shape, rounds) for name, dtype in CASES]}


def _row(name: str, dtype: str, shape: tuple[int, int], rounds: Rounds) -> dict[str, Any]:
    r, x = fos_ref.recipe(name), tensor(shape, dtype)
    given, chunks, w = job(x, r), x.size // CHUNK // r.block_rows, np.zeros(WORDS, np.uint32)
    literal = undecided(given, r)
    LOOPS["ready"](w, given, chunks)
    LOOPS["read"](w, given, 1)
    few, blocks = max(1, chunks // LITERAL_SHARE), chunks * LANES
    counts = dict.fromkeys(STEPS, chunks) | {LITERAL: few, WALK: chunks}
    runs: dict[str, Callable[[], object]] = {s: _on(LOOPS[s], w, given, counts[s]) for s in (*STEPS, LITERAL)}
    runs[WALK] = lambda: quantize_range(*_range_arguments(given), 0, chunks)
    times = alternate([Subject(step, run) for step, run in runs.items()], rounds)
    spent = {step: Spread.of([t / counts[step] * _NANO for t in times[step]]) for step in runs}
    whole = sum(spent[s].median for s in STEPS) + literal / blocks * spent[LITERAL].median
    return {
        "recipe": name,
        "dtype": dtype,
        "values_per_chunk": CHUNK * r.block_rows,
        "nanoseconds_per_chunk": {step: s.document(3) for step, s in spent.items()},
        "literal_blocks": literal,
        "blocks": blocks,
        "sum_of_steps": significant(whole, 3),
    }


def job(x: AnyArray, r: Recipe) -> tuple[Any, ...]:
    """Return what the loops take of a tensor whose rows are whole chunks."""
    amax = np.asarray(np.abs(x).max(), dtype=np.float32)
    scales = tensor_scales(amax, r, x.dtype)
    c = integers(r, x.dtype)
    c[FILTER_AT] = 1
    outputs = tuple(
        np.zeros(x.size // n, t) for n, t in ((8, np.uint32), (BLOCK, np.uint8), (BLOCK, np.uint8))
    )
    three = tuple(np.float32(v) for v in (scales.amax, scales.encode, scales.decode))
    layout = (*x.shape, r.block_rows, r.block_cols, LANES)
    return x.reshape(-1).view(np.uint8), c, constants(r), layout, three, outputs


def undecided(given: tuple[Any, ...], r: Recipe) -> int:
    """Return how many blocks of a tensor take the literal path."""
    rows, columns, *_ = given[3]
    w, chunks = np.zeros(WORDS, np.uint32), rows * columns // CHUNK // r.block_rows
    LOOPS["ready"](w, given, chunks)
    return int(LOOPS["undecided"](w, given, chunks))


def _range_arguments(given: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what the walk itself takes but for its range."""
    bits, c, f, layout, scales, outputs = given
    one = tuple(np.array([s]) for s in scales)
    return bits, c, f, layout[:-1], one, one, outputs


def _on(loop: Callable[..., Any], w: AnyArray, given: tuple[Any, ...], chunks: int) -> Callable[[], object]:
    return lambda: loop(w, given, chunks)
