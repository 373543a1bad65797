"""Field 2.1 rows 1 and 1b, C3: what runtimes join carries one tensor scale, or it is said."""

from __future__ import annotations

import numpy as np
import pytest

from fos_ref.storage.safetensors_read import SafetensorsFile
from tests.inspect.field.files import shards, write, write_gguf
from tests.inspect.field.judge import fos, judge, told
from tests.inspect.field.parts import alike, compressed, ggml, held, mlx, modelopt, torchao, weights

EXPERT = "model.layers.{}.mlp.experts.{}"
QKV = [f"model.layers.0.self_attn.{k}_proj.weight" for k in "qkv"]
GATE_UP = ["model.layers.0.mlp.gate_proj.weight", "model.layers.0.mlp.up_proj.weight"]


@pytest.mark.long
@pytest.mark.parametrize("style", [modelopt, compressed])
@pytest.mark.parametrize(
    "names",
    [
        QKV,
        GATE_UP,
        ["e.0.w1.weight", "e.0.w3.weight"],
        ["t.attn.to_q.weight", "t.attn.to_k.weight", "t.attn.to_v.weight"],
    ],
    ids=["qkv", "gate-up", "w1-w3", "to_qkv"],
)
def test_siblings_with_different_tensor_scales(style, names, tmp_path):
    source = weights(*names, "model.layers.0.self_attn.o_proj.weight")
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", held(source, style))
    wanted = dict.fromkeys(names, "fused-siblings")
    amaxes = [float(x.astype(np.float32).max()) for x in source.values()][: len(names)]
    ratio = "|".join(f"{max(amaxes) / min(amaxes):.{n}f}" for n in (1, 2, 3))
    judge(q, None, wanted, says={"fused-siblings": ratio})
    judge(q, o, wanted, says={"fused-siblings": ratio})
    assert names[0].split(".")[-2] in told(q)


def test_some_pairs_of_many_and_the_ratio_of_the_worst(tmp_path):
    """The experts whose pairs agree are innocent; one pair spans two shards."""
    pairs = [[EXPERT.format(0, e) + f".{k}_proj.weight" for k in ("gate", "up")] for e in range(4)]
    source = alike(*(n for pair in pairs for n in pair))
    source[pairs[1][1]] *= source[pairs[1][1]].dtype.type(0.5)
    source[pairs[3][0]] *= source[pairs[3][0]].dtype.type(0.25)
    tensors = held(source, compressed)
    first = {k: v for k, v in tensors.items() if "gate" in k}
    q = shards(tmp_path / "q", [first, {k: v for k, v in tensors.items() if k not in first}])
    wanted = dict.fromkeys(pairs[1] + pairs[3], "fused-siblings")
    judge(q, None, wanted, says={"fused-siblings": "4"})


@pytest.mark.long
def test_the_halves_of_a_joined_stack(tmp_path):
    """vLLM's w13 with [E, 2] tensor scales: gate and up of expert 1 differ."""
    gate, up = (weights("w", shape=(3, 32, 64), seed=s)["w"] for s in (1, 2))
    up[1] *= up.dtype.type(0.5)
    parts = [modelopt("w", x, "nvfp4") for x in (gate, up)]
    tensors = {
        "m.w13_weight": np.concatenate([p["w"] for p in parts], axis=1),
        "m.w13_weight_scale": np.concatenate([p["w_weight_scale"] for p in parts], axis=1),
        "m.w13_weight_scale_2": np.stack([p["w_weight_scale_2"] for p in parts], axis=1),
    }
    source = {"m.w13_weight": np.concatenate([gate, up], axis=1)}
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", tensors)
    wanted = dict.fromkeys(["m.w13_weight[1][0]", "m.w13_weight[1][1]"], "fused-siblings")
    found = judge(q, o, wanted, says={"fused-siblings": "2"})
    assert all(w["equal"] == w["blocks"] > 0 for w in found["weights"].values())
    judge(q, None, wanted)


def test_stacks_side_by_side(tmp_path):
    source = weights("m.experts.gate_proj.weight", "m.experts.up_proj.weight", shape=(3, 32, 64))
    source["m.experts.up_proj.weight"][:, 0, 0] = source["m.experts.gate_proj.weight"][:, 0, 0]
    source["m.experts.up_proj.weight"][2] *= source["m.experts.up_proj.weight"].dtype.type(0.5)
    wanted = {f"m.experts.{k}_proj.weight[2]": "fused-siblings" for k in ("gate", "up")}
    judge(write(tmp_path / "q", held(source)), None, wanted)


@pytest.mark.parametrize("style", [torchao, ggml], ids=["torchao", "gguf"])
def test_runtimes_that_join_none(style, tmp_path):
    """torchao and llama.cpp multiply each weight with its own tensor scale."""
    names = ("blk.0.ffn_gate.weight", "blk.0.ffn_up.weight") if style is ggml else GATE_UP
    tensors = held(weights(*names), style)
    q = write_gguf(tmp_path / "q.gguf", tensors) if style is ggml else write(tmp_path / "q", tensors)
    judge(q, None, {})


@pytest.mark.long
@pytest.mark.parametrize("style", [modelopt, compressed])
def test_one_amax_for_all_is_sound_although_it_is_the_largest_only_of_one(style, tmp_path):
    """--against: a shared tensor scale is not the own amax's of all but one, and it is right."""
    source = weights(*QKV, *GATE_UP)
    tensors = {}
    for group in (QKV, GATE_UP):
        amax = max(source[n].astype(np.float32).max() for n in group)
        for n in group:
            tensors |= style(n, source[n], "4over6", amax)
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", tensors)
    judge(q, None, {})
    found = judge(q, o, {})
    assert "4over6" in found["same_bytes"]
    assert all(w["equal"] == w["blocks"] > 0 for w in found["weights"].values())


def test_no_tensor_scale_no_siblings(tmp_path):
    judge(write(tmp_path / "q", held(weights(*QKV), mlx)), None, {})


def test_names_that_only_look_like_siblings(tmp_path):
    names = ["a.gate_proj.weight", "b.up_proj.weight", "c.0.w1.weight", "c.1.w3.weight", "c.0.w2.weight"]
    names += ["d.q_proj.weight", "e.k_proj.weight", "f.o_proj.weight"]
    judge(write(tmp_path / "q", held(weights(*names))), None, {})


@pytest.mark.long
@pytest.mark.parametrize("convention", ["modelopt", "compressed-tensors"])
def test_quantize_shares_one_amax_when_asked(convention, tmp_path):
    source = weights(*QKV, *GATE_UP, "model.layers.0.mlp.down_proj.weight")
    o, apart, shared = write(tmp_path / "o", source), tmp_path / "apart", tmp_path / "shared"
    code, out, _ = fos("quantize", o, apart, "--convention", convention)
    assert code == 0
    assert "--share" in out
    judge(apart, o, dict.fromkeys(QKV + GATE_UP, "fused-siblings"))
    assert fos("quantize", o, shared, "--convention", convention, "--share", "fused")[0] == 0
    judge(shared, None, {})
    found = judge(shared, o, {})
    assert found["manifest"]["holds"] is True
    with SafetensorsFile(shared) as file:
        ends = {k for k in file.tensors if k.endswith(("scale_2", "global_scale"))}
        stored = {k: file.read_bytes(k, 0, 4).tobytes() for k in ends}
    assert len({v for k, v in stored.items() if "self_attn" in k}) == 1
    assert len(set(stored.values())) == 3
