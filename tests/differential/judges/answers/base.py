"""What all answers share: modules put in place of compiled ones, and bytes as torch tensors."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

import fos_ref


def put(modules: dict[str, dict[str, Any]]) -> None:
    """Put modules with these attributes into sys.modules; `__path__` makes one a package of real files."""
    for name, attributes in modules.items():
        module = ModuleType(name)
        module.__path__ = []
        vars(module).update(attributes)
        sys.modules[name] = module


def load(name: str, path: Path) -> ModuleType:
    """Import the peer's own file `path` under `name`."""
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def tensor(a: np.ndarray) -> torch.Tensor:
    """Return a torch tensor of its own with the bytes of `a`."""
    return torch.from_numpy(np.array(a))


def quantized(x: torch.Tensor, preset: str, **given: Any) -> fos_ref.QuantizedTensor:
    """Return what the preset makes of `x`, whatever its strides."""
    return fos_ref.quantize(x.detach().contiguous(), preset, **given)
