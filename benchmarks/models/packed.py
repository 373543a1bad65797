"""Model and tokens in parts that a small channel takes, and back: nothing of it is committed."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from fos_ref.models.loading import FILE, load, PACKAGE
from fos_ref.models.needs import file_of
from fos_ref.models.text import ledes, words

PART_BYTES = 50 << 20
_TOKENS, _ABOUT, _PART = "tokens.npy", "about.json", "model.gguf."


def pack(folder: Path, every: int, part: int) -> list[Path]:
    """Write the parts of the model, the token numbers of the text and what they are; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    text, data = ledes(every), file_of(PACKAGE, FILE).read_bytes()
    encode = load("smollm2").encode
    assert encode is not None
    ids = np.asarray(encode(text.joined), dtype=np.uint16)
    about = {
        "text": text.name,
        "text_sha256": text.sha256,
        "words": words(text.joined),
        "tokens": int(ids.size),
    }
    np.save(folder / _TOKENS, ids)
    (folder / _ABOUT).write_text(json.dumps(about), encoding="utf-8")
    made = [folder / _TOKENS, folder / _ABOUT]
    for n, start in enumerate(range(0, len(data), part)):
        made.append(folder / f"{_PART}{n}")
        made[-1].write_bytes(data[start : start + part])
    return made


@contextmanager
def unpack(folders: Sequence[Path]) -> Iterator[tuple[Path, Any, dict[str, Any]]]:
    """Return the model as a file, the token numbers and what they are, from the parts in some folders."""
    files = {p.name: p for f in folders for p in f.iterdir()}
    parts = sorted((p for n, p in files.items() if n.startswith(_PART)), key=lambda p: int(p.suffix[1:]))
    with tempfile.TemporaryDirectory() as where:
        whole = Path(where) / "model.gguf"
        with whole.open("wb") as out:
            for p in parts:
                out.write(p.read_bytes())
        about = json.loads(files[_ABOUT].read_text(encoding="utf-8"))
        yield whole, np.load(files[_TOKENS]).astype(np.int64), about
