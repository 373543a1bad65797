"""Field 2.1 rows 7, 9, 16, 20: MLX and torchao by their names; FP8 and other tensors named with counts."""

from __future__ import annotations

import numpy as np
import pytest

from tests.inspect.field.files import write
from tests.inspect.field.judge import equal, inspected, judge, refused, told
from tests.inspect.field.mistakes import high_first, swizzled
from tests.inspect.field.parts import (
    count_of_blocks,
    E4M3,
    held,
    layers,
    mlx,
    modelopt,
    MXFP4,
    torchao,
    weights,
)


def fp8(name, x):
    """Return an FP8 weight as modelopt and compressed-tensors write it."""
    scale = np.float32(np.abs(x.astype(np.float32)).max() / 448)
    return {
        name: (x.astype(np.float32) / scale).astype(E4M3),
        f"{name}_scale": scale,
        f"{name.removesuffix('weight')}input_scale": np.float32(0.02),
    }


@pytest.mark.sample(1)
@pytest.mark.parametrize("recipe", ["nvfp4", MXFP4])
def test_mlx_s_own_files(recipe, tmp_path):
    """2.1 row 16: U32 codes, U8 `.scales`, no tensor scale."""
    source = {n: x * x.dtype.type(8) for n, x in weights("model.a.weight", "model.b.weight").items()}
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", held(source, mlx, recipe))
    alone = judge(q, None, {})
    assert alone["findings"]["convention"]["value"].lower() == "mlx"
    assert set(alone["weights"]) == set(source)
    found = judge(q, o, {})
    assert equal(found) == (count_of_blocks(source, 32 if recipe == MXFP4 else 16),) * 2
    assert found["findings"]["nibble_order"]["value"] == "low nibble first"


@pytest.mark.long
def test_mlx_with_one_weight_of_another_layer(tmp_path):
    source = {n: x * x.dtype.type(8) for n, x in layers(4).items()}
    tensors = held(source, mlx)
    tensors |= {"l.2.weight": tensors["l.3.weight"], "l.2.scales": tensors["l.3.scales"]}
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", tensors)
    judge(q, o, {"l.2.weight": "no-reading blocks-differ?"})


@pytest.mark.sample(2)
@pytest.mark.parametrize("tensor_scale", [True, False])
@pytest.mark.parametrize("layout", ["linear", "swizzled"])
def test_torchao_in_four_variants(tensor_scale, layout, tmp_path):
    """2.1 row 20; without a tensor scale the equal bytes decide the layout."""
    source = {n: x * x.dtype.type(8) for n, x in weights("a.weight", "b.weight", shape=(128, 64)).items()}
    tensors = {}
    for n, x in source.items():
        parts = torchao(n, x, "torchao-nvfp4", None if tensor_scale else np.float32(2688))
        end = n.removesuffix("weight")
        if not tensor_scale:
            del parts[f"{end}_weight_per_tensor_scale"]
        if layout == "swizzled":
            scales = parts[f"{end}_weight_scale"].view(np.uint8)
            parts[f"{end}_weight_scale"] = swizzled(scales).view(E4M3)
        tensors |= parts
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", tensors)
    found = judge(q, o, {})
    assert equal(found) == (count_of_blocks(source),) * 2
    assert found["findings"]["convention"]["value"] == "torchao"
    assert found["findings"]["scale_layout"]["value"] == layout
    assert "torchao-nvfp4" in found["same_bytes"]


@pytest.mark.long
def test_fp8_beside_nvfp4_is_named_and_counted(tmp_path):
    """2.1 row 7: unsloth's mixed files."""
    source = weights("m.o_proj.weight", "m.down_proj.weight")
    plain = weights("m.gate_proj.weight", seed=5)
    tensors = held(source, modelopt, "modelopt-nvfp4") | fp8(
        "m.gate_proj.weight", plain["m.gate_proj.weight"]
    )
    tensors |= {"m.k_proj.k_scale": np.float32(0.5), "m.norm.weight": np.ones(8, np.float32)}
    o, q = write(tmp_path / "o", source | plain), write(tmp_path / "q", tensors)
    judge(q, None, {})
    found = judge(q, o, {})
    assert equal(found) == (count_of_blocks(source),) * 2
    for text in (told(q), str(inspected(q)[1])):
        assert "F8_E4M3" in text
        assert "m.gate_proj.weight" in text


def test_fp8_where_packed_nvfp4_was_promised(tmp_path):
    """2.1 row 9, Model-Optimizer#868: the reason says which dtype the weight has."""
    x = weights("a.weight")["a.weight"]
    parts = fp8("a.weight", x) | {"a.weight_scale": modelopt("a.weight", x)["a.weight_scale"]}
    said = refused("inspect", write(tmp_path / "q", parts | {"a.weight_scale_2": np.float32(1e-4)}))
    assert "F8_E4M3" in said
    assert "a.weight" in said
    tensors = parts | held(layers(2))
    text = told(write(tmp_path / "mixed", tensors))
    assert "F8_E4M3" in text
    assert "a.weight" in text


def test_a_convention_of_high_nibbles_in_mlx_s_words(tmp_path):
    source = {n: x * x.dtype.type(8) for n, x in layers(3).items()}
    tensors = held(source, mlx)
    tensors["l.0.weight"] = high_first(tensors["l.0.weight"].view(np.uint8)).view(np.uint32)
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", tensors)
    found = judge(q, o, {"l.0.weight": "blocks-differ"})
    assert "high nibble first" in found["weights"]["l.0.weight"]["reading"]


@pytest.mark.long
@pytest.mark.parametrize(
    "names",
    [
        ["a[red].weight", "b\tc.weight"],
        ["zeile\n.weight", "weiß.weight"],
        [".weight.weight", "x.weight.weight"],
    ],
)
def test_odd_names_are_named_as_they_are(names, tmp_path):
    source = weights(*names)
    tensors = held(source)
    tensors[names[1]] = tensors[names[1]] * 0
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", tensors)
    judge(q, o, {names[1]: "blocks-differ no-reading?"})
    text = told(q, "--against", o)
    assert names[1].replace("\n", "\\n").replace("\t", "\\t") in text
