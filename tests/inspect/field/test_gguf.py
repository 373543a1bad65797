"""Field 2.1 row 15, 1.1 row 26: GGUF files of NVFP4 and MXFP4 blocks, whose codes lie in halves."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from tests.inspect.field.files import write, write_gguf
from tests.inspect.field.judge import equal, judge, refused, told
from tests.inspect.field.parts import count_of_blocks, ggml, held, in_halves, layers, modelopt, MXFP4, weights

NAMES = ("blk.0.ffn_down.weight", "blk.1.ffn_down.weight")


@pytest.mark.long
@pytest.mark.parametrize("shape", [(32, 128), (3, 32, 64)])
@pytest.mark.parametrize(("kind", "recipe"), [("NVFP4", "nvfp4"), ("NVFP4", "4over6"), ("MXFP4", MXFP4)])
def test_sound(kind, recipe, shape, tmp_path):
    names = NAMES if len(shape) < 3 else ("blk.0.ffn_down_exps.weight",)
    source = weights(*names, shape=shape)
    o, q = write(tmp_path / "o", source), write_gguf(tmp_path / "q.gguf", held(source, ggml, recipe), kind)
    alone = judge(q, None, {})
    assert "gguf" in alone["findings"]["convention"]["value"].lower()
    found = judge(q, o, {})
    assert equal(found) == (count_of_blocks(source, 32 if kind == "MXFP4" else 16),) * 2
    assert recipe in found["same_bytes"]
    if len(shape) < 3:
        assert set(found["weights"]) == set(NAMES)
    else:
        assert set(found["weights"]) == {f"{names[0]}[{e}]" for e in range(3)}


@pytest.mark.long
def test_the_original_is_a_gguf_too(tmp_path):
    source = weights(*NAMES)
    whole = source | {"blk.0.attn_norm.weight": np.ones(64, np.float32)}
    o = write_gguf(tmp_path / "o.gguf", {k: v.astype(np.float32) for k, v in whole.items()})
    tensors = held(source, ggml) | {"blk.0.attn_norm.weight": np.ones(64, np.float32)}
    found = judge(write_gguf(tmp_path / "q.gguf", tensors), o, {})
    assert equal(found) == (count_of_blocks(source),) * 2
    half = write_gguf(tmp_path / "bf.gguf", source)
    assert source[NAMES[0]].dtype == ml_dtypes.bfloat16
    assert equal(judge(tmp_path / "q.gguf", half, {})) == (count_of_blocks(source),) * 2


def test_without_scales_the_tensor_scale_is_one(tmp_path):
    """llama-quantize writes no `.scale`: block scales hold all of the weight's size."""
    source = {n: x * x.dtype.type(8) for n, x in weights(*NAMES).items()}
    tensors = {k: v for n, x in source.items() for k, v in ggml(n, x, "nvfp4", np.float32(2688)).items()}
    tensors = {k: v for k, v in tensors.items() if not k.endswith("scale")}
    o, q = write(tmp_path / "o", source), write_gguf(tmp_path / "q.gguf", tensors)
    found = judge(q, o, {})
    assert all(w["relative_error"] < 0.2 for w in found["weights"].values())
    assert equal(found) == (count_of_blocks(source),) * 2


@pytest.mark.long
def test_one_tensor_in_the_order_of_pairs(tmp_path):
    """Codes copied without reordering them: 27178's kind of file."""
    source = weights(*NAMES, "blk.2.ffn_down.weight")
    tensors = held(source, ggml)
    raw = tensors[NAMES[1]].reshape(32, -1, 36).copy()
    codes = raw[..., 4:].reshape(32, -1)
    pairs = np.empty_like(codes).reshape(32, -1, 8)
    blocks = codes.reshape(32, -1, 8)  # byte j holds j and j + 8; in pairs it holds 2j and 2j + 1
    flat = np.concatenate([blocks & 15, blocks >> 4], axis=-1)
    pairs[:] = flat[..., 0::2] | (flat[..., 1::2] << 4)
    assert (in_halves(pairs.reshape(32, -1)) == codes).all()
    raw[..., 4:] = pairs.reshape(32, -1, 32)
    tensors[NAMES[1]] = raw.reshape(32, -1)
    o, q = write(tmp_path / "o", source), write_gguf(tmp_path / "q.gguf", tensors)
    found = judge(q, o, {NAMES[1]: "blocks-differ"})
    assert "low nibble first" in found["weights"][NAMES[1]]["reading"]


@pytest.mark.long
def test_damage_in_a_gguf(tmp_path):
    source = weights(*NAMES, "blk.2.ffn_down.weight")
    tensors = held(source, ggml)
    raw = tensors[NAMES[0]].reshape(32, -1, 36).copy()
    raw[..., 4:] = 0
    tensors[NAMES[0]] = raw.reshape(32, -1)
    o, q = write(tmp_path / "o", source), write_gguf(tmp_path / "q.gguf", tensors)
    judge(q, o, {NAMES[0]: "blocks-differ no-reading?"})
    assert NAMES[0] in told(q, "--against", o)


def test_halves_under_the_names_of_modelopt(tmp_path):
    """`inspect ggmlall`: every weight in ggml's order inside a safetensors file."""
    source = layers(3)
    tensors = held(source, modelopt, "nvfp4")
    tensors |= {n: in_halves(tensors[n]) for n in source}
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", tensors)
    found = judge(q, o, {})
    assert equal(found) == (count_of_blocks(source),) * 2
    assert "halves" in found["findings"]["nibble_order"]["value"]


def test_a_gguf_where_another_file_is_read(tmp_path):
    """C10: what is wrong is that it is a GGUF, and not its header's size."""
    q = write_gguf(tmp_path / "x.gguf", held(weights(*NAMES), ggml))
    for args in (["quantize", q, tmp_path / "out"], ["report", "--weights", q, "--out", tmp_path / "r"]):
        said = refused(*args)
        assert "GGUF" in said or "gguf" in said.replace(str(q), "")
        assert "header too large" not in said


def test_other_types_are_named_with_counts(tmp_path):
    tensors = held(weights(*NAMES), ggml) | {"token_embd.weight": np.ones((8, 64), np.float16)}
    text = told(write_gguf(tmp_path / "q.gguf", tensors))
    assert "F16" in text


def test_a_scale_whose_weight_is_gone(tmp_path):
    """It is no codes, and stops nothing."""
    tensors = held(weights(*NAMES), ggml)
    del tensors[NAMES[0]]
    stem = NAMES[0].removesuffix(".weight")
    tensors |= {f"{stem}.scale": np.ones(1, np.float32), "blk.9.other.weight": np.ones((8, 64), np.float32)}
    tensors["blk.9.other.scale"] = np.ones(1, np.float32)  # of a weight that is not quantized
    judge(write_gguf(tmp_path / "q.gguf", tensors), None, {NAMES[0]: "missing-part"})
