"""`python -m benchmarks.gpu.tunings`: the fast kernels under other launches, from which grid.py's are chosen.

No launch decides a bit; each is still held against the kernel word for word on the whole tensor.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from unittest import mock

from benchmarks.gpu import subjects
from benchmarks.gpu.clock import alternate, cupy, Subject
from benchmarks.gpu.subjects import COPY, copy, Given, Inputs, recipe
from fos_gpu.build import grid, kernels, nvrtc
from fos_gpu.build.grid import Tuning
from fos_ref.recipes.recipe import Recipe

CASES = (
    ("4over6", "bfloat16"),
    ("4over6", "float16"),
    ("4over6-mae", "bfloat16"),
    ("4over6-absmax", "bfloat16"),
    ("4over6-16x16", "bfloat16"),
    ("te-mae-448-row", "bfloat16"),
)
SHAPES = (
    (256, 4),
    (256, 3),
    (256, 2),
    (128, 8),
    (128, 7),
    (128, 6),
    (128, 5),
)  #: threads, thread blocks of an SM
WAVES = (1, 2, 4, 16)
_OWN = grid.tuning


def tunings(r: Recipe, dtype: str) -> dict[str, Tuning]:
    """Return the launches to try by name, that of grid.py first."""
    every = {"now": _OWN(r, dtype)}
    return every | {f"{t} x {n}, waves {w}": Tuning(t, n, w) for (t, n), w in product(SHAPES, WAVES)}


def named(r: Recipe, t: Tuning) -> Recipe:
    """Return the recipe under a name that says its launch: what is compiled is kept by recipe."""
    return replace(r, name=f"{r.name}-{t.threads}-{t.resident}-{t.waves}")


def by_name(r: Recipe, dtype: str) -> Tuning:
    """Return the launch that a recipe's name says."""
    last = r.name.split("-")[-3:]
    if all(part.isdigit() for part in last) and len(last[0]) == 3:  # noqa: PLR2004 -- threads
        return Tuning(*map(int, last))
    return _OWN(r, dtype)


def _compile(task: tuple[str, str, Tuning], arch: str) -> None:
    name, dtype, t = task
    with mock.patch.object(kernels, "tuning", by_name):
        kernels.cubin(named(recipe(name), t), dtype, arch, fast=True)


def measure(shape: tuple[int, int], rounds: int) -> list[dict[str, object]]:
    """Return milliseconds, the share of a copy and differing bytes of every launch."""
    rows = []
    for name, dtype in CASES:
        inputs, r = Inputs(shape, dtype), recipe(name)
        givens = {label: Given(inputs, named(r, t)) for label, t in tunings(r, dtype).items()}
        times = alternate([copy(inputs), *(Subject(n, g.launch) for n, g in givens.items())], rounds)
        rate = 2 * inputs.words[0].nbytes / median(times[COPY])
        for label, g in givens.items():
            ms = median(times[label])
            share = inputs.bytes_per_value(choices=True) * inputs.size / ms / rate
            differing = (
                g.bits()["differing_bytes_from_literal"]
                if label == "now" or ms < median(times["now"])
                else None
            )
            rows.append({"recipe": name, "dtype": dtype, "launch": label, "ms": round(ms, 4)})
            rows[-1] |= {"share": round(share, 3), "differing": differing}
        cupy().get_default_memory_pool().free_all_blocks()
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    """Compile all, then measure; write a JSON file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu.tunings", allow_abbrev=False)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--side", type=int, default=16384)
    parser.add_argument("--jobs", type=int, default=12)
    parser.add_argument("--capability", type=int, default=90, help="of the card, as 90 for 9.0")
    given = parser.parse_args(argv)
    tasks = {
        (name, dtype, t._replace(waves=1))
        for name, dtype in CASES
        for t in tunings(recipe(name), dtype).values()
    }
    with ProcessPoolExecutor(given.jobs, mp_context=get_context("spawn")) as pool:
        list(pool.map(partial(_compile, arch=nvrtc.target(given.capability)), tasks))
    with (
        mock.patch.object(kernels, "tuning", by_name),
        mock.patch.object(grid, "tuning", by_name),
        mock.patch.object(subjects, "MODEL_ROWS", 16),
    ):
        rows = measure((given.side, given.side), given.rounds)
    given.out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    for row in rows:
        sys.stdout.write(" ".join(map(str, row.values())) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
