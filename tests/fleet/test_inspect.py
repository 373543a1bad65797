"""One foreign scale in one of 24 shards: the weight and the shard are named."""

from __future__ import annotations

import json
import struct

import pytest

from fos_ref.cli import run as fos
from fos_ref.engines.convert import quantize_checkpoint
from tests.fleet import models

pytestmark = pytest.mark.exhaustive  # 24 shards
COUNT, SHARD = 24, models.shard_name(17, 24)
WEIGHT = "m.17.mlp.down_proj.weight"


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    d = tmp_path_factory.mktemp("inspect")
    models.checkpoint(d / "src", COUNT, (32, 32))
    quantize_checkpoint(d / "src", d / "q", "4over6", share="fused", engine="numpy")
    return d / "src", d / "q"


def _change(path, tensor, change):
    data = bytearray(path.read_bytes())
    length = struct.unpack("<Q", data[:8])[0]
    start, stop = json.loads(data[8 : 8 + length])[tensor]["data_offsets"]
    at = slice(8 + length + start, 8 + length + stop)
    data[at] = change(bytes(data[at]))
    path.write_bytes(data)


def seen(capsys, *args):
    code = fos(["fleet", "inspect", *map(str, args), "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_whole_folder_has_no_problem(folders, capsys):
    code, said = seen(capsys, folders[1])
    assert (code, said["problems"], said["unread"], len(said["shards"])) == (0, [], {}, COUNT)


CHANGES = {
    "tensor scale": (f"{WEIGHT}_scale_2", lambda b: struct.pack("<f", struct.unpack("<f", b)[0] * 1.5), ()),
    "block scales": (f"{WEIGHT}_scale", lambda b: bytes([b[0] ^ 8]) + b[1:], ("--against",)),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_foreign_scale_names_weight_and_shard(folders, capsys, what):
    tensor, change, more = CHANGES[what]
    path = folders[1] / SHARD
    before = path.read_bytes()
    try:
        _change(path, tensor, change)
        code, said = seen(capsys, folders[1], *((*more, folders[0]) if more else ()))
    finally:
        path.write_bytes(before)
    assert code == 1
    assert said["manifest_holds"] is False
    assert {(p["shard"], *p["weights"]) for p in said["problems"]} == {(SHARD, WEIGHT)}


def test_a_shard_that_cannot_be_read_is_named_and_the_others_are_seen(folders, capsys):
    path = folders[1] / SHARD
    before = path.read_bytes()
    try:
        path.write_bytes(before[:-4])
        code, said = seen(capsys, folders[1])
    finally:
        path.write_bytes(before)
    assert (code, list(said["unread"])) == (1, [SHARD])
    assert "truncated" in said["unread"][SHARD]
    assert sum(s is not None for s in said["shards"].values()) == COUNT - 1
