"""llm-compressor: its released observer `nvfp4_expanded_mse`, with compressed-tensors' own calls behind it.

The name `fouroversix` stands for the same search there. Powers of 2.4 are those of torch, within 1 ulp (D25).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import numpy as np

from fos_ref.model import errors
from fos_ref.model.power import POWER

from .base import installed, Library, needs_torch, Output, Peer, scale_bytes, to_torch
from .compressed_tensors import CompressedTensors


@contextmanager
def torch_power() -> Iterator[None]:
    """Within it the model's powers are torch's, of values of any dtype."""

    def power(a: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
        return to_torch(a.astype(dtype)).pow(float(POWER)).float().numpy()

    with mock.patch.object(errors, "power", power):
        yield


class LLMCompressor(Peer):
    name, version = "llmcompressor", "0.14.0.1"
    presets = {"llmcompressor-expanded-mse": {"scheme": "NVFP4"}}  # noqa: RUF012
    slow = frozenset(presets)
    nan_codes = {"llmcompressor-expanded-mse": (0x0, 0x8)}  # noqa: RUF012
    libraries = {  # noqa: RUF012
        "llmcompressor-expanded-mse": Library("torch's power is not always the nearest (D25)", torch_power)
    }

    def load(self) -> Any:
        needs_torch()
        installed(self.name, self.version)
        installed(CompressedTensors.name, CompressedTensors.version)
        from llmcompressor.observers import mse  # noqa: PLC0415

        return mse

    def run(self, preset: str, x: np.ndarray, amax: np.ndarray | None = None) -> Output:
        module = self.load()
        import torch  # noqa: PLC0415
        from compressed_tensors.compressors.nvfp4.helpers import quantize_and_pack_fp4  # noqa: PLC0415
        from compressed_tensors.quantization.quant_scheme import PRESET_SCHEMES  # noqa: PLC0415
        from compressed_tensors.quantization.utils.helpers import (  # noqa: PLC0415
            calculate_qparams,
            generate_gparam,
        )

        weights = PRESET_SCHEMES[self.presets[preset]["scheme"]]["weights"].model_copy(deep=True)
        observer, t = module.NVFP4ExpandedMSEObserver("weight", weights), to_torch(x)
        observer(t)
        g = observer.get_global_scale()
        if amax is not None:
            g = generate_gparam(*CompressedTensors._ends(t, x.dtype, amax))
        scales, _ = calculate_qparams(observer.min_vals, observer.max_vals, weights, global_scale=g)
        codes = quantize_and_pack_fp4(t, scales, global_scale=g, group_size=weights.group_size)
        return Output(codes.numpy(), scale_bytes(scales.to(torch.float8_e4m3fn)), None)
