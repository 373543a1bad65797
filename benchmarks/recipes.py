"""`python -m benchmarks.recipes`: the compiled engine's time for each recipe beside that of 4over6.

One thread, the tensor amax given, the same float32 tensor for all. A recipe and 4over6 take turns; a part of
the tensor is compared with NumPy, byte by byte, in the same run. Everything is done twice, each time in a
process of its own: compiled for this processor, and for x86-64-v3, whose registers are half as wide as those
of AVX-512.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numba
import numpy as np

import fos_ref
from benchmarks.clock import alternate, ratios, Rounds, Spread, Subject
from benchmarks.document import number, table
from benchmarks.machine import machine, Others
from benchmarks.subjects import Case, GIVEN, ours, tensor
from fos_ref.engines.registry import load_engine
from fos_ref.model.quantize import tensor_scales
from fos_ref.publish.publication import check_targets, write_all
from fos_ref.publish.targets import Targets

NAME = "benchmark-recipes"
BASE = "4over6"
ROWS = 64  #: of the tensor, that are compared with NumPy
SETS = {"this processor": {}, "x86-64-v3": {"NUMBA_CPU_NAME": "x86-64-v3", "NUMBA_CPU_FEATURES": ""}}
ROUNDS, SHAPE = Rounds(7, 0.05, time.thread_time), (4096, 4096)
QUICK_ROUNDS, QUICK_SHAPE = Rounds(2, 0.002, time.thread_time), (64, 4096)
Row = dict[str, Any]


def names() -> list[str]:
    """Return the presets that the engine takes, one for each set of bits."""
    engine = load_engine("numba")
    distinct = {r.fingerprint(): r.name for r in reversed(fos_ref.PRESETS.values())}
    recipes = map(fos_ref.recipe, reversed(distinct.values()))
    return [r.name for r in recipes if engine.refuses(r) is None and not r.stochastic]


def differing(x: np.ndarray, name: str) -> int:
    """Return how many bytes of codes, block scales and choices differ from NumPy's on a part of x."""
    r, part = fos_ref.recipe(name), x[:ROWS]
    mine, model = load_engine("numba"), load_engine("numpy")
    scales = tensor_scales(mine.amax(part, r), r, x.dtype)
    pairs = zip(mine.quantize(part, scales, r), model.quantize(part, scales, r), strict=True)
    return sum(int(np.count_nonzero(a != b)) for a, b in pairs)


def measure(chosen: Sequence[str], shape: tuple[int, int], rounds: Rounds) -> Row:
    """Return, by preset, its time, how often 4over6's that is, and how many bytes differ from NumPy's."""
    numba.set_num_threads(1)
    x, rows = tensor(shape, "float32"), {}
    with Others() as others:
        for name in chosen:
            subjects = [
                Subject(key, ours(x, Case(n, "float32", GIVEN))) for key, n in (("a", name), ("b", BASE))
            ]
            times = alternate(subjects, rounds)
            rows[name] = {
                "milliseconds": Spread.of([t * 1e3 for t in times["a"]]).document(4),
                "times_as_long": ratios(times["a"], times["b"]).document(3),
                "differing_bytes": differing(x, name),
            }
    return {"machine": machine(), "others_share": others.share, "recipes": rows}


def markdown(found: dict[str, Row], shape: tuple[int, int]) -> str:
    """Return the page."""
    sets = list(found)
    titles = ("recipe", *(f"{t}, {s}" for s in sets for t in ("ms", "times 4over6")), "differing bytes")
    rows, machines = [], {s: found[s]["machine"] for s in sets}
    for name in found[sets[0]]["recipes"]:
        each = [found[s]["recipes"][name] for s in sets]
        figures = [number(e[k]["median"]) for e in each for k in ("milliseconds", "times_as_long")]
        rows.append((f"`{name}`", *figures, sum(e["differing_bytes"] for e in each)))
    lines = (
        "# The compiled engine, recipe by recipe",
        "",
        f"Quantizing a normal float32 tensor of {shape[0]} x {shape[1]} values on one thread, the tensor",
        f"amax given: medians. Each recipe took turns with `{BASE}`; times {BASE} is the median of",
        f"the ratios. {ROWS} rows were compared with NumPy in the same run, byte by byte. Written by",
        f"`python -m benchmarks.recipes`; the figures with their spread are in {NAME}.json.",
        "",
        *(f"- {s}: {m['processor']}, compiled for {m['compiled for']}" for s, m in machines.items()),
        "",
        table(titles, rows),
    )
    return "\n".join(lines) + "\n"


def child(more: dict[str, str], arguments: Sequence[str]) -> Row:
    """Return what a process measures whose code is compiled for one instruction set."""
    command = [sys.executable, "-m", "benchmarks.recipes", "--one", *arguments]
    done = subprocess.run(command, env=os.environ | more, check=True, stdout=subprocess.PIPE)  # noqa: S603
    found: Row = json.loads(done.stdout)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and write the report, whole or not at all; exit 1 where a byte differs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recipes", description=__doc__)
    parser.add_argument("recipes", nargs="*", help="presets; all that the engine takes if none is named")
    parser.add_argument("--quick", action="store_true", help="a small tensor; written to OUT/quick")
    parser.add_argument("--one", action="store_true", help="this process alone: print the figures as JSON")
    parser.add_argument("--out", type=Path, default=Path("reports"), help="where the files go")
    parser.add_argument("--together", action="store_true", help="both instruction sets at once")
    given = parser.parse_args(arguments)
    shape, rounds = (QUICK_SHAPE, QUICK_ROUNDS) if given.quick else (SHAPE, ROUNDS)
    chosen = given.recipes or names()
    if given.one:
        json.dump(measure(chosen, shape, rounds), sys.stdout)
        return 0
    targets = Targets(given.out / "quick" if given.quick else given.out, [f"{NAME}.json", f"{NAME}.md"])
    check_targets(targets)
    passed = [*chosen, *(["--quick"] if given.quick else [])]
    with ThreadPoolExecutor(len(SETS) if given.together else 1) as pool:
        each = pool.map(partial(child, arguments=passed), SETS.values())
        found = dict(zip(SETS, each, strict=True))
    document = json.dumps({"format": 1, "shape": shape, "sets": found}, indent=1).encode() + b"\n"
    page = markdown(found, shape)
    for path in write_all(targets, {f"{NAME}.json": document, f"{NAME}.md": page.encode()}):
        sys.stdout.write(f"{path}\n")
    return int(any(r["differing_bytes"] for s in found.values() for r in s["recipes"].values()))


if __name__ == "__main__":
    sys.exit(main())
