"""The proof of the door on a device, on kernels under g++; and the work that goes to fresh processes."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from fos_gpu.proof import apart, door
from fos_ref.inputs.distributions import make
from tests.gpu.cases import BY_NAME, FEW, KINDS
from tests.gpu.emulation.device import device

pytestmark = pytest.mark.skipif(
    shutil.which("g++") is None, reason="g++ is not installed: no kernel was run on the host"
)
__all__ = ["device"]


@pytest.mark.sample(1)
@pytest.mark.parametrize("amax", [None, np.float32(1.5)])
def test_every_call_is_compared(device, monkeypatch, amax):
    assert device is not None
    x, r = make("normal", (80, 48), 1, "bfloat16"), BY_NAME[FEW[0]]
    found = door.through_the_door(x, r, amax)
    assert found == door.Compared(4 * x.size // 16, {})
    true = door.model_values
    monkeypatch.setattr(door, "model_values", lambda q: true(q) + 1)
    assert door.through_the_door(x, r, amax).differing == {"values": x.size}


@pytest.mark.exhaustive
@pytest.mark.parametrize("r", KINDS, ids=lambda r: r.name)
def test_every_kind_through_the_door(device, r):
    assert device is not None
    for seed, dtype in enumerate(("float32", "bfloat16", "float16")):
        x = make("heavy-tailed", (64, 64), seed, dtype)
        assert door.through_the_door(x, r) == door.Compared(4 * x.size // r.block_cols, {})


def test_one_byte_and_one_nan_are_seen(device):
    assert device is not None
    x, r = make("normal", (16, 48), 1, "float32"), BY_NAME[FEW[0]]
    q = door.model_tensor(x, r, engine="numpy")
    other = door.model_tensor(x, r, engine="numpy")
    other.codes[3, 4] ^= 1
    assert door.unequal_parts(q, q) == 0
    assert door.unequal_parts(q, other) == 1
    nan = np.array([np.nan, 0.0], np.float32)
    assert door.unequal(nan, -nan) == 1  # -0, not the NaN
    assert door.unequal(nan, nan[:1]) == 2


def double(x: int) -> int:
    return 2 * x


def test_after_a_context_has_ended_others_do_the_work(monkeypatch):
    class EndedError(RuntimeError):
        pass

    def synchronize():
        raise EndedError

    runtime = SimpleNamespace(deviceSynchronize=synchronize, CUDARuntimeError=EndedError)
    monkeypatch.setitem(apart.sys.modules, "cupy", SimpleNamespace(cuda=SimpleNamespace(runtime=runtime)))
    monkeypatch.setattr(apart, "_ENDED", [])
    started = []

    class Pool:
        def __init__(self, *_):
            started.append(self)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def submit(self, work, given):
            return SimpleNamespace(result=lambda: work(given))

    monkeypatch.setattr(apart, "ProcessPoolExecutor", Pool)
    assert [apart.run(double, i) for i in range(3)] == [0, 2, 4]
    assert len(started) == 2
