"""`python -m benchmarks.gpu`: measure on this card, and write benchmark-gpu.json and .md."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.gpu import kernels, small, whole
from benchmarks.gpu.document import markdown
from fos_gpu import available
from fos_gpu.build.machine import card
from fos_ref.publish.publication import check_targets, write_all
from fos_ref.publish.targets import Targets

NAME = "benchmark-gpu"
PARTS = ("kernels", "whole", "small")


def measure(parts: Sequence[str], size: int, rounds: int) -> dict[str, Any]:
    """Return the figures of some parts."""
    shape = (size, size)
    data: dict[str, Any] = {"ran_on": card()}
    if "kernels" in parts:
        data["kernels"] = kernels.measure(shape, rounds)
    if "whole" in parts:
        data["whole"] = whole.measure(shape, rounds)
    if "small" in parts:
        data["small"] = small.measure(rounds)
    return data


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line; 2 where no kernel can run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--size", type=int, default=16384, help="rows and columns, a multiple of 16")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    given = parser.parse_args(argv)
    here = available()
    if not here:
        sys.stderr.write(f"not run: {here.reason}\n")
        return 2
    targets = Targets(given.out, [f"{NAME}.json", f"{NAME}.md"])
    check_targets(targets)
    data = measure(given.parts, given.size, given.rounds)
    text = markdown(data)
    files = {f"{NAME}.json": (json.dumps(data, indent=1) + "\n").encode(), f"{NAME}.md": text.encode()}
    write_all(targets, files)
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
