"""Field 2.1 row 4, 1.1 rows 13 and 14: NaN, zero and infinite scales are said, each with its weight."""

from __future__ import annotations

import numpy as np
import pytest

from tests.inspect.field.files import shards, write
from tests.inspect.field.judge import judge, told
from tests.inspect.field.parts import (
    compressed,
    compressed_mx,
    E4M3,
    gpt_oss,
    held,
    layers,
    modelopt,
    torchao,
    weights,
)

NAN = np.uint8(0x7F)


def planted(tensors, name, byte, where=np.s_[3:5, 2]):
    """Return the tensors with a byte in some block scales of one of them."""
    scales = tensors[name].view(np.uint8).copy()
    scales[where] = byte
    return tensors | {name: scales.view(tensors[name].dtype)}


@pytest.mark.long
@pytest.mark.parametrize(
    ("style", "end"),
    [(modelopt, "weight_scale"), (compressed, "weight_scale"), (torchao, "_weight_scale")],
)
@pytest.mark.parametrize("byte", [0x7F, 0xFF])
def test_nan_bytes_among_the_block_scales(style, end, byte, tmp_path):
    source = weights(*(f"layers.{i}.self_attn.o_proj.weight" for i in range(10)))
    tensors = held(source, style)
    wanted = {}
    for i in (4, 9):
        tensors = planted(tensors, f"layers.{i}.self_attn.o_proj.{end}", byte)
        wanted[f"layers.{i}.self_attn.o_proj.weight"] = "zero-or-nan-scale blocks-differ?"
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", tensors)
    judge(q, None, wanted, says={"zero-or-nan-scale": ("NaN", "block scale")})
    judge(q, o, wanted, says={"zero-or-nan-scale": "NaN"})
    text = told(q)
    assert all(w in text for w in wanted)


def test_nan_bytes_of_one_expert_in_a_stack_and_of_one_shard(tmp_path):
    source = weights("m.experts.down_proj", shape=(4, 32, 64))
    tensors = planted(held(source), "m.experts.down_proj_weight_scale", NAN, np.s_[2, 5])
    wanted = {"m.experts.down_proj[2]": "zero-or-nan-scale"}
    judge(write(tmp_path / "q", tensors), None, wanted)
    parts = [held(layers(2)), planted(held(weights("l.7.weight")), "l.7.weight_scale", NAN)]
    judge(shards(tmp_path / "sharded", parts), None, {"l.7.weight": "zero-or-nan-scale"})


@pytest.mark.parametrize(("style", "end"), [(gpt_oss, "weight_scales"), (compressed_mx, "weight_scale")])
def test_nan_among_scales_of_powers_of_two(style, end, tmp_path):
    tensors = planted(held(layers(3), style), f"l.1.{end}", 0xFF)
    judge(write(tmp_path / "q", tensors), None, {"l.1.weight": "zero-or-nan-scale"})


@pytest.mark.long
@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (np.nan, "zero-or-nan-scale"),
        (0.0, "zero-or-nan-scale"),
        (np.inf, "not-finite"),
        (-np.inf, "not-finite"),
    ],
)
@pytest.mark.parametrize(
    ("style", "end"), [(modelopt, "weight_scale_2"), (compressed, "weight_global_scale")]
)
def test_a_tensor_scale_that_is_no_number(value, kind, style, end, tmp_path):
    source = layers(4)
    tensors = held(source, style)
    tensors[f"l.3.{end}"] = np.full_like(tensors[f"l.3.{end}"], value)
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", tensors)
    judge(q, None, {"l.3.weight": kind}, says={kind: f"{end}|tensor scale"})
    found = judge(q, o, {"l.3.weight": kind})
    assert "4over6" in found["same_bytes"]


def test_a_zero_weight_made_infinite_scales(tmp_path):
    """1.1 row 14: an amax of zero gave an infinite global scale, and the input scale is infinite too."""
    tensors = held(layers(2), compressed)
    tensors["l.1.weight_global_scale"] = np.full(1, np.inf, np.float32)
    tensors["l.0.input_global_scale"] = np.full(1, 0.5, np.float32)
    tensors["l.1.input_global_scale"] = np.full(1, np.inf, np.float32)
    says = {"not-finite": ("weight_global_scale|tensor scale", "input_global_scale")}
    judge(write(tmp_path / "q", tensors), None, {"l.1.weight": "not-finite"}, says=says)


def test_one_expert_s_tensor_scale_of_a_stack(tmp_path):
    tensors = held(weights("m.w13_weight", shape=(3, 32, 64)))
    times = tensors["m.w13_weight_scale_2"].copy()
    times[0], times[2] = np.nan, np.inf
    tensors["m.w13_weight_scale_2"] = times
    wanted = {"m.w13_weight[0]": "zero-or-nan-scale", "m.w13_weight[2]": "not-finite"}
    judge(write(tmp_path / "q", tensors), None, wanted)


# --- zero block scales over codes that are not zero -----------------------------------------------------


@pytest.mark.long
def test_zero_block_scales_over_codes(tmp_path):
    source = layers(4)
    tensors = planted(held(source), "l.2.weight_scale", 0, np.s_[8:11])
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", tensors)
    wanted = {"l.2.weight": "zero-or-nan-scale blocks-differ?"}
    judge(q, o, wanted, says={"zero-or-nan-scale": ("zero|0", "block scale")})


@pytest.mark.parametrize("where", [np.s_[:], np.s_[::2]])
def test_a_share_of_zero_block_scales_that_no_recipe_makes(where, tmp_path):
    tensors = planted(held(layers(4)), "l.2.weight_scale", 0, where)
    judge(write(tmp_path / "q", tensors), None, {"l.2.weight": "zero-or-nan-scale"})


@pytest.mark.long
@pytest.mark.parametrize("recipe", ["nvfp4", "4over6", "modelopt-nvfp4", "compressed-tensors-nvfp4"])
def test_tiny_and_zero_rows_are_sound(recipe, tmp_path):
    """Blocks far below the amax have zero scales by the recipe, with or without codes under them."""
    source = layers(3)
    source["l.1.weight"][5:7] = source["l.1.weight"][5:7] * E4M3(2**-6) * E4M3(2**-6)
    source["l.1.weight"][9] = 0
    source["l.2.weight"][:] = 0
    style = compressed if recipe.startswith("compressed") else modelopt
    tensors = held(source, style, recipe)
    if style is modelopt:
        tensors["l.2.weight_scale_2"] = np.float32(1)
    else:
        tensors["l.2.weight_global_scale"] = np.ones(1, np.float32)
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", tensors)
    nan = recipe == "modelopt-nvfp4"  # its rules give a weight of zeros NaN bytes
    judge(q, None, {"l.2.weight": "zero-or-nan-scale"} if nan else {})
    judge(q, o, {"l.2.weight": "zero-or-nan-scale"} if nan else {})


@pytest.mark.sample(1)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_original_that_is_not_finite(value, tmp_path):
    source = layers(3)
    q = write(tmp_path / "q", held(source))
    source["l.1.weight"][2, 2] = value
    o = write(tmp_path / "o", source)
    judge(q, o, {"l.1.weight": "not-finite"}, says={"not-finite": "original"})
