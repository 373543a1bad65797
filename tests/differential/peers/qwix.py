"""qwix (JAX): NVFP4 by its public call `quantize`, on a CPU, in the dtype of the array.

Its MXFP4 takes a logarithm that XLA approximates, so that preset stays `read` (docs/divergences.md, D17)."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from .base import installed, Output, Peer


class Qwix(Peer):
    name, version = "qwix", "0.1.8"
    dtypes = ("float32", "bfloat16")  # in float16 XLA multiplies by a reciprocal rounded to float16
    apart = {"any finite bits": "XLA reads a subnormal value as 0"}  # noqa: RUF012
    presets = {"qwix-nvfp4": {"qtype": "nvfp4", "tile": 16}}  # noqa: RUF012

    def load(self) -> Any:
        installed(self.name, self.version)
        import qwix  # noqa: PLC0415

        return qwix

    def run(self, preset: str, x: np.ndarray, amax: np.ndarray | None = None) -> Output:  # noqa: ARG002
        qwix, told = self.load(), self.presets[preset]
        import jax  # noqa: PLC0415

        with jax.default_device(jax.devices("cpu")[0]):
            tiles = {"channelwise_axes": (0,), "tiled_axes": {1: told["tile"]}}
            q = qwix.quantize(jax.numpy.asarray(x), told["qtype"], **tiles)
            codes, scales = np.asarray(q.qvalue).view(np.uint8), np.asarray(q.scale)
        stored = scales.astype(np.float32).astype(ml_dtypes.float8_e4m3fn).view(np.uint8)
        return Output(codes[:, ::2] | codes[:, 1::2] << 4, stored, None)
