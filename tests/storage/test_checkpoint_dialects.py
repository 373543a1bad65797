"""Checkpoints of every dialect: which recipes they hold, and tensor scales that are rounded in a dtype."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

import fos_ref
from fos_ref.engines.convert import quantize_checkpoint
from fos_ref.errors import CheckpointError, RecipeError
from fos_ref.formats.bits import f32_hex
from fos_ref.storage.checkpoint import QuantizedCheckpoint
from fos_ref.storage.conventions import COMPRESSED_TENSORS, CONVENTIONS, MODELOPT, stored_tensor_scale
from fos_ref.storage.manifest import Source
from fos_ref.storage.safetensors_read import SafetensorsFile

IN_DTYPE = fos_ref.PRESETS["compressed-tensors-nvfp4"]
BF16, F16 = np.dtype(ml_dtypes.bfloat16), np.dtype(np.float16)
STORABLE = [
    "compressed-tensors-nvfp4",
    "llmcompressor-4over6-mse",
    "modelopt-nvfp4",
    "modelopt-4over6",
    "torchao-nvfp4",
    "quartet2-4over6",
    "quartet2-triton-4over6-16x16",
    "fouroversix-cuda-mse",
]


def weights() -> dict[str, np.ndarray]:
    x = np.random.Generator(np.random.Philox(11)).standard_normal((32, 64)) * 1.7
    return {f"{np.dtype(t).name}.weight": x.astype(t) for t in (np.float32, np.float16, ml_dtypes.bfloat16)}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.safetensors"
    save_file(weights(), path)
    return path


@pytest.mark.parametrize("name", CONVENTIONS)
@pytest.mark.parametrize("recipe", STORABLE)
def test_what_is_read_back_is_what_quantize_gives(name, recipe, source, tmp_path):
    target = tmp_path / "out.safetensors"
    quantize_checkpoint(source, target, recipe, convention=name)
    with QuantizedCheckpoint(target) as read:
        for weight, x in weights().items():
            want, got = fos_ref.quantize(x, recipe), read.tensor(weight)
            for part in ("codes", "block_scales", "tensor_amax", "encode_scale", "decode_scale"):
                assert getattr(got, part).tobytes() == getattr(want, part).tobytes(), (weight, part)
            assert fos_ref.dequantize(got).tobytes() == fos_ref.dequantize(want).tobytes()


def test_the_stored_divisor_is_the_one_that_the_codes_were_made_with(source, tmp_path):
    target = tmp_path / "out.safetensors"
    quantize_checkpoint(source, target, IN_DTYPE, convention="compressed-tensors")
    with SafetensorsFile(target) as file:
        for weight, x in weights().items():
            name = weight.replace(".weight", ".weight_global_scale")
            assert file.read(name).tobytes() == fos_ref.quantize(x, IN_DTYPE).encode_scale.tobytes()


@pytest.mark.parametrize(
    ("dtype", "divisor", "multiplier"),
    [
        (np.dtype(np.float32), "440590B2", "3AF55555"),
        (BF16, "44060000", "3AF4898D"),
        (F16, "44058000", "3AF57404"),
    ],
)
def test_a_tensor_scale_rounded_in_a_dtype(dtype, divisor, multiplier):
    """A = 5.03125: S = RN_T(RN_T(1/A) * 2688), D = 1/S."""
    amax = np.float32(5.03125)
    assert f32_hex(stored_tensor_scale(amax, IN_DTYPE, COMPRESSED_TENSORS, dtype)) == divisor
    assert f32_hex(stored_tensor_scale(amax, IN_DTYPE, MODELOPT, dtype)) == multiplier


def test_a_file_without_a_manifest_dequantizes_by_its_own_divisor(tmp_path):
    """S is what the file says; RN(1/RN(1/S)) is another float32 for one in seven."""
    target = tmp_path / "plain.safetensors"
    q = fos_ref.quantize(weights()["float32.weight"], IN_DTYPE)
    s = np.array([0x3FFFFFFF], np.uint32).view(np.float32)  # 1/(1/S) is 2
    assert np.float32(1) / (np.float32(1) / s) != s
    names = {".weight_packed": q.codes, ".weight_global_scale": s}
    tensors = {f"w{k}": v for k, v in names.items()}
    tensors["w.weight_scale"] = q.block_scales.view(ml_dtypes.float8_e4m3fn)
    save_file(tensors, target)
    with QuantizedCheckpoint(target, IN_DTYPE) as read:
        got = read.tensor("w.weight")
    assert got.encode_scale == s
    codes, scales = fos_ref.trace(weights()["float32.weight"], IN_DTYPE).codes, q.block_scales
    e2m1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6], np.float32)[codes & 7] * np.where(codes & 8, -1, 1)
    unit = scales.view(ml_dtypes.float8_e4m3fn).astype(np.float32) / s
    want = e2m1.astype(np.float32) * np.repeat(unit, 16, axis=1)
    assert np.array_equal(fos_ref.dequantize(got), want)


def test_a_manifest_with_another_dtype_is_refused(source, tmp_path, monkeypatch):
    target = tmp_path / "out.safetensors"
    monkeypatch.setattr(
        Source, "to_dict", lambda s: {"amax": f32_hex(s.amax), "dtype": "I8", "shape": list(s.shape)}
    )
    quantize_checkpoint(source, target, IN_DTYPE)
    with (
        QuantizedCheckpoint(target) as read,
        pytest.raises(CheckpointError, match=r"was 'I8': one of .* is allowed"),
    ):
        read.tensor("float32.weight")


#: One preset for each pair of formats that is not NVFP4's.
NO_NVFP4 = {
    (r.element_format, r.scale_format, r.block_cols): r.name
    for r in fos_ref.PRESETS.values()
    if (r.element_format.value, r.scale_format.value, r.block_cols) != ("E2M1", "E4M3", 16)
}


@pytest.mark.parametrize("r", NO_NVFP4.values())
def test_recipes_that_are_no_nvfp4_are_refused(r, source, tmp_path):
    assert len(NO_NVFP4) == 26
    with pytest.raises(RecipeError, match="checkpoints hold E2M1 under E4M3 scales of 16"):
        quantize_checkpoint(source, tmp_path / "out.safetensors", r)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.safetensors"]


def test_a_row_recipe_is_refused_still(source, tmp_path):
    r = replace(fos_ref.PRESETS["te-mse-256-row"], name="rows")
    with pytest.raises(RecipeError, match="has a tensor amax per row"):
        quantize_checkpoint(source, tmp_path / "out.safetensors", r)
