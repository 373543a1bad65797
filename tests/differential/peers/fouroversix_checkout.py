"""fouroversix at the presets' commit: the PyTorch reference of its formats that are in no release.

It comes from a checkout named by FOS_FOUROVERSIX_REPO, and is loaded under stand-in parents.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import fos_ref

from .base import checkout, needs_torch, Output, Peer, scale_bytes, to_torch
from .standins import load_file, stand_ins

VARIABLE = "FOS_FOUROVERSIX_REPO"
FOLDER = "src/fouroversix"
REFERENCE = f"{FOLDER}/quantize/pytorch/reference.py"
SHA256 = {
    REFERENCE: "a953d69aa757cd0e64d9b78a0fb2f101254872bc4b4aba55c091584b10faba60",
    f"{FOLDER}/quantize/pytorch/fp6.py": "39008c8e031636c274f5d83045f749399a3e23829929584b3926f54c89c12d94",
    f"{FOLDER}/utils.py": "1793f341117668564ed7ab492c9bea7adbb9a578a54195d54e937a5d361fee64",
}
PACKAGES = ("", ".kernels", ".quantize", ".quantize.pytorch")
RULES = {"mse": "mse", "mae": "mae", "absmax": "abs_max"}


@cache
def _reference(root: Path) -> ModuleType:
    folders = {p: root / FOLDER / p[1:].replace(".", "/") for p in PACKAGES}
    parents = {f"fouroversix{p}": {"__path__": [str(folder)]} for p, folder in folders.items()}
    with stand_ins("fouroversix", parents):
        return load_file("fouroversix.quantize.pytorch.reference", root / REFERENCE)


class FourOverSixCheckout(Peer):
    name, version = "fouroversix", "dadfad6901d473a734fe71e0b082e70ee993e23a"
    in_ci = False
    apart = {"times 1e-37": "0 * infinity is a NaN that the error of INT6 has there, and 0 here"}  # noqa: RUF012
    presets = {  # noqa: RUF012
        "fouroversix-nvfp4-bs8": {"fmt": "nvfp4_bs8", "rule": "static_6"},
        **{f"fouroversix-nvfp6-{f}": {"fmt": f"nvfp6_{f}", "rule": "static_6"} for f in ("e2m3", "e3m2")},
        **{
            f"fouroversix-if6-{f}-{ours}": {"fmt": f"if6_{f}", "rule": theirs}
            for f in ("e2m3", "e3m2")
            for ours, theirs in RULES.items()
        },
    }

    def load(self) -> ModuleType:
        needs_torch()
        return _reference(checkout(VARIABLE, self.version, SHA256))

    def run(self, preset: str, x: np.ndarray, amax: np.ndarray | None = None) -> Output:
        module, told = self.load(), self.presets[preset]
        given = None if amax is None else to_torch(np.array(amax, dtype=np.float32))
        arguments: dict[str, Any] = {
            "fp4_format": module.DataType(told["fmt"]),
            "scale_rule": module.ScaleRule(told["rule"]),
            "use_blackwell_scale_layout": False,
        }
        codes, scales, _ = module.quantize(to_torch(x), given, **arguments)
        blocks = x.shape[1] // fos_ref.recipe(preset).block_cols
        return Output(codes.numpy(), scale_bytes(scales).reshape(len(x), blocks), None)
