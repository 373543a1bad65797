"""`fos inspect` from the command line: what it prints, its exit codes, shards, memory, unusable files."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from fos_ref.cli import run
from fos_ref.engines import numpy_engine
from fos_ref.engines.convert import quantize_checkpoint
from fos_ref.errors import CheckpointError
from fos_ref.inspect import search
from fos_ref.inspect import source as original_source
from fos_ref.inspect.api import inspect
from fos_ref.storage import held_bytes
from fos_ref.storage.safetensors_read import SafetensorsFile
from fos_ref.storage.shards import Shards
from tests.inspect.checkpoints import original, save, stored, trained


@pytest.fixture
def source(tmp_path) -> Path:
    small = {"a.weight": trained(32, 128), "b.weight": trained(16, 64, seed=4), "c.weight": trained(16, 32)}
    return original(tmp_path, **small)


@pytest.fixture
def quantized(source, tmp_path) -> Path:
    quantize_checkpoint(source, tmp_path / "q.safetensors", "4over6-mae")
    return tmp_path / "q.safetensors"


@pytest.mark.long
def test_json_has_every_finding_with_its_evidence(quantized, source, capsys):
    assert run(["inspect", str(quantized), "--against", str(source), "--json"]) == 0
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert err == ""
    assert list(document["findings"]) == [
        "convention",
        "tensor_scale",
        "nibble_order",
        "scale_layout",
        "block_shape",
        "bound",
        "rule",
        "metric",
        "dialect",
    ]
    assert all(set(f) == {"value", "evidence"} and f["evidence"] for f in document["findings"].values())
    assert document["manifest"] == {
        "recipe": "4over6-mae",
        "convention": "modelopt",
        "version": document["manifest"]["version"],
        "holds": True,
        "equal_blocks": 352,
        "compared_blocks": 352,
        "blocks": 352,
    }
    assert (document["compared_blocks"], document["blocks"]) == (352, 352)
    assert "4over6-mae" in document["same_bytes"]
    assert document["dialects"][0]["equal_share"] == 1
    assert {n: (w["equal"], w["blocks"]) for n, w in document["weights"].items()} == {
        "a.weight": (256, 256),
        "b.weight": (64, 64),
        "c.weight": (32, 32),
    }
    assert document["problems"] == []
    assert document["counts"]["other_tensors"] == 1


@pytest.mark.long
def test_a_table_for_a_reader(quantized, source, capsys):
    assert run(["inspect", str(quantized)]) == 0
    alone = capsys.readouterr().out
    assert run(["inspect", str(quantized), "--against", str(source)]) == 0
    beside = capsys.readouterr().out
    assert "cannot be told from the bytes" in alone
    assert "manifest: recipe 4over6-mae: not tried" in alone
    assert "manifest: recipe 4over6-mae: the bytes are its" in beside
    assert "the original quantized anew" in beside
    assert "\x1b" not in alone + beside


@pytest.mark.long
def test_a_manifest_that_the_bytes_belie_is_exit_1(quantized, source, capsys):
    with SafetensorsFile(quantized) as file:
        start = file._starts["a.weight"] + 100
    data = bytearray(quantized.read_bytes())
    data[start] ^= 1
    quantized.write_bytes(data)
    assert run(["inspect", str(quantized)]) == 0
    assert run(["inspect", str(quantized), "--against", str(source)]) == 1
    out = capsys.readouterr().out
    assert "the bytes are NOT its" in out


@pytest.mark.long
def test_an_original_that_is_another_is_said(quantized, tmp_path):
    other = save({"a.weight": trained(32, 128, seed=77)}, tmp_path / "other")
    found = inspect(quantized, other)
    assert found.findings["tensor_scale"].value == "multiplier"
    assert found.manifest_holds is False
    assert found.compared == ("a.weight",)
    assert set(found.not_compared) == {"b.weight", "c.weight"}


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["{plain}"], "none of its 4 tensors is an NVFP4 or MXFP4 weight"),
        (["{dir}/no"], "No such file"),
        (["{dir}"], "2 files could be meant: original.safetensors, q.safetensors"),
        (["{dir}/none"], "no checkpoint is in this folder"),
        (["{q}", "--against", "{dir}/no"], "No such file"),
        (["{q}", "--against", "{packed}"], "no weight can be compared: a.weight: it is U8"),
        (["{q}", "--against", "{shape}"], "F32 [64, 256] in the original"),
        (["{mx}"], "block scales U8 [32, 3] for a weight (32, 64): one for 16 values"),
        (["{text}"], "not an index"),
        (["{q}", "--blocks", "-1"], "--blocks"),
        (["{q}", "--against", "{q}", "--map", "a"], "--map a: OLD=NEW is allowed"),
        (["{q}", "--map", "a=b"], "--against ORIGINAL is needed"),
        (["{q}", "--recipe", "4over7"], "4over7"),
        ([], "Missing argument"),
    ],
)
def test_unusable_input_is_one_line_and_exit_2(args, says, quantized, tmp_path, capsys):
    save({"a.weight": trained(64, 256)}, tmp_path / "shape")
    codes = np.zeros((32, 32), np.uint8)
    save({"a.weight": codes, "a.weight_scale": np.zeros((32, 3), np.uint8)}, tmp_path / "mx")
    save({"a.weight": codes}, tmp_path / "packed")
    (tmp_path / "none").mkdir()
    (tmp_path / "x.index.json").write_text('{"weight_map": {"a": "../up"}}')
    places = {
        "plain": tmp_path / "original.safetensors",
        "q": quantized,
        "dir": tmp_path,
        "text": tmp_path / "x.index.json",
    }
    places |= {name: tmp_path / name for name in ("shape", "mx", "packed")}
    for mark, path in places.items():
        args = [a.replace(f"{{{mark}}}", str(path)) for a in args]
    assert run(["inspect", *args]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
    assert err.count("\n") == 1


def test_what_is_quantized_otherwise_is_listed_with_the_reason(tmp_path):
    tensors = stored({"a": trained(64, 64)}, "4over6")
    tensors["m.weight"] = np.zeros((32, 32), np.uint8)
    tensors["m.weight_scale"] = np.zeros((32, 3), np.uint8)
    tensors["e.weight"] = np.zeros((2, 2, 32, 32), np.uint8)
    tensors["e.weight_scale"] = np.zeros((2, 2, 32, 4), ml_dtypes.float8_e4m3fn)
    tensors["f.weight"] = np.zeros((4, 4), ml_dtypes.float8_e4m3fn)
    tensors["f.weight_scale"] = np.ones(1, np.float32)
    found = inspect(save(tensors, tmp_path / "many"))
    assert [w.held.name for w in found.weights] == ["a.weight"]
    assert set(found.unread) == {"m.weight", "e.weight"}
    assert "one for 16 values is read" in found.unread["m.weight"]
    assert "4 dimensions" in found.unread["e.weight"]
    kinds = {o.names: (o.what, o.dtype, o.tensors, o.nbytes) for o in found.others}
    assert kinds == {
        ("f.weight",): ("FP8 weights", "F8_E4M3", 1, 16),
        ("f.weight_scale",): ("scales", "F32", 1, 4),
    }


def test_shards_are_one_checkpoint(tmp_path):
    tensors = stored({"a": trained(128, 256), "b": trained(64, 64)}, "4over6")
    order = sorted(tensors)
    parts = {"m-1.safetensors": order[:2], "m-2.safetensors": order[2:]}  # a's tensor scale is in the second
    for name, names in parts.items():
        save({n: tensors[n] for n in names}, tmp_path / name)
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {n: f for f, names in parts.items() for n in names}}))
    (tmp_path / "config.json").write_text('{"quantization_config": {"quant_method": "modelopt"}}')
    found = inspect(index)
    whole = inspect(save(tensors, tmp_path / "whole"))
    assert [w.to_dict() for w in found.weights] == [w.to_dict() for w in whole.weights]
    assert "config.json says quant_method modelopt" in found.findings["convention"].evidence
    index.write_text(json.dumps({"weight_map": {"a.weight": "m-1.safetensors", "z": "m-2.safetensors"}}))
    with pytest.raises(CheckpointError, match="'z' is not in 'm-2"):
        Shards(index)


def test_names_from_the_file_cannot_write_to_the_terminal(tmp_path, capsys):
    tensors = stored({"\x1b[31m[red]x": trained(16, 64)}, "4over6")
    tensors["\x1b[2Jm.weight"] = np.zeros((32, 32), np.uint8)
    tensors["\x1b[2Jm.weight_scale"] = np.zeros((32, 2), np.uint8)
    assert run(["inspect", str(save(tensors, tmp_path / "evil"))]) == 0
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.long
def test_progress_reaches_its_total(quantized, source):
    for against in (None, source):
        seen: list[tuple[int, int]] = []
        inspect(quantized, against, progress=lambda n, total, seen=seen: seen.append((n, total)))
        assert len({total for _, total in seen}) == 1
        assert seen[-1][0] == seen[-1][1]
        assert [n for n, _ in seen] == sorted(n for n, _ in seen)


@pytest.mark.long
def test_memory_does_not_hold_the_weight(tmp_path, monkeypatch):
    x = np.random.default_rng(3).standard_normal((1024, 2048)).astype(np.float32)
    source = save({"x.weight": x}, tmp_path / "in")
    out = tmp_path / "out"
    quantize_checkpoint(source, out, "nvfp4", engine="numpy")
    for against in (None, source):  # what it imports is not measured
        inspect(out, against, blocks=4096)
    monkeypatch.setattr(held_bytes, "CHUNK_BYTES", 1 << 14)
    monkeypatch.setattr(original_source, "CHUNK_VALUES", 1 << 14)
    monkeypatch.setattr(original_source, "KEPT_VALUES", 1 << 14)
    monkeypatch.setattr(search, "CHUNK_VALUES", 1 << 15)
    monkeypatch.setattr(numpy_engine, "CHUNK_ELEMENTS", 1 << 13)
    peaks = []
    for against in (None, source):
        tracemalloc.start()
        try:
            found = inspect(out, against, blocks=4096)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert 4096 <= found.best[0].blocks < 8192
    assert peaks[0] < x.nbytes // 8
    assert peaks[1] < x.nbytes // 2
