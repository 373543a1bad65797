"""Where the fast engine cannot be used, "auto" gives the model's bytes and says so; by name it fails."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import fos_ref
from fos_ref.cli import run
from fos_ref.engines import registry
from fos_ref.errors import EngineWarning, ToolchainError
from tests.meta.tree import ROOT

#: Quantizes enough for the fast engine, twice, by the model and by "auto"; prints whether they agree.
SCRIPT = """
import sys, warnings, numpy as np, fos_ref
x = np.arange(1 << 20, dtype=np.float32).reshape(1024, 1024)
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always", fos_ref.errors.EngineWarning)
    made = [fos_ref.quantize(x, "4over6", engine=e) for e in ("numpy", "auto", "auto")]
print(len({q.codes.tobytes() + q.block_scales.tobytes() for q in made}), len(told))
print(told[0].message if told else "")
try:
    fos_ref.quantize(x, "4over6", engine="numba")
except fos_ref.errors.ToolchainError as e:
    print("error:", e)
"""
NOWHERE = {"HOME": "/proc/nope", "XDG_CACHE_HOME": "/proc/nope", "NUMBA_CACHE_DIR": ""}
NO_FOLDER = (
    "import numba.core.caching as c\n"
    "def no(self): raise PermissionError\n"
    "c._CacheLocator.ensure_cache_path = no\n"
)
LIMIT = "import resource\nresource.setrlimit(resource.RLIMIT_AS, (900 << 20, 900 << 20))\n"
BROKEN = (
    "import sys\nclass Fails:\n"
    "  def find_spec(self, name, *_):\n    if name == {!r}: raise {}\n"
    "sys.meta_path.insert(0, Fails())\n"
)
#: What is wrong: a line before the script, the environment, and what the warning has to say of it.
WRONG = {
    "no folder": (NO_FOLDER, {}, "NUMBA_CACHE_DIR"),
    "no threads": ("", {"NUMBA_NUM_THREADS": "0"}, "threads"),
    "negative threads": ("", {"NUMBA_NUM_THREADS": "-4"}, "threads"),
    "no compiler": ("", {"NUMBA_DISABLE_JIT": "1"}, "NUMBA_DISABLE_JIT"),
    "features": ("", {"NUMBA_CPU_FEATURES": "zzz"}, "NUMBA_CPU_FEATURES"),
    "layer": ("", {"NUMBA_THREADING_LAYER": "zzz"}, "zzz"),
    "locators": ("", {"NUMBA_CACHE_LOCATOR_CLASSES": "zzz"}, "zzz"),
    "memory limit": (LIMIT, {}, "ulimit -v"),
    "numba is absent": (BROKEN.format("numba", "ImportError('no numba')"), {}, "not part of"),
    "llvmlite is broken": (BROKEN.format("llvmlite.binding", "OSError('libllvm: wrong ELF')"), {}, "ELF"),
    "numba's own fault": (BROKEN.format("numba.core.types", "AttributeError('x')"), {}, "AttributeError"),
}
#: Each is a process: those that differ from another by a word are tried at length only.
ALIKE = ("negative threads", "layer", "locators", "numba's own fault")
SLOW = [pytest.mark.exhaustive]


def python(script: str, *args: str, options=(), **env: str) -> subprocess.CompletedProcess:
    words = [sys.executable, *options, "-c", script, *args]
    env = os.environ | {"OPENBLAS_NUM_THREADS": "1"} | env
    return subprocess.run(words, env=env, capture_output=True, text=True, cwd=ROOT, check=False)


@pytest.mark.long
@pytest.mark.parametrize("wrong", [pytest.param(w, marks=SLOW * (w in ALIKE)) for w in WRONG])
def test_auto_gives_the_model_s_bytes_and_warns_once(wrong):
    before, env, says = WRONG[wrong]
    done = python(before + SCRIPT, **env)
    assert done.returncode == 0, done.stderr
    counts, warning, error = done.stdout.splitlines()
    assert counts == "1 1"
    assert says in warning
    assert "the NumPy model computes the same bits" in warning
    assert error.startswith("error: engine 'numba'")
    assert says in error
    assert max(map(len, (warning, error))) < 1_000


@pytest.mark.long
@pytest.mark.parametrize(
    "wrong", ["llvmlite is broken", *(pytest.param(w, marks=SLOW) for w in ("no folder", "no threads"))]
)
def test_a_command_says_it_in_one_line(tmp_path, wrong):
    before, env, says = WRONG[wrong]
    main = before + "from fos_ref.cli import main; main()"
    x = np.arange(1 << 20, dtype=np.float32).reshape(1024, 1024)
    save_file({"a.weight": x}, tmp_path / "a.safetensors")
    source, made, want = (str(tmp_path / f"{n}.safetensors") for n in ("a", "b", "c"))
    options = () if wrong == "no threads" else ("-W", "error")
    done = python(main, "quantize", source, made, options=options, **env)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("fos: warning: engine 'numba'")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert run(["quantize", source, want, "--engine", "numpy"]) == 0
    assert Path(made).read_bytes() == Path(want).read_bytes()
    named = python(main, "quantize", source, made, "--force", "--engine", "numba", options=options, **env)
    assert (named.returncode, named.stderr.count("\n")) == (2, 1)
    assert named.stderr.startswith("fos: engine 'numba'")


def can_unshare() -> bool:
    line = f"mount --bind {ROOT} {ROOT} && mount -o remount,ro,bind {ROOT}"
    unshare = shutil.which("unshare")
    return (
        unshare is not None
        and not subprocess.run([unshare, "-m", "sh", "-c", line], capture_output=True, check=False).returncode
    )


@pytest.mark.long
@pytest.mark.skipif(not can_unshare(), reason="this system mounts nothing for tests: not run")
def test_a_read_only_installation_without_a_home_works():
    """The usual hardened container."""
    line = f'mount --bind {ROOT} {ROOT} && mount -o remount,ro,bind {ROOT} && exec "$@"'
    words = ["unshare", "-m", "sh", "-c", line, "sh", sys.executable, "-B", "-c", SCRIPT]
    done = subprocess.run(
        words, env=os.environ | NOWHERE, capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    counts, warning, error = done.stdout.splitlines()
    assert counts == "1 1"
    assert "set NUMBA_CACHE_DIR to a folder of yours" in warning
    assert "set NUMBA_CACHE_DIR to a folder of yours" in error


def test_threads_warn_once_between_them(monkeypatch):
    monkeypatch.setattr(registry, "_told", {})
    told, barrier = [], threading.Barrier(16)

    def one():
        barrier.wait(timeout=30)
        registry.say_degraded(ToolchainError("engine 'numba': broken"))

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = lambda message, *_: told.append(message)
        threads = [threading.Thread(target=one) for _ in range(16)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    assert [type(t) for t in told] == [EngineWarning]


def test_the_fast_engine_warns_of_nothing():
    x = np.ones((1024, 1024), np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fos_ref.quantize(x, "4over6")
