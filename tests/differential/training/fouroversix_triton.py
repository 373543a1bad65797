"""fouroversix's Triton quantizer on a CPU, tile by tile of 16x64: scales, random words, codes, the choice.

`python -m tests.differential.training.fouroversix_triton CHECKOUT IN.npz OUT.npz`
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
import triton
import triton.language as tl

from . import interpreter

FOLDER = "src/fouroversix"
ROWS, COLUMNS = 16, 64
BLACKWELL, OLDER = 10, 8  #: major compute capabilities: with cvt.rs, and without
kernels: Any = None  #: the program's module


def load(root: Path) -> Any:
    """Return the module of the kernels; stand-ins for its packages keep what is compiled away."""
    for name in ("", ".kernels", ".kernels.triton"):
        folder = root / FOLDER / name[1:].replace(".", "/")
        interpreter.stand_in(f"fouroversix{name}", path=str(folder))
    return importlib.import_module("fouroversix.kernels.triton.quantize")


@triton.jit
def one_tile(  # noqa: PLR0917 -- Triton has no keyword-only arguments
    x_ptr, amax_ptr, seed_ptr, codes_ptr, scales_ptr,
    style: tl.constexpr, rule: tl.constexpr, capability: tl.constexpr,
):  # fmt: skip
    """Quantize one tile of 16x64 by the program's own functions."""
    r, c = tl.arange(0, 16)[:, None], tl.arange(0, 64)[None, :]
    x = tl.load(x_ptr + r * 64 + c)
    if rule == "static_6":
        codes, scales = kernels.generic_block_scaled_quantization_kernel(
            x, amax_ptr, seed_ptr, 16, 64, 6, 448,
            kernels.QUANTIZED_VALUE_TYPE_FP4, style, kernels.SCALE_TYPE_NV, 16, False, capability,
        )  # fmt: skip
    else:
        codes, scales = kernels.nvfp4_fouroversix_block_scaled_quantization_kernel(
            x, amax_ptr, seed_ptr, 16, 64, style, rule, False, capability
        )
    tl.store(codes_ptr + r * 32 + tl.arange(0, 32)[None, :], codes.reshape(16, 32))
    tl.store(scales_ptr + r * 4 + tl.arange(0, 4)[None, :], scales.reshape(16, 4).to(tl.uint8, bitcast=True))


def quantized(given: Any) -> dict[str, np.ndarray]:
    """Return codes (R, C/2) and block scales (R, C/16) of x (R, C) float32."""
    x = given["x"]
    amax = torch.from_numpy(np.abs(x).max().reshape(1))
    seed = torch.tensor([int(given["seed"])], dtype=torch.int32)
    codes = np.zeros((x.shape[0], x.shape[1] // 2), np.uint8)
    scales = np.zeros((x.shape[0], x.shape[1] // 16), np.uint8)
    for top in range(0, x.shape[0], ROWS):
        for left in range(0, x.shape[1], COLUMNS):
            rows = slice(top, top + ROWS)
            tile = torch.from_numpy(np.ascontiguousarray(x[rows, left : left + COLUMNS]))
            c, s = torch.zeros(ROWS, 32, dtype=torch.uint8), torch.zeros(ROWS, 4, dtype=torch.uint8)
            style, rule = str(given["style"]), str(given["rule"])
            one_tile[(1,)](
                tile, amax, seed, c, s, style=style, rule=rule, capability=int(given["capability"])
            )
            codes[rows, left // 2 : left // 2 + 32] = c.numpy()
            scales[rows, left // 16 : left // 16 + 4] = s.numpy()
    return {"codes": codes, "scales": scales}


def main(root: str, source: str, target: str) -> None:
    global kernels
    torch.set_num_threads(1)
    kernels, given = load(Path(root)), np.load(source)
    interpreter.Assembly.feed = str(given["feed"])
    np.savez(target, **quantized(given))


if __name__ == "__main__":
    main(*sys.argv[1:])
