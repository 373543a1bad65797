"""The valid files that are mutated: small ones of our own, made in the run."""

from __future__ import annotations

import io
import json
import struct
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import gguf
import ml_dtypes
import numpy as np

import fos_ref
from fos_ref.engines.convert import quantize_checkpoint
from fos_ref.recipes import PRESETS
from fos_ref.storage.gguf_blocks import join_nvfp4
from fos_ref.vectors import bulk, chain, layout
from fos_ref.vectors.canonical import canonical
from fos_ref.vectors.case import plain
from fos_ref.vectors.distinguishing.check import VECTORS
from fos_ref.vectors.file import _document, name_of, Plan
from fos_ref.vectors.manifest import MANIFEST, manifest
from fos_ref.vectors.npz import write_npz
from fos_ref.vectors.on_disk import README
from tests.inspect.field import parts

ROOT = Path(__file__).parents[2]
#: Makes what belongs beside a changed file: the manifest of a folder.
Finish = Callable[[Mapping[str, bytes]], Mapping[str, bytes]]


@dataclass(frozen=True)
class Sample:
    """Files of one folder by name, and the kind of those that are mutated."""

    files: Mapping[str, bytes]
    kinds: Mapping[str, str]
    finish: Finish = field(default=lambda files: files)


def weight(rows: int = 16, cols: int = 32, seed: int = 1) -> Any:
    """Return a small weight."""
    return (0.02 * np.random.default_rng(seed).standard_normal((rows, cols))).astype(np.float32)


_NAMES = {
    "float32": "F32",
    "float16": "F16",
    "bfloat16": "BF16",
    "uint8": "U8",
    "uint32": "U32",
    "float8_e4m3fn": "F8_E4M3",
    "float8_e8m0fnu": "F8_E8M0",
}


def packed(tensors: Mapping[str, Any], metadata: Mapping[str, str] | None = None) -> bytes:
    """Return a safetensors file."""
    header: dict[str, Any] = {} if metadata is None else {"__metadata__": dict(metadata)}
    body = b""
    for name, a in tensors.items():
        data = np.ascontiguousarray(a).tobytes()
        offsets = [len(body), len(body) + len(data)]
        header[name] = {"dtype": _NAMES[a.dtype.name], "shape": list(a.shape), "data_offsets": offsets}
        body += data
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


@cache
def original() -> bytes:
    """Return a checkpoint of two weights and what is left alone."""
    return packed(
        {
            "a.weight": weight(),
            "b.weight": weight(seed=2).astype(ml_dtypes.bfloat16),
            "norm.weight": np.ones(16, np.float32),
            "lm_head.weight": weight(seed=3).astype(np.float16),
        },
        {"format": "pt"},
    )


@cache
def quantized(convention: str = "modelopt", recipe: str = "4over6") -> bytes:
    """Return the same, quantized, with its manifest."""
    with tempfile.TemporaryDirectory() as work:
        source, target = Path(work, "in.safetensors"), Path(work, "out.safetensors")
        source.write_bytes(original())
        quantize_checkpoint(source, target, recipe, convention=convention)
        return target.read_bytes()


@cache
def bare() -> bytes:
    """Return the three tensors of a weight without a manifest."""
    q = fos_ref.quantize(weight(), "nvfp4")
    return packed(
        {
            "a.weight": q.codes,
            "a.weight_scale": q.block_scales.view(ml_dtypes.float8_e4m3fn),
            "a.weight_scale_2": np.float32(q.tensor_amax / 2688).reshape(()),
        }
    )


@cache
def ggml() -> bytes:
    """Return a GGUF file as llama.cpp's converter writes it, of a model with two experts."""
    q = fos_ref.quantize(weight(4, 64), "nvfp4")
    with tempfile.TemporaryDirectory() as work:
        path = Path(work, "m.gguf")
        w = gguf.GGUFWriter(path, "qwen3moe")
        w.add_block_count(1)
        w.add_float32("x.eps", 1e-5)
        w.add_bool("x.on", val=True)
        w.add_token_list([b"a", b"\xff", b""])
        w.add_token_scores([0.5, 1.0, 2.0])
        w.add_tensor("output_norm.weight", np.ones(16, np.float32))
        blocks = np.stack([join_nvfp4(q.codes, q.block_scales)] * 2)
        w.add_tensor("blk.0.ffn_up_exps.weight", blocks, raw_dtype=gguf.GGMLQuantizationType.NVFP4)
        w.add_tensor("blk.0.ffn_up_exps.scale", np.float32([1, 0.5]))
        mx = np.arange(68, dtype=np.uint8).reshape(2, 34)
        w.add_tensor("blk.0.ffn_down.weight", mx, raw_dtype=gguf.GGMLQuantizationType.MXFP4)
        w.write_header_to_file()
        w.write_kv_data_to_file()
        w.write_tensors_to_file()
        w.close()
        return path.read_bytes()


def saved(a: Any) -> bytes:
    """Return a .npy file."""
    out = io.BytesIO()
    np.save(out, a)
    return out.getvalue()


def checkpoints() -> list[Sample]:
    """Return checkpoints to quantize."""
    return [Sample({"in.safetensors": original()}, {"in.safetensors": "safetensors"})]


def to_inspect() -> list[Sample]:
    """Return quantized checkpoints beside their original; either is mutated."""
    both = {"q.safetensors": "safetensors", "in.safetensors": "safetensors"}
    made = [quantized(), quantized("compressed-tensors", "te-mse-256"), bare()]
    return [Sample({"q.safetensors": q, "in.safetensors": original()}, both) for q in made]


def conventions() -> list[Sample]:
    """Return one file of all conventions, stacked experts among them, beside its original."""
    x = parts.weights("m.weight", "t.weight", "x.weight", "a.weight", shape=(16, 64))
    stacks = parts.weights("e.gate_up_proj", "c.w2_weight", "g.down_proj", shape=(2, 16, 64))
    w13 = parts.weights("w.w13_weight", shape=(2, 2, 16, 64))
    halves = parts.held(w13)
    held = {n: a.reshape(2, 32, -1) if a.ndim > 2 else a for n, a in halves.items()}
    held |= parts.modelopt("e.gate_up_proj", stacks["e.gate_up_proj"])
    held |= parts.compressed("c.w2_weight", stacks["c.w2_weight"])
    held |= parts.gpt_oss("g.down_proj", stacks["g.down_proj"])
    held |= parts.mlx("m.weight", x["m.weight"]) | parts.torchao("t.weight", x["t.weight"])
    held |= parts.compressed_mx("x.weight", x["x.weight"], dtype=parts.E8M0)
    held |= parts.modelopt("a.weight", x["a.weight"]) | {"a.input_scale": np.float32(1).reshape(())}
    source = x | stacks | {n: a.reshape(2, 32, -1) for n, a in w13.items()}
    files = {"q.safetensors": packed(held), "in.safetensors": packed(source)}
    return [Sample(files, dict.fromkeys(files, "safetensors"))]


def ggml_files() -> list[Sample]:
    """Return GGUF files of one size and of a few bytes."""
    return [Sample({"m.gguf": data}, {"m.gguf": "gguf"}) for data in (ggml(), b"GGUF\3" + bytes(19))]


def ggml_quantized() -> list[Sample]:
    """Return a GGUF file with quantized weights."""
    return ggml_files()[:1]


def shards() -> list[Sample]:
    """Return a checkpoint of two files with its index."""
    q = fos_ref.quantize(weight(), "nvfp4")
    first = packed({"a.weight": q.codes, "a.weight_scale": q.block_scales.view(ml_dtypes.float8_e4m3fn)})
    second = packed({"a.weight_scale_2": np.float32(1).reshape(())})
    where = {
        "a.weight": "1.safetensors",
        "a.weight_scale": "1.safetensors",
        "a.weight_scale_2": "2.safetensors",
    }
    index = json.dumps({"metadata": {"total_size": 388}, "weight_map": where}).encode()
    files = {"q.safetensors.index.json": index, "1.safetensors": first, "2.safetensors": second}
    return [Sample(files, {"q.safetensors.index.json": "json"})]


def models() -> list[Sample]:
    """Return the folder of a model: two shards, one with a stack of experts, their index, a configuration."""
    stack = np.stack([weight(seed=4), weight(seed=5)])
    files = {
        "1.safetensors": packed({"m.q_proj.weight": weight(), "m.k_proj.weight": weight(seed=2)}),
        "2.safetensors": packed({"m.experts.gate_up_proj": stack, "norm.weight": np.ones(16, np.float32)}),
        "config.json": json.dumps({"model_type": "llama4", "text_config": {"hidden_size": 16}}).encode(),
    }
    names = {"1": ("m.q_proj.weight", "m.k_proj.weight"), "2": ("m.experts.gate_up_proj", "norm.weight")}
    where = {n: f"{shard}.safetensors" for shard, own in names.items() for n in own}
    index = json.dumps({"metadata": {"total_size": 8256}, "weight_map": where}).encode()
    kinds = {"model.safetensors.index.json": "json", "config.json": "json", "2.safetensors": "safetensors"}
    return [Sample({"model.safetensors.index.json": index, **files}, kinds)]


def configurations() -> list[Sample]:
    """Return a checkpoint beside the configurations of its readers."""
    config = {"quantization_config": {"quant_method": "modelopt", "format": "nvfp4", "ignore": ["lm_head"]}}
    hf = {"quantization": {"quant_algo": "NVFP4", "group_size": 16}, "producer": {"name": "x"}}
    files = {
        name: json.dumps(d).encode() for name, d in (("config.json", config), ("hf_quant_config.json", hf))
    }
    return [Sample(files | {"q.safetensors": bare()}, dict.fromkeys(files, "json"))]


def arrays() -> list[Sample]:
    """Return what `fos check` and `fos recipes diff --on` read."""
    x = weight(4, 32)
    q = fos_ref.quantize(x, "nvfp4")
    files = {"x.npy": saved(x), "codes.npy": saved(q.codes), "scales.npy": saved(q.block_scales)}
    half = {"x.npy": saved(np.asfortranarray(x.astype(np.float16))), "codes.npy": files["codes.npy"]}
    kinds = dict.fromkeys(files, "npy")
    return [Sample(files, kinds), Sample(files | half, kinds)]


def archives() -> list[Sample]:
    """Return archives of arrays."""
    data = write_npz({"a": np.arange(6, dtype=np.uint16).reshape(2, 3), "b": np.arange(4, dtype=np.uint8)})
    return [Sample({"a.npz": data}, {"a.npz": "npz"})]


def with_manifest(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return a golden folder with a manifest of the files that it has, whatever they hold."""
    names = {n: d for n, d in files.items() if n != MANIFEST}
    listed = json.loads(manifest({n: b"x" for n in names if not n.endswith(".json")}))
    for name, data in names.items():
        listed["files"][name] = json.loads(manifest({"x": data}))["files"]["x"]
    return {**names, MANIFEST: canonical(listed)}


def golden() -> list[Sample]:
    """Return golden folders of one small file of vectors."""
    made = []
    for recipe in ("4over6", "te-mse-256-row", "4over6-16x16"):
        r = PRESETS[recipe]
        cases = [plain(weight(r.block_rows, 16), "one block"), plain(weight(16, 16, 5), "some", 2.5)]
        name = name_of(recipe, "worked")
        data = canonical(_document(r, Plan("worked", "fuzz", cases), [(c, []) for c in cases]))
        made.append(Sample(with_manifest({name: data}), {name: "json"}, with_manifest))
    return made


def manifests() -> list[Sample]:
    """Return a golden folder whose manifest is mutated."""
    (first, *_) = golden()
    files = with_manifest({n: d for n, d in first.files.items() if n != MANIFEST} | {README: b"by hand\n"})
    return [Sample(files, {MANIFEST: "json", README: "raw"})]


def other_golden() -> list[Sample]:
    """Return the other JSON files of the folder: maps, chains, the bulk index, distinguishing vectors."""
    folder = ROOT / "golden"
    telling = json.loads((folder / VECTORS).read_bytes())
    telling = {k: v[:1] if isinstance(v, list) else v for k, v in telling.items()}
    texts = {
        layout.NAME: canonical(layout.document()),
        VECTORS: canonical(telling),
        chain.NAME: (folder / chain.NAME).read_bytes(),
        bulk.INDEX: (folder / bulk.INDEX).read_bytes(),
    }
    return [
        Sample(with_manifest({name: data}), {name: "json"}, with_manifest) for name, data in texts.items()
    ]


def recipes() -> list[Sample]:
    """Return recipes as JSON."""
    made = [PRESETS[n].to_dict() for n in ("4over6", "te-mse-256-row", "fouroversix-mxfp4-static6")]
    return [Sample({"r.json": canonical(d)}, {"r.json": "json"}) for d in made]


def evidence() -> list[Sample]:
    """Return evidence of the peers' suite: three presets of it."""
    whole = json.loads((ROOT / "reports" / "evidence-peers.json").read_bytes())
    whole["presets"] = {k: whole["presets"][k] for k in list(whole["presets"])[:3]}
    whole["not_run"] = {"peer": "no checkout"}
    return [Sample({"e.json": json.dumps(whole, indent=1).encode()}, {"e.json": "json"})]


def findings() -> list[Sample]:
    """Return what a proof writes."""
    found = {"format": 1, "name": "good", "claim": "A claim.", "compared": 12, "unexplained": 0}
    found |= {"figures": {"a": 1, "b": {"c": "d"}}, "not_run": {"x": "no card"}, "ran_on": {"seconds": 1.5}}
    return [Sample({"proof-good.json": json.dumps(found).encode()}, {"proof-good.json": "json"})]
