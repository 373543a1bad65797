"""Zero, NaN, subnormal and signed scales, negative zeros: counted as a plain loop counts them."""

from __future__ import annotations

import json
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

import fos_ref
from fos_ref.inspect.api import inspect
from fos_ref.storage import held_bytes
from tests.inspect.checkpoints import save


def random_file(folder: Path, rows: int = 48, cols: int = 80) -> tuple[Path, np.ndarray, np.ndarray]:
    """Write codes and scale bytes of every value."""
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 256, (rows, cols // 2), dtype=np.uint8)
    codes[5] = 0
    codes[6] = 0x88
    scales = rng.integers(0, 256, (rows, cols // 16), dtype=np.uint8)
    scales[5:7] = 0x20
    tensors = {
        "x.weight": codes,
        "x.weight_scale": scales.view(ml_dtypes.float8_e4m3fn),
        "x.weight_scale_2": np.float32(1e-4),
    }
    save(tensors, folder / "q")
    return folder / "q", codes, scales


@pytest.mark.parametrize("chunk", [16 * 40, 1 << 20])
def test_counts_are_those_of_a_plain_loop(chunk, tmp_path, monkeypatch):
    monkeypatch.setattr(held_bytes, "CHUNK_BYTES", chunk)
    path, codes, scales = random_file(tmp_path)
    unpacked = np.stack([codes & 15, codes >> 4], axis=-1).reshape(scales.shape[0], -1, 16)
    got = inspect(path).to_dict()["counts"]
    largest = (unpacked & 7).max(axis=-1)
    want = {
        "weights": 1,
        "blocks": scales.size,
        "zero_scales": int(((scales & 127) == 0).sum()),
        "subnormal_scales": int(((scales > 0) & (scales < 8)).sum()),
        "nan_scales": int(((scales & 127) == 127).sum()),
        "signed_scales": int(((scales > 128) & (scales < 255)).sum()),
        "scales_at_448": int((scales == 0x7E).sum()),
        "zero_blocks": int((largest == 0).sum()),
        "zero_scales_over_codes": int((((scales & 127) == 0) & (largest > 0)).sum()),
        "negative_zeros": int((unpacked == 8).sum()),
        "codes": unpacked.size,
        "other_tensors": 0,
    }
    assert got == want
    assert want["zero_scales"] > 0
    assert inspect(path).to_dict()["scale_bytes_of_zero_blocks"] == {"20": 10}


ZERO_BYTES = {
    "4over6": "00",
    "modelopt-nvfp4": "38",
    "compressed-tensors-nvfp4": "20",
    "torchao-nvfp4": "08",
}


@pytest.mark.parametrize("recipe", ZERO_BYTES)
def test_zero_blocks_show_the_implementations_byte(recipe, tmp_path):
    x = np.random.default_rng(2).standard_normal((16, 64)).astype(np.float32)
    x[3:5, 16:48] = 0
    q = fos_ref.quantize(x, recipe)
    tensors = {
        "x.weight": q.codes,
        "x.weight_scale": q.block_scales.view(ml_dtypes.float8_e4m3fn),
        "x.weight_scale_2": np.float32(q.decode_scale),
    }
    save(tensors, tmp_path / "q")
    found = inspect(tmp_path / "q")
    assert found.to_dict()["scale_bytes_of_zero_blocks"] == {ZERO_BYTES[recipe]: 4}
    assert found.findings["rule"].value == fos_ref.recipe(recipe).candidates.value


def test_a_weight_of_zeros_tells_nothing(tmp_path):
    q = fos_ref.quantize(np.zeros((32, 64), np.float32), "4over6")
    tensors = {
        "x.weight": q.codes,
        "x.weight_scale": q.block_scales.view(ml_dtypes.float8_e4m3fn),
        "x.weight_scale_2": np.float32(1),
    }
    save(tensors, tmp_path / "q")
    save({"x.weight": np.zeros((32, 64), np.float32)}, tmp_path / "in")
    for found in (inspect(tmp_path / "q"), inspect(tmp_path / "q", tmp_path / "in")):
        told = {k for k, f in found.findings.items() if f.value is not None}
        assert told <= {"convention", "dialect"}
    assert len(found.best) > 20  # any preset makes nothing of nothing


#: A tensor scale that is none -> the problems that are told without the original, and with it.
NO_SCALE: dict[float, tuple[list[str], list[str]]] = {
    0.0: (["zero-or-nan-scale"], ["zero-or-nan-scale"]),
    -1e-4: (["tensor-scale"], ["tensor-scale"]),
    np.inf: (["not-finite"], ["not-finite"]),
    np.nan: (["zero-or-nan-scale"], ["zero-or-nan-scale"]),
    1e-45: ([], ["tensor-scale", "no-reading"]),
    3e38: ([], ["tensor-scale", "no-reading"]),
}


@pytest.mark.sample(2)
@pytest.mark.parametrize("scale", NO_SCALE)
def test_a_tensor_scale_that_is_none_tells_nothing_and_stops_nothing(scale, tmp_path):
    x = np.random.default_rng(2).standard_normal((16, 64)).astype(np.float32)
    q = fos_ref.quantize(x, "4over6")
    tensors = {
        "x.weight": q.codes,
        "x.weight_scale": q.block_scales.view(ml_dtypes.float8_e4m3fn),
        "x.weight_scale_2": np.float32(scale),
    }
    save(tensors, tmp_path / "q")
    save({"x.weight": x}, tmp_path / "in")
    alone, beside = inspect(tmp_path / "q"), inspect(tmp_path / "q", tmp_path / "in")
    for found, problems in zip((alone, beside), NO_SCALE[scale], strict=True):
        assert found.findings["tensor_scale"].value is None
        assert (found.findings["bound"].value, found.findings["rule"].value) == ("256", "4/6")
        assert [(p.problem, p.weights) for p in found.problems] == [(p, ("x.weight",)) for p in problems]
    assert alone.findings["dialect"].value is None
    assert "4over6" in [n for c in beside.best for n in c.names]  # under the weight's own amax
    assert (beside.best[0].equal, beside.best[0].blocks, beside.not_compared) == (64, 64, {})


def test_four_bit_dtypes_are_read(tmp_path):
    """F4 counts codes, two a byte, where U8 counts bytes."""
    path, codes, _ = random_file(tmp_path)
    raw = path.read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + size])
    header["x.weight"] |= {"dtype": "F4", "shape": [codes.shape[0], codes.shape[1] * 2]}
    text = json.dumps(header).encode()
    (tmp_path / "f4").write_bytes(len(text).to_bytes(8, "little") + text + raw[8 + size :])
    got, want = inspect(tmp_path / "f4").to_dict(), inspect(path).to_dict()
    assert got["counts"] == want["counts"]
    assert got["findings"] == want["findings"]
