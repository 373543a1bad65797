"""torchao's Triton kernels of a training layer on a CPU: rotations, amaxes, scales, random words, codes.

`python -m tests.differential.training.torchao_triton CHECKOUT IN.npz OUT.npz`
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.utils._triton

from . import interpreter

PACKAGE = "torchao.prototype.moe_training.nvfp4_training"
FOLDER = "torchao/prototype/moe_training/nvfp4_training"
AMAX, FUSED, TILES = "hadamard_amax_triton", "hadamard_quantize_row_col_triton", "quantize_2d_triton"
GRID = {"GROUP_SIZE_N": 8, "NUM_SMS": 1}
Arrays = dict[str, np.ndarray]


def load(root: Path) -> dict[str, Any]:
    """Return the modules of the kernels, under stand-in parents; Triton is told to be there without a GPU."""
    torch.utils._triton.has_triton = lambda: True
    parts = PACKAGE.split(".")
    for i in range(1, len(parts) + 1):
        interpreter.stand_in(".".join(parts[:i]))
    interpreter.stand_in(
        "torchao.utils", torch_version_at_least=lambda _: True, is_sm_at_least_100=lambda: True
    )
    names = ("hadamard_utils", AMAX, FUSED, TILES)
    return {n: interpreter.module(f"{PACKAGE}.{n}", root / FOLDER / f"{n}.py") for n in names}


def outputs(shape: tuple[int, int]) -> list[torch.Tensor]:
    """Return room for the codes and swizzled scales of the columns, then of the rows."""
    rows, columns = shape
    room = []
    for r, c in ((columns, rows), (rows, columns)):
        room.append(torch.zeros(r, c // 2, dtype=torch.uint8))
        room.append(torch.zeros(r // 128, c // 64, 32, 16, dtype=torch.float8_e4m3fn))
    return room


def named(name: str, room: list[torch.Tensor], amaxes: list[torch.Tensor]) -> Arrays:
    """Return one tensor's two copies by name."""
    found = {}
    for i, copy in enumerate(("column", "row")):
        found[f"{name}_{copy}_codes"] = room[2 * i].numpy()
        found[f"{name}_{copy}_scales"] = room[2 * i + 1].view(torch.uint8).reshape(-1).numpy()
        found[f"{name}_{copy}_amax"] = amaxes[i].numpy()
    return found


def rotated(name: str, found: dict[str, Any], given: Any) -> Arrays:
    """Return both copies of x or g: the columns rotated, each with its own amax; g with random words."""
    x = torch.from_numpy(given[name].view(np.int16)).view(torch.bfloat16)
    signs = tuple(int(s) for s in given["signs"])
    matrix = found["hadamard_utils"].get_rht_matrix(signs, "cpu", torch.bfloat16, 16)
    amaxes, room = [torch.zeros(1), torch.zeros(1)], outputs(x.shape)
    interpreter.settle(found[AMAX]._hadamard_amax_kernel)[(1,)](x, matrix, *amaxes, *x.shape, **GRID)
    tile = {"BLOCK_M": int(given["tile_tokens"]), "BLOCK_N": int(given["tile_features"])}
    kernel = interpreter.settle(found[FUSED]._hadamard_quantize_row_col_kernel, **tile)
    state = [torch.tensor([int(v)], dtype=torch.int64) for v in given["state"]]
    kernel[(1,)](x, matrix, *amaxes, *room, *state, *x.shape, **GRID, STOCHASTIC_ROUNDING=name == "g")
    return named(name, room, amaxes)


def weights(found: dict[str, Any], given: Any) -> Arrays:
    """Return both copies of w, of 16x16 tiles."""
    w = torch.from_numpy(given["w"].view(np.int16)).view(torch.bfloat16)
    amax, room = w.abs().max().float().reshape(1), outputs(w.shape)
    kernel = interpreter.settle(found[TILES].triton_quantize_2d_weight)
    kernel[(1,)](w, room[2], room[3], room[0], room[1], amax, *w.shape, **GRID)
    return named("w", room, [amax, amax])


def main(root: str, source: str, target: str) -> None:
    torch.set_num_threads(1)
    found, given = load(Path(root)), np.load(source)
    interpreter.Assembly.feed = str(given["feed"])
    np.savez(target, **rotated("x", found, given), **rotated("g", found, given), **weights(found, given))


if __name__ == "__main__":
    main(*sys.argv[1:])
