"""GPTQModel: its two functions for activations, from the one file of the installed package that has them.

The file needs torch alone, so the package, which imports much more, is not imported.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np

from .base import installed, needs_torch, Output, Peer, scale_bytes, to_torch
from .flashinfer import codes_of
from .standins import load_file, stand_ins

FILE = "gptqmodel/quantization/activation_floatx.py"
BLOCK = 16


@cache
def _functions(file: Path) -> ModuleType:
    with stand_ins("gptqmodel", {}):
        return load_file("gptqmodel.activation_floatx", file)


class GPTQModel(Peer):
    name, version = "gptqmodel", "7.7.0"
    #: The recipe whose tensor scale it is; the block scales are those of "four_six".
    apart = {  # noqa: RUF012
        **dict.fromkeys(
            ("up to 3e38", "times 1e37", "any finite bits"),
            "where the squared error of both candidates is infinite neither is kept: scale 1, codes 0",
        ),
        "amax 1.4013e-45": "the tensor scale is 0 there, and 0/0 a NaN whose sign becomes that of a zero",
    }
    presets = {  # noqa: RUF012
        "gptqmodel-4over6": {"recipe": "four_six"},
        "gptqmodel-4over6-headroom": {"recipe": "least_squares_headroom"},
    }

    def load(self) -> ModuleType:
        needs_torch()
        return _functions(Path(str(installed(self.name, self.version).locate_file(FILE))))

    def run(self, preset: str, x: np.ndarray, amax: np.ndarray | None = None) -> Output:
        module, t = self.load(), to_torch(x).float()
        given = t.abs().max() if amax is None else to_torch(np.array(amax, dtype=np.float32))
        decode = module.nvfp4_global_scale(given, **self.presets[preset])
        blocks = t.reshape(len(x), -1, BLOCK)
        scales, values = module._nvfp4_mse_quantize_blocks(blocks, decode, "four_six")
        codes = codes_of(values.numpy().reshape(x.shape))
        return Output(codes[:, ::2] | codes[:, 1::2] << 4, scale_bytes(scales).reshape(len(x), -1), None)
