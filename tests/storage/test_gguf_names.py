"""Names of GGUF weights and of what they were converted from, as llama.cpp's converter gives them."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from fos_ref.errors import ToolchainError
from fos_ref.storage.gguf_names import original_names, row_order
from tests.every import every

LLAMA = {
    "general.architecture": "llama",
    "llama.attention.head_count": "4",
    "llama.attention.head_count_kv": "2",
}
#: Architecture, (name in GGUF, name in the original): both are from files that people have.
PAIRS = {
    "llama": (
        ("token_embd.weight", "model.embed_tokens.weight"),
        ("output.weight", "lm_head.weight"),
        ("output_norm.weight", "model.norm.weight"),
        ("blk.11.attn_q.weight", "model.layers.11.self_attn.q_proj.weight"),
        ("blk.11.ffn_gate.weight", "model.layers.11.mlp.gate_proj.weight"),
        ("blk.0.ffn_gate_exps.weight[7]", "model.layers.0.block_sparse_moe.experts.7.w1.weight"),
        ("blk.0.ffn_down_exps.weight[0]", "model.layers.0.block_sparse_moe.experts.0.w2.weight"),
    ),
    "qwen3moe": (
        ("blk.2.ffn_up_exps.weight[31]", "model.layers.2.mlp.experts.31.up_proj.weight"),
        ("blk.2.ffn_down_exps.weight", "model.layers.2.mlp.experts.down_proj"),
        ("blk.2.ffn_gate_inp.weight", "model.layers.2.mlp.gate.weight"),
    ),
    "qwen35moe": (
        ("blk.0.ffn_up_shexp.weight", "model.language_model.layers.0.mlp.shared_expert.up_proj.weight"),
        ("blk.0.ffn_gate_exps.weight[5]", "model.language_model.layers.0.mlp.experts.5.gate_proj.weight"),
    ),
    "gpt-oss": (("blk.1.attn_output.weight", "model.layers.1.self_attn.o_proj.weight"),),
}


@every(list(PAIRS))
def test_each_weight_is_found_under_its_old_name(architecture):
    held = [g.partition("[")[0] for g, _ in PAIRS[architecture]]
    originals = [o for _, o in PAIRS[architecture]]
    got = original_names({"general.architecture": architecture}, held, [*originals, "rotary.inv_freq", ""])
    assert got == dict(PAIRS[architecture])


@pytest.mark.long
def test_what_is_not_in_the_file_or_not_known_is_not_there():
    assert original_names(LLAMA, ["blk.0.attn_q.weight"], ["model.layers.1.self_attn.q_proj.weight"]) == {}
    assert original_names(LLAMA, ["blk.0.attn_q.weight"], ["a", "\x1b.experts.3."]) == {}
    for other in ({}, {"general.architecture": "nobody's"}):
        assert original_names(other, ["output.weight"], ["lm_head.weight"]) == {}
    many = original_names(
        LLAMA, ["blk.999999.attn_q.weight"], ["model.layers.999999.self_attn.q_proj.weight"]
    )
    assert many == {}


def test_without_the_package_one_line_names_the_way_out(monkeypatch):
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(ToolchainError, match="pip install"):
        original_names(LLAMA, ["output.weight"], ["lm_head.weight"])


def test_rows_of_queries_and_keys_are_reordered_in_pairs():
    """Of each head of 4 rows, the file has the original's rows 0, 2, 1, 3."""
    assert row_order(LLAMA, "blk.0.attn_q.weight", 16).tolist() == [
        4 * h + r for h in range(4) for r in (0, 2, 1, 3)
    ]
    assert row_order(LLAMA, "blk.0.attn_k.weight", 8).tolist() == [0, 2, 1, 3, 4, 6, 5, 7]
    one = {k: v for k, v in LLAMA.items() if not k.endswith("_kv")}
    assert np.array_equal(
        row_order(one, "blk.0.attn_k.weight", 16), row_order(LLAMA, "blk.0.attn_q.weight", 16)
    )
    x = np.random.default_rng(1).standard_normal((24, 3))
    turned = x.reshape(4, 2, 3, 3).swapaxes(1, 2).reshape(x.shape)  # what the converter does
    assert np.array_equal(turned, x[row_order(LLAMA, "blk.7.attn_q.weight", 24)])


@every(["blk.0.attn_v.weight", "blk.0.ffn_up.weight", "blk.0.attn_q.bias", "attn_norm.weight", ""])
def test_other_weights_keep_their_rows(name):
    assert row_order(LLAMA, name, 16) is None


def test_heads_that_do_not_fit_give_no_order():
    assert row_order(LLAMA, "blk.0.attn_q.weight", 12) is None
    assert row_order({"general.architecture": "llama"}, "blk.0.attn_q.weight", 16) is None
    for heads in ("0", "-4", "4.0", "", "9" * 30, "\u0664"):
        hostile = {**LLAMA, "llama.attention.head_count": heads}
        assert row_order(hostile, "blk.0.attn_q.weight", 16) is None
