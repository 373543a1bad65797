"""Issue 15, acceptance 4: sound files over all conventions, presets and shapes have no problem."""

from __future__ import annotations

from functools import cache
from itertools import cycle, islice

import numpy as np
import pytest

from fos_ref.errors import FosError
from fos_ref.recipes import PRESETS
from fos_ref.storage.conventions import check_storable
from tests.inspect.field.files import shards, write, write_gguf
from tests.inspect.field.judge import judge
from tests.inspect.field.parts import (
    alike,
    compressed,
    compressed_mx,
    ggml,
    gpt_oss,
    held,
    mlx,
    modelopt,
    MXFP4,
    torchao,
)

#: name of the style -> the style, the recipes that it holds
NV = ("modelopt", modelopt), ("compressed-tensors", compressed), ("torchao", torchao), ("gguf", ggml)
SHAPES = ("plain", "stacked", "sharded")
MX_ONLY = (MXFP4, "fouroversix-mxfp4-static4")


def storable(name: str) -> bool:
    if PRESETS[name].name != name:  # another name of a preset that is there
        return False
    try:
        check_storable(PRESETS[name])
    except FosError:
        return False
    return True


@cache
def cases() -> list[tuple[str, str, str]]:
    """Return 132 cases (style, recipe, shape): every storable preset once, every style in every shape."""
    presets = [n for n in PRESETS if storable(n)]
    styles = islice(cycle(s for s, _ in NV), len(presets))
    shapes = islice(cycle([x for x in SHAPES for _ in NV]), len(presets))
    made = list(zip(styles, presets, shapes, strict=True))
    mx = ("gpt-oss", "mxfp4-pack-quantized", "mlx", "gguf")
    made += [(s, r, x) for s in mx for r in MX_ONLY for x in SHAPES if (s, x) != ("mlx", "stacked")]
    return [*made, ("mlx", "nvfp4", "plain"), ("mlx", "nvfp4", "sharded")]


STYLES = dict(NV) | {"gpt-oss": gpt_oss, "mxfp4-pack-quantized": compressed_mx, "mlx": mlx}


def made(style, recipe, shape, tmp_path):
    """Write a sound file and its original; return both paths."""
    names = ["layers.0.self_attn.q_proj.weight", "layers.0.self_attn.k_proj.weight", "layers.0.o_proj.weight"]
    size = (32, 128)
    if shape == "stacked":
        names, size = ["layers.0.mlp.experts.gate_up_proj", "layers.0.mlp.experts.down_proj"], (3, 32, 64)
    if style == "gguf":
        stacked = ["blk.0.ffn_gate_exps.weight", "blk.0.ffn_up_exps.weight"]
        names = stacked if shape == "stacked" else ["blk.0.attn_q.weight", "blk.0.attn_k.weight"]
    source = alike(*names, shape=size, seed=len(recipe))
    if style == "mlx":  # no tensor scale: its weights must be of a size that E4M3 has
        source = {n: x * x.dtype.type(8) for n, x in source.items()}
    source = {n: x.astype(np.float32) if "cuda" in recipe else x for n, x in source.items()}
    tensors = held(source, STYLES[style], recipe)
    norm = {"layers.0.norm.weight": np.ones(8, np.float32)}
    if style == "gguf":
        kind = "MXFP4" if recipe in MX_ONLY else "NVFP4"
        return write(tmp_path / "o", source), write_gguf(tmp_path / "q.gguf", tensors | norm, kind)
    if shape == "sharded":
        keys = list(tensors)
        parts = [{k: tensors[k] for k in keys[i::2]} for i in range(2)]
        return write(tmp_path / "o", source), shards(tmp_path / "q", [*parts, norm]).parent
    return write(tmp_path / "o", source | norm), write(tmp_path / "q", tensors | norm)


def sound(case, tmp_path):
    o, q = made(*case, tmp_path)
    judge(q, None, {})
    found = judge(q, o, {})
    assert all(w["equal"] == w["blocks"] > 0 for w in found["weights"].values())
    assert case[1] in found["same_bytes"]


def test_there_are_enough():
    assert len(cases()) >= 100
    assert {(s, x) for s, _, x in cases()} >= {(s, x) for s, _ in NV for x in SHAPES}


@pytest.mark.sample(1)
@pytest.mark.parametrize("case", cases()[::9], ids="/".join)
def test_some_sound_files(case, tmp_path):
    sound(case, tmp_path)


@pytest.mark.exhaustive
@pytest.mark.parametrize("case", cases(), ids="/".join)
def test_every_sound_file(case, tmp_path):
    sound(case, tmp_path)
