"""A worker holds one matrix: what the largest tensor adds to a process is less than one and a half of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from fos_ref.fleet.task import DONE, How
from fos_ref.fleet.workers.work import Job
from tests.fleet import models, processes

pytestmark = pytest.mark.exhaustive
MIB = 32
PROGRAM = """
from pathlib import Path
import sys
from tests.fleet.test_memory import added
print(added(Path(sys.argv[1])))
"""


def _made(folder, target):
    fleet = models.planned(folder, target)
    how = How(engine=models.NUMPY)
    return [Job(str(target), fleet.id, n, how).run().state for n in fleet.parts]


def _peak() -> int:
    """Return VmHWM: ru_maxrss would begin with that of the parent."""
    text = Path("/proc/self/status").read_text()
    return int(text.partition("VmHWM:")[2].split()[0]) << 10


def added(folder) -> int:
    """Return by how many bytes the peak of this process grows with the large shard, after a small one."""
    assert _made(folder / "small", folder / "a") == [DONE]
    before = _peak()
    assert _made(folder / "large", folder / "b") == [DONE]
    return _peak() - before


def test_the_peak_of_a_worker(tmp_path):
    for name, mib in (("small", 4), ("large", MIB)):
        (tmp_path / name).mkdir()
        x = np.random.default_rng(1).standard_normal((mib << 7, 4096), dtype=np.float32).astype(np.float16)
        save_file({"m.weight": x}, tmp_path / name / "model.safetensors")
    words = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    done = subprocess.run(words, cwd=processes.ROOT, capture_output=True, text=True, check=True)
    assert 0.5 * (MIB << 20) < int(done.stdout) < 1.5 * (MIB << 20)
