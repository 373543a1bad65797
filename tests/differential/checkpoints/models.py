"""Tiny random models of transformers, saved as people save them; imported by programs only, never by a test.

All have 2 layers and a hidden size of 64. Their rows differ in size, as those of trained weights do.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
import transformers

SIZES = {
    "vocab_size": 128,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 64,
}
EXPERTS = {"num_experts_per_tok": 2, "num_local_experts": 4}
#: Kind -> configuration class, model class, what is not in SIZES.
KINDS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "llama": ("LlamaConfig", "LlamaForCausalLM", {"intermediate_size": 128, "tie_word_embeddings": False}),
    "qwen3_moe": (
        "Qwen3MoeConfig",
        "Qwen3MoeForCausalLM",
        {"intermediate_size": 96, "moe_intermediate_size": 32, "num_experts": 4, "num_experts_per_tok": 2},
    ),
    "mixtral": ("MixtralConfig", "MixtralForCausalLM", {"intermediate_size": 96, **EXPERTS}),
    "gpt_oss": (
        "GptOssConfig",
        "GptOssForCausalLM",
        {"intermediate_size": 96, "layer_types": ["sliding_attention", "full_attention"], **EXPERTS},
    ),
    "llama4": (
        "Llama4TextConfig",
        "Llama4ForCausalLM",
        {
            "intermediate_size": 96,
            "intermediate_size_mlp": 128,
            "interleave_moe_layer_step": 1,
            **EXPERTS,
            "num_experts_per_tok": 1,
        },
    ),
}


def quiet() -> None:
    """Let libraries be silent, and torch take one thread."""
    warnings.simplefilter("ignore")
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)


def save(kind: str, folder: Path, dtype: torch.dtype = torch.bfloat16, **options: Any) -> Path:
    """Save a random model with `save_pretrained` unless it is there; return its folder."""
    target = folder / kind
    if target.exists():
        return target
    config, model, sizes = KINDS[kind]
    torch.manual_seed(sum(map(ord, kind)))
    made = getattr(transformers, model)(getattr(transformers, config)(**SIZES | sizes))
    with torch.no_grad():
        for p in made.parameters():
            if p.dim() > 1:
                p.mul_(torch.exp(0.4 * torch.randn(p.shape[-2], 1)))
    made.to(dtype).save_pretrained(target, **options)
    return target


def load(folder: Path, **options: Any) -> Any:
    """Return what `from_pretrained` gives, on the CPU in bfloat16 unless told otherwise."""
    options = {"dtype": torch.bfloat16, "device_map": "cpu"} | options
    return transformers.AutoModelForCausalLM.from_pretrained(folder, **options)


def words() -> torch.Tensor:
    """Return the token numbers that every model is asked about."""
    return torch.arange(16).reshape(1, -1)
