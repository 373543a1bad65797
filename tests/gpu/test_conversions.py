"""The twins of the conversion instructions, the list of runs, and the sweep's own logic."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import fos_gpu
from fos_gpu.build import twins
from fos_gpu.build.lower import source
from fos_gpu.build.probe import Availability
from fos_gpu.proof import conversions as prove_conversions
from fos_gpu.proof import runs, sweep
from fos_gpu.proof.conversions import compare_range, device_figures, on_device, on_host
from fos_gpu.proof.runs import (
    CLASSES,
    empty_table,
    expanded,
    FORMATS,
    group,
    model_codes,
    model_table,
    other_groups,
)
from fos_ref.errors import ToolchainError
from tests.gpu import emulated

needs_compiler = pytest.mark.skipif(
    shutil.which("g++") is None, reason="g++ is not installed: the twins are not run"
)
KINDS = tuple(FORMATS)
ALL = 1 << 32


def silent(done, tasks):
    """Show no progress."""


def edges(kind):
    """Return the patterns around each end of each run."""
    table = model_table(kind)[1:, model_table(kind)[0] > 0].astype(np.int64).ravel()
    near = (table[:, None] + np.arange(-3, 4)).ravel()
    return np.unique(near[(near >= 0) & (near < ALL)]).astype(np.uint32)


def any_patterns(count, seed):
    return np.random.default_rng(seed).integers(0, ALL, count, dtype=np.uint32)


@needs_compiler
@pytest.mark.parametrize("kind", KINDS)
def test_a_twin_has_the_model_s_codes(kind):
    patterns = np.concatenate([edges(kind), any_patterns(50_000, 1)])
    out = np.empty(patterns.size, dtype=np.uint8)
    twins.codes(kind, patterns.view(np.float32), out)
    assert np.array_equal(out, model_codes(kind, patterns))


@needs_compiler
@pytest.mark.parametrize(("kind", "bits"), [("E2M1", 4), ("E4M3", 8)])
def test_a_pair_has_its_first_operand_in_the_high_half(kind, bits):
    high, low = np.resize(edges(kind), 60_000), any_patterns(60_000, 2)
    found = twins.pairs(kind, high.view(np.float32), low.view(np.float32))
    want = model_codes(kind, high).astype(np.uint16) << bits | model_codes(kind, low)
    assert np.array_equal(found, want)


@needs_compiler
def test_specials_are_those_of_the_instruction():
    """A NaN of either sign is 6 in E2M1 and NaN in E4M3; infinity saturates; a zero keeps its sign."""
    x = np.array(
        [0x7FC00000, 0xFFC00000, 0x7F800001, 0x7F800000, 0xFF800000, 0x80000000, 0x80000001], np.uint32
    )
    out = np.empty(x.size, dtype=np.uint8)
    twins.codes("E2M1", x.view(np.float32), out)
    assert out.tolist() == [7, 7, 7, 7, 15, 8, 8]
    twins.codes("E4M3", x.view(np.float32), out)
    assert out.tolist() == [0x7F, 0x7F, 0x7F, 0x7E, 0xFE, 0x80, 0x80]


@pytest.mark.parametrize(("kind", "groups"), [("E2M1", 18), ("E4M3", 256)])
def test_the_runs_are_every_pattern_once(kind, groups):
    table = model_table(kind).astype(np.int64)
    used = table[:, table[0] > 0]
    used = used[:, np.argsort(used[1])]
    assert used.shape[1] == groups
    assert np.array_equal(used[2] - used[1] + 1, used[0])
    assert used[1][0] == 0
    assert used[2][-1] == ALL - 1
    assert np.array_equal(used[1][1:], used[2][:-1] + 1)


@pytest.mark.parametrize("kind", KINDS)
def test_the_runs_give_the_model_s_codes(kind):
    table = model_table(kind)
    for start in (0, 0x3E7FFF00, 0x43DFFF00, 0x7F7FFF00, 0x80000000 - 500, ALL - 1000):
        patterns = np.arange(start, start + 1000)
        assert np.array_equal(expanded(table, start, 1000), model_codes(kind, patterns))


def test_a_run_that_is_one_pattern_longer_is_named():
    want = model_table("E2M1")
    other = want.copy()
    other[:, group(0x3E800001, 1)] -= np.array([1, 0, 1], dtype=np.uint32)
    assert list(other_groups(other, want)) == ["+number 0x01"]
    assert other_groups(want, want) == {}
    assert runs.digest(other) != runs.digest(want)


@needs_compiler
def test_the_comparison_sees_a_code_that_is_wrong(monkeypatch):
    right = twins.codes

    def wrong(kind, x, out):
        right(kind, x, out)
        out[x.view(np.uint32) == 0x3F400000] ^= 1

    monkeypatch.setattr(twins, "codes", wrong)
    found = compare_range(0x3F400000 - 8, length=64, library=None)
    bad = {k: n for k, n in found.items() if k[1] == "unexplained" and n}
    assert {part for part, _ in bad} == {f"{k}: twin under g++, {what}" for k in KINDS for what in OTHERS}
    assert set(bad.values()) == {1}


OTHERS = ("compiled codec", "runs of the readable codec")


def test_without_a_compiler_the_host_part_is_not_run(monkeypatch):
    def absent():
        msg = "no compiler here"
        raise ToolchainError(msg)

    monkeypatch.setattr(twins, "build", absent)
    found = on_host(silent, 1)
    assert (found.compared, found.figures) == (0, {})
    assert set(found.not_run.values()) == {"no compiler here"}


def swept(kind, *, instruction=True):
    return sweep.Swept(instruction=instruction, table=model_table(kind), differing={})


def test_a_device_without_the_instruction_says_what_has_it(monkeypatch):
    """As on sm_90: E4M3 by the instruction, E2M1 by the twin alone."""
    here = Availability(ok=True, reason="Card (sm_90)")
    monkeypatch.setattr(prove_conversions, "available", lambda: here)
    monkeypatch.setattr(
        prove_conversions, "sweep", lambda kind, *, twin: swept(kind, instruction=kind == "E4M3" and not twin)
    )
    found = on_device()
    assert set(found.figures) == {
        "E4M3: cvt.rn.satfinite.e4m3x2.f32 on a device",
        "E4M3: twin on a device",
        "E2M1: twin on a device",
    }
    assert found.not_run == {
        "E2M1: cvt.rn.satfinite.e2m1x2.f32 on a device": (
            "needs sm_100a, sm_103a, sm_110a, sm_120a or sm_121a; this is Card (sm_90)"
        )
    }
    assert (found.compared, found.unexplained) == (3 * ALL, 0)


def test_without_a_device_nothing_of_it_counts(monkeypatch):
    here = Availability(ok=False, reason="no card: buy one")
    monkeypatch.setattr(prove_conversions, "available", lambda: here)
    found = on_device()
    assert (found.compared, found.figures) == (0, {})
    assert len(found.not_run) == 4
    assert set(found.not_run.values()) == {"no card: buy one"}


def test_what_differs_on_a_device_is_unexplained():
    figures = device_figures("E2M1", replace(swept("E2M1"), differing={"-NaN": 3}))
    assert figures["unexplained"] == 3
    figures = device_figures("E2M1", replace(swept("E2M1"), table=empty_table()))
    assert figures["unexplained"] == 18


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return emulated.build(tmp_path_factory.mktemp("sweep"))


@needs_compiler
@pytest.mark.parametrize("kind", KINDS)
def test_the_sweep_keeps_the_runs_of_its_threads(library, kind):
    table, differing = emulated.run(library, kind, edges(kind).tolist())
    assert differing.tolist() == [0] * 20
    met = np.zeros(runs.GROUPS, dtype=np.bool_)
    for thread in sorted({int(p) // sweep.RUN for p in edges(kind)}):
        patterns = np.arange(thread * sweep.RUN, (thread + 1) * sweep.RUN)
        codes = model_codes(kind, patterns)
        met[[group(int(p), int(c)) for p, c in zip(patterns[::64], codes[::64], strict=True)]] = True
        assert np.array_equal(expanded(table, int(patterns[0]), sweep.RUN), codes)
    assert np.array_equal(table[1:, met], model_table(kind)[1:, met])


@pytest.mark.long
@needs_compiler
def test_the_sweep_counts_what_differs_by_the_class_of_each_operand(tmp_path):
    """A conversion that calls -0 plus zero: wrong for one low operand, and for one high operand elsewhere."""
    high, low = (f"bits_of({name}) == ~kAbs ? 0.0f : {name}" for name in ("high", "low"))
    twin = "return cast_e2m1_pair_twin({}, {});"
    broken = source(emulated.PTX).replace(twin.format("high", "low"), twin.format(high, low))
    library = emulated.build(tmp_path, header=broken)
    inverse = pow(0x9E3779B1, -1, ALL)
    table, differing = emulated.run(library, "E2M1", [0x80000000, 0x80000000 * inverse % ALL])
    named = {
        f"{CLASSES[i % 10]} as {'low' if i < 10 else 'high'}": int(n) for i, n in enumerate(differing) if n
    }
    assert named == {"-zero as low": 1, "-zero as high": 1}
    assert table[0, group(0x80000000, 0)] == 1


class Emulated:
    """Stands in for CuPy: a module is the emulated library, a launch runs the threads of a few patterns."""

    def __init__(self, library, patterns):
        self.library, self.patterns, self.launched = library, patterns, []
        self.cuda = SimpleNamespace(Device=lambda: SimpleNamespace(compute_capability="90"))
        self.asarray, self.asnumpy = np.copy, np.copy

    def RawModule(self, *, path):  # noqa: N802 -- CuPy's name
        assert path == "a.cubin"
        return SimpleNamespace(get_function=lambda name: partial(self.launch, name))

    def launch(self, name, grid, block, arguments):
        assert grid[0] * block[0] * sweep.RUN == ALL
        self.launched.append(name)
        emulated.start(self.library, name, self.patterns, arguments)


@needs_compiler
def test_a_sweep_starts_one_thread_for_each_run_of_patterns(library, monkeypatch):
    cupy = Emulated(library, [0x80000000])
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.setattr(sweep, "cubin", lambda arch, _: Path("a.cubin") if arch == "sm_90" else None)
    for kind, twin in (("E2M1", False), ("E4M3", True)):
        found = sweep.sweep(kind, twin=twin)
        assert (found.instruction, found.differing) == (False, {})
        assert found.table[:, group(0x80000000, 8 if kind == "E2M1" else 0x80)].tolist() == [
            sweep.RUN,
            0x80000000,
            0x80000000 + sweep.RUN - 1,
        ]
    assert cupy.launched == ["fos_sweep_e2m1", "fos_sweep_e4m3_twin"]


@needs_compiler
@pytest.mark.exhaustive
def test_the_twins_on_every_pattern():
    found = on_host(silent, 2)
    assert found.unexplained == 0
    assert all(f["patterns"] == ALL for f in found.figures.values())


@pytest.mark.gpu
@pytest.mark.skipif(not fos_gpu.available(), reason=f"no sweep ran: {fos_gpu.available().reason}")
def test_the_device_s_conversions_on_every_pattern():
    found = on_device()
    assert found.unexplained == 0
    assert {f["patterns"] for f in found.figures.values()} == {ALL}


@pytest.mark.gpu
@pytest.mark.skipif(not fos_gpu.available(), reason=f"no sweep ran: {fos_gpu.available().reason}")
def test_the_sweep_on_a_device_sees_another_conversion():
    """A twin that is given the next pattern: the table is the conversion's and stays right."""
    text = source(sweep.KERNELS).replace("float_of(low));\n    if", "float_of(low + 1u));\n    if")
    assert text != source(sweep.KERNELS)
    found = sweep.sweep("E2M1", twin=True, text=text)
    assert found.differing
    assert other_groups(found.table, model_table("E2M1")) == {}
