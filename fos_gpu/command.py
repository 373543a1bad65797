"""What the two proof commands share: their arguments, the bar of progress, the finding on disk."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fos_ref.errors import FosError
from fos_ref.proof.result import document, Proof
from fos_ref.report.files import check_folder, write_all


def run(proof: Proof, argv: Sequence[str] | None, more: dict[str, Any] | None = None) -> int:
    """Run a proof from the command line; return 0 if it holds, 1 if not, 2 if it cannot run here.

    more: facts of the machine beyond those of every proof, written under `ran_on`.
    """
    parser = argparse.ArgumentParser(description=proof.claim)
    parser.add_argument("--out", type=Path, metavar="DIR", help=f"write DIR/proof-{proof.name}.json")
    parser.add_argument("--jobs", type=int, default=0, help="worker processes; 0: one per core")
    given = parser.parse_args(argv)
    try:
        return _run(proof, given.out, given.jobs or os.cpu_count() or 1, more or {})
    except (FosError, OSError) as e:
        sys.stderr.write(f"error: {e}\n")
        return 2


def _run(proof: Proof, out: Path | None, jobs: int, more: dict[str, Any]) -> int:
    if out is not None:
        check_folder(out)
    start = time.perf_counter()
    found = proof.run(_progress, jobs)
    seconds = time.perf_counter() - start
    data = document(proof, found, seconds)
    data["ran_on"] |= more
    verdict = "FAILED" if found.unexplained else "holds"
    sys.stdout.write(f"{proof.name}: {verdict}. {proof.claim}\n")
    sys.stdout.write(f"  {found.compared:,} compared, {found.unexplained:,} differ, {seconds:.1f} s\n")
    if out is not None:
        write_all(out, {f"proof-{proof.name}.json": (json.dumps(data, indent=1) + "\n").encode()})
    return 1 if found.unexplained else 0


def _progress(done: int, tasks: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done}/{tasks} ")
