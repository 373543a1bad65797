"""JSON documents: indexes of shards, evidence, findings of proofs, recipes; each with what can be wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fos_ref.recipes import PRESETS

#: No usable JSON, whatever is expected in it.
FOREIGN: Mapping[str, bytes] = {
    "empty": b"",
    "cut-short": b'{"a": ',
    "an-array": b"[]",
    "a-number": b"1",
    "null": b"null",
    "a-text": b'"a"',
    "not-a-number": b"NaN",
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "deep-objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "not-utf-8": b'{"\xff\xfe": 1}',
    "utf-16": '{"a": 1}'.encode("utf-16"),
    "a-huge-number": b'{"format": 1' + b"0" * 10_000 + b"}",
    "zip": b"PK\x03\x04" + b"\0" * 60,
    "pickle": b"\x80\x04\x95\x0b\x00\x00\x00",
    "nothing-in-it": b"{}",
}


def shards(value: Any) -> bytes:
    """Return an index whose weight_map is `value`."""
    return json.dumps({"metadata": {}, "weight_map": value}).encode()


INDEXES = {
    "good": shards({"a.weight": "w.safetensors", "norm.weight": "w.safetensors"}),
    "map-a-list": shards(["w.safetensors"]),
    "map-a-text": shards("w.safetensors"),
    "map-empty": shards({}),
    "shard-a-number": shards({"a": 1}),
    "shard-null": shards({"a": None}),
    "shard-a-list": shards({"a": ["w.safetensors"]}),
    "shard-nameless": shards({"a": ""}),
    "shard-a-dot": shards({"a": "."}),
    "shard-two-dots": shards({"a": ".."}),
    "shard-with-nul": shards({"a": "a\0b"}),
    "shard-a-surrogate": shards({"a": "\ud800"}),
    "shard-upwards": shards({"a": "../w.safetensors"}),
    "shard-absolute": shards({"a": "/etc/passwd"}),
    "shard-below": shards({"a": "taken/w.safetensors"}),
    "shard-missing": shards({"a": "nowhere.safetensors"}),
    "shard-escape": shards({"a": "\x1b]0;pwn\x07.safetensors"}),
    "shard-newline": shards({"a": "a\nb.safetensors"}),
    "shard-bidi": shards({"a": "a\u202eb.safetensors"}),
    "shard-too-long": shards({"a": "s" * 100_000}),
    "shard-a-pipe": shards({"a": "pipe.safetensors"}),
    "shard-a-folder": shards({"a": "folder.safetensors"}),
    "shard-a-loop": shards({"a": "loop.safetensors"}),
    "shard-empty": shards({"a": "empty.safetensors"}),
    "tensor-elsewhere": shards({"\x1b[31mnot there": "w.safetensors"}),
    "tensor-long": shards({"n" * 100_000: "w.safetensors"}),
    "map-twice": b'{"weight_map": {"a.weight": "w.safetensors"}, "weight_map": {"b": "q.safetensors"}}',
}


def evidence(**changed: Any) -> bytes:
    """Return evidence with some parts changed; it claims nothing."""
    whole = {"format": 1, "presets": {}, "not_run": {}, "versions": {}, "conversions": {}}
    return json.dumps(whole | changed).encode()


def entry(**changed: Any) -> dict[str, Any]:
    """Return the entry of nvfp4 with some parts changed."""
    whole = {
        "peer": "some-peer",
        "version": "1.2",
        "blocks": 4096,
        "blocks_left_out": 0,
        "left_out_because": None,
        "differing_bytes": {"codes": 0, "block_scales": 0, "picked4": None},
        "families": ["normal"],
        "dtypes": ["float32"],
        "fingerprint": PRESETS["nvfp4"].fingerprint(),
    }
    return {"nvfp4": whole | changed}


EVIDENCE = {
    "good": evidence(),
    "another-format": evidence(format=2),
    "format-true": evidence(format=True),
    "presets-a-list": evidence(presets=[]),
    "presets-a-number": evidence(presets=5),
    "conversions-a-number": evidence(conversions=5),
    "conversions-of-numbers": evidence(conversions={"a": 5}),
    "not-run-a-list": evidence(not_run=[1]),
    "not-run-of-objects": evidence(not_run={"a": {}}),
    "versions-a-text": evidence(versions="2"),
    "versions-of-lists": evidence(versions={"numpy": [2]}),
    "entry-a-list": evidence(presets={"nvfp4": [1]}),
    "entry-a-text": evidence(presets={"nvfp4": "x"}),
    "entry-empty": evidence(presets={"nvfp4": {}}),
    "blocks-a-text": evidence(presets=entry(blocks="many")),
    "blocks-negative": evidence(presets=entry(blocks=-1)),
    "blocks-infinite": evidence(presets=entry(blocks=float("inf"))),
    "blocks-a-boolean": evidence(presets=entry(blocks=True)),
    "bytes-of-texts": evidence(presets=entry(differing_bytes={"codes": "0"})),
    "bytes-a-number": evidence(presets=entry(differing_bytes=5)),
    "families-a-number": evidence(presets=entry(families=5)),
    "families-of-numbers": evidence(presets=entry(families=[5])),
    "dtypes-null": evidence(presets=entry(dtypes=None)),
    "peer-a-list": evidence(presets=entry(peer=[1])),
    "version-a-number": evidence(presets=entry(version=5)),
    "fingerprint-null": evidence(presets=entry(fingerprint=None)),
}
FINDINGS = {
    "no-figures": b'{"compared": 1}',
    "figures-a-list": b'{"compared": 1, "figures": [1], "not_run": {}}',
    "figures-null": b'{"compared": 1, "figures": null, "not_run": {}}',
    "compared-missing": b'{"figures": {}, "not_run": {}}',
}


RECIPES = {
    f"recipe-{k}": json.dumps(PRESETS["nvfp4"].to_dict() | changed).encode()
    for k, changed in {
        "unknown-value": {"tie": "\x1b]0;pwn\x07"},
        "unknown-axis": {"\x1b[31m\n": 1},
        "bound-a-text": {"scale_max": "448"},
        "bound-huge": {"scale_max": 10**300},
        "bound-fraction": {"scale_max": 448.0},
        "name-escape": {"name": "\x1b]0;pwn\x07"},
        "name-long": {"name": "n" * 100_000},
        "name-a-number": {"name": 5},
        "name-of-a-preset": {"name": "4over6"},
        "axis-a-list": {"block_shape": ["1x16"]},
    }.items()
}


#: Configs of `fos model train`: the good one, and what no config may be.
PRETRAIN = {
    k: json.dumps(v).encode()
    for k, v in {
        "good": {"steps": 30, "warmup": 3},
        "unknown-name": {"step": 5},
        "steps-a-text": {"steps": "5"},
        "steps-zero": {"steps": 0},
        "steps-a-fraction": {"steps": 1.5},
        "steps-true": {"steps": True},
        "steps-beyond": {"steps": 10**30},
        "width-odd": {"width": 200},
        "heads-odd": {"width": 256, "heads": 3},
        "tokens-odd": {"batch": 1, "sequence": 100},
        "warmup-long": {"steps": 10, "warmup": 11, "replay": 1},
        "replay-late": {"steps": 10, "warmup": 1, "replay": 10},
        "arms-a-text": {"arms": "nvidia"},
        "arms-none": {"arms": []},
        "arms-unknown": {"arms": ["nvidia", "amd"]},
        "arms-twice": {"arms": ["nvidia", "nvidia"]},
        "models-unknown": {"models": ["rnn"]},
        "seeds-negative": {"seeds": [-1]},
        "seeds-of-texts": {"seeds": ["1"]},
        "data-a-number": {"data": 5},
        "data-empty": {"data": ""},
    }.items()
}


def files() -> dict[str, bytes]:
    """Return the documents by name; findings lie in folders of their own."""
    found = {f"{k}.json": v for k, v in FOREIGN.items()}
    found |= {f"index-{k}.json": v for k, v in INDEXES.items()}
    found |= {f"{k}.json": v for k, v in RECIPES.items()}
    found |= {f"evidence-{k}.json": v for k, v in EVIDENCE.items()}
    found |= {f"pretrain-{k}.json": v for k, v in PRETRAIN.items()}
    for name in ("products", "host", "targets"):
        more = FOREIGN | FINDINGS
        found |= {f"finding-{k}/proof-{name}.json": v for k, v in more.items()}
    return found
