"""Index files, configurations beside the weights, and paths: none is more than a name in a folder."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

from fos_ref.cli import run
from fos_ref.errors import CheckpointError
from fos_ref.storage.shards import Shards
from tests.inspect.checkpoints import save, stored

NAMES = {
    "empty": "",
    "zero byte": "a\0b",
    "half a pair": "\ud800",
    "folder": ".",
    "parent": "..",
    "path": "a/b",
    "root": "/a",
    "other path": "a\\b",
    "drive": "c:a",
    "too long": "a" * 256,
    "too long in UTF-8": "\N{GRINNING FACE}" * 64,
    "device": "NUL",
    "device with a suffix": "com1.safetensors",
    "escape": "\x1b[31m.safetensors",
    "newline": "a\nb",
    "bidirectional": "\u202ea",
    "number": 7,
    "null": None,
    "list": ["a"],
}


@pytest.mark.sample(6)
@pytest.mark.parametrize("name", NAMES)
def test_a_shard_has_the_name_of_a_file(tmp_path, capsys, name):
    path = tmp_path / "model.safetensors.index.json"
    path.write_text(json.dumps({"weight_map": {"a": NAMES[name]}}), encoding="utf-8")
    with pytest.raises(CheckpointError):
        Shards(path)
    assert run(["inspect", str(path)]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.rstrip("\n").isprintable()
    assert len(err) < 1000


@pytest.mark.parametrize("name", ["model-00001-of-00002.safetensors", "é.safetensors", "nul_.x", ".a"])
def test_the_names_of_shards_are_taken(tmp_path, name):
    path = tmp_path / "model.safetensors.index.json"
    path.write_text(json.dumps({"weight_map": {"a": name}}), encoding="utf-8")
    with pytest.raises(FileNotFoundError):
        Shards(path)


INDEXES = {
    b"[": "not JSON",
    b"[]": "not an index",
    b"{}": "not an index",
    b'{"weight_map": []}': "not an index",
    b'{"weight_map": {}}': "not an index",
    b'{"weight_map": {"a": "x", "a": "y"}}': "given twice",
    b"\xff\xfe{}": "not JSON",
    b'{"weight_map": ' + b"[" * 100_000: "nested too deep",
}


@pytest.mark.parametrize("data", INDEXES, ids=range(len(INDEXES)))
def test_what_is_no_index_is_one_line(tmp_path, capsys, data):
    path = tmp_path / "index.json"
    path.write_bytes(data)
    assert run(["inspect", str(path)]) == 2
    err = capsys.readouterr().err
    assert INDEXES[data] in err
    assert err.count("\n") == 1


@pytest.mark.sample(9)
@pytest.mark.parametrize("path", ["", ".", "..", "/", "./", "a/..", "../..", "/dev/full", "/dev/zero"])
@pytest.mark.parametrize("command", ["inspect", "quantize", "against"])
def test_a_folder_or_a_device_is_no_checkpoint(tmp_path, monkeypatch, capsys, path, command):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").mkdir()
    words = {
        "inspect": ["inspect", path],
        "against": ["inspect", path, "--against", path],
        "quantize": ["quantize", path, "out.safetensors"],
    }[command]
    assert run(words) == 2
    err = capsys.readouterr().err
    assert "not a regular file" in err or "no checkpoint is in this folder" in err
    assert err.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


CONFIGS = [
    b"[" * 100_000,
    b'{"quantization_config": 5}',
    b'{"quantization_config": {"format": ' + b"[" * 60 + b"]" * 60 + b"}}",
    b'{"quantization_config": {"format": 1' + b"0" * 5000 + b"}}",
    b'{"quantization_config": {"format": NaN}}',
    b'{"quantization": {"quant_algo": {"a": []}}}',
    b"\xff",
]


@pytest.mark.sample(2)
@pytest.mark.parametrize("data", CONFIGS, ids=range(len(CONFIGS)))
def test_a_configuration_is_a_hint_and_no_more(tmp_path, capsys, data):
    save(stored({"w": np.ones((16, 32), np.float32)}, "nvfp4"), tmp_path / "q.safetensors")
    (tmp_path / "config.json").write_bytes(data)
    assert run(["inspect", str(tmp_path / "q.safetensors"), "--json"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)
    assert shown.err == ""


def test_a_configuration_that_blocks_is_not_opened(tmp_path, capsys):
    save(stored({"w": np.ones((16, 32), np.float32)}, "nvfp4"), tmp_path / "q.safetensors")
    os.mkfifo(tmp_path / "config.json")
    assert run(["inspect", str(tmp_path / "q.safetensors"), "--json"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "entry", [["F32", [4], [0, 16]], {"dtype": "F32", "shape": [4], "data_offsets": [0, 16], "x": [[1e400]]}]
)
def test_a_header_that_only_the_package_takes_is_refused(tmp_path, entry):
    header = json.dumps({"a": entry}).replace("Infinity", "1e400").encode()
    (tmp_path / "a.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(16))
    with pytest.raises(CheckpointError):
        Shards(tmp_path / "a.safetensors")
