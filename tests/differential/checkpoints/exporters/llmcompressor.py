"""Program: what llm-compressor's `oneshot` saves of tiny models, packed by compressed-tensors.

Argument: the folder to write into.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from tests.differential.checkpoints.models import KINDS, load, quiet, save, SIZES

#: Name of the folder -> kind of model, scheme.
CASES = {
    "llama": ("llama", "NVFP4"),
    "llama-w4a16": ("llama", "NVFP4A16"),
    "llama-mxfp4": ("llama", "MXFP4A16"),
    "qwen3_moe": ("qwen3_moe", "NVFP4A16"),
    "mixtral": ("mixtral", "NVFP4"),
    "gpt_oss": ("gpt_oss", "NVFP4A16"),
    "llama-in-shards": ("llama", "NVFP4A16"),
    "llama-mixed": ("llama", "NVFP4 beside FP8"),
}
#: Scheme -> what it is for which modules.
MIXED = {"NVFP4 beside FP8": {"NVFP4": ["re:.*mlp.*"], "FP8_DYNAMIC": ["re:.*self_attn.*_proj"]}}
IGNORED = ["lm_head", "re:.*mlp.gate$", "re:.*router$"]


def calibration() -> dict[str, Any]:
    """Return the arguments that a scheme with activations needs: a few rows of token numbers."""
    from datasets import Dataset  # noqa: PLC0415
    from tokenizers import models, Tokenizer  # noqa: PLC0415
    from transformers import PreTrainedTokenizerFast  # noqa: PLC0415

    numbers = {f"t{i}": i for i in range(SIZES["vocab_size"])}
    names = {"unk_token": "t0", "pad_token": "t1"}
    plain = Tokenizer(models.WordLevel(numbers, unk_token=names["unk_token"]))
    rows = [[(7 * i + j) % SIZES["vocab_size"] for j in range(16)] for i in range(8)]
    return {
        "processor": PreTrainedTokenizerFast(tokenizer_object=plain, **names),
        "dataset": Dataset.from_dict({"input_ids": rows, "attention_mask": [[1] * 16] * 8}),
        "num_calibration_samples": 8,
        "max_seq_length": 16,
        "pipeline": "basic",
    }


def quantization(scheme: str) -> dict[str, Any]:
    """Return what the modifier is told of a scheme: a preset for all modules, or several groups."""
    from compressed_tensors.quantization import preset_name_to_scheme  # noqa: PLC0415

    groups = {name: preset_name_to_scheme(name, targets) for name, targets in MIXED.get(scheme, {}).items()}
    return {"config_groups": groups} if groups else {"targets": "Linear", "scheme": scheme}


def main(out: Path) -> None:
    quiet()
    from llmcompressor import oneshot  # noqa: PLC0415
    from llmcompressor.modifiers.quantization import QuantizationModifier  # noqa: PLC0415

    for name, (kind, scheme) in CASES.items():
        assert kind in KINDS
        model = load(save(kind, out / "original"), device_map=None)
        modifier = QuantizationModifier(ignore=IGNORED, **quantization(scheme))
        options = {"pipeline": "independent"} if scheme.endswith("A16") else calibration()
        oneshot(model=model, recipe=modifier, log_dir=None, **options)
        size = "30KB" if name.endswith("shards") else "1GB"
        model.save_pretrained(out / name, save_compressed=True, max_shard_size=size)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
