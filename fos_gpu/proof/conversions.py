"""`python -m fos_gpu.proof.conversions`: float32 to E2M1 and E4M3, instructions and twins, all inputs.

On the host the twins of csrc/fos_ptx.cuh are held against the compiled codec, NVIDIA's headers and the list
of runs of the readable codec; on a device the instruction, where it has one, against its twin and those runs.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from fos_gpu.build import twins
from fos_gpu.build.compiler import compiler_version
from fos_gpu.build.machine import card
from fos_gpu.build.probe import available
from fos_gpu.proof.command import run as run_command
from fos_gpu.proof.runs import digest, expanded, FORMATS, model_table, other_groups
from fos_gpu.proof.sweep import INSTRUCTIONS, NEEDS, PATTERNS, sweep, Swept
from fos_ref.errors import ToolchainError
from fos_ref.errors.guard import guarded
from fos_ref.formats.arrays import AnyArray, F32, U8, U32
from fos_ref.proof.result import Finding, Progress, Proof
from fos_ref.proof.sweeps.codes import compare_codes, OURS, patterns, STEP, TASK
from fos_ref.proof.sweeps.header import compiled_or_reason, convert
from fos_ref.proof.sweeps.pool import Tally, total
from fos_ref.proof.sweeps.rules import finding, Side

TWIN, CODEC, RUNS, HEADER = (
    "twin under g++",
    "compiled codec",
    "runs of the readable codec",
    "NVIDIA's header",
)


def _sides(kind: str) -> tuple[Side, ...]:
    return (
        Side(name=f"{kind}: {TWIN}, {CODEC}"),
        Side(name=f"{kind}: {TWIN}, {RUNS}"),
        Side(name=f"{kind}: {TWIN}, {HEADER}", needs_header=True),
    )


@cache
def _table(kind: str) -> U32:
    return model_table(kind)


def _codec(kind: str, x: F32) -> U8:
    out = np.empty(x.size, dtype=np.uint8)
    OURS[kind](x, out)
    return out


def _others(kind: str) -> tuple[tuple[Side, Any], ...]:
    """Return what the twin is held against: values and the compiled header, to codes."""

    def runs(x: F32, _: Path | None) -> AnyArray:
        return expanded(_table(kind), int(x.view(np.uint32)[0]), x.size)

    def header(x: F32, library: Path | None) -> AnyArray:
        assert library is not None
        return convert(library, kind, x)

    return tuple(zip(_sides(kind), (lambda x, _: _codec(kind, x), runs, header), strict=True))


def compare_range(start: int, *, length: int, library: Path | None) -> Tally:
    """Return the counts of every side on the `length` patterns from `start` on."""
    found: Tally = Counter()
    for first in range(start, start + length, STEP):
        bits = patterns(first, min(STEP, start + length - first))
        for kind in FORMATS:
            found.update(compare_codes(bits, partial(twins.codes, kind), _others(kind), library))
    return found


def on_host(progress: Progress, jobs: int, starts: Sequence[int] = range(0, PATTERNS, TASK)) -> Finding:
    """Compare the twins with what else there is, on all patterns or on TASK of them from each start."""
    sides = tuple(side for kind in FORMATS for side in _sides(kind))
    try:
        twins.build()
    except ToolchainError as e:
        return Finding(compared=0, unexplained=0, not_run={side.name: str(e) for side in sides})
    with compiled_or_reason() as (library, reason):
        work = partial(compare_range, length=TASK, library=library)
        return finding(total(work, starts, jobs, progress), sides, reason)


def on_device() -> Finding:
    """Sweep the current device; what it cannot run is named with what it needs."""
    here, figures, not_run = available(), {}, {}
    for kind, word in INSTRUCTIONS.items():
        for twin, part in ((False, f"{kind}: {word} on a device"), (True, f"{kind}: twin on a device")):
            swept = sweep(kind, twin=twin) if here else None
            if swept is None:
                not_run[part] = here.reason
            elif swept.instruction or twin:
                figures[part] = device_figures(kind, swept)
            else:
                not_run[part] = f"needs {NEEDS[kind]}; this is {here.reason}"
    wrong = sum(f["unexplained"] for f in figures.values())
    return Finding(compared=PATTERNS * len(figures), unexplained=wrong, figures=figures, not_run=not_run)


def device_figures(kind: str, swept: Swept) -> dict[str, Any]:
    """Return what a conversion on a device gave beside its twin there and the readable codec's runs."""
    other = other_groups(swept.table, _table(kind))
    return {
        "patterns": int(swept.table[0].sum(dtype=np.int64)),
        "codes that differ from the twin's, by class": swept.differing,
        "groups that differ from the readable codec's": other,
        "sha256 of the runs": digest(swept.table),
        "unexplained": sum(swept.differing.values()) + len(other),
    }


def run(progress: Progress, jobs: int) -> Finding:
    """Run what this machine can."""
    host, device = on_host(progress, jobs), on_device()
    return replace(
        host,
        compared=host.compared + device.compared,
        unexplained=host.unexplained + device.unexplained,
        figures={**host.figures, **device.figures},
        not_run={**host.not_run, **device.not_run},
    )


PROOF = Proof(
    name="conversions",
    claim=(
        "All 2^32 float32 patterns have the model's E2M1 and E4M3 codes in the portable twins, and in the "
        "conversion instructions of the device that is named."
    ),
    run=run,
    minutes=0.6,
)


def _machine() -> dict[str, Any]:
    try:
        return {"compiler": compiler_version(), "options": " ".join(twins.OPTIONS), **card()}
    except ToolchainError:
        return card()


@guarded
def main(argv: Sequence[str] | None = None) -> int:
    """Run the proof from the command line."""
    return run_command(PROOF, argv, _machine())


if __name__ == "__main__":
    sys.exit(main())
