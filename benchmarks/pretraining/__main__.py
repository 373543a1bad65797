"""`python -m benchmarks.pretraining --out DIR --seconds 480`: resumable; call it until all runs are made.

The first call times a step of every arm and chooses how many steps fit into --total seconds. The choice is
kept in DIR/pretraining-config.json, which later calls read.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from fos_ref.commands.model.train import train as command
from fos_ref.pretrain.batches import Batches
from fos_ref.pretrain.config import Config, config_of, read_config
from fos_ref.pretrain.loop.run import Name, run_one
from fos_ref.pretrain.loop.runs import prepare
from fos_ref.pretrain.network.ranks import Ranks

HERE = Path(__file__).parent
CONFIG = "pretraining-config.json"
TIMED = 60  #: steps of each arm
EVALUATION = 1.0  #: seconds of a whole evaluation, about
LEAST, MOST, EACH = 200, 2000, 50


def timed(config: Config, device: str, *, graph: bool) -> tuple[dict[str, float], float]:
    """Return the seconds of a step of each model and arm, and of a run beside its steps, kernels compiled."""
    short = config_of(config.document() | {"steps": TIMED, "warmup": 6, "evaluate": 1})
    batches, found, beside = Batches(short, 0), {}, []
    for model in config.models:
        for arm in config.arms:
            start = time.perf_counter()
            name = Name(model=model, arm=arm, seed=0)
            run = run_one(
                name, batches, device=device, ranks=Ranks(), graph=graph, state=None, tell=lambda *_: None
            )
            assert run is not None
            found[f"{model} {arm}"] = run.seconds / run.steps
            rest = time.perf_counter() - start - run.seconds
            say = f"{name}: {1e3 * run.seconds / run.steps:.2f} ms a step, {rest:.1f} s beside the steps"
            sys.stderr.write(f"{say}\n")
            beside.append(rest)
    return found, sorted(beside)[len(beside) // 4] + EVALUATION


def fitting(config: Config, seconds: dict[str, float], beside: float, total: float) -> Config:
    """Return the config with as many steps as fit into `total` seconds."""
    runs = len(config.seeds) * len(seconds)
    steps = (total - runs * beside) / (len(config.seeds) * sum(seconds.values()))
    chosen = min(MOST, max(LEAST, int(steps) // EACH * EACH))
    return config_of(config.document() | {"steps": chosen, "warmup": chosen // 10})


def main() -> None:
    """Choose the steps once, then train."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pretraining", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=int, default=480, help="of this call")
    parser.add_argument("--total", type=int, default=600, help="of all runs together")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--config", type=Path, default=HERE / "h200.json")
    parser.add_argument("--eager", action="store_true", help="no CUDA graphs")
    given = parser.parse_args()
    began = time.monotonic()
    path = given.out / CONFIG
    if not path.exists():
        device, _ = prepare(given.device)
        config = read_config(given.config)
        chosen = fitting(config, *timed(config, device, graph=not given.eager), given.total)
        given.out.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(chosen.document(), indent=1) + "\n", encoding="utf-8")
        sys.stderr.write(f"{chosen.steps} steps a run\n")
    left = max(1, given.seconds - round(time.monotonic() - began))
    command(path, given.out, given.device, left, restart=True, eager=given.eager)


if __name__ == "__main__":
    main()
