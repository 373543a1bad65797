"""All runs of a config, seed by seed, so that what is there at any time is paired."""

from __future__ import annotations

import contextlib
import os
import platform
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import Protocol

import torch

from fos_ref.errors import ToolchainError
from fos_ref.pretrain.arms import ARMS, BASELINE
from fos_ref.pretrain.batches import Batches
from fos_ref.pretrain.captured import Captured
from fos_ref.pretrain.config import Config
from fos_ref.pretrain.loop.checkpoint import write_tensors
from fos_ref.pretrain.loop.run import CPU, CUDA, Name, Run, run_one, Tell
from fos_ref.pretrain.network.ranks import Ranks, ranks
from fos_ref.pretrain.places import Places, places_of, Sizes
from fos_ref.pretrain.replay import replay, Replayed
from fos_ref.pretrain.results import DOCUMENT, LAYER, read_results, Results

_MOST_ROWS = 1024
_MOST_WORKERS = 8  #: processes that replay


class Publish(Protocol):
    """What is called with the results after each run."""

    def __call__(self, results: Results, *, last: bool) -> None:
        """Write them down; `last`: nothing is to come."""


def prepare(device: str) -> tuple[str, Ranks]:
    """Settle the device and make torch deterministic; return the device's name and this process's rank.

    Raises: ToolchainError for "cuda" where there is none.
    """
    there = torch.cuda.is_available()
    if device == CUDA and not there:
        msg = "device cuda: torch sees no CUDA device here: cpu is allowed"
        raise ToolchainError(msg)
    chosen = (CUDA if there else CPU) if device == "auto" else device
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(mode=True)
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False
    return chosen, ranks(chosen)


def machine(device: str, own: Ranks) -> dict[str, str]:
    """Return what the results were made on."""
    name = torch.cuda.get_device_name() if device == CUDA else platform.machine()
    return {"device": f"{own.size} x {name}", "torch": torch.__version__, "python": platform.python_version()}


def train(
    config: Config,
    out: Path,
    *,
    device: str,
    graph: bool,
    seconds: float | None,
    restarts: bool,
    begin: Callable[[str, int], Tell],
    publish: Publish,
) -> Results | None:
    """Make every run that is not in `out` yet, and return all that was found; None in all processes but one.

    graph:    whether steps on one CUDA device are CUDA graphs
    seconds:  after how many no new run is started that would take longer than is left; None: never
    restarts: whether the first quantized run of each model is made again from a checkpoint, and compared
    begin:    called with a run's name and its steps; returns what is told of each step
    publish:  called with the results after each run, and whether it was the last
    """
    began = time.monotonic()
    chosen, own = prepare(device)
    out.mkdir(parents=True, exist_ok=True)
    results = read_results(out / DOCUMENT, config, machine(chosen, own))
    taken = 0.0
    with _replaying(chosen) as send:
        for batches, names in _order(config):
            for name in names:
                if results.has(name.model, name.arm, name.seed):
                    continue
                late = seconds is not None and time.monotonic() - began + taken > seconds
                if own.gathered(late)[0]:  # the first process's clock
                    return _finished(results, send, publish, own)
                start = time.monotonic()
                first = name.seed == config.seeds[0]
                state = out / f"state-{name}.safetensors" if config.save < config.steps else None
                tell = begin(str(name), config.steps)
                run = run_one(
                    name,
                    batches,
                    device=chosen,
                    ranks=own,
                    graph=graph,
                    state=state,
                    tell=tell,
                    tape=first,
                )
                assert run is not None
                taken = time.monotonic() - start
                _note(results, run, batches, send=send, own=own, out=out)
                if state is not None and own.rank == 0:
                    state.unlink(missing_ok=True)
                if restarts and first and own.size == 1:
                    _restart(results, run, batches, device=chosen, out=out, begin=begin, graph=graph)
                send.collect(results, wait=False)
                if own.rank == 0:
                    publish(results, last=False)
        return _finished(results, send, publish, own)


def _order(config: Config) -> Iterator[tuple[Batches, list[Name]]]:
    for seed in config.seeds:
        yield (
            Batches(config, seed),
            [Name(model=m, arm=a, seed=seed) for m in config.models for a in config.arms],
        )


def _finished(results: Results, send: Sender, publish: Publish, own: Ranks) -> Results | None:
    send.collect(results, wait=True)
    if own.rank:
        return None
    publish(results, last=True)
    return results


def _note(results: Results, run: Run, batches: Batches, *, send: Sender, own: Ranks, out: Path) -> None:
    """Keep what a run found, and have its layers replayed."""
    row = {**asdict(run.name), "held_out": run.held_out, "train": run.train, "floor": batches.floor}
    row |= {"seconds": run.seconds, "steps": run.steps, "curve": run.curve}
    results.add(row)
    stack = ARMS[run.name.arm].stack
    if own.rank == 0 and run.tape and stack is not None:
        sizes = _sizes(run.name.model, batches)
        send.layers(run.tape, places_of(stack, sizes), run.name.seed)
    if own.rank == 0 and run.last is not None and run.name.arm == BASELINE and not (out / LAYER).exists():
        tensors = {n: getattr(run.last, n) for n in ("x", "w", "g")}
        cut = {n: t if n == "w" else t[:_MOST_ROWS] for n, t in tensors.items()}
        write_tensors(out / LAYER, cut, "BF16", {"run": str(run.name), "layer": run.last.name})


def _sizes(model: str, batches: Batches) -> list[Sizes]:
    from fos_ref.pretrain.network.linear import Products
    from fos_ref.pretrain.network.model import Model

    made = Model(model, batches.config, batches.symbols, Products(None, Ranks()))
    return [Sizes(batches.config.tokens, m.inputs, m.outputs) for _, m in made.linears]


def _restart(
    results: Results,
    run: Run,
    batches: Batches,
    *,
    device: str,
    out: Path,
    begin: Callable[[str, int], Tell],
    graph: bool,
) -> None:
    """Make a run once more, stopped in its middle and taken up again; compare every loss to the bit."""
    done = {r["model"] for r in results.restarts}
    if run.name.model in done or ARMS[run.name.arm].stack is None:
        return
    state, half = out / f"again-{run.name}.safetensors", batches.config.steps // 2
    for stop in (half, None):
        tell = begin(f"{run.name}, again", batches.config.steps)
        again = run_one(
            run.name, batches, device=device, ranks=Ranks(), graph=graph, state=state, tell=tell, stop=stop
        )
    state.unlink(missing_ok=True)
    assert again is not None
    differing = sum(a != b for a, b in zip(again.losses, run.losses, strict=True))
    differing += again.held_out != run.held_out
    row = {**asdict(run.name), "stopped_after": half, "losses": len(run.losses) + 1, "differing": differing}
    results.restarts.append(row)


class Sender:
    """Where captured layers go to be replayed: other processes beside a device, this one else."""

    def __init__(self, pool: ProcessPoolExecutor | None) -> None:
        self._pool = pool
        self._waiting: list[Future[Replayed]] = []

    def layers(self, layers: list[Captured], places: Places, seed: int) -> None:
        """Have layers replayed."""
        for layer in layers:
            if self._pool is not None:
                self._waiting.append(self._pool.submit(replay, layer, places, seed))
            else:
                done: Future[Replayed] = Future()
                done.set_result(replay(layer, places, seed))
                self._waiting.append(done)

    def collect(self, results: Results, *, wait: bool) -> None:
        """Put what is replayed into the results."""
        left = []
        for each in self._waiting:
            if wait or each.done():
                results.replays.append(asdict(each.result()))
            else:
                left.append(each)
        self._waiting = left


@contextlib.contextmanager
def _replaying(device: str) -> Iterator[Sender]:
    if device != CUDA:
        yield Sender(None)
        return
    workers = min(_MOST_WORKERS, max(1, (os.cpu_count() or 1) - 2))
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        yield Sender(pool)
