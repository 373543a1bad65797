"""Field 2.1 row 12: experts stacked in one parameter, by every name that they go by."""

from __future__ import annotations

import numpy as np
import pytest

from tests.inspect.field.files import shards, write
from tests.inspect.field.judge import equal, inspected, judge, told
from tests.inspect.field.parts import compressed, count_of_blocks, held, layers, modelopt, torchao, weights

STACK = (4, 32, 64)


@pytest.mark.long
@pytest.mark.parametrize(
    "name",
    [
        "model.layers.0.mlp.experts.gate_up_proj",
        "model.layers.0.mlp.experts.down_proj",
        "model.layers.0.mlp.experts.gate_proj.weight",
        "model.layers.0.mlp.experts.w13_weight",
        "model.layers.0.mlp.experts.w2_weight",
    ],
)
@pytest.mark.parametrize("style", [modelopt, compressed])
def test_each_expert_is_a_weight_with_its_own_tensor_scale(name, style, tmp_path):
    source = weights(name, shape=STACK)
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", held(source, style))
    found = judge(q, o, {})
    assert set(found["weights"]) == {f"{name}[{e}]" for e in range(STACK[0])}
    assert equal(found) == (count_of_blocks(source),) * 2
    assert "4over6" in found["same_bytes"]
    assert set(found["compared"]) == set(found["weights"])
    alone = judge(q, None, {})
    assert set(alone["weights"]) == set(found["weights"])
    assert (alone["findings"]["bound"]["value"], alone["findings"]["rule"]["value"]) == ("256", "4/6")


@pytest.mark.long
def test_torchao_s_own_stack(tmp_path):
    source = weights("m.experts.w1.weight", shape=STACK)
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", held(source, torchao))
    found = judge(q, o, {})
    assert "torchao-nvfp4" in found["same_bytes"]
    assert equal(found) == (count_of_blocks(source),) * 2


@pytest.mark.long
def test_stacks_and_plain_weights_in_shards_under_an_index(tmp_path):
    stack, plain = weights("a.experts.down_proj", shape=STACK), layers(2)
    q = shards(tmp_path / "q", [held(plain), held(stack)])
    o = shards(tmp_path / "o", [stack, plain])
    found = judge(q, o, {})
    assert equal(found) == (count_of_blocks(stack | plain),) * 2
    assert judge(q.parent, o.parent, {})["weights"] == found["weights"]


@pytest.mark.long
def test_the_original_has_an_expert_a_tensor(tmp_path):
    """Stacked by the exporter, apart in the original: compared under --map, or said."""
    names = [f"m.experts.{e}.down_proj.weight" for e in range(3)]
    source = weights(*names, shape=STACK[1:])
    o = write(tmp_path / "o", source)
    stack = {"m.experts.down_proj": np.stack(list(source.values()))}
    q = write(tmp_path / "q", held(stack) | held(source | layers(1)))
    assert held(stack)["m.experts.down_proj_weight_scale_2"].shape == (3,)
    _, found = inspected(q, "--against", o)
    assert set(names) <= set(found["compared"])
    apart = {f"m.experts.down_proj[{e}]" for e in range(3)}
    assert all(n in found["compared"] or n in str(found["not_compared"]) for n in apart)
    assert not apart & {w for p in found["problems"] for w in p["weights"]}


@pytest.mark.long
@pytest.mark.parametrize("model_type", ["gpt_oss", "llama4"])
def test_experts_whose_original_has_the_inputs_first(model_type, tmp_path):
    """transformers stores [E, K, N] there: the quantized weight is each expert's transpose."""
    source = weights("model.layers.0.mlp.experts.down_proj", shape=STACK)
    (name, x), other = next(iter(source.items())), tmp_path / "original"
    other.mkdir()
    o = write(other / "model.safetensors", {name: np.ascontiguousarray(x.swapaxes(1, 2))})
    (other / "config.json").write_text(f'{{"model_type": "{model_type}"}}')
    q = write(tmp_path / "q", held(source))
    found = judge(q, o, {})
    assert equal(found) == (count_of_blocks(source),) * 2
    assert "4over6" in found["same_bytes"]


@pytest.mark.long
def test_one_tensor_scale_for_all_experts(tmp_path):
    """A () or [1] tensor scale over a stack, of the largest amax: read, and right if the bytes are."""
    source = weights("m.experts.down_proj", shape=STACK)
    amax = source["m.experts.down_proj"].astype(np.float32).max()
    tensors = modelopt("m.experts.down_proj", source["m.experts.down_proj"], "4over6", amax)
    o = write(tmp_path / "o", source)
    for shape in ((), (1,)):
        name = "m.experts.down_proj_weight_scale_2"
        one = np.full(shape, tensors[name].ravel()[0])
        q = write(tmp_path / f"q{len(shape)}", tensors | {name: one})
        assert equal(judge(q, o, {})) == (count_of_blocks(source),) * 2


@pytest.mark.sample(1)
@pytest.mark.parametrize("count", [3, 5])
def test_tensor_scales_that_are_not_one_an_expert(count, tmp_path):
    tensors = held(weights("m.experts.down_proj", shape=STACK) | layers(1))
    tensors["m.experts.down_proj_weight_scale_2"] = np.full(count, 1e-4, np.float32)
    _, found = inspected(write(tmp_path / "q", tensors))
    assert f"[{count}]" in found["unread"]["m.experts.down_proj"]
    assert "m.experts.down_proj" in told(tmp_path / "q")


def test_input_scales_of_a_stack(tmp_path):
    tensors = held(weights("m.experts.down_proj", shape=STACK))
    inputs = np.linspace(0.01, 0.02, STACK[0], dtype=np.float32)
    name = "m.experts.down_proj_input_scale"
    judge(write(tmp_path / "q", tensors | {name: inputs}), None, {})
    inputs[2], inputs[3] = 0, np.nan
    wanted = {f"m.experts.down_proj[{e}]": "zero-or-nan-scale" for e in (2, 3)}
    judge(
        write(tmp_path / "bad", tensors | {name: inputs}), None, wanted, says={"zero-or-nan-scale": "input"}
    )
