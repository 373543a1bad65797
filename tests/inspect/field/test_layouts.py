"""Field 2.1 rows 5, 6, 17, 19; 2.2; C9: how bytes lie, which weight lies otherwise, and padding."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.inspect.field.files import shards, write
from tests.inspect.field.judge import equal, inspected, judge, told
from tests.inspect.field.mistakes import high_first, short_tiles, swizzled
from tests.inspect.field.parts import (
    count_of_blocks,
    E4M3,
    held,
    in_halves,
    layers,
    modelopt,
    weights,
)

SHAPE = (128, 128)  # whole tiles of 128x4 scales: only the original tells the layout


def relaid(tensors, i, how):
    """Lay codes or block scales of a weight otherwise."""
    codes, scales = f"l.{i}.weight", f"l.{i}.weight_scale"
    if how in {high_first, in_halves}:
        tensors[codes] = how(tensors[codes])
    else:
        tensors[scales] = how(tensors[scales].view(np.uint8)).view(E4M3)


#: what is laid otherwise -> what the reading of the weight says
OTHERWISE = {high_first: "high nibble first", in_halves: "halves", swizzled: "swizzled", short_tiles: "8x4"}


@pytest.mark.parametrize("how", OTHERWISE, ids=lambda f: f.__name__)
@pytest.mark.parametrize("i", [pytest.param(0, marks=pytest.mark.exhaustive), 2])
def test_one_weight_lies_otherwise(how, i, tmp_path):
    """A loader reads all weights alike, so it is garbage to one: it is named, and its bytes are right."""
    source = layers(4, shape=SHAPE)
    tensors = held(source)
    relaid(tensors, i, how)
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", tensors)
    name = f"l.{i}.weight"
    found = judge(q, o, {name: "blocks-differ"}, says={"blocks-differ": OTHERWISE[how]})
    assert "4over6" in found["same_bytes"]
    assert OTHERWISE[how] in found["weights"][name]["reading"]
    others = [w for n, w in found["weights"].items() if n != name]
    assert all(OTHERWISE[how] not in w["reading"] for w in others)
    assert all(w["equal"] == w["blocks"] for w in others)
    assert found["weights"][name]["relative_error"] < 0.3
    assert name in told(q, "--against", o)


@pytest.mark.long
@pytest.mark.parametrize("how", OTHERWISE, ids=lambda f: f.__name__)
def test_the_whole_file_lies_so(how, tmp_path):
    """A convention of its own: nothing differs, and the reading says it."""
    source = layers(3, shape=SHAPE)
    tensors = held(source, modelopt, "modelopt-nvfp4")
    for i in range(3):
        relaid(tensors, i, how)
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", tensors)
    found = judge(q, o, {})
    assert found["findings"]["dialect"]["value"] == "modelopt-nvfp4"
    assert equal(found) == (count_of_blocks(source),) * 2
    assert all(OTHERWISE[how] in w["reading"] for w in found["weights"].values())
    row = "nibble_order" if how in {high_first, in_halves} else "scale_layout"
    assert OTHERWISE[how] in found["findings"][row]["value"]


@pytest.mark.long
def test_one_weight_s_tensor_scale_divides(tmp_path):
    source = layers(4)
    tensors = held(source)
    tensors["l.1.weight_scale_2"] = np.float32(1) / tensors["l.1.weight_scale_2"]
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", tensors)
    found = judge(q, o, {"l.1.weight": "tensor-scale"}, says={"tensor-scale": "reciprocal"})
    assert "divisor" in found["weights"]["l.1.weight"]["reading"]
    assert equal(found) == (count_of_blocks(source),) * 2


@pytest.mark.long
def test_the_scales_of_one_shard_are_swizzled(tmp_path):
    source = layers(6, shape=SHAPE)
    tensors = held(source)
    for i in (2, 3):
        relaid(tensors, i, swizzled)
    parts = [{k: v for k, v in tensors.items() if int(k[2]) // 2 == n} for n in range(3)]
    o, q = write(tmp_path / "o", source), shards(tmp_path / "q", parts)
    found = judge(q, o, {"l.2.weight": "blocks-differ", "l.3.weight": "blocks-differ"})
    assert "4over6" in found["same_bytes"]
    text = told(q, "--against", o)
    assert "l.2.weight" in text
    assert "l.3.weight" in text


@pytest.mark.long
def test_flux2_of_comfy(tmp_path):
    """2.1 row 5: high nibble first, swizzled, and metadata of ComfyUI: sound, and all three are said."""
    source = weights("double_blocks.0.img_mlp.0.weight", "double_blocks.1.img_mlp.0.weight", shape=SHAPE)
    tensors = held(source, modelopt, "modelopt-nvfp4")
    for k in list(source):
        tensors[k] = high_first(tensors[k])
        tensors[f"{k}_scale"] = swizzled(tensors[f"{k}_scale"].view(np.uint8)).view(E4M3)
        note = json.dumps({"format": "nvfp4"}).encode()
        tensors[k.removesuffix("weight") + "comfy_quant"] = np.frombuffer(note, np.uint8)
    about = {"_quantization_metadata": json.dumps({"format_version": "1.0", "layers": {}})}
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", tensors, **about)
    found = judge(q, o, {})
    assert found["findings"]["nibble_order"]["value"] == "high nibble first"
    assert found["findings"]["scale_layout"]["value"] == "swizzled"
    assert found["findings"]["dialect"]["value"] == "modelopt-nvfp4"
    assert equal(found) == (count_of_blocks(source),) * 2
    text = told(q, "--against", o)
    assert "_quantization_metadata" in text or "comfy_quant" in text


@pytest.mark.long
def test_scales_of_five_dimensions(tmp_path):
    """2.2: the tiles of the 128x4 layout as axes of their own."""
    source = layers(2, shape=SHAPE)
    tensors = held(source)
    for i in range(2):
        relaid(tensors, i, swizzled)
        tensors[f"l.{i}.weight_scale"] = tensors[f"l.{i}.weight_scale"].reshape(1, 2, 32, 4, 4)
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", tensors)
    found = judge(q, o, {})
    assert found["findings"]["scale_layout"]["value"] == "swizzled"
    assert equal(found) == (count_of_blocks(source),) * 2


def test_a_weight_scale_of_half_the_width(tmp_path):
    """2.1 row 6, Model-Optimizer#2038: the reason, with both shapes."""
    tensors = held(layers(2))
    tensors["l.1.weight_scale"] = np.ascontiguousarray(tensors["l.1.weight_scale"][:, ::2])
    found = judge(write(tmp_path / "q", tensors), None, {"l.1.weight": "missing-part?"})
    assert "[32, 4]" in found["unread"]["l.1.weight"]
    assert "(32, 128)" in found["unread"]["l.1.weight"]
    assert "l.0.weight" in found["weights"]


@pytest.mark.long
@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_a_tensor_scale_of_one_value_in_any_shape(shape, tmp_path):
    source = layers(2)
    tensors = held(source)
    for i in range(2):
        tensors[f"l.{i}.weight_scale_2"] = np.full(shape, tensors[f"l.{i}.weight_scale_2"])
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", tensors)
    assert equal(judge(q, o, {})) == (count_of_blocks(source),) * 2


def test_a_tensor_scale_for_each_shard_is_refused_with_the_reason(tmp_path):
    tensors = held(layers(2))
    tensors["l.1.weight_scale_2"] = np.full(3, 1e-4, np.float32)
    _, found = inspected(write(tmp_path / "q", tensors))
    assert "[3]" in found["unread"]["l.1.weight"]
    assert "l.0.weight" in found["weights"]
