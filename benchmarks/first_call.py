"""How long the first call takes in a fresh process whose compiled code is cached on the disk.

`python -m benchmarks.first_call VALUES` prints one JSON object.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from itertools import pairwise
from typing import Any

from benchmarks.clock import Spread

RECIPE = "4over6"
PARTS = ("import fos_ref", "import the engine", "first call", "second call")


def measure(values: int, count: int) -> dict[str, Any]:
    """Return the seconds of each part over `count` processes; one more goes before and fills the cache."""
    command = [sys.executable, "-m", "benchmarks.first_call", str(values)]
    runs = []
    for _ in range(count + 1):
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 -- itself
        runs.append(json.loads(done.stdout))
    seconds = {part: Spread.of([run[part] for run in runs[1:]]).document(3) for part in PARTS}
    return {"recipe": RECIPE, "values": values, "processes": count, "seconds": seconds}


def once(values: int) -> dict[str, float]:
    """Return the seconds of each part in this process, which has imported nothing of them yet."""
    import numpy as np  # noqa: PLC0415 -- the order of imports is what is measured

    x = np.linspace(-1, 1, values, dtype=np.float32).reshape(-1, 1024)
    times = [time.perf_counter()]
    import fos_ref  # noqa: PLC0415

    times.append(time.perf_counter())
    import fos_ref.fast.engine  # noqa: PLC0415

    times.append(time.perf_counter())
    for _ in range(2):
        fos_ref.quantize(x, RECIPE, engine="numba")
        times.append(time.perf_counter())
    return dict(zip(PARTS, (b - a for a, b in pairwise(times)), strict=True))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(once(int(sys.argv[1]))))
