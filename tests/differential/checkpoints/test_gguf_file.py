"""GGUF: the package's own quantizer and writer, inspected; our codes in its blocks, dequantized by it."""

from __future__ import annotations

from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

import fos_ref
from fos_ref.inspect.api import inspect
from fos_ref.storage.gguf_blocks import join_mxfp4, join_nvfp4
from tests.differential.peers.base import installed, PeerMissing
from tests.inspect.checkpoints import save, trained

from .values import apart

pytestmark = pytest.mark.peer
NAMES = ("blk.0.ffn_up.weight", "blk.0.ffn_down.weight")
WEIGHTS = {n: trained(64, 256, seed=s).astype(ml_dtypes.bfloat16) for s, n in enumerate(NAMES)}
#: Recipe -> how far the package's product of code, block scale and tensor scale may lie from N14, in ulp.
RECIPES = {"modelopt-nvfp4": 1, "torchao-nvfp4": 1, "4over6": 1, "fouroversix-mxfp4-static6": 0}


@pytest.fixture
def gguf():
    try:
        installed("gguf", "0.19.0")
    except PeerMissing as reason:
        pytest.skip(str(reason))
    import gguf as package  # noqa: PLC0415

    return package


def written(gguf, path: Path, raw: dict[str, np.ndarray], form: str, scales: dict[str, np.float32]) -> Path:
    """Write blocks as the package's writer writes them, with the tensor scales that differ from 1."""
    writer = gguf.GGUFWriter(path, "llama")
    for name, data in raw.items():
        writer.add_tensor(name, data, raw_dtype=gguf.GGMLQuantizationType[form])
    for name, scale in scales.items():
        writer.add_tensor(name.removesuffix("weight") + "scale", np.array([scale], np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.mark.parametrize("recipe", RECIPES)
def test_our_codes_in_its_blocks(gguf, recipe, tmp_path):
    form, join = ("MXFP4", join_mxfp4) if "mxfp4" in recipe else ("NVFP4", join_nvfp4)
    made = {n: fos_ref.quantize(x, recipe) for n, x in WEIGHTS.items()}
    raw = {n: join(q.codes, q.block_scales) for n, q in made.items()}
    amaxes = {n: q.tensor_amax for n, q in made.items() if form == "NVFP4"}
    scales = {n: np.float32(amax / np.float32(made[n].recipe.range_max)) for n, amax in amaxes.items()}
    kind = gguf.GGMLQuantizationType[form]
    values = {n: gguf.quants.dequantize(b, kind) * scales.get(n, np.float32(1)) for n, b in raw.items()}
    distances = apart({n: fos_ref.dequantize(q) for n, q in made.items()}, values)
    assert max(distances) == RECIPES[recipe], distances
    source = save(WEIGHTS, tmp_path / "original.safetensors")
    found = inspect(written(gguf, tmp_path / "q.gguf", raw, form, scales), source, blocks=None)
    assert [p.what for p in found.problems] == []
    assert recipe in [name for c in found.best for name in c.names]
    weights = found.to_dict()["weights"]
    assert sum(w["equal"] for w in weights.values()) == sum(q.block_scales.size for q in made.values())


def test_its_own_mxfp4(gguf, tmp_path):
    """ggml's scale is floor(log2 amax) - 2, ties go to the smaller code: no preset gives these blocks."""
    kind = gguf.GGMLQuantizationType.MXFP4
    raw = {n: gguf.quants.quantize(x.astype(np.float32), kind) for n, x in WEIGHTS.items()}
    source = save(WEIGHTS, tmp_path / "original.safetensors")
    found = inspect(written(gguf, tmp_path / "q.gguf", raw, "MXFP4", {}), source, blocks=None)
    weights = found.to_dict()["weights"]
    assert set(weights) == set(WEIGHTS)
    assert found.findings["convention"].value == "gguf"
    assert all(0.05 < w["relative_error"] < 0.25 for w in weights.values())
    assert [p.what for p in found.problems] == []
