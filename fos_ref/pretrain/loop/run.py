"""One run: a model, an arm and a seed, from its first step or its checkpoint to its held-out loss."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch

from fos_ref.pretrain.arms import ARMS
from fos_ref.pretrain.batches import Batches
from fos_ref.pretrain.captured import Captured
from fos_ref.pretrain.config import MULTIPLE
from fos_ref.pretrain.loop.checkpoint import load, save
from fos_ref.pretrain.loop.steps import Steps
from fos_ref.pretrain.loop.writing import captured, chosen
from fos_ref.pretrain.network.made import Tape
from fos_ref.pretrain.network.ranks import check_share, Ranks

CPU, CUDA = "cpu", "cuda"
_LAST = 10  #: the last tenth of the steps gives the training loss
_POINTS = 100  #: of a curve that is kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """Which run."""

    model: str
    arm: str
    seed: int

    def __str__(self) -> str:
        return f"{self.model}-{self.arm}-{self.seed}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run found. Losses are in nats a token."""

    name: Name
    held_out: float
    train: float  #: the mean of the last tenth of the steps
    curve: list[float]  #: means of equal runs of steps, at most 100
    losses: list[float]  #: of every step
    seconds: float  #: of the steps alone
    steps: int  #: that these seconds were for
    tape: list[Captured] = field(default_factory=list)
    last: Captured | None = None  #: of the last step, one layer


Tell = Callable[[int, int], None]  #: called with steps done and all steps


def run_one(
    name: Name,
    batches: Batches,
    *,
    device: str,
    ranks: Ranks,
    graph: bool = True,
    state: Path | None,
    tell: Tell,
    stop: int | None = None,
    tape: bool = False,
) -> Run | None:
    """Train and return what was found; None where it stopped before its end.

    graph: whether a step on a CUDA device is a CUDA graph; several processes have none
    state: the file of the checkpoint, read if it is there; None: none is written
    stop:  after how many steps to save and stop
    tape:  whether the layers of the config's `replay` step, and one of the last step, are written down
    Raises: as `fos_ref.pretrain.loop.checkpoint`, ToolchainError where the model cannot be made.
    """
    c = batches.config
    check_share(c.batch, c.sequence, ranks.size, MULTIPLE)
    if device == CUDA:  # the graph of the run before
        gc.collect()
        torch.cuda.empty_cache()
    steps = Steps(name.model, ARMS[name.arm], batches, device, ranks)
    done = load(state, steps, str(name)) if state else 0
    if graph and device == CUDA and ranks.size == 1:
        steps.capture()
    began, found = time.perf_counter(), _Found()
    for step in range(done, stop or c.steps):
        _one(steps, step, str(name), found if tape else None)
        tell(step + 1, c.steps)
        due = (step + 1) % c.save == 0 or step + 1 == stop
        if state and due and step + 1 < c.steps:
            save(state, steps, step + 1, str(name))
    losses = steps.curve()  # it waits for the device
    seconds = time.perf_counter() - began
    if stop is not None and stop < c.steps:
        return None
    return Run(
        name=name,
        held_out=steps.held_out(),
        train=_mean(losses[-max(1, c.steps // _LAST) :]),
        curve=thinned(losses),
        losses=losses,
        seconds=seconds,
        steps=c.steps - done,
        tape=found.tape,
        last=found.last,
    )


@dataclass(slots=True)
class _Found:
    """What was written down."""

    tape: list[Captured] = field(default_factory=list)
    last: Captured | None = None


def _one(steps: Steps, step: int, run: str, found: _Found | None) -> None:
    """Take a step; the config's replay step and the last one are written down where that is asked for."""
    c = steps.config
    if found is None or step not in (c.replay, c.steps - 1):
        steps.take(step)
        return
    written = Tape(chosen(steps))
    steps.take(step, written)
    layers = captured(written, steps, run, step)
    if step == c.replay:
        found.tape = layers
    if step == c.steps - 1:
        found.last = layers[len(layers) // 2]


def thinned(losses: list[float]) -> list[float]:
    """Return means of equal runs of steps, at most 100 of them; what is over at the end is left out."""
    each = max(1, -(-len(losses) // _POINTS))
    return [_mean(losses[i : i + each]) for i in range(0, len(losses) - each + 1, each)]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
