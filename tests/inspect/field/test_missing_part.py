"""Field 2.1 rows 2, 3, 3b; C7, C8: a part that is absent is said, with its weight."""

from __future__ import annotations

import numpy as np
import pytest

from tests.inspect.field.files import shards, write, write_gguf
from tests.inspect.field.judge import equal, judge, told
from tests.inspect.field.parts import (
    alike,
    compressed,
    compressed_mx,
    count_of_blocks,
    ggml,
    gpt_oss,
    held,
    layers,
    mlx,
    modelopt,
    torchao,
    weights,
)

EXPERTS = [f"m.layers.1.mlp.experts.{e}.down_proj" for e in range(4)]
ACTIVATION = {modelopt: "input_scale", compressed: "input_global_scale"}


def with_inputs(source, style):
    """Return the tensors with an input scale beside each weight."""
    tensors = held(source, style)
    shape = () if style is modelopt else (1,)
    for name in source:
        end = name.removesuffix("weight") + ACTIVATION[style]
        tensors[end] = np.full(shape, 0.01, np.float32)
    return tensors


@pytest.mark.long
@pytest.mark.parametrize("style", [modelopt, compressed])
def test_an_expert_without_its_input_scale_and_one_with_zero(style, tmp_path):
    source = weights(*(f"{x}.weight" for x in EXPERTS))
    tensors, end = with_inputs(source, style), ACTIVATION[style]
    del tensors[f"{EXPERTS[2]}.{end}"]
    tensors[f"{EXPERTS[3]}.{end}"] *= 0
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", tensors)
    wanted = {f"{EXPERTS[2]}.weight": "missing-part", f"{EXPERTS[3]}.weight": "zero-or-nan-scale"}
    says = {"missing-part": end, "zero-or-nan-scale": end}
    judge(q, None, wanted, says=says)
    judge(q, o, wanted, says=says)
    text = told(q)
    assert f"{EXPERTS[2]}.weight" in text
    assert f"{EXPERTS[3]}.weight" in text


@pytest.mark.parametrize(
    ("names", "without"),
    [
        (["a.mlp.gate_proj.weight", "a.mlp.up_proj.weight"], "a.mlp.up_proj.weight"),
        (["a.q_proj.weight", "a.k_proj.weight", "a.v_proj.weight"], "a.q_proj.weight"),
        (["e.0.w1.weight", "e.0.w3.weight", "e.1.w1.weight", "e.1.w3.weight"], "e.1.w1.weight"),
        (["l.0.o_proj.weight", "l.1.o_proj.weight", "l.10.o_proj.weight"], "l.10.o_proj.weight"),
    ],
)
def test_the_one_of_its_kind_without_an_input_scale(names, without, tmp_path):
    tensors = with_inputs(alike(*names), modelopt)
    del tensors[without.removesuffix("weight") + "input_scale"]
    judge(
        write(tmp_path / "q", tensors), None, {without: "missing-part"}, says={"missing-part": "input_scale"}
    )


def test_kinds_differ_in_whether_they_have_an_input_scale(tmp_path):
    """Attention with activation scales, experts without: nothing is missing."""
    tensors = held(weights("l.0.o_proj.weight", "l.1.o_proj.weight"))
    tensors |= with_inputs(weights("l.0.down_proj.weight", "l.1.down_proj.weight", seed=2), modelopt)
    judge(write(tmp_path / "q", tensors), None, {})


@pytest.mark.parametrize(("value", "kind"), [(np.nan, "zero-or-nan-scale"), (np.inf, "not-finite")])
def test_an_input_scale_that_is_no_number(value, kind, tmp_path):
    tensors = with_inputs(layers(3), modelopt)
    tensors["l.1.input_scale"] = np.float32(value)
    judge(write(tmp_path / "q", tensors), None, {"l.1.weight": kind}, says={kind: "input_scale"})


# --- the tensor scale ----------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize(
    "made",
    [
        (modelopt, "modelopt-nvfp4", "weight_scale_2", "2688"),
        (modelopt, "4over6", "weight_scale_2", "1536"),
        (compressed, "compressed-tensors-nvfp4", "weight_global_scale", "2688"),
    ],
)
@pytest.mark.parametrize("which", [[1], [0, 1, 2]])
def test_a_tensor_scale_that_is_absent(made, which, tmp_path):
    style, recipe, end, bound = made
    source = layers(3)
    tensors = held(source, style, recipe)
    for i in which:
        del tensors[f"l.{i}.{end}"]
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", tensors)
    wanted = {f"l.{i}.weight": "missing-part" for i in which}
    found = judge(q, None, wanted, says={"missing-part": end})
    if len(which) == len(source):
        assert f"X.{end}" not in found["findings"]["convention"]["evidence"].partition("missing")[0]
    blocks = count_of_blocks(source) // 3 * len(which)
    whole = f"{blocks:,} of {blocks:,}|{blocks // len(which):,} of {blocks // len(which):,}"
    found = judge(q, o, wanted, says={"missing-part": (end, bound, whole)})
    assert recipe in found["same_bytes"]
    assert equal(found)[0] >= count_of_blocks(source) - blocks


@pytest.mark.long
def test_one_expert_s_part_in_another_shard_is_no_missing_part(tmp_path):
    source = layers(3)
    tensors = held(source)
    first, second = {k: v for k, v in tensors.items() if "_2" not in k}, {}
    second = {k: v for k, v in tensors.items() if "_2" in k}
    q = shards(tmp_path / "whole", [first, second])
    judge(q, None, {})
    del second["l.1.weight_scale_2"]
    q = shards(tmp_path / "less", [first, second])
    judge(q, None, {"l.1.weight": "missing-part"}, says={"missing-part": "weight_scale_2"})
    judge(q.parent, None, {"l.1.weight": "missing-part"})


@pytest.mark.long
def test_conventions_without_a_tensor_scale_miss_none(tmp_path):
    plain = weights("a.weight", "b.weight", shape=(32, 128))
    tensors = held(plain, torchao)
    for k in [k for k in tensors if k.endswith("per_tensor_scale")]:
        del tensors[k]
    judge(write(tmp_path / "torchao", tensors), None, {})
    judge(write(tmp_path / "mlx", held(plain, mlx)), None, {})
    judge(write(tmp_path / "oss", held(plain, gpt_oss)), None, {})
    raw = {k: v for k, v in held(plain, ggml).items() if not k.endswith("scale")}
    judge(write_gguf(tmp_path / "x.gguf", raw), None, {})


def test_a_gguf_tensor_without_the_scale_that_its_kind_has(tmp_path):
    source = weights(*(f"blk.{i}.ffn_down.weight" for i in range(4)))
    tensors = held(source, ggml)
    del tensors["blk.2.ffn_down.scale"]
    q = write_gguf(tmp_path / "q.gguf", tensors)
    judge(q, None, {"blk.2.ffn_down.weight": "missing-part"}, says={"missing-part": "scale"})


# --- codes and block scales --------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize(
    ("style", "gone", "says"),
    [
        (modelopt, "l.1.weight_scale", "weight_scale"),
        (modelopt, "l.1.weight", "codes"),
        (compressed, "l.1.weight_scale", "weight_scale"),
        (compressed, "l.1.weight_packed", "codes|weight_packed"),
        (torchao, "l.1._weight_scale", "weight_scale"),
        (torchao, "l.1._weight_qdata", "codes|qdata"),
        (compressed_mx, "l.1.weight_scale", "weight_scale"),
        (gpt_oss, "l.1.weight_scales", "scales"),
        (gpt_oss, "l.1.weight_blocks", "codes|blocks"),
    ],
)
def test_codes_without_block_scales_and_block_scales_without_codes(style, gone, says, tmp_path):
    source = layers(3)
    tensors = held(source, style)
    del tensors[gone]
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", tensors)
    wanted = {"l.1.weight": "missing-part"}
    found = judge(q, None, wanted, says={"missing-part": says})
    assert {"l.0.weight", "l.2.weight"} <= set(found["weights"])
    judge(q, o, wanted)
    assert "l.1.weight" in told(q)


def test_a_stack_with_a_part_absent(tmp_path):
    source = weights("m.experts.gate_up_proj", "m.experts.down_proj", shape=(3, 32, 64))
    tensors = held(source)
    del tensors["m.experts.down_proj_weight_scale"]
    found = judge(write(tmp_path / "q", tensors), None, {"m.experts.down_proj": "missing-part"})
    assert "m.experts.gate_up_proj[2]" in found["weights"]


@pytest.mark.parametrize("kind", ["k_proj.k_scale", "v_proj.v_scale"])
def test_scales_of_the_cache_are_no_part_of_a_weight(kind, tmp_path):
    tensors = held(alike("a.q_proj.weight", "a.k_proj.weight", "a.v_proj.weight"))
    judge(write(tmp_path / "q", tensors | {f"a.{kind}": np.float32(0.3)}), None, {})


@pytest.mark.long
def test_input_scales_are_those_of_one_convention_and_format(tmp_path):
    """MXFP4 has none, and neither have gpt-oss and MLX: NVFP4 weights beside them may."""
    source = weights("a.weight", "m.weight", "x.weight", "g.down_proj")
    tensors = compressed("a.weight", source["a.weight"]) | {"a.input_global_scale": np.ones(1, np.float32)}
    tensors |= mlx("m.weight", source["m.weight"]) | compressed_mx("x.weight", source["x.weight"])
    tensors |= gpt_oss("g.down_proj", source["g.down_proj"])
    judge(write(tmp_path / "q", tensors), None, {})
    judge(write(tmp_path / "q", tensors), write(tmp_path / "o", source), {})
