"""Compiled code on the disk: a damaged or foreign entry is compiled again, never run and never an error."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from numba import config

from fos_ref.errors import ToolchainError
from fos_ref.fast import threads
from fos_ref.fast.cached import _Files, cached
from tests.meta.tree import ROOT


def doubled(x):
    """Compiles in a moment."""
    return x * 2


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    assert run() == (0, 1)
    return tmp_path


def run() -> tuple[int, int]:
    """Return (hits, misses) of a new process: nothing of the function is loaded yet."""
    made = cached(error_model="numpy", nogil=True)(doubled)
    assert made(21) == 42
    return sum(made.stats.cache_hits.values()), sum(made.stats.cache_misses.values())


class Planted:
    """What a pickle may do when it is read."""

    def __reduce__(self):
        return (os._exit, (3,))


def _flip(data: bytes) -> bytes:
    return data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]


DAMAGE = {
    "empty": lambda _: b"",
    "cut": lambda data: data[: len(data) // 2],
    "one bit": _flip,
    "no pickle": lambda _: b"\x80\xff" * 50,
    "a pickle that acts": lambda _: pickle.dumps(Planted()),
    "longer": lambda data: data + b"\0",
}


@pytest.mark.sample(3)
@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
def test_a_damaged_entry_is_made_again(folder, damage, suffix):
    (path,) = folder.rglob(f"*.{suffix}")
    whole = path.read_bytes()
    path.write_bytes(DAMAGE[damage](whole))
    assert run() == (0, 1)
    assert run() == (1, 0)


def test_an_entry_of_another_user_or_anybody_s_is_made_again(folder):
    (path,) = folder.rglob("*.nbc")
    path.chmod(0o666)
    assert run() == (0, 1)
    if os.geteuid() == 0:
        os.chown(path, 12345, -1)
        assert run() == (0, 1)
    target = path.with_name("elsewhere")
    path.rename(target)
    path.symlink_to(target)
    assert run() == (0, 1)
    assert run() == (1, 0)


def test_a_folder_of_another_user_or_anybody_s_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))

    def f():
        return 1

    made = cached()(f)
    place = Path(made._cache.cache_path)
    place.chmod(0o777)
    with pytest.raises(ToolchainError, match="NUMBA_CACHE_DIR"):
        cached()(f)
    place.chmod(0o755)
    cached()(f)
    if os.geteuid() == 0:
        os.chown(place, 12345, -1)
        with pytest.raises(ToolchainError, match="another user's"):
            cached()(f)


def test_code_that_cannot_be_kept_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))

    def f(x):
        return x + 1

    made = cached()(f)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_Files, "_write", full)
    assert made(1) == 2


def test_a_system_that_allows_no_thread_has_the_work_done(monkeypatch):
    def refuse(_):
        msg = "can't start new thread"
        raise RuntimeError(msg)

    monkeypatch.setattr(threads.numba, "get_num_threads", lambda: 8)
    want = [(i, i + 1) for i in range(100)]
    assert [*map(tuple, threads.shared_out(lambda a, b: (a, b), 100, 1))] == sorted(
        threads.shared_out(lambda a, b: (a, b), 100, 1)
    )
    monkeypatch.setattr(threading.Thread, "start", refuse)
    parts = threads.shared_out(lambda a, b: [*range(a, b)], 100, 1)
    assert [i for part in parts for i in part] == [a for a, _ in want]


COLD = """
import hashlib, sys, threading, numpy as np, fos_ref
from fos_ref.inputs.distributions import make
count, engine, recipes = int(sys.argv[1]), sys.argv[2], ("4over6", "te-mse-256", "nvfp4")
x = make("coarse", (64, 256), 3)
barrier, found, failed = threading.Barrier(count), [], []
def one(i):
    barrier.wait()
    try:
        q = fos_ref.quantize(x, recipes[i % len(recipes)], engine=engine)
        found.append((i % len(recipes), q.codes.tobytes() + q.block_scales.tobytes()))
    except BaseException as e:
        failed.append(e)
threads = [threading.Thread(target=one, args=(i,)) for i in range(count)]
[t.start() for t in threads]; [t.join() for t in threads]
assert not failed, failed
for k, r in enumerate(recipes):
    q = fos_ref.quantize(x, r, engine="numpy")
    assert {b for i, b in found if i == k} == {q.codes.tobytes() + q.block_scales.tobytes()}
from fos_ref.fast.kernel import quantize_range
print(len(quantize_range.signatures), sum(quantize_range.stats.cache_misses.values()))
"""


def cold(cache) -> str:
    env = os.environ | {"NUMBA_CACHE_DIR": str(cache)}
    words = [sys.executable, "-c", COLD, "16", "numba"]
    done = subprocess.run(words, env=env, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.exhaustive
def test_sixteen_threads_of_a_cold_process_compile_once_and_agree(tmp_path):
    assert cold(tmp_path) == "1 1"
    assert cold(tmp_path) == "1 0"


def test_sixteen_threads_that_call_a_small_function_first_compile_it_once(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))

    def f(x):
        return x * 3

    made, barrier, found = cached(nogil=True)(f), threading.Barrier(16), []

    def one():
        barrier.wait(timeout=30)
        found.append(made(14))

    callers = [threading.Thread(target=one) for _ in range(16)]
    for t in callers:
        t.start()
    for t in callers:
        t.join()
    assert found == [42] * 16
    assert sum(made.stats.cache_misses.values()) == 1
    assert len(list(tmp_path.rglob("*.nbc"))) == 1
