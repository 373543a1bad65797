"""FlashInfer's plain NVFP4: the CPU reference of its `batch_invariant` class, from the installed wheel.

`import flashinfer` needs CUDA, so the reference and the files it imports are loaded under stand-in parents.
S is what FlashInfer's own helper makes of an amax; per token the reference makes it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np

from .base import installed, needs_torch, Output, Peer, to_torch
from .standins import load_file, stand_ins

PACKAGE = "flashinfer"
PARENTS = ("batch_invariant", "batch_invariant.quantization", "batch_invariant.fp_interface")
FLT_MAX = float(np.finfo(np.float32).max)


@cache
def _reference(folder: Path) -> ModuleType:
    parents = {f"{PACKAGE}.{p}": {"__path__": [str(folder / p.replace(".", "/"))]} for p in PARENTS}
    with stand_ins(PACKAGE, {PACKAGE: {}, **parents}):
        return load_file(
            f"{PACKAGE}.batch_invariant.quantization.nvfp4_reference",
            folder / "batch_invariant/quantization/nvfp4_reference.py",
        )


class FlashInferInvariant(Peer):
    name, version = "flashinfer-python", "0.7.4"
    presets = {"flashinfer-nvfp4": {"per_token": False}, "flashinfer-nvfp4-row": {"per_token": True}}  # noqa: RUF012
    apart = {"all NaN": "a block of NaN alone has a NaN amax there, and 0 here"}  # noqa: RUF012

    def load(self) -> ModuleType:
        needs_torch()
        found = installed(self.name, self.version)
        return _reference(Path(str(found.locate_file(PACKAGE))))

    def run(self, preset: str, x: np.ndarray, amax: np.ndarray | None = None) -> Output:
        module, per_token = self.load(), self.presets[preset]["per_token"]
        t = to_torch(x)
        if per_token and amax is not None:
            return self._rows(module, x, amax)
        given = _encode_scale(t, amax) if not per_token else 1.0 / (448 * 6)
        codes, scales, _ = module.quantize_reference(t, given, per_token)
        return Output(codes.numpy(), module.unswizzle_sf_128x4(scales, *t.shape).numpy(), None)

    def _rows(self, module: ModuleType, x: np.ndarray, amax: np.ndarray) -> Output:
        """Give each row its own amax: its scale is made by the reference's chain of a row."""
        chain, fp = module.S.row_scale_chain, module.TorchF32
        scale, _ = chain(fp, to_torch(np.array(amax, dtype=np.float32)), fp.const(1.0 / (448 * 6)))
        rows = [module.quantize_reference(to_torch(x[i : i + 1]), scale[i]) for i in range(len(x))]
        codes = np.concatenate([c.numpy() for c, _, _ in rows])
        scales = [module.unswizzle_sf_128x4(s, 1, x.shape[1]).numpy() for _, s, _ in rows]
        return Output(codes, np.concatenate(scales), None)


def _encode_scale(t: object, amax: np.ndarray | None) -> object:
    """Return S as make_nvfp4_global_scale does."""
    import torch  # noqa: PLC0415

    assert isinstance(t, torch.Tensor)
    a = t.abs().nan_to_num(nan=0.0, posinf=np.inf).max() if amax is None else to_torch(np.array(amax))
    a = a.to(torch.float32)
    return torch.tensor(FLT_MAX) if a == 0 else 448.0 * 6.0 / a
