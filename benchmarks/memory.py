"""How much memory a call takes beyond its input and output: the peak of a process of its own.

`python -m benchmarks.memory ROWS COLUMNS DTYPE RECIPE` prints one JSON object.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import fos_ref
from benchmarks.subjects import DTYPES, tensor

SMALL = (256, 1024)
RECIPES = ("4over6", "4over6-16x16", "nvfp4")
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  #: what the system takes to start the peak again
_KIBI, _MEBI = 1024, 1 << 20


def measure(shape: tuple[int, int]) -> dict[str, Any]:
    """Return the extra memory of the public call for each recipe and dtype, each in a process of its own."""
    if not _CLEAR.exists():
        return {"shape": list(shape), "rows": [], "not_run": "the system does not tell a process its peak"}
    rows = []
    for recipe in RECIPES:
        for dtype in DTYPES:
            command = [sys.executable, "-m", "benchmarks.memory", *map(str, shape), dtype, recipe]
            done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 -- itself
            rows.append(json.loads(done.stdout))
    return {"shape": list(shape), "rows": rows}


def extra(shape: tuple[int, int], dtype: str, recipe: str) -> dict[str, Any]:
    """Return what the peak of a call adds to this process, and what of it is output.

    A call on a small tensor comes first, so that loading the compiled code is not counted.
    """
    fos_ref.quantize(tensor(SMALL, dtype), recipe, engine="numba")
    x = tensor(shape, dtype)
    _CLEAR.write_text(_RESET_PEAK, encoding="ascii")
    before = _memory("VmRSS")
    q = fos_ref.quantize(x, recipe, engine="numba")
    added = _memory("VmHWM") - before
    assert q.picked4 is not None
    output = q.codes.nbytes + q.block_scales.nbytes + q.picked4.nbytes
    return {
        "recipe": recipe,
        "dtype": dtype,
        "input_mib": round(x.nbytes / _MEBI, 1),
        "output_mib": round(output / _MEBI, 1),
        "extra_mib": round((added - output) / _MEBI, 1),
    }


def _memory(name: str) -> int:
    """Return a figure of this process in bytes: VmRSS what it holds now, VmHWM the most it held."""
    lines = _STATUS.read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith(f"{name}:")).split()[1]) * _KIBI


if __name__ == "__main__":
    rows, columns, *names = sys.argv[1:]
    sys.stdout.write(json.dumps(extra((int(rows), int(columns)), *names)))
