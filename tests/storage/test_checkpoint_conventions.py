"""Quantized checkpoints: what each convention stores, and what comes back."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

import fos_ref
from fos_ref.engines import stream
from fos_ref.engines.conversion import writing
from fos_ref.engines.convert import quantize_checkpoint
from fos_ref.errors import CheckpointError, InputError, RecipeError
from fos_ref.formats.bits import f32_bits
from fos_ref.storage.checkpoint import QuantizedCheckpoint
from fos_ref.storage.conventions import (
    COMPRESSED_TENSORS,
    convention,
    CONVENTIONS,
    MODELOPT,
    stored_tensor_scale,
)
from fos_ref.storage.safetensors_read import SafetensorsFile
from fos_ref.storage.safetensors_write import SafetensorsWriter
from fos_ref.storage.tensor_info import TensorInfo

FLT_MAX = np.finfo(np.float32).max


def _weights() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(11)
    x = rng.standard_normal((48, 64)).astype(np.float32)
    return {
        "a.weight": x,
        "b.weight": rng.standard_normal((32, 32)).astype(np.float16),
        "c.weight": rng.standard_t(3, (16, 160)).astype(ml_dtypes.bfloat16),
        "zero.weight": np.array([0.0, -0.0], np.float32).repeat(128).reshape(16, 16),
        "a.bias": x[0],
        "norm.weight": x[1],
        "ids": np.arange(5, dtype=np.int64),
    }


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.safetensors"
    save_file(_weights(), path, metadata={"format": "pt"})
    return path


RECIPES = ["4over6", "4over6-mae-16x16", "nvfp4", "te-mse-448", "fouroversix-static4", "flashinfer-mae-256"]


@pytest.mark.parametrize("name", CONVENTIONS)
@pytest.mark.parametrize("recipe", RECIPES)
def test_what_is_read_back_is_what_quantize_gives(
    name: str, recipe: str, source: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.safetensors"
    quantize_checkpoint(source, out, recipe, convention=name)
    with QuantizedCheckpoint(out) as ck:
        assert ck.names == ("a.weight", "b.weight", "c.weight", "zero.weight")
        for weight in ck.names:
            got, want = ck.tensor(weight), fos_ref.quantize(_weights()[weight], recipe)
            assert np.array_equal(got.codes, want.codes)
            assert np.array_equal(got.block_scales, want.block_scales)
            assert np.array_equal(f32_bits(got.tensor_amax), f32_bits(want.tensor_amax))
            assert np.array_equal(f32_bits(got.decode_scale), f32_bits(want.decode_scale))
            assert np.array_equal(f32_bits(fos_ref.dequantize(got)), f32_bits(fos_ref.dequantize(want)))
            assert (got.shape, got.recipe, got.picked4) == (want.shape, want.recipe, None)


def test_modelopt_by_name_dtype_shape_and_bits(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.safetensors"
    quantize_checkpoint(source, out, "4over6")
    with SafetensorsFile(out) as f:
        assert f.info("a.weight") == TensorInfo("a.weight", "U8", (48, 32), 48 * 32)
        assert f.info("a.weight_scale") == TensorInfo("a.weight_scale", "F8_E4M3", (48, 4), 48 * 4)
        assert f.info("a.weight_scale_2") == TensorInfo("a.weight_scale_2", "F32", (), 4)
        amax = np.abs(_weights()["a.weight"]).max()
        assert f32_bits(f.read("a.weight_scale_2")) == f32_bits(amax / np.float32(1536))
        config = json.loads(f.metadata["quantization_config"])["quantization"]
        assert (config["quant_algo"], config["group_size"]) == ("W4A16_NVFP4", 16)
        assert not {"a.weight_packed", "a.weight_global_scale"} & set(f.tensors)


def test_compressed_tensors_by_name_dtype_shape_and_bits(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.safetensors"
    quantize_checkpoint(source, out, "nvfp4", convention="compressed-tensors")
    with SafetensorsFile(out) as f:
        assert f.info("a.weight_packed") == TensorInfo("a.weight_packed", "U8", (48, 32), 48 * 32)
        assert f.info("a.weight_scale") == TensorInfo("a.weight_scale", "F8_E4M3", (48, 4), 48 * 4)
        assert f.info("a.weight_global_scale") == TensorInfo("a.weight_global_scale", "F32", (1,), 4)
        amax = np.abs(_weights()["a.weight"]).max()
        assert f32_bits(f.read("a.weight_global_scale")) == f32_bits(np.float32(2688) / amax)
        config = json.loads(f.metadata["quantization_config"])
        assert config["format"] == "nvfp4-pack-quantized"
        assert config["config_groups"]["group_0"]["weights"]["strategy"] == "tensor_group"
        assert "a.weight" not in f.tensors


@pytest.mark.parametrize("name", CONVENTIONS)
def test_the_rest_and_the_metadata_are_kept(name: str, source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.safetensors"
    quantize_checkpoint(source, out, convention=name)
    with SafetensorsFile(out) as f:
        assert f.metadata["format"] == "pt"
        for left in ("a.bias", "norm.weight", "ids"):
            raw = _weights()[left].tobytes()
            assert f.read_bytes(left, 0, len(raw)).tobytes() == raw
        recorded = json.loads(f.metadata["fos_tensors"])
        amax = f32_bits(np.abs(_weights()["b.weight"].astype(np.float32)).max())
        assert recorded["b.weight"] == {"amax": f"{amax.item():08X}", "dtype": "F16", "shape": [32, 32]}
        assert f.metadata["fos_recipe_fingerprint"] == fos_ref.recipe("4over6").fingerprint()
        assert f.metadata["fos_version"] == fos_ref.__version__


@pytest.mark.sample(1)
@pytest.mark.parametrize("recipe", ["4over6", "4over6-16x16"])
def test_chunks_threads_and_long_rows_change_no_byte(
    recipe: str, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quantize_checkpoint(source, tmp_path / "whole", recipe)
    for chunk, threads in ((32, 1), (64, 4), (100, 3), (2048, 2)):
        monkeypatch.setattr(stream, "CHUNK_VALUES", chunk)  # c.weight's rows of 160 are longer than a chunk
        monkeypatch.setattr(stream.os, "cpu_count", lambda n=threads: n)
        quantize_checkpoint(source, tmp_path / "parts", recipe, overwrite=True)
        assert (tmp_path / "parts").read_bytes() == (tmp_path / "whole").read_bytes()


@pytest.mark.sample(1)
@pytest.mark.parametrize("shape", [(512, 2048), (1, 512 * 2048)])
def test_memory_does_not_hold_the_tensor(
    shape: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = np.random.default_rng(3).standard_normal(shape).astype(np.float32)
    save_file({"x.weight": x, "x.bias": x}, tmp_path / "in")
    monkeypatch.setattr(stream, "CHUNK_VALUES", 1 << 13)
    monkeypatch.setattr(writing, "COPY_BYTES", 1 << 16)
    monkeypatch.setattr(stream.os, "cpu_count", lambda: 2)
    tracemalloc.start()
    try:
        quantize_checkpoint(tmp_path / "in", tmp_path / "out", "nvfp4", engine="numpy")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < x.nbytes // 2


# --- the stored tensor scale -------------------------------------------------------------------------


def test_the_tensor_scale_of_a_zero_tensor_is_one() -> None:
    for recipe in ("4over6", "te-mse-256", "fouroversix-mse"):
        for c in CONVENTIONS.values():
            assert stored_tensor_scale(np.float32(0), fos_ref.recipe(recipe), c) == 1


@pytest.mark.parametrize("amax", [1e-45, 1e-40, 1e-38, 4e-36])
def test_where_the_encode_scale_is_clamped_the_multiplier_is_the_recipes_own(amax: float) -> None:
    """A / C would decode to values that are far too small: the codes were made with S = FLT_MAX."""
    r, a = fos_ref.recipe("4over6"), np.float32(amax)
    assert stored_tensor_scale(a, r, COMPRESSED_TENSORS) == FLT_MAX
    assert f32_bits(stored_tensor_scale(a, r, MODELOPT)) == f32_bits(np.float32(1) / FLT_MAX)
    assert stored_tensor_scale(a, r, MODELOPT) > 0


@pytest.mark.parametrize("amax", [5e-36, 1.0, float(FLT_MAX)])
def test_elsewhere_it_is_one_division(amax: float) -> None:
    r, a = fos_ref.recipe("4over6"), np.float32(amax)
    assert f32_bits(stored_tensor_scale(a, r, MODELOPT)) == f32_bits(a / np.float32(1536))
    assert f32_bits(stored_tensor_scale(a, r, COMPRESSED_TENSORS)) == f32_bits(np.float32(1536) / a)


def test_an_amax_without_a_finite_tensor_scale_is_refused() -> None:
    r = fos_ref.recipe("fouroversix-mse")  # S = C/A is not clamped
    for amax in (1e-38, np.inf, np.nan):
        with pytest.raises(InputError, match="no finite tensor scale"):
            stored_tensor_scale(np.float32(amax), r, MODELOPT)


def test_a_row_scaled_recipe_and_an_unknown_convention_are_refused(source: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="amax per row"):
        quantize_checkpoint(source, tmp_path / "out", "te-mse-256-row")
    with pytest.raises(InputError, match="modelopt, compressed-tensors, gpt-oss"):
        convention("gguf")
    with pytest.raises(RecipeError, match="modelopt or compressed-tensors is allowed"):
        convention("gpt-oss")  # without a recipe it is NVFP4 that is asked for


# --- files without a manifest ------------------------------------------------------------------------


def _strip(path: Path, out: Path, **changes: np.ndarray) -> Path:
    """Write `path` again without metadata, some tensors replaced."""
    with SafetensorsFile(path) as f:
        infos = [i for i in f.tensors.values() if i.name not in changes]
        new = [TensorInfo.of(n, _DTYPE[a.dtype.name], a.shape) for n, a in changes.items()]
        with SafetensorsWriter(out, infos + new, {}) as w:
            for i in infos:
                w.write(i.name, f.read_bytes(i.name, 0, i.nbytes))
            for name, a in changes.items():
                w.write(name, a)
    return out


_DTYPE = {"float32": "F32", "uint8": "U8", "float16": "F16", "float8_e4m3fn": "F8_E4M3"}


@pytest.mark.parametrize("name", CONVENTIONS)
def test_without_a_manifest_the_caller_names_the_recipe(name: str, source: Path, tmp_path: Path) -> None:
    quantize_checkpoint(source, tmp_path / "out", convention=name)
    bare = _strip(tmp_path / "out", tmp_path / "bare")
    with pytest.raises(InputError, match="no recipe manifest"):
        QuantizedCheckpoint(bare)
    with QuantizedCheckpoint(bare, "4over6") as ck:
        assert ck.convention.name == name
        got, want = ck.tensor("a.weight"), fos_ref.quantize(_weights()["a.weight"])
        assert np.array_equal(got.codes, want.codes)
        assert np.array_equal(got.block_scales, want.block_scales)
        stored = ck.file.read(ck.convention.names("a.weight")[2]).reshape(())
        c = np.float32(1536)
        derived = {
            "modelopt": (stored * c, stored),
            "compressed-tensors": (c / stored, np.float32(1) / stored),
        }
        assert f32_bits(got.tensor_amax) == f32_bits(derived[name][0])
        assert f32_bits(got.decode_scale) == f32_bits(derived[name][1])
        ulps = f32_bits(got.tensor_amax).item() - f32_bits(want.tensor_amax).item()
        assert abs(ulps) <= 2


def test_a_plain_checkpoint_is_in_no_convention(source: Path) -> None:
    with pytest.raises(CheckpointError, match="no quantized weight"):
        QuantizedCheckpoint(source, "4over6")


def test_a_file_in_both_conventions_is_refused(source: Path, tmp_path: Path) -> None:
    quantize_checkpoint(source, tmp_path / "out")
    both = {"d.weight_packed": np.zeros((1, 8), np.uint8), "d.weight_global_scale": np.ones(1, np.float32)}
    path = _strip(
        tmp_path / "out", tmp_path / "both", **both, **{"d.weight_scale": np.ones((1, 1), np.uint8)}
    )
    with pytest.raises(CheckpointError, match="both conventions"):
        QuantizedCheckpoint(path, "4over6")


INCONSISTENT = {
    "scales-of-other-rows": {"a.weight_scale": np.zeros((47, 4), np.uint8)},
    "scales-u8-dtype": {"a.weight_scale": np.zeros((48, 4), np.uint8)},
    "codes-3-d": {"a.weight": np.zeros((48, 16, 2), np.uint8)},
    "codes-f16": {"a.weight": np.zeros((48, 32), np.float16)},
    "tensor-scale-per-row": {"a.weight_scale_2": np.ones(48, np.float32)},
    "tensor-scale-f16": {"a.weight_scale_2": np.ones(1, np.float16)},
    "odd-columns": {"a.weight": np.zeros((48, 33), np.uint8)},
}


@pytest.mark.parametrize("case", INCONSISTENT)
def test_shapes_that_do_not_fit_are_refused(case: str, source: Path, tmp_path: Path) -> None:
    quantize_checkpoint(source, tmp_path / "out")
    bare = _strip(tmp_path / "out", tmp_path / "bare", **INCONSISTENT[case])
    with QuantizedCheckpoint(bare, "4over6") as ck:
        assert ck.tensor("b.weight").shape == (32, 32)
        with pytest.raises(CheckpointError, match=r"a\.weight.*are allowed"):
            ck.tensor("a.weight")


def test_rows_that_tiles_do_not_cover_are_refused(source: Path, tmp_path: Path) -> None:
    quantize_checkpoint(source, tmp_path / "out")
    codes, scales = (
        np.zeros((24, 8), np.uint8),
        {"x.weight_scale": np.zeros((24, 1), ml_dtypes.float8_e4m3fn)},
    )
    new = {"x.weight": codes, **scales, "x.weight_scale_2": np.ones((), np.float32)}
    bare = _strip(tmp_path / "out", tmp_path / "bare", **new)
    with QuantizedCheckpoint(bare, "4over6") as ck:
        assert ck.tensor("x.weight").shape == (24, 16)
    with QuantizedCheckpoint(bare, "4over6-16x16") as ck, pytest.raises(CheckpointError, match="N of 16"):
        ck.tensor("x.weight")


@pytest.mark.parametrize("value", [0.0, -1.0, np.inf, np.nan])
def test_a_tensor_scale_that_is_none_is_refused(value: float, source: Path, tmp_path: Path) -> None:
    quantize_checkpoint(source, tmp_path / "out")
    scale = {"a.weight_scale_2": np.full(1, value, np.float32)}
    bare = _strip(tmp_path / "out", tmp_path / "bare", **scale)
    with QuantizedCheckpoint(bare, "4over6") as ck, pytest.raises(CheckpointError, match="positive finite"):
        ck.tensor("a.weight")


# --- manifests that do not hold together -------------------------------------------------------------


def _with_metadata(path: Path, out: Path, drop: str = "", **changes: str) -> Path:
    with SafetensorsFile(path) as f:
        metadata = {k: v for k, v in {**f.metadata, **changes}.items() if k != drop}
        with SafetensorsWriter(out, list(f.tensors.values()), metadata) as w:
            for i in f.tensors.values():
                w.write(i.name, f.read_bytes(i.name, 0, i.nbytes))
    return out


def _source(**changes: object) -> str:
    return json.dumps({"a.weight": {"amax": "3F800000", "dtype": "F32", "shape": [48, 64], **changes}})


MANIFESTS = {
    "recipe-not-json": {"fos_recipe": "{"},
    "recipe-nested": {"fos_recipe": "[" * 100_000},
    "recipe-of-another-version": {"fos_recipe": '{"name":"x","new_axis":1}'},
    "fingerprint-of-another": {"fos_recipe_fingerprint": "0" * 64},
    "convention-unknown": {"fos_convention": "gguf"},
    "convention-wrong": {"fos_convention": "compressed-tensors"},
    "version-missing": {"drop": "fos_version"},
    "tensors-missing": {"drop": "fos_tensors"},
    "tensors-a-list": {"fos_tensors": "[]"},
    "tensors-unknown-weight": {"fos_tensors": _source().replace("a.weight", "q.weight")},
    "amax-nan": {"fos_tensors": _source(amax="7FC00000")},
    "amax-negative": {"fos_tensors": _source(amax="BF800000")},
    "amax-short": {"fos_tensors": _source(amax="3F8")},
    "amax-number": {"fos_tensors": _source(amax=1.0)},
    "amax-not-hex": {"fos_tensors": _source(amax="3F80000G")},
    "shape-3-d": {"fos_tensors": _source(shape=[48, 64, 1])},
    "shape-negative": {"fos_tensors": _source(shape=[-48, -64])},
    "shape-of-another": {"fos_tensors": _source(shape=[64, 48])},
    "amax-of-another": {"fos_tensors": _source()},
}


@pytest.mark.parametrize("case", MANIFESTS)
def test_a_manifest_that_does_not_hold_together_is_refused(case: str, source: Path, tmp_path: Path) -> None:
    quantize_checkpoint(source, tmp_path / "out")
    bad = _with_metadata(tmp_path / "out", tmp_path / "bad", **MANIFESTS[case])
    with pytest.raises(CheckpointError, match="manifest"), QuantizedCheckpoint(bad) as ck:
        ck.tensor("a.weight")


def test_a_recipe_other_than_the_manifests_is_refused(source: Path, tmp_path: Path) -> None:
    quantize_checkpoint(source, tmp_path / "out")
    with pytest.raises(CheckpointError, match="made with recipe '4over6', not 'nvfp4'"):
        QuantizedCheckpoint(tmp_path / "out", "nvfp4")
    with QuantizedCheckpoint(tmp_path / "out", "4over6-mse") as ck:  # another name of the same recipe
        assert ck.recipe == fos_ref.recipe("4over6")


def test_a_tensor_that_is_not_quantized_is_refused(source: Path, tmp_path: Path) -> None:
    quantize_checkpoint(source, tmp_path / "out")
    with (
        QuantizedCheckpoint(tmp_path / "out") as ck,
        pytest.raises(CheckpointError, match=r"no quantized weight is called 'a\.bias'"),
    ):
        ck.tensor("a.bias")


def test_the_safetensors_package_reads_the_result(source: Path, tmp_path: Path) -> None:
    quantize_checkpoint(source, tmp_path / "out", convention="compressed-tensors")
    with QuantizedCheckpoint(tmp_path / "out") as ck, safe_open(tmp_path / "out", framework="numpy") as f:
        q = ck.tensor("a.weight")
        assert np.array_equal(f.get_tensor("a.weight_packed"), q.codes)
        assert f.get_slice("a.weight_scale").get_dtype() == "F8_E4M3"
        assert f.get_tensor("a.weight_global_scale").shape == (1,)
