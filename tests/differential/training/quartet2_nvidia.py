"""The layer that Quartet II's repository calls NVIDIA's, on a CPU: each quantizer's call, both passes.

`python -m tests.differential.training.quartet2_nvidia CHECKOUT IN.npz OUT.npz`
"""

from __future__ import annotations

import importlib
import itertools
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from . import interpreter, quartet2_simulator

FOLDER = quartet2_simulator.FOLDER
#: The calls of quantizers, in the program's order.
CALLS = ("fprop_x", "fprop_w", "dgrad_g", "wgrad_g", "wgrad_x")
WRAPPERS = ("rtn_1x16s", "rtn_16x16s", "sr_1x16s")


def load(root: Path) -> tuple[Any, Any]:
    """Return the modules of the quantizers and of the scheme; torch.compile is told to do nothing."""
    torch.compile = lambda *_args, **_named: lambda f: f
    quantizers, scheme = quartet2_simulator.load(root)
    interpreter.stand_in("schemes", path=str(root / FOLDER / "schemes"))
    sys.modules["schemes.quartet_2"] = scheme
    return quantizers, importlib.import_module("schemes.nvidia")


def recorded(quantizers: Any, nvidia: Any) -> dict[str, np.ndarray]:
    """Return what fills as the layer calls its quantizers: input, values, scales and elements of each."""
    found: dict[str, np.ndarray] = {}
    names = iter(CALLS)
    inner = interpreter.recorded(quantizers, quartet2_simulator.RECORDED)
    for kind in WRAPPERS:
        interpreter.settle(getattr(quantizers, f"{kind}_fp4_kernel"))
        wrapper = getattr(nvidia, f"{kind}_fp4_kernel_wrapper")

        def call(x: torch.Tensor, *arguments: Any, _wrapper: Any = wrapper, **named: Any) -> torch.Tensor:
            for calls in inner.values():
                calls.clear()
            values: torch.Tensor = _wrapper(x, *arguments, **named)
            name = next(names)
            found[f"{name}_input"], found[f"{name}_values"] = x.numpy(), values.numpy()
            parts = quartet2_simulator.candidates(inner)
            found.update({f"{name}_{k}": v for k, v in parts.items()})
            return values

        setattr(nvidia, f"{kind}_fp4_kernel_wrapper", call)
    return found


def main(root: str, source: str, target: str) -> None:
    torch.set_num_threads(1)
    quantizers, nvidia = load(Path(root))
    given = np.load(source)
    seeds = itertools.count(int(given["seed"]))
    quantizers.randint = lambda _first, _last: next(seeds)
    found = recorded(quantizers, nvidia)
    x, w, g = (torch.from_numpy(given[n]) for n in ("x", "w", "g"))
    layer = nvidia.Nvidia_fn
    layer.hadamard_matrix = nvidia.get_hadamard_matrix(16, torch.float32, "cpu")
    plain = layer.hadamard_matrix.clone()
    context = SimpleNamespace()
    context.save_for_backward = lambda *saved: setattr(context, "saved_tensors", saved)
    layer.forward(context, x[None], w, False, False, False)
    layer.backward(context, g[None])
    signs = (layer.hadamard_matrix / plain)[0].numpy()  # of each backward pass, and of all before it
    np.savez(target, signs=signs, dgrad_w_values=context.saved_tensors[1].T.numpy(), **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
