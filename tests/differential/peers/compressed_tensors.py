"""compressed-tensors: its NVFP4 scheme by its three public calls, which on a CPU are torch programs.

The minima and maxima go in as the weight has them, in its own dtype, as its observers hand them over.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .base import installed, needs_torch, Output, Peer, scale_bytes, to_torch

MX_GROUP = 32


class CompressedTensors(Peer):
    name, version = "compressed-tensors", "0.20.0"
    nan_codes = {"compressed-tensors-nvfp4": (0x0, 0x8)}  # noqa: RUF012
    presets = {  # noqa: RUF012
        "compressed-tensors-nvfp4": {"scheme": "NVFP4"},
        "compressed-tensors-mxfp4": {"scheme": "MXFP4"},
    }
    #: In float16 a block of zeros has byte 7F there: 2^-127 is 0 in that dtype, and stands for a scale of 1.
    stated = {"compressed-tensors-mxfp4": ("float32", "bfloat16")}  # noqa: RUF012
    #: From 1.75 * 2^127 on the exponent that is rounded up is that of infinity.
    undefined = {"compressed-tensors-mxfp4": lambda b: ~(b < np.float32(1.75 * 2.0**127))}  # noqa: RUF012

    def load(self) -> None:
        needs_torch()
        installed(self.name, self.version)

    def run(self, preset: str, x: np.ndarray, amax: np.ndarray | None = None) -> Output:
        self.load()
        import torch  # noqa: PLC0415
        from compressed_tensors.compressors.nvfp4.helpers import quantize_and_pack_fp4  # noqa: PLC0415
        from compressed_tensors.quantization.quant_scheme import PRESET_SCHEMES  # noqa: PLC0415
        from compressed_tensors.quantization.utils.helpers import (  # noqa: PLC0415
            calculate_qparams,
            generate_gparam,
        )

        weights = PRESET_SCHEMES[self.presets[preset]["scheme"]]["weights"]
        t = to_torch(x)
        if weights.group_size == MX_GROUP:
            return self._mxfp4(t, weights)
        g = generate_gparam(*self._ends(t, x.dtype, amax))
        groups = t.unflatten(-1, (-1, weights.group_size))
        scales, _ = calculate_qparams(groups.amin(-1), groups.amax(-1), weights, global_scale=g)
        codes = quantize_and_pack_fp4(t, scales, global_scale=g, group_size=weights.group_size)
        return Output(codes.numpy(), scale_bytes(scales.to(torch.float8_e4m3fn)), None)

    @staticmethod
    def _mxfp4(t: Any, weights: Any) -> Output:
        """Return MXFP4, which has no tensor scale."""
        from compressed_tensors.compressors.mxfp4.base import MXFP4PackedCompressor  # noqa: PLC0415
        from compressed_tensors.compressors.nvfp4.helpers import quantize_and_pack_fp4  # noqa: PLC0415
        from compressed_tensors.quantization.utils.helpers import calculate_qparams  # noqa: PLC0415

        groups = t.unflatten(-1, (-1, MX_GROUP))
        scales, _ = calculate_qparams(groups.amin(-1), groups.amax(-1), weights)
        codes = quantize_and_pack_fp4(t, scales, group_size=MX_GROUP)
        stored = MXFP4PackedCompressor._compress_scale(scales, weights)
        return Output(codes.numpy(), stored.numpy(), None)

    @staticmethod
    def _ends(t: Any, dtype: np.dtype[Any], amax: np.ndarray | None) -> tuple[Any, Any]:
        """Return the smallest and the largest value, or the caller's amax as both, in the weight's dtype."""
        if amax is None:
            return t.min(), t.max()
        given = np.asarray(amax, dtype=np.float32)
        a = given.astype(dtype)
        assert np.array_equal(a.astype(np.float32), given), f"amax {amax} is no {dtype}"
        return to_torch(np.asarray(-a)), to_torch(a)
