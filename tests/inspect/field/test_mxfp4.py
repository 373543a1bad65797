"""Field 2.1 rows 13 and 14: MXFP4 by the names of gpt-oss and of compressed-tensors."""

from __future__ import annotations

import numpy as np
import pytest

from tests.inspect.field.files import write
from tests.inspect.field.judge import equal, judge, told
from tests.inspect.field.mistakes import high_first
from tests.inspect.field.parts import (
    compressed_mx,
    count_of_blocks,
    E8M0,
    gpt_oss,
    held,
    layers,
    modelopt,
    MXFP4,
    weights,
)

STACK = (3, 32, 64)


def compressed_mx_e8m0(name, x, recipe=MXFP4):
    return compressed_mx(name, x, recipe, dtype=E8M0)


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("style", "convention"),
    [
        (gpt_oss, "gpt-oss"),
        (compressed_mx, "compressed-tensors"),
        (compressed_mx_e8m0, "compressed-tensors"),
    ],
)
@pytest.mark.parametrize("shape", [(32, 128), STACK])
@pytest.mark.parametrize(
    "recipe", [MXFP4, pytest.param("fouroversix-mxfp4-static4", marks=pytest.mark.exhaustive)]
)
def test_sound(style, convention, shape, recipe, tmp_path):
    name = "model.layers.0.mlp.experts.down_proj" if len(shape) > 2 else "a.weight"
    source = weights(name, shape=shape)
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", held(source, style, recipe))
    alone = judge(q, None, {})
    assert convention in alone["findings"]["convention"]["value"]
    assert "MXFP4" in told(q)
    found = judge(q, o, {})
    assert equal(found) == (count_of_blocks(source, 32),) * 2
    assert recipe in found["same_bytes"]
    experts = {f"{name}[{e}]" for e in range(3)} if len(shape) > 2 else {name}
    assert set(found["weights"]) == experts


@pytest.mark.sample(1)
@pytest.mark.parametrize("style", [gpt_oss, compressed_mx])
def test_one_weight_is_damaged(style, tmp_path):
    source = layers(4)
    tensors = held(source, style)
    codes = next(k for k in tensors if k.startswith("l.2.") and k.endswith(("blocks", "packed")))
    o = write(tmp_path / "o", source)
    q = write(tmp_path / "zero", tensors | {codes: tensors[codes] * 0})
    judge(q, o, {"l.2.weight": "blocks-differ no-reading?"})
    q = write(tmp_path / "high", tensors | {codes: high_first(tensors[codes])})
    found = judge(q, o, {"l.2.weight": "blocks-differ"})
    assert "high nibble first" in found["weights"]["l.2.weight"]["reading"]


@pytest.mark.long
@pytest.mark.parametrize("step", [1, -1, 2])
def test_scales_that_are_off_by_a_power_of_two(step, tmp_path):
    """E8M0 with another bias, or cast by value: the weight is a power of two off in all blocks."""
    source = layers(3)
    tensors = held(source, compressed_mx)
    tensors["l.1.weight_scale"] = (tensors["l.1.weight_scale"].astype(np.int16) + step).astype(np.uint8)
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", tensors)
    judge(q, o, {"l.1.weight": "blocks-differ|no-reading blocks-differ? no-reading?"})


def test_both_formats_in_one_file(tmp_path):
    """MXFP4 experts beside NVFP4 attention: each by its own format."""
    mx, nv = weights("m.experts.down_proj", shape=STACK), weights("m.o_proj.weight", seed=4)
    tensors = held(mx, gpt_oss) | held(nv, modelopt, "nvfp4")
    o, q = write(tmp_path / "o", mx | nv), write(tmp_path / "q", tensors)
    found = judge(q, o, {})
    assert set(found["weights"]) == {*(f"m.experts.down_proj[{e}]" for e in range(3)), "m.o_proj.weight"}
    assert all(w["equal"] == w["blocks"] > 0 for w in found["weights"].values())


def test_gpt_oss_original_with_the_inputs_first(tmp_path):
    source = weights("model.layers.0.mlp.experts.gate_up_proj", shape=STACK)
    (name, x), folder = next(iter(source.items())), tmp_path / "original"
    folder.mkdir()
    write(folder / "model.safetensors", {name: np.ascontiguousarray(x.swapaxes(1, 2))})
    (folder / "config.json").write_text('{"model_type": "gpt_oss"}')
    found = judge(write(tmp_path / "q", held(source, gpt_oss)), folder, {})
    assert equal(found) == (count_of_blocks(source, 32),) * 2
