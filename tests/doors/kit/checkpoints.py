"""Files that are called .safetensors: a checkpoint, its quantized twin, and everything else of that name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save, save_file

from fos_ref.engines.convert import quantize_checkpoint
from tests.doors.kit.npy import FOREIGN as OTHER_FILES
from tests.doors.row import HOSTILE

#: Foreign contents of any binary file.
FOREIGN = {k: OTHER_FILES[k] for k in ("empty", "one-byte", "zip", "pickle", "png", "text", "gzip")}


def headed(header: bytes | str | object, data: bytes = b"", length: int | None = None) -> bytes:
    """Return a file with that header: bytes, text, or a JSON value."""
    text = header if isinstance(header, (bytes, str)) else json.dumps(header)
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return (len(raw) if length is None else length).to_bytes(8, "little") + raw + data


def one(name: str = "a.weight", size: int = 64, **entry: Any) -> bytes:
    """Return a file of one tensor, with `size` bytes of data."""
    whole = {"dtype": "F32", "shape": [1, 16], "data_offsets": [0, 64]} | entry
    return headed({name: whole}, bytes(size))


def tensors(**more: np.ndarray) -> bytes:
    """Return a checkpoint of a norm and what is given."""
    return save({"norm.weight": np.ones(16, np.float32), **more})


def _named(name: str) -> bytes:
    """Return bytes that look like codes of another shape, under a hostile name, beside their scales."""
    codes = {"dtype": "U8", "shape": [32, 7], "data_offsets": [0, 224]}
    scales = {"dtype": "F8_E4M3", "shape": [32, 1], "data_offsets": [224, 256]}
    parts = {f"{name}q.weight": codes, f"{name}q.weight_scale": scales}
    return headed(json.dumps(parts, ensure_ascii=True), bytes(256))


LIES = {
    "long-header": headed(b"{}", length=1 << 62),
    "past-the-end": headed(b"{}", length=1000),
    "not-json": headed(b"{a"),
    "an-array": headed([1, 2]),
    "a-number": headed(b"1"),
    "deep": headed(b"[" * 20_000 + b"]" * 20_000),
    "not-utf-8": headed(b'{"\xff": 1}'),
    "twice": headed(
        '{"a": {"dtype":"U8","shape":[1],"data_offsets":[0,1]},'
        '"a": {"dtype":"U8","shape":[1],"data_offsets":[0,1]}}',
        b"\0",
    ),
    "nan-shape": headed('{"a.weight": {"dtype":"F32","shape":[NaN],"data_offsets":[0,64]}}', bytes(64)),
    "no-dtype": headed({"a.weight": {"shape": [1, 16], "data_offsets": [0, 64]}}, bytes(64)),
    "entry-a-list": headed({"a.weight": [1]}, bytes(64)),
    "unknown-dtype": one(dtype="F99"),
    "negative-shape": one(shape=[-1, 16]),
    "boolean-shape": one(shape=[True, 16]),
    "huge-shape": one(shape=[1 << 62, 1 << 62]),
    "shape-of-text": one(shape=["1", 16]),
    "offsets-past-the-end": one(data_offsets=[0, 1 << 40]),
    "offsets-backwards": one(data_offsets=[64, 0]),
    "a-hole": one(size=128, data_offsets=[64, 128]),
    "cut-short": one(size=63),
    "metadata-a-number": headed({"__metadata__": 5}),
    "metadata-of-numbers": headed({"__metadata__": {"a": 1}}),
    "no-tensors": headed({}),
}
#: Sound files with nothing in them that a command could take.
UNFIT = {
    "only-a-norm": tensors(),
    "double": tensors(**{"a.weight": np.zeros((16, 16))}),
    "of-whole-numbers": tensors(**{"a.weight": np.zeros((16, 16), np.int32)}),
    "columns-of-17": tensors(**{"a.weight": np.zeros((16, 17), np.float32)}),
    "no-rows": tensors(**{"a.weight": np.zeros((0, 16), np.float32)}),
    "many-rows-of-nothing": headed(
        {"a.weight": {"dtype": "F32", "shape": [1 << 40, 0], "data_offsets": [0, 0]}}
    ),
    "20,000-tensors": headed(
        {
            f"layer.{i}.q.weight": {"dtype": "U8", "shape": [1, 3], "data_offsets": [3 * i, 3 * i + 3]}
            for i in range(20_000)
        },
        bytes(60_000),
    ),
    **{f"named-{what.replace(' ', '-')}": _named(text) for what, text in HOSTILE.items()},
    "named-a-nul": _named("a\0b"),
}
#: Weights whose values cannot be quantized.
VALUES = {
    "of-nan": tensors(**{"a.weight": np.full((16, 16), np.nan, np.float32)}),
    "of-infinity": tensors(**{"a.weight": np.full((16, 16), np.inf, np.float32)}),
}


def _manifests(quantized: bytes) -> dict[str, bytes]:
    """Return quantized files whose recipe manifest is not one."""
    size = int.from_bytes(quantized[:8], "little")
    header, data = json.loads(quantized[8 : 8 + size]), quantized[8 + size :]

    def saying(**changed: str | None) -> bytes:
        metadata = {k: v for k, v in (header["__metadata__"] | changed).items() if v is not None}
        return headed({**header, "__metadata__": metadata}, data)

    return {
        "manifest-no-recipe": saying(fos_recipe=None),
        "manifest-not-json": saying(fos_recipe="{"),
        "manifest-deep": saying(fos_tensors="[" * 20_000),
        "manifest-an-array": saying(fos_tensors="[1]"),
        "manifest-another-recipe": saying(fos_recipe_fingerprint="0" * 64),
        "manifest-unknown-convention": saying(fos_convention="\x1b[31m\u202e"),
        "manifest-hostile-recipe": saying(fos_recipe=json.dumps({"name": "\x1b]0;x\x07" * 500})),
        "manifest-huge-shape": saying(
            fos_tensors=json.dumps(
                {"a.weight": {"amax": "3F800000", "dtype": "F32", "shape": [10**40, 1]}},
            )
        ),
    }


def write(folder: Path) -> None:
    """Write every file: w.safetensors, q.safetensors (what nvfp4 makes of it), and the bad ones."""
    rng = np.random.default_rng(2)
    weights = {
        "a.weight": rng.standard_normal((32, 64)).astype(np.float32),
        "norm.weight": np.ones(64, np.float32),
    }
    save_file(weights, folder / "w.safetensors")
    quantize_checkpoint(folder / "w.safetensors", folder / "q.safetensors", "nvfp4", engine="numpy")
    bad = FOREIGN | LIES | UNFIT | VALUES | _manifests((folder / "q.safetensors").read_bytes())
    for name, data in bad.items():
        (folder / f"{name}.safetensors").write_bytes(data)
    for name in MANIFESTS:
        assert f"{name}" in bad, name


#: The names of the files of `_manifests`, which are made beside the quantized one.
MANIFESTS = (
    "manifest-no-recipe",
    "manifest-not-json",
    "manifest-deep",
    "manifest-an-array",
    "manifest-another-recipe",
    "manifest-unknown-convention",
    "manifest-hostile-recipe",
    "manifest-huge-shape",
)
