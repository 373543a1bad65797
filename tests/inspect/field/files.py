"""Files: safetensors of any dtype, shards with their index, GGUF."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import gguf
import ml_dtypes
import numpy as np

from tests.inspect.field.parts import E4M3, E8M0

#: What safetensors calls each dtype; its own package for NumPy knows neither FP8 nor BF16 scalars.
DTYPES = {
    np.dtype(np.float32): "F32",
    np.dtype(np.float16): "F16",
    np.dtype(ml_dtypes.bfloat16): "BF16",
    np.dtype(E4M3): "F8_E4M3",
    np.dtype(E8M0): "F8_E8M0",
    np.dtype(np.uint8): "U8",
    np.dtype(np.uint32): "U32",
    np.dtype(np.int64): "I64",
}


def write(path: Path, tensors: Mapping[str, Any], **metadata: str) -> Path:
    """Write a safetensors file: any dtype of DTYPES, scalars too."""
    header: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    data, end = [], 0
    for name, value in tensors.items():
        raw = np.asarray(value)
        start, end = end, end + raw.nbytes
        header[name] = {
            "dtype": DTYPES[raw.dtype],
            "shape": list(raw.shape),
            "data_offsets": [start, end],
        }
        data.append(raw.tobytes())
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(data))
    return path


def shards(folder: Path, parts: Iterable[Mapping[str, Any]]) -> Path:
    """Write shards and their index into a new folder; return the index."""
    every = list(parts)
    folder.mkdir()
    places = {}
    for i, tensors in enumerate(every, 1):
        file = f"model-{i:05}-of-{len(every):05}.safetensors"
        write(folder / file, tensors)
        places |= dict.fromkeys(tensors, file)
    index = folder / "model.safetensors.index.json"
    size = sum(np.asarray(v).nbytes for t in every for v in t.values())
    index.write_text(json.dumps({"metadata": {"total_size": size}, "weight_map": places}))
    return index


def write_gguf(path: Path, tensors: Mapping[str, Any], kind: str = "NVFP4") -> Path:
    """Write a GGUF file; U8 tensors are blocks of `kind`, the rest is what its dtype says."""
    out = gguf.GGUFWriter(path, "llama")
    out.add_name("tiny")
    for name, value in tensors.items():
        raw = np.ascontiguousarray(value)
        if raw.dtype == np.uint8:
            out.add_tensor(name, raw, raw_dtype=gguf.GGMLQuantizationType[kind])
        elif raw.dtype == ml_dtypes.bfloat16:
            bits = raw.view(np.uint8)
            out.add_tensor(name, bits, raw_dtype=gguf.GGMLQuantizationType.BF16)
        else:
            out.add_tensor(name, raw)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
    return path
