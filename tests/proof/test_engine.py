"""The proof of the compiled engine, on small tensors: every kind of input, and a difference is counted."""

from __future__ import annotations

import numpy as np
import pytest

from fos_ref.fast.engine import NumbaEngine
from fos_ref.proof import engine
from fos_ref.proof.engine import compare, DISTINCT, finding, KINDS, MANY, NAN, run, Task, tasks
from fos_ref.recipes.axes import NonFinite
from fos_ref.recipes.catalog import PRESETS

NAMES = ("te-mse-256", "te-cuda-mse-448-row", "fouroversix-mse", "4over6")
BLOCKS = 64 * 64 // 16


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(engine, "SHAPE", (64, 64))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_input_is_compared_in_every_preset_that_takes_it(kind):
    found = compare(Task(kind, 0, NAMES))
    takes = [n for n in NAMES if kind != NAN or PRESETS[n].nonfinite is not NonFinite.RAISE]
    assert {n: found[n, "blocks"] for n in NAMES} == {n: BLOCKS * (n in takes) for n in NAMES}
    assert {n: found[n, "differing"] for n in NAMES} == dict.fromkeys(NAMES, 0)


@pytest.mark.parametrize("seed", [3, 4])
def test_16_bit_tensors_are_compared(seed):
    task = Task("normal", seed, NAMES[:1])
    assert engine.tensor(task).dtype == ("bfloat16", "float16")[seed - 3]
    assert compare(task) == {(NAMES[0], "blocks"): BLOCKS, (NAMES[0], "differing"): 0}


def test_the_kinds_reach_nan_infinity_and_the_whole_range():
    x = engine.tensor(Task(NAN, 0, ()))
    assert np.isnan(x).any()
    assert np.isinf(x).any()
    patterns = np.abs(engine.tensor(Task(engine.PATTERNS, 0, ())))
    assert np.isfinite(patterns).all()
    assert patterns.min() < 1e-30
    assert patterns.max() > 1e30


def test_every_byte_that_differs_is_counted(monkeypatch):
    right = NumbaEngine.quantize

    def wrong(self, x, scales, r):
        codes, block_scales, picked4 = right(self, x, scales, r)
        codes[0, 0] ^= 1
        block_scales[1, :2] ^= 1
        picked4[2, :3] ^= True
        return codes, block_scales, picked4

    monkeypatch.setattr(NumbaEngine, "quantize", wrong)
    monkeypatch.setattr(NumbaEngine, "amax", lambda *_: np.float32(0.5))
    assert compare(Task("normal", 0, NAMES[:1]))[NAMES[0], "differing"] == 1 + 2 + 3 + 1


def test_a_run_adds_up_and_a_difference_is_unexplained(monkeypatch):
    monkeypatch.setattr(engine, "tasks", lambda: [Task(k, 0, NAMES) for k in ("normal", NAN)])
    found = run(lambda _done, _total: None, 1)
    assert (found.compared, found.unexplained) == (BLOCKS * 7, 0)
    assert found.figures["blocks"]["4over6"] == BLOCKS
    tally = compare(Task("normal", 0, NAMES))
    tally["4over6", "differing"] += 5
    assert finding(tally).unexplained == 5
    assert finding(tally).figures["differing bytes"] == {"4over6": 5}


def test_the_tasks_are_ten_million_blocks_a_preset_and_a_hundred_of_two(monkeypatch):
    monkeypatch.undo()
    blocks = {r.name: 0 for r in DISTINCT}
    for task in tasks():
        for name in task.recipes:
            takes = task.kind != NAN or PRESETS[name].nonfinite is not NonFinite.RAISE
            blocks[name] += takes * engine.SHAPE[0] * engine.SHAPE[1] // PRESETS[name].block_cols
    assert min(blocks.values()) >= 10**7
    assert {n for n, count in blocks.items() if count >= 10**8} == set(MANY)
