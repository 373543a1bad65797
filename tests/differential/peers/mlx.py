"""MLX: `mx.quantize` of its wheel with a CPU back end.

Codes come as little-endian words, the even element in the low nibble of a byte, so their bytes are ours.
A block amax that is not finite is converted to an integer, which has no defined result.
"""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from .base import installed, Output, Peer, PeerMissing


class MLXPowers(Peer):
    name, version = "mlx", "0.32.4"
    presets = {"mlx-mxfp4": {"mode": "mxfp4", "group_size": 32, "bits": 4}}  # noqa: RUF012
    undefined = {"mlx-mxfp4": lambda b: ~np.isfinite(b)}  # noqa: RUF012

    def load(self) -> Any:
        installed(self.name, self.version)
        try:
            from mlx import core  # noqa: PLC0415
        except ImportError as e:
            msg = f"mlx has no CPU back end here ({e}): pip install 'mlx[cpu]=={self.version}'"
            raise PeerMissing(msg) from None
        core.set_default_device(core.cpu)
        return core

    def run(self, preset: str, x: np.ndarray, amax: np.ndarray | None = None) -> Output:  # noqa: ARG002 -- MX
        core = self.load()
        t = core.array(x.astype(np.float32))
        narrow = {np.dtype(ml_dtypes.bfloat16): core.bfloat16, np.dtype(np.float16): core.float16}
        t = t.astype(narrow.get(x.dtype, core.float32))
        codes, scales = core.quantize(t, **self.presets[preset])
        return Output(np.array(codes).view(np.uint8).reshape(len(x), -1), np.array(scales), None)
