"""What other inputs cost: where choices are close or blocks unusual, chunks take the literal path."""

from __future__ import annotations

from typing import Any

import numpy as np

import fos_ref
from benchmarks.clock import alternate, ratios, Rounds, Spread, Subject
from benchmarks.profile import job, undecided
from benchmarks.subjects import Case, INCLUDED, ours
from fos_ref.inputs.distributions import make
from fos_ref.recipes.recipe import BLOCK

RECIPE = "4over6"
FAMILIES = (
    "normal",
    "laplace",
    "student-t3",
    "outlier-channels",
    "near-max",
    "zero-laden",
    "coarse",
    "heavy-tailed",
)
_MILLI = 1e3


def measure(shape: tuple[int, int], rounds: Rounds) -> dict[str, Any]:
    """Return the time on each family of inputs, amax included, beside normal values in the same rounds."""
    rows = []
    for dtype in ("float32", "bfloat16"):
        tensors = {f: make(f, shape, 0, dtype) for f in FAMILIES}
        case, r = Case(RECIPE, dtype, INCLUDED), fos_ref.recipe(RECIPE)
        times = alternate([Subject(f, ours(x, case)) for f, x in tensors.items()], rounds)
        rows += [
            {
                "dtype": dtype,
                "input": f,
                "milliseconds": Spread.of([t * _MILLI for t in times[f]]).document(4),
                "times_as_long_as_normal": ratios(times[f], times[FAMILIES[0]]).document(3),
                "literal_blocks": undecided(job(tensors[f], r), r),
                "blocks": int(np.prod(shape)) // BLOCK // r.block_rows,
            }
            for f in FAMILIES
        ]
    return {"recipe": RECIPE, "shape": list(shape), "rows": rows}
