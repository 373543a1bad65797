"""`python -m benchmarks.gpu`: measure on this card, and write benchmark-gpu-<card>.json and .md.

A part that fails is named with its error, and the others are measured; then the exit code is 1.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.gpu import kernels, launches, small, whole
from benchmarks.gpu.document import markdown
from fos_gpu import available
from fos_gpu.build.machine import card, slug
from fos_ref.publish.publication import check_targets, write_all
from fos_ref.publish.targets import Targets

PARTS: dict[str, Callable[[tuple[int, int], int], dict[str, Any]]] = {
    "kernels": kernels.measure,
    "whole": whole.measure,
    "small": lambda _, rounds: small.measure(rounds),
    "launches": lambda _, rounds: launches.measure(rounds),
}
FAILED = "failed"


def measure(parts: Sequence[str], size: int, rounds: int) -> dict[str, Any]:
    """Return the figures of some parts; a part that fails has its error among `failed`."""
    data: dict[str, Any] = {"ran_on": card(), FAILED: {}}
    for name in parts:
        try:
            data[name] = PARTS[name]((size, size), rounds)
        except Exception as e:  # noqa: BLE001 -- whatever it is, the other parts are measured
            data[FAILED][name] = f"{type(e).__name__}: {str(e)[:500]}"
    return data


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line; 2 where no kernel can run, 1 where a part failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--size", type=int, default=16384, help="rows and columns, a multiple of 16")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    given = parser.parse_args(argv)
    here = available()
    if not here:
        sys.stderr.write(f"not run: {here.reason}\n")
        return 2
    name = f"benchmark-gpu-{slug(card()['device'])}"
    targets = Targets(given.out, [f"{name}.json", f"{name}.md"])
    check_targets(targets)
    data = measure(given.parts, given.size, given.rounds)
    text = markdown(data)
    files = {f"{name}.json": (json.dumps(data, indent=1) + "\n").encode(), f"{name}.md": text.encode()}
    write_all(targets, files)
    sys.stdout.write(text)
    return int(bool(data[FAILED]))


if __name__ == "__main__":
    sys.exit(main())
