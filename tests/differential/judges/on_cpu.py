"""`cuda` read as `cpu`: what a peer's test file says of devices, on a machine without a GPU."""

from __future__ import annotations

from typing import Any

import torch
from torch.overrides import TorchFunctionMode


def read(value: Any) -> Any:
    """Return the CPU where a CUDA device is named, and anything else as it is."""
    named = isinstance(value, (str, torch.device)) and str(value).partition(":")[0] == "cuda"
    return torch.device("cpu") if named else value


class OnCPU(TorchFunctionMode):
    """Reads every device that is passed to torch while it is entered."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*map(read, args), **{k: read(v) for k, v in (kwargs or {}).items()})


def no_default_device() -> None:
    """Leave torch's default device the CPU, whatever a test file asks for."""
    torch.set_default_device = lambda _: None
