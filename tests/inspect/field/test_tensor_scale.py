"""Field 2.1 rows 8, 10; 2.2; C5: a stored tensor scale that is not this weight's, and what it is instead."""

from __future__ import annotations

import numpy as np
import pytest

from tests.inspect.field.files import write, write_gguf
from tests.inspect.field.judge import judge, told
from tests.inspect.field.parts import compressed, ggml, held, layers, modelopt, torchao, weights

f32 = np.float32
END = {modelopt: "weight_scale_2", compressed: "weight_global_scale", torchao: "_weight_per_tensor_scale"}
#: What is right beside the word that it is the tensor scale: blocks under a foreign scale may count as other.
ONLY = "tensor-scale blocks-differ?"
FAR = "tensor-scale blocks-differ? no-reading?"
#: recipe, what the stored multiplier is, how much else follows
WRONG = {
    "448 header on 256 data": ("4over6", "256/448", ONLY),
    "256 header on 448 data": ("nvfp4", "448/256", FAR),
    "reciprocal": ("nvfp4", "reciprocal", ONLY),
    "one": ("4over6", "1", FAR),
    "the amax itself": ("nvfp4", "amax", FAR),
    "negative": ("nvfp4", "negative", FAR),
}


def spoilt(case, s, amax=None):
    """Return what stands in the place of the multiplier s of a weight."""
    made = {
        "448 header on 256 data": s * f32(256 / 448),
        "256 header on 448 data": s * f32(448 / 256),
        "reciprocal": f32(1) / s,
        "one": f32(1),
        "the amax itself": amax,
        "negative": -s,
    }
    return f32(made[case])


def stored(style, s):
    """Return what a convention stores for the multiplier s, in the shape that it has."""
    return np.full(1, f32(1) / s, f32) if style is compressed else f32(s)


@pytest.mark.long
@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize("which", [[2], [0, 1, 2, 3]], ids=["one", "all"])
def test_what_a_wrong_tensor_scale_is(case, which, tmp_path):
    recipe, word, kinds = WRONG[case]
    source = layers(4)
    tensors = held(source, modelopt, recipe)
    for i in which:
        amax = f32(source[f"l.{i}.weight"].astype(f32).max())
        tensors[f"l.{i}.weight_scale_2"] = spoilt(case, tensors[f"l.{i}.weight_scale_2"], amax)
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", tensors)
    found = judge(q, o, {f"l.{i}.weight": kinds for i in which}, says={"tensor-scale": word})
    innocent = [found["weights"][f"l.{i}.weight"] for i in range(4) if i not in which]
    assert all(w["equal"] == w["blocks"] > 0 for w in innocent)
    if innocent:
        assert recipe in found["same_bytes"]
    alone = {f"l.{i}.weight": "tensor-scale?" for i in which} if case in {"negative", "reciprocal"} else {}
    judge(q, None, alone)


@pytest.mark.long
@pytest.mark.parametrize(
    ("style", "recipe", "case"),
    [
        (compressed, "4over6", "448 header on 256 data"),
        (compressed, "compressed-tensors-nvfp4", "reciprocal"),
        (compressed, "compressed-tensors-nvfp4", "one"),
        (torchao, "torchao-nvfp4", "256 header on 448 data"),
        (torchao, "torchao-nvfp4", "reciprocal"),
    ],
)
def test_the_same_in_other_conventions(style, recipe, case, tmp_path):
    _, word, kinds = WRONG[case]
    source = layers(4)
    tensors = held(source, style, recipe)
    for i in (1, 3):
        name = f"l.{i}.{END[style]}"
        s = f32(tensors[name].ravel()[0])
        s = f32(1) / s if style is compressed else s
        tensors[name] = stored(style, spoilt(case, s))
    word = {"256/448": "256/448|448/256", "448/256": "256/448|448/256"}.get(word, word)
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", tensors)
    judge(q, o, {"l.1.weight": kinds, "l.3.weight": kinds}, says={"tensor-scale": word})


@pytest.mark.long
def test_a_file_reciprocated_twice(tmp_path):
    """2.1 row 8, intel/auto-round#2362: the names say divisor, and every weight holds a multiplier."""
    source = layers(3)
    tensors = held(source, compressed)
    for i in range(3):
        tensors[f"l.{i}.weight_global_scale"] = f32(1) / tensors[f"l.{i}.weight_global_scale"]
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", tensors)
    every = [f"l.{i}.weight" for i in range(3)]
    found = judge(q, o, dict.fromkeys(every, "tensor-scale"), says={"tensor-scale": "reciprocal"})
    assert found["findings"]["tensor_scale"]["value"] == "multiplier"
    assert "4over6" in found["same_bytes"]
    assert all(w["equal"] == w["blocks"] for w in found["weights"].values())
    found = judge(q, None, dict.fromkeys(every, "tensor-scale?"))
    assert found["findings"]["tensor_scale"]["value"] == "multiplier"


@pytest.mark.long
def test_the_tensor_scale_of_another_layer(tmp_path):
    source = layers(6)
    tensors = held(source)
    tensors["l.4.weight_scale_2"] = tensors["l.1.weight_scale_2"]
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", tensors)
    found = judge(q, o, {"l.4.weight": ONLY}, says={"tensor-scale": "l.1.weight"})
    assert "4over6" in found["same_bytes"]
    assert "l.4.weight" in told(q, "--against", o)
    judge(q, None, {})


@pytest.mark.long
def test_two_layers_and_two_experts_with_exchanged_scales(tmp_path):
    source = layers(3)
    tensors = held(source, compressed)
    one, two = "l.0.weight_global_scale", "l.2.weight_global_scale"
    tensors[one], tensors[two] = tensors[two], tensors[one]
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", tensors)
    wanted = {"l.0.weight": ONLY, "l.2.weight": ONLY}
    judge(q, o, wanted, says={"tensor-scale": ("l.0.weight", "l.2.weight")})
    source = weights("m.experts.down_proj", shape=(4, 32, 64))
    tensors = held(source)
    times = tensors["m.experts.down_proj_weight_scale_2"]
    tensors["m.experts.down_proj_weight_scale_2"] = times[[0, 3, 2, 1]]
    o, q = write(tmp_path / "o3", source), write(tmp_path / "q3", tensors)
    wanted = {"m.experts.down_proj[1]": ONLY, "m.experts.down_proj[3]": ONLY}
    says = {"tensor-scale": ("m.experts.down_proj[1]", "m.experts.down_proj[3]")}
    judge(q, o, wanted, says=says)


@pytest.mark.sample(1)
@pytest.mark.parametrize("stacked", [False, True])
def test_experts_merged_under_the_largest_tensor_scale(stacked, tmp_path):
    """2.1 row 10, Model-Optimizer#2276; 2.2 last but one: own block scales under the experts' largest."""
    names = [f"m.experts.{e}.down_proj.weight" for e in range(3)]
    source = weights(*names)
    if stacked:
        source = {"m.experts.down_proj": np.stack(list(source.values()))}
        names = [f"m.experts.down_proj[{e}]" for e in range(3)]
    tensors = held(source, modelopt, "modelopt-nvfp4")
    scales = [k for k in tensors if k.endswith("scale_2")]
    largest = max(tensors[k].max() for k in scales)
    tensors |= {k: np.full_like(tensors[k], largest) for k in scales}
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", tensors)
    says = {"tensor-scale": f"largest|{names[0]}"}
    judge(q, o, {names[1]: FAR, names[2]: FAR}, says=says)


@pytest.mark.long
def test_the_largest_of_several_layers_far_off(tmp_path):
    """The codes are each layer's own; the header is up to ten times too large: no reading fits some."""
    source = layers(4)
    for i in (1, 2, 3):
        source[f"l.{i}.weight"] *= source[f"l.{i}.weight"].dtype.type(0.5 ** (2 * i))
    tensors = held(source)
    for i in (1, 2, 3):
        tensors[f"l.{i}.weight_scale_2"] = tensors["l.0.weight_scale_2"]
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", tensors)
    wanted = {f"l.{i}.weight": FAR for i in (1, 2, 3)}
    judge(q, o, wanted, says={"tensor-scale": "largest|l.0.weight"})


def test_a_gguf_scale_that_is_the_next_layer_s(tmp_path):
    source = weights(*(f"blk.{i}.ffn_down.weight" for i in range(3)))
    tensors = held(source, ggml)
    tensors["blk.1.ffn_down.scale"] = tensors["blk.2.ffn_down.scale"]
    o, q = write(tmp_path / "o", source), write_gguf(tmp_path / "q.gguf", tensors)
    says = {"tensor-scale": "blk.2.ffn_down.weight"}
    judge(q, o, {"blk.1.ffn_down.weight": ONLY}, says=says)


def test_a_tensor_scale_calibrated_larger_is_used_rightly(tmp_path):
    """Codes and block scales were made with the stored number, which is no amax here: the bytes are right."""
    source = layers(3)
    tensors = held(source, modelopt, "nvfp4")
    tensors |= modelopt("l.1.weight", source["l.1.weight"], "nvfp4", f32(0.75))
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", tensors)
    found = judge(q, o, {})
    assert all(w["equal"] == w["blocks"] for w in found["weights"].values())
    assert "nvfp4" in found["same_bytes"]
