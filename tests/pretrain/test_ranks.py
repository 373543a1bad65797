"""Two processes against one: the same words, the same amaxes, the same codes."""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys

import pytest

from fos_ref.pretrain.replay import replay
from tests.meta.tree import ROOT

pytestmark = pytest.mark.peer
NAMES, FIRST, LATER, SEED = ("nvidia", "quartet2", "gradients-4over6"), 0, 2, 3


def run(folder, size):
    """Return what `size` processes find together."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    more = {"WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    more = {**os.environ, **more, "OMP_NUM_THREADS": "1"}
    path = folder / f"{size}.pickle"
    command = [sys.executable, "-m", "tests.pretrain.shared", str(path)]
    running = [subprocess.Popen(command, cwd=ROOT, env=more | {"RANK": str(r)}) for r in range(size)]
    assert [p.wait(600) for p in running] == [0] * size
    return pickle.loads(path.read_bytes())  # noqa: S301 -- written by this test


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    pytest.importorskip("torch", reason="torch is not installed: no batch was shared")
    folder = tmp_path_factory.mktemp("ranks")
    return run(folder, 1), run(folder, 2)


@pytest.mark.parametrize("name", NAMES)
def test_the_first_step_has_the_same_tensors_and_codes(both, name):
    for one, two in zip(*(b[name, FIRST] for b in both), strict=True):
        for tensor in ("x", "w", "g"):
            assert getattr(one, tensor).tobytes() == getattr(two, tensor).tobytes(), (one.name, tensor)
        assert one.operands.keys() == two.operands.keys()
        for operand, codes in one.operands.items():
            other = two.operands[operand]
            assert codes.codes.tobytes() == other.codes.tobytes(), (one.name, operand)
            assert codes.block_scales.tobytes() == other.block_scales.tobytes(), (one.name, operand)
            assert codes.amax == other.amax, (one.name, operand)


@pytest.mark.parametrize("name", NAMES)
def test_a_later_step_of_two_has_the_codes_of_one_on_the_same_tensors(both, name):
    """The sums of gradients have another order by then, so the tensors themselves may differ."""
    _, two = both
    found = [replay(layer, two[name, "places"], SEED) for layer in two[name, LATER]]
    assert len(found) == 4
    assert sum(r.differing for r in found) == 0
    assert sum(r.codes for r in found) > 100_000


def test_losses_are_those_of_the_whole_batch(both):
    for name in NAMES:
        one, two = (b[name, "losses"] for b in both)
        assert abs(one[0] - two[0]) < 1e-5
        assert max(abs(a - b) for a, b in zip(one, two, strict=True)) < 0.01
