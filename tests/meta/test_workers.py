"""Who gets worker processes, who compiles, and that one test for many values names all that fail."""

from __future__ import annotations

import fcntl
import importlib.util
from pathlib import Path
from types import SimpleNamespace

import numba
import pytest
from numba.core.event import install_listener, Listener

from tests import workers
from tests.compile_once import compiling_in_turn
from tests.every import every
from tests.sampling import chosen, mark_the_others

DEFAULT = "not long and not exhaustive and not peer and not gpu"
ADDS = "import numba\n\n\n@numba.njit(cache=True)\ndef adds(x):\n    return x + 1\n"


def number(monkeypatch, cores, args=("tests",), marks=DEFAULT, keyword=""):
    monkeypatch.setattr(workers, "cores", lambda: cores)
    option = SimpleNamespace(markexpr=marks, keyword=keyword)
    return workers.number(SimpleNamespace(args=list(args), option=option, getini=lambda _: ["tests"]))


def test_the_whole_default_suite_gets_a_worker_for_each_core(monkeypatch):
    assert [number(monkeypatch, n) for n in (1, 2, 7, 64)] == [0, 2, 7, workers.MOST]


@pytest.mark.parametrize(
    "less",
    [
        {"args": ["tests/gpu"]},
        {"marks": "peer"},
        {"marks": "exhaustive"},
        {"marks": "long"},
        {"keyword": "amax"},
    ],
)
def test_less_is_done_in_one_process(monkeypatch, less):
    assert number(monkeypatch, 4, **less) == 0


def test_what_takes_the_compiled_engine_is_there_and_stands_first():
    names = ["tests/a.py::t", "tests/vectors/test_verify.py::t", "tests/b.py::t", "tests/fast/test_x.py::t"]
    items = [SimpleNamespace(nodeid=n, path=Path(n.partition("::")[0])) for n in names]
    for order in (items, items[::-1]):  # a worker may have collected from the end
        assert [names.index(item.nodeid) for item in workers.in_order(order)] == [3, 1, 0, 2]
    root = workers.__file__.removesuffix("tests/workers.py")
    there = importlib.import_module("tests.meta.tree").files("tests")
    assert [start for start in workers.FIRST if not any(str(p).startswith(root + start) for p in there)] == []


class _Listener(Listener):
    def __init__(self, seen):
        self.seen = seen

    def on_start(self, event):  # noqa: ARG002 -- Numba passes it
        self.seen()

    def on_end(self, event):
        pass


def test_who_compiles_for_the_cache_is_alone(tmp_path):
    lock, held = tmp_path / "lock", []
    (tmp_path / "adds.py").write_text(ADDS)
    spec = importlib.util.spec_from_file_location("adds", tmp_path / "adds.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def free():
        with lock.open() as another:
            try:
                fcntl.flock(another, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True

    with (
        compiling_in_turn(lock),
        install_listener("numba:compile", _Listener(lambda: held.append(not free()))),
    ):
        assert module.adds(1) == 2
        assert free()
        assert numba.njit(lambda x: x + 3)(1) == 4  # not cached: nobody has to wait
    assert held == [True, False]


def test_all_values_that_fail_are_named():
    @every([1, 2, 3, 4], lambda v: f"value {v}")
    def check(v, least):
        if v == 4:
            with pytest.raises(ValueError, match="never"):
                pass
        assert v >= least

    with pytest.raises(ExceptionGroup, match="3 of 4: value 1, value 2, value 4") as e:
        check(least=3)
    assert [type(x) for x in e.value.exceptions] == [AssertionError] * 3
    assert all(x.__traceback__ for x in e.value.exceptions)


def test_a_sample_is_spread_and_the_others_are_long():
    assert chosen(10, 3) == {0, 3, 6}
    assert chosen(3, 3) == chosen(3, 9) == {0, 1, 2}
    cases = [_Case("sample", 2) for _ in range(5)]
    mark_the_others([*cases, _Case("exhaustive"), _Case()])
    assert [case.marked for case in cases] == [[], ["long"], [], ["long"], ["long"]]


class _Case:
    path, originalname = Path("test_x.py"), "test_many"

    def __init__(self, mark="", *args):
        self.own, self.marked = {mark: SimpleNamespace(args=args)}, []

    def get_closest_marker(self, name):
        return self.own.get(name)

    def add_marker(self, mark):
        self.marked.append(mark.name)
