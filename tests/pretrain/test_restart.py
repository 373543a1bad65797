"""A run that was stopped goes on to the same bits; the state of another run is refused."""

from __future__ import annotations

from importlib import import_module

import pytest

from fos_ref.errors import InputError
from fos_ref.pretrain.batches import Batches
from fos_ref.pretrain.config import config_of

pytestmark = pytest.mark.peer
SMALL = {"layers": 1, "width": 128, "heads": 4, "hidden": 128, "sequence": 32, "batch": 4, "steps": 6}
SMALL |= {"warmup": 1, "replay": 1, "symbols": 8, "evaluate": 1, "state": 4, "window": 8}


def run(arm, path, stop=None, model="transformer", **more):
    """Return what a run finds."""
    module = import_module("fos_ref.pretrain.loop.run")
    ranks = import_module("fos_ref.pretrain.network.ranks").Ranks()
    name = module.Name(model=model, arm=arm, seed=0)
    batches = Batches(config_of(SMALL | more), 0)
    given = {"device": "cpu", "ranks": ranks, "tell": lambda *_: None}
    return module.run_one(name, batches, state=path, stop=stop, **given)


@pytest.fixture(autouse=True)
def torch():
    """Return torch; a test without it is skipped."""
    return pytest.importorskip("torch", reason="torch is not installed: no run was restarted")


@pytest.mark.parametrize("arm", ["bfloat16", "quartet2"])
def test_a_restart_has_the_same_losses(tmp_path, arm):
    whole = run(arm, None)
    path = tmp_path / "state.safetensors"
    assert run(arm, path, stop=4) is None
    again = run(arm, path)
    assert again.losses == whole.losses
    assert again.held_out == whole.held_out
    assert (whole.steps, again.steps) == (6, 2)


def test_a_hybrid_too(tmp_path):
    pytest.importorskip("mambapy", reason="mambapy is not installed: no hybrid was trained")
    path = tmp_path / "state.safetensors"
    assert run("nvidia", path, stop=3, model="hybrid") is None
    assert run("nvidia", path, model="hybrid").losses == run("nvidia", None, model="hybrid").losses


def test_the_state_of_another_run_is_refused(tmp_path):
    path = tmp_path / "state.safetensors"
    run("bfloat16", path, stop=2)
    with pytest.raises(InputError, match="the state of another run or config"):
        run("bfloat16", path, steps=7)
    with pytest.raises(InputError, match="that of transformer-nvidia-0 is allowed"):
        run("nvidia", path)
