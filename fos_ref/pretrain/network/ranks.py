"""How many processes share a batch, and which part of it is this one's."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import torch
from torch import distributed

from fos_ref.errors import InputError


@dataclass(frozen=True, slots=True)
class Ranks:
    """A process among all. A batch is shared by sequences: the first ones are rank 0's."""

    rank: int = 0
    size: int = 1

    def own(self, total: int) -> slice:
        """Return this process's part of `total` tokens, groups or sequences."""
        each = total // self.size
        return slice(self.rank * each, (self.rank + 1) * each)

    def largest(self, own: Any) -> None:
        """Raise a float32 tensor to the maximum over all processes. It is exact, so no order matters."""
        distributed.all_reduce(own, op=distributed.ReduceOp.MAX)

    def total(self, own: Any) -> None:
        """Add a tensor up over all processes, in place."""
        if self.size > 1:
            distributed.all_reduce(own, op=distributed.ReduceOp.SUM)

    def gathered(self, own: Any) -> list[Any]:
        """Return every process's object, in the order of ranks, to every process."""
        if self.size == 1:
            return [own]
        found: list[Any] = [None] * self.size
        distributed.all_gather_object(found, own)
        return found


def ranks(device: str) -> Ranks:
    """Return this process's rank: 0 of 1, or as torchrun says. Joins the others, by nccl or gloo."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return Ranks()
    if not distributed.is_initialized():
        distributed.init_process_group("nccl" if device == "cuda" else "gloo")
    if device == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    return Ranks(distributed.get_rank(), distributed.get_world_size())


def check_share(batch: int, sequence: int, size: int, multiple: int) -> None:
    """Raise InputError where processes cannot share a batch in whole blocks."""
    if batch % size or batch // size * sequence % multiple:
        msg = f"{size} processes for a batch of {batch} sequences of {sequence} tokens: "
        msg += f"an equal share each, its tokens a multiple of {multiple}, is allowed"
        raise InputError(msg)
