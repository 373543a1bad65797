"""One run's steps: the model, its weights, its random words; as a CUDA graph where that is possible."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from fos_ref.formats.arrays import I64
from fos_ref.pretrain.arms import Arm
from fos_ref.pretrain.batches import Batches
from fos_ref.pretrain.config import Config, SCALE
from fos_ref.pretrain.loop.weights import FACTORS, factors_of, Weights
from fos_ref.pretrain.network.linear import Products
from fos_ref.pretrain.network.made import Tape
from fos_ref.pretrain.network.model import loss_of, Model
from fos_ref.pretrain.network.ranks import Ranks
from fos_ref.pretrain.places import places_of, Sizes

_WARM = 3  #: steps before a graph is captured


class Steps:
    """The steps of one run. Everything that a step reads lies in tensors that keep their place."""

    def __init__(self, kind: str, arm: Arm, batches: Batches, device: str, ranks: Ranks) -> None:
        c = batches.config
        self.config, self.batches, self.ranks, self.device = c, batches, ranks, device
        self.products = Products(arm.stack, ranks)
        torch.manual_seed(batches.seed)
        self.model = Model(kind, c, batches.symbols, self.products).to(device)
        self.weights = Weights(self.model)
        self.network: Any = self.model
        if ranks.size > 1:
            self.network = torch.nn.parallel.DistributedDataParallel(self.model)
        rows = c.batch // ranks.size
        self.tokens = torch.zeros((rows, c.sequence + 1), dtype=torch.int64, device=device)
        self.factors = torch.zeros(FACTORS, device=device)
        self.loss = torch.zeros((), device=device)
        self.losses = torch.zeros(c.steps, device=device)
        self.graph: Any = None
        if arm.stack is not None:
            self._quantize(arm)

    def _quantize(self, arm: Arm) -> None:
        assert arm.stack is not None
        layers = [Sizes(self.config.tokens, m.inputs, m.outputs) for _, m in self.model.linears]
        self.products.places = places_of(arm.stack, layers)
        if self.device == "cuda":
            from fos_ref.pretrain.network.device import Device

            self.products.quantizer = Device(self.products.places, self.device)
        else:
            from fos_ref.pretrain.network.host import Host

            self.products.quantizer = Host()

    @property
    def scored(self) -> int:
        """Predictions of a batch that count."""
        return self.config.batch * (self.config.sequence - self.batches.unscored)

    def take(self, step: int, tape: Tape | None = None) -> None:
        """Take one step; with a tape it is written down, outside of any graph."""
        c = self.config
        self.place(self.batches.step(step))
        self._begin(step)
        self.factors.copy_(torch.tensor(factors_of(step, c.steps, c.warmup, c.rate / SCALE)))
        self.products.tape = tape
        if self.graph is not None and tape is None:
            self.graph.replay()
        else:
            self._advance()
        self.products.tape = None
        self.losses[step].copy_(self.loss)

    def place(self, tokens: I64) -> None:
        """Put this process's sequences of a batch where the model reads them."""
        own = tokens[self.ranks.own(len(tokens))].astype(np.uint8)  # few bytes: the copy does not wait
        self.tokens.copy_(torch.from_numpy(own).to(self.device))

    def _begin(self, step: int) -> None:
        if self.products.quantizer is not None:
            assert self.products.places is not None
            self.products.quantizer.begin(self.products.places, self.batches.seed, step)

    def _advance(self) -> None:
        """Loss, gradients, new weights. Processes' gradients are added up: the loss is the whole batch's."""
        self.weights.gradients.zero_()
        loss = self._forward() / self.scored
        loss.backward()
        if self.ranks.size > 1:
            self.weights.gradients.mul_(self.ranks.size)  # DDP has divided by it
        self.weights.update(self.factors)
        self.loss.copy_(loss.detach())

    def _forward(self) -> Any:
        logits = self.network(self.tokens[:, :-1])
        return loss_of(logits, self.tokens[:, 1:], self.batches.unscored)

    def capture(self) -> None:
        """Make a CUDA graph of a step. The weights are those from before."""
        w = self.weights
        kept = [t.clone() for t in (w.values, w.first, w.second)]
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for step in range(_WARM):
                self.place(self.batches.step(step))
                self._begin(step)
                self._advance()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, capture_error_mode="relaxed"):
            self._advance()
        for t, old in zip((w.values, w.first, w.second), kept, strict=True):
            t.copy_(old)
        self.graph = graph

    def held_out(self) -> float:
        """Return the mean loss of the held-out batches, in nats, in the arm's own forward pass."""
        c, total = self.config, torch.zeros((), device=self.device, dtype=torch.float64)
        with torch.no_grad():
            for number in range(c.evaluate):
                self.place(self.batches.held_out(number))
                self._begin(c.steps)
                total += self._forward().double()
        self.ranks.total(total)
        return float(total) / (c.evaluate * self.scored)

    def curve(self) -> list[float]:
        """Return the losses of all steps so far, of the whole batch."""
        losses = self.losses.clone()
        self.ranks.total(losses)
        found: list[float] = losses.cpu().tolist()
        return found


def size_of(kind: str, config: Config, symbols: int) -> int:
    """Return how many weights a model has."""
    model = Model(kind, config, symbols, Products(None, Ranks()))
    return sum(p.numel() for p in model.parameters())
