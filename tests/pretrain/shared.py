"""One of several processes that share a batch: what its layers make, joined, as a pickle of the first."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

from fos_ref.pretrain.arms import ARMS
from fos_ref.pretrain.batches import Batches
from fos_ref.pretrain.config import config_of
from fos_ref.pretrain.loop.runs import prepare
from fos_ref.pretrain.loop.steps import Steps
from fos_ref.pretrain.loop.writing import captured
from fos_ref.pretrain.network.made import Tape

CONFIG = {
    "layers": 1,
    "width": 128,
    "heads": 4,
    "hidden": 128,
    "sequence": 64,
    "batch": 4,
    "steps": 3,
    "warmup": 1,
    "replay": 1,
    "symbols": 8,
}
SEED, STEPS = 3, (0, 2)
NAMES = ("nvidia", "quartet2", "gradients-4over6")


def main() -> None:
    """Write {(arm, step): captured layers} and each arm's first loss."""
    device, own = prepare("cpu")
    found = {}
    for name in NAMES:
        steps = Steps("transformer", ARMS[name], Batches(config_of(CONFIG), SEED), device, own)
        for step in range(CONFIG["steps"]):
            tape = Tape(frozenset(range(len(steps.model.linears)))) if step in STEPS else None
            steps.take(step, tape)
            if tape is not None:
                found[name, step] = captured(tape, steps, name, step)
        found[name, "losses"] = steps.curve()
        found[name, "places"] = steps.products.places
    if own.rank == 0:
        Path(sys.argv[1]).write_bytes(pickle.dumps(found))


if __name__ == "__main__":
    main()
