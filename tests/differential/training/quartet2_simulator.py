"""Quartet II's Triton simulators on a CPU: values, uniform numbers, and each candidate's codes and scales.

`python -m tests.differential.training.quartet2_simulator CHECKOUT IN.npz OUT.npz`
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import torch

from . import interpreter

FOLDER = "src/models/quantization"
WIDTH = 16
RECORDED = ("sr_fp4", "rtn_fp4", "get_scales", "get_alt_scales")


def load(root: Path) -> tuple[Any, Any]:
    """Return the modules of the quantizers and of Quartet II's scheme."""
    for name in ("models", "models.quantization", "models.quantization.quantizers"):
        interpreter.stand_in(name)
    quantizers = interpreter.module(
        "models.quantization.quantizers.nvfp4_triton", root / FOLDER / "quantizers/nvfp4_triton.py"
    )
    return quantizers, interpreter.module("scheme", root / FOLDER / "schemes/quartet_2.py")


def eden(scheme: Any, given: Any, x: torch.Tensor) -> torch.Tensor:
    """Return the values of MS-EDEN: the matrix and the amax of the rotated tensor are arguments."""
    interpreter.settle(scheme.eden_1x16s_fp4_kernel)
    matrix, amax = torch.from_numpy(given["matrix"]), torch.tensor([float(given["amax"])])
    values, _ = scheme.eden_1x16s_fp4_kernel_wrapper(x, matrix, float(given["override"]), WIDTH, amax)
    return torch.as_tensor(values)


def plain(quantizers: Any, mode: str, given: Any, x: torch.Tensor) -> torch.Tensor:
    """Return the values of a quantizer that rounds elements: "sr", "rtn" or "rtn-16x16"."""
    kind = {"sr": "sr_1x16s", "rtn": "rtn_1x16s", "rtn-16x16": "rtn_16x16s"}[mode]
    interpreter.settle(getattr(quantizers, f"{kind}_fp4_kernel"))
    wrapper: Callable[..., torch.Tensor] = getattr(quantizers, f"{kind}_fp4_kernel_wrapper")
    return wrapper(x, float(given["override"]), WIDTH, bool(given["adaptive"]))


def candidates(calls: dict[str, list[tuple[Any, Any]]]) -> dict[str, np.ndarray]:
    """Return what was recorded, the program's blocks one after the other."""
    found = {}
    rounded = calls["sr_fp4"] or calls["rtn_fp4"]
    number = 2 if calls["get_alt_scales"] else 1
    for i, name in enumerate(("six", "four")[:number]):
        found[f"{name}_elements"] = np.concatenate([interpreter.data(r) for _, r in rounded[i::number]])
        found[f"{name}_scaled"] = np.concatenate([interpreter.data(a[0]) for a, _ in rounded[i::number]])
        if calls["sr_fp4"]:
            found[f"{name}_uniform"] = np.concatenate([interpreter.data(a[1]) for a, _ in rounded[i::number]])
    scales = [[r for _, (r, _) in calls["get_scales"]], [r for _, r in calls["get_alt_scales"]]]
    for name, parts in zip(("six", "four"), scales[:number], strict=False):
        values = np.concatenate([interpreter.data(p) for p in parts]).reshape(-1)
        found[f"{name}_scales"] = values.astype(ml_dtypes.float8_e4m3fn).view(np.uint8)
    return found


def main(root: str, source: str, target: str) -> None:
    torch.set_num_threads(1)
    quantizers, scheme = load(Path(root))
    given = np.load(source)
    x, mode = torch.from_numpy(given["x"]), str(given["mode"])
    quantizers.randint = scheme.randint = lambda _first, _last: int(given["seed"])
    if mode == "eden":
        np.savez(target, values=eden(scheme, given, x).numpy())
        return
    calls = interpreter.recorded(quantizers, RECORDED)
    values = plain(quantizers, mode, given, x)
    np.savez(target, values=values.numpy(), **candidates(calls))


if __name__ == "__main__":
    main(*sys.argv[1:])
