"""Program: what transformers saves of tiny models that torchao quantized. Argument: the folder to write into.

transformers flattens torchao's tensors by torchao's own safetensors support, scales swizzled.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.differential.checkpoints.models import load, quiet, save


def main(out: Path) -> None:
    quiet()
    import torch  # noqa: PLC0415
    from torchao.prototype.mx_formats import (  # noqa: PLC0415
        MXDynamicActivationMXWeightConfig,
        NVFP4WeightOnlyConfig,
    )
    from transformers import TorchAoConfig  # noqa: PLC0415

    fp4 = torch.float4_e2m1fn_x2
    cases = {
        "llama": NVFP4WeightOnlyConfig(),
        "llama-no-tensor-scale": NVFP4WeightOnlyConfig(use_dynamic_per_tensor_scale=False),
        "llama-mxfp4": MXDynamicActivationMXWeightConfig(activation_dtype=fp4, weight_dtype=fp4),
    }
    original = save("llama", out / "original")
    for name, config in cases.items():
        load(original, quantization_config=TorchAoConfig(config)).save_pretrained(out / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
