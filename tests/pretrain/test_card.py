"""On a card: a step as a CUDA graph is the step started kernel by kernel, and its codes are the host's."""

from __future__ import annotations

from importlib import import_module

import pytest

from fos_ref.pretrain.arms import ARMS
from fos_ref.pretrain.batches import Batches
from fos_ref.pretrain.config import config_of
from fos_ref.pretrain.replay import replay

pytestmark = pytest.mark.gpu
SMALL = {"layers": 2, "width": 128, "heads": 4, "hidden": 256, "sequence": 64, "batch": 4, "steps": 8}
SMALL |= {"warmup": 1, "replay": 5, "evaluate": 2}
QUANTIZED = [n for n, a in ARMS.items() if a.stack is not None]


@pytest.fixture(scope="module")
def steps():
    """Return the module of steps, torch made deterministic; a test without a card is skipped."""
    torch = pytest.importorskip("torch", reason="torch is not installed: no step was taken on a card")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device: no step was taken on a card")
    import_module("fos_ref.pretrain.loop.runs").prepare("cuda")
    return import_module("fos_ref.pretrain.loop.steps")


@pytest.mark.parametrize("name", QUANTIZED)
def test_a_graph_is_the_steps_it_was_made_of_and_codes_are_the_hosts(steps, name):
    writing = import_module("fos_ref.pretrain.loop.writing")
    tape = import_module("fos_ref.pretrain.network.made").Tape
    ranks = import_module("fos_ref.pretrain.network.ranks").Ranks()
    found = []
    for graph in (False, True):
        own = steps.Steps("transformer", ARMS[name], Batches(config_of(SMALL), 2), "cuda", ranks)
        if graph:
            own.capture()
        for step in range(SMALL["steps"]):
            own.take(step)
        found.append((own.curve(), own.held_out()))
    assert found[0] == found[1]
    written = tape(writing.chosen(own))
    own.take(SMALL["steps"] - 1, written)
    layers = writing.captured(written, own, name, SMALL["steps"] - 1)
    assert [replay(layer, own.products.places, 2).differing for layer in layers] == [0, 0, 0]
