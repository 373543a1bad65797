"""Program: what ModelOpt's `export_hf_checkpoint` writes of tiny models. Argument: the folder to write into.

On a CPU its calibration runs the unquantized model; AWQ, SVDQuant and the searches over scales need CUDA.
"""

from __future__ import annotations

import copy
import sys
from pathlib import Path

from tests.differential.checkpoints.models import load, quiet, save, words

#: Name of the folder -> kind of model, the configuration's name in modelopt.torch.quantization.
CASES = {
    "llama": ("llama", "NVFP4_DEFAULT_CFG"),
    "llama-w4a16": ("llama", "W4A16_NVFP4_CFG"),
    "llama-mlp-only": ("llama", "NVFP4_MLP_ONLY_CFG"),
    "llama-fp8-cache": ("llama", "NVFP4_FP8_MHA_CONFIG"),
    "llama-mxfp4": ("llama", "MXFP4_DEFAULT_CFG"),
    "llama-w4a8": ("llama", "W4A8_NVFP4_FP8_CFG"),
    "qwen3_moe": ("qwen3_moe", "NVFP4_DEFAULT_CFG"),
    "mixtral": ("mixtral", "NVFP4_DEFAULT_CFG"),
    "gpt_oss": ("gpt_oss", "NVFP4_DEFAULT_CFG"),
    "gpt_oss-mxfp4": ("gpt_oss", "MXFP4_DEFAULT_CFG"),
    "llama4": ("llama4", "NVFP4_DEFAULT_CFG"),
}


def main(out: Path) -> None:
    quiet()
    import modelopt.torch.quantization as mtq  # noqa: PLC0415 -- after quiet(): it warns
    import torch  # noqa: PLC0415
    from modelopt.torch.export import export_hf_checkpoint  # noqa: PLC0415

    for name, (kind, config) in CASES.items():
        model = load(save(kind, out / "original")).eval()
        with torch.no_grad():
            model = mtq.quantize(model, copy.deepcopy(getattr(mtq, config)), lambda m: m(words()))
            export_hf_checkpoint(model, export_dir=out / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
