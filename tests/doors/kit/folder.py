"""The folder in which every row is run: all files of the kit, and what is no file.

No row names a device where something is written: tests may run as root.
"""

from __future__ import annotations

import os
from pathlib import Path

from tests.doors.kit import checkpoints, documents, ggml, golden, npy

#: Folders whose config.json is none of a model that can be quantized.
MODELS = {
    "model-quantized": '{"model_type": "llama", "quantization_config": {}}',
    "model-list": "[]",
    "model-text": "model_type: llama",
    "model-deep": "[" * 100_000,
    "model-empty": "",
}


def build(folder: Path) -> Path:
    """Write the kit into `folder`."""
    for name, data in (npy.files() | documents.files() | ggml.files()).items():
        _write(folder / name, data)
    checkpoints.write(folder)
    for part, files in golden.folders().items():
        for name, data in files.items():
            _write(folder / part / name, data)
    for suffix in ("npy", "safetensors", "json"):
        os.mkfifo(folder / f"pipe.{suffix}")
        (folder / f"folder.{suffix}").mkdir()
        (folder / f"loop.{suffix}").symlink_to(f"loop.{suffix}")
        (folder / f"zeros.{suffix}").symlink_to("/dev/zero")
    with (folder / "large.json").open("wb") as f:  # 100 MB of nothing, of which the disk holds none
        f.truncate(100 << 20)
    (folder / "hard-link.safetensors").hardlink_to(folder / "w.safetensors")
    (folder / "link.safetensors").symlink_to("w.safetensors")
    (folder / "file").write_bytes(b"a file")
    os.mkfifo(folder / "pipe")
    (folder / "to-file").symlink_to("file")
    _write(folder / "taken" / "something", b"there already")
    _write(folder / "taken.safetensors", b"there already")
    (folder / "golden-pipe" / "v1").mkdir(parents=True)
    os.mkfifo(folder / "golden-pipe" / "MANIFEST.json")
    (folder / "nothing").mkdir()
    for name, text in {"model": '{"model_type": "llama"}', **MODELS}.items():
        _write(folder / name / "config.json", text.encode())
    _write(folder / "text.txt", b"some words")
    return folder


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
