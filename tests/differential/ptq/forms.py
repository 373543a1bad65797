"""Program: the factors of SmoothQuant and AWQ by benchmarks/ptq beside those that llm-compressor moved.

Argument: the folder of `runs`. Prints JSON: method and input -> the largest relative difference, and how far
llm-compressor's factors are apart. Of the first block: what comes behind it saw weights that were quantized.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from benchmarks.ptq import transforms
from benchmarks.ptq.seen import seen
from fos_ref.models.llama import Llama
from fos_ref.models.shape import Shape

SHAPE = Shape(2, 64, 128, 4, 2, 128, 10000.0, 1e-6)
NAMES = {
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}
NORMS = {"attn": "input_layernorm", "ffn": "post_attention_layernorm"}


def turned(w: Any, heads: int) -> Any:
    """Return the rows of q or k for a rope over adjacent pairs."""
    half = len(w) // heads // 2
    return w.reshape(heads, 2, half, -1).transpose(1, 2).reshape(w.shape)


def model_of(held: dict[str, Any]) -> Any:
    """Return our own forward with the weights of transformers' model."""
    model = Llama(SHAPE).eval().requires_grad_(requires_grad=False)
    model.token_embd.weight.copy_(held["model.embed_tokens.weight"])
    for i, block in enumerate(model.blk):
        of = {n: held[f"model.layers.{i}.{theirs}.weight"] for n, theirs in NAMES.items()}
        for name, heads in (("q", SHAPE.heads), ("k", SHAPE.kv_heads)):
            of[f"attn_{name}"] = turned(held[f"model.layers.{i}.self_attn.{name}_proj.weight"], heads)
        for name, w in of.items():
            getattr(block, name).weight.copy_(w)
    return model


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    held = load_file(folder / "llama" / "model.safetensors")
    ids = [int(word[1:]) for word in (folder / "text.txt").read_text("utf-8").split()][: 8 * 32]
    model, found = model_of(held), {}
    stats = seen(model, list(torch.tensor(ids).reshape(8, 32).split(1)))
    for method in ("smoothquant", "awq"):
        made = load_file(folder / method / "model.safetensors")
        for name, norm in NORMS.items():
            key = f"model.layers.0.{norm}.weight"
            theirs = held[key] / made[key]
            ours = getattr(transforms, method)(model.blk[0], name, stats[0][name])
            apart = float((ours / theirs - 1).abs().max())
            found[f"{method} {name}"] = [apart, float(theirs.max() / theirs.min())]
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
