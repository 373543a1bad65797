"""When code is compiled, who is told, and who works on chunks of a file in which thread."""

from __future__ import annotations

import ast
import io
import os
import subprocess
import sys
import threading

import numba
import numpy as np
import pytest
from rich.console import Console
from safetensors.numpy import save_file

import fos_ref
from fos_ref.commands.quantize import say_compiling
from fos_ref.engines import convert, registry
from fos_ref.engines.numpy_engine import NumpyEngine
from fos_ref.engines.registry import load_engine
from fos_ref.engines.stream import alone, Compiled, in_order, MAX_WORKERS, workers
from fos_ref.errors import EngineWarning, ToolchainError
from fos_ref.fast.amax import largest_bits
from fos_ref.fast.compiled import is_cached
from fos_ref.fast.kernel import quantize_range
from fos_ref.inputs.distributions import make
from fos_ref.report import sweep
from fos_ref.report.lineup import FULL, QUICK
from tests.meta.tree import files, nodes, offenders


def test_asking_compiles_nothing_and_a_compilation_is_told_once():
    said = []
    load_engine("numba").when_compiling(lambda: said.append("now"))
    first, second = (numba.njit(lambda x: x + 1) for _ in range(2))
    assert not is_cached(lambda: first(1))
    assert (first.signatures, said) == ([], [])
    assert first(1) == 2
    assert said == ["now"]
    assert is_cached(lambda: first(1))
    assert second(1) == 2
    assert said == ["now"]


def test_a_failure_while_asking_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        is_cached(lambda: 1 // 0)
    assert numba.njit(lambda x: x + 2)(1) == 3  # and asking is over


def test_a_read_only_input_compiles_nothing_more():
    x = np.random.default_rng(0).standard_normal((16, 1024)).astype(np.float32)
    want = fos_ref.quantize(x, engine="numba").codes
    assert load_engine("numba").is_compiled()
    before = len(quantize_range.signatures), len(largest_bits.signatures)
    x.flags.writeable = False
    assert np.array_equal(fos_ref.quantize(x, engine="numba").codes, want)
    rows = np.ones(16, np.float32)
    rows.flags.writeable = False
    fos_ref.quantize(x, "te-mse-256-row", amax=rows, engine="numba")
    assert (len(quantize_range.signatures), len(largest_bits.signatures)) == before


def test_pytest_takes_the_code_that_others_have_compiled():
    """It rewrites the asserts of a package that has a plugin, and other bytecode is another cache key."""
    sources = files("fos_ref/fast")
    assert len(sources) > 20
    assert offenders(sources, lambda path: [n.lineno for n in nodes(path) if isinstance(n, ast.Assert)]) == {}


ASK = """
from fos_ref.engines.registry import load_engine
from fos_ref.fast.kernel import quantize_range
print(load_engine("numba").is_compiled(), quantize_range.signatures)
"""


@pytest.mark.long
def test_a_fresh_installation_is_not_compiled_by_asking(tmp_path):
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    run = [sys.executable, "-c", ASK]
    done = subprocess.run(run, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "False []\n"
    assert list(tmp_path.rglob("*.nbc")) == []


def test_results_keep_their_order_and_each_thread_is_prepared_once():
    prepared, barrier = [], threading.Barrier(3)

    def first():
        prepared.append(threading.get_ident())
        barrier.wait(timeout=10)  # all three threads are there

    results = list(in_order(lambda i: (i, threading.get_ident()), range(40), 3, first))
    assert [i for i, _ in results] == list(range(40))
    assert len(set(prepared)) == len(prepared) == 3
    assert {t for _, t in results} <= set(prepared)
    assert list(in_order(lambda i: (i, threading.get_ident()), [7], 1, first)) == [(7, threading.get_ident())]
    assert len(prepared) == 3


def test_a_worker_keeps_to_its_thread_and_the_caller_s_limit_holds():
    engine = load_engine("numba")
    assert isinstance(engine, Compiled)
    limit = numba.get_num_threads()
    assert workers(engine) == min(MAX_WORKERS, limit)
    found = list(in_order(lambda _: engine.threads(), range(4), 2, alone(engine)))
    assert found == [1] * 4
    assert engine.threads() == limit
    numba.set_num_threads(1)
    try:
        assert workers(engine) == 1
    finally:
        numba.set_num_threads(limit)
    assert alone(NumpyEngine()) is None


class _Compiler:
    """The compiled engine, its code cached or not."""

    def __init__(self, *, cached: bool, refused: str | None = None) -> None:
        self._cached, self._refused = cached, refused

    def refuses(self, _):
        return self._refused

    def is_compiled(self):
        return self._cached

    threads = keep_to_this_thread = when_compiling = is_compiled


@pytest.mark.parametrize(
    ("plan", "weights", "compiler", "engine"),
    [
        (FULL, 0, _Compiler(cached=True), "numba"),
        (FULL, 0, _Compiler(cached=False), "numpy"),
        (FULL, 1 << 29, _Compiler(cached=False), "numba"),
        (FULL, 0, _Compiler(cached=True, refused="no"), "numpy"),
        (QUICK, 0, _Compiler(cached=True), "numba"),
        (QUICK, 0, _Compiler(cached=False), "numpy"),
    ],
)
def test_a_report_takes_the_compiled_engine_where_it_pays(monkeypatch, plan, weights, compiler, engine):
    monkeypatch.setattr(sweep, "load_engine", lambda _: compiler)
    assert sweep.settled("auto", plan, weights) == engine
    assert sweep.settled("numpy", plan, weights) == "numpy"


def test_a_report_without_a_compiler_takes_numpy(monkeypatch):
    def absent(_):
        msg = "no numba"
        raise ToolchainError(msg)

    monkeypatch.setattr(sweep, "load_engine", absent)
    monkeypatch.setattr(registry, "_told", {})
    with pytest.warns(EngineWarning, match="no numba"):
        assert sweep.settled("auto", FULL) == "numpy"


class _Told(NumpyEngine):
    """The NumPy model that says it may have to be compiled, and keeps who wants to be told."""

    def __init__(self):
        super().__init__()
        self.told = []

    def threads(self):
        return 1

    def keep_to_this_thread(self):
        """Nothing is to be done."""

    def is_compiled(self):
        return False

    def when_compiling(self, say):
        self.told.append(say)


def test_the_compiled_engine_is_given_whom_to_tell(monkeypatch, tmp_path):
    source, made = tmp_path / "a.safetensors", []
    save_file({"a.weight": make("normal", (16, 64), 1)}, source)
    for chosen, compiling in ((_Told(), print), (_Told(), None), (NumpyEngine(), print)):
        monkeypatch.setattr(convert, "get_engine", lambda *_, e=chosen: e)
        convert.quantize_checkpoint(source, tmp_path / "q", "4over6", overwrite=True, compiling=compiling)
        made.append((tmp_path / "q").read_bytes())
        assert getattr(chosen, "told", [compiling]) == [compiling] * (compiling is not None)
    assert made == made[:1] * 3
    engine = _Told()
    monkeypatch.setattr(sweep, "get_engine", lambda *_: engine)
    sweep.when_compiling("numba", print)
    assert engine.told == [print]


@pytest.mark.parametrize("terminal", [True, False])
def test_only_a_terminal_is_told_why_nothing_moves(terminal):
    console = Console(file=io.StringIO(), force_terminal=terminal, width=120)
    say_compiling(console)
    assert ("Compiling the fast engine" in console.file.getvalue()) == terminal
