"""MLX's NVFP4 on a CPU: `mx.quantize` of its installed wheel, with a tensor amax and without.

Its byte of a NaN block scale, -448, is read as FF.
"""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from .base import installed, Output, Peer

NO_NUMBER, NAN = 0xFE, 0xFF
FOLD = 32  #: the number of values it takes has to be a multiple of this


class MLX(Peer):
    name, version = "mlx", "0.32.4"
    presets = {"mlx-cpu-nvfp4": {"scaled": True}, "mlx-cpu-nvfp4-unscaled": {"scaled": False}}  # noqa: RUF012

    apart = dict.fromkeys(
        ("one NaN", "one negative NaN", "many NaN", "all NaN", "infinity and NaN"),
        "the byte of a NaN scale is 7E or FE there, by its sign",
    )

    def load(self) -> Any:
        installed(self.name, self.version)
        import mlx.core as mx  # noqa: PLC0415

        return mx

    def run(self, preset: str, x: np.ndarray, amax: np.ndarray | None = None) -> Output:
        mx = self.load()
        flat = np.zeros((1, -(-x.size // FOLD) * FOLD), x.dtype)
        flat[0, : x.size] = x.reshape(-1)
        short = x.dtype == ml_dtypes.bfloat16
        w = mx.array(flat.view(np.uint16)).view(mx.bfloat16) if short else mx.array(flat)
        given = np.abs(x.astype(np.float32)).max() if amax is None else amax
        scale = mx.array(np.float32(given)) if self.presets[preset]["scaled"] else None
        with mx.stream(mx.cpu):
            codes, scales = mx.quantize(w, group_size=16, bits=4, mode="nvfp4", global_scale=scale)[:2]
            mx.eval(codes, scales)
        rows, cols = x.shape
        stored = np.array(scales).reshape(-1)[: x.size // 16].reshape(rows, -1)
        stored[stored == NO_NUMBER] = NAN
        packed = np.array(codes).view(np.uint8).reshape(-1)[: x.size // 2]
        return Output(packed.reshape(rows, cols // 2), stored, None)
