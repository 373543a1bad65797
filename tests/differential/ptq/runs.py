"""Program: every method on a tiny random model, in one process. Arguments: the model, a text, where to write.

Writes a checkpoint for each of CASES, and for GPTQ the weights before the walk with the products of inputs
that llm-compressor saw: gptq.npz has NAME.weight, NAME.products and NAME.amax.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

#: Folder -> recipe, method.
CASES = {
    "rtn-4over6": ("4over6", "rtn"),
    "rtn-nvfp4": ("nvfp4", "rtn"),
    "rtn-scale-optimum": ("scale-optimum", "rtn"),
    "rtn-16x16": ("4over6-16x16", "rtn"),
    "rtn-fpquant": ("fpquant-4over6-mse", "rtn"),
    "rtn-expanded": ("llmcompressor-expanded-mse", "rtn"),
    "rtn-mxfp4": ("ocp-mxfp4", "rtn"),
    "smoothquant": ("4over6", "smoothquant"),
    "awq": ("4over6", "awq"),
    "gptq": ("4over6", "gptq"),
}


def main(source: Path, text: Path, out: Path) -> None:
    from llmcompressor.modifiers.gptq import base  # noqa: PLC0415

    from fos_ref.ptq.asked import Asked  # noqa: PLC0415
    from fos_ref.ptq.calibration import Calibration  # noqa: PLC0415
    from fos_ref.ptq.model import quantize_model  # noqa: PLC0415

    kept: dict[str, Any] = {}
    prepare = base.prepare_batch

    def keep(batch: Any, qparams: Any, hessians: Any, samples: Any) -> Any:
        for module in batch:
            name = str(len(kept) // 3)
            kept[f"{name}.weight"] = module.weight.detach().float().numpy().copy()
            kept[f"{name}.products"] = (hessians[module] / samples[module]).numpy().copy()
            kept[f"{name}.amax"] = module.__dict__["fos_answer"].tensor_amax
        made = prepare(batch, qparams, hessians, samples)
        assert len(batch) == 1
        return made

    for folder, (recipe, method) in CASES.items():
        given = None if method == "rtn" else Calibration(path=text, windows=8, length=32)
        asked = Asked.checked(source, out / folder, recipe, method, given)
        with mock.patch.object(base, "prepare_batch", keep):
            done = quantize_model(asked)
        if method == "gptq":
            kept["names"] = np.array(list(done.layers))
    np.savez(out / "gptq.npz", **kept)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
