"""Small golden folders: a good one, and one for each thing that can be wrong in such a folder."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from fos_ref.vectors.canonical import canonical
from fos_ref.vectors.manifest import FROZEN, frozen, MANIFEST, manifest
from tests.doors.kit.documents import FOREIGN
from tests.doors.kit.npy import headed, saved, shaped

WORKED, LAYOUT, BULK = "v1/nvfp4/worked.json", "v1/layout.json", "v1/bulk/nvfp4.npz"
_PARTS = ("README.md", "schema.json", "notes.json", WORKED, LAYOUT, BULK)
_GOLDEN = Path(__file__).parents[3] / "golden"


def good() -> dict[str, bytes]:
    """Return a folder of few vectors whose manifest holds."""
    files = {name: (_GOLDEN / name).read_bytes() for name in _PARTS}
    files[FROZEN] = frozen(files)
    return files | {MANIFEST: manifest(files)}


def listed(files: dict[str, bytes]) -> dict[str, bytes]:
    """Return the files with the digests of the manifest and of the frozen list made right again."""
    files = files | {FROZEN: frozen(files)}
    listing = json.loads(files[MANIFEST])
    for name, entry in listing["files"].items():
        if name in files:
            entry |= {"sha256": hashlib.sha256(files[name]).hexdigest(), "bytes": len(files[name])}
    return files | {MANIFEST: canonical(listing)}


def _vector(change: Callable[[dict[str, Any]], None]) -> Callable[[bytes], bytes]:
    """Return what changes the first vector of a file."""

    def changed(data: bytes) -> bytes:
        document = json.loads(data)
        change(document[next(k for k in ("vectors", "maps") if k in document)][0])
        return json.dumps(document, indent=1, sort_keys=True).encode() + b"\n"

    return changed


def _set(**parts: Any) -> Callable[[bytes], bytes]:
    return _vector(lambda v: v.update(parts))


def _expected(**parts: Any) -> Callable[[bytes], bytes]:
    return _vector(lambda v: v["expected"].update(parts))


def _archive(**entries: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as z:
        for name, data in entries.items():
            z.writestr(f"{name}.npy", data)
    return buffer.getvalue()


def _bomb(size: int = 1 << 30) -> bytes:
    """Return a small archive that says, and holds, `size` bytes of zeros: its parts are all the same."""
    part, packer = bytes(1 << 20), zlib.compressobj(9, wbits=-15)
    packed = packer.compress(part) + packer.flush(zlib.Z_FULL_FLUSH)
    data = packed * (size // len(part)) + packer.flush()
    name = b"codes.npy"
    common = struct.pack("<HHHHHIII", 20, 0, 8, 0, 33, 0, len(data), size)
    local = b"PK\x03\x04" + common + struct.pack("<HH", len(name), 0) + name + data
    listed = (
        b"PK\x01\x02" + struct.pack("<H", 20) + common + struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, 0)
    )
    end = struct.pack("<HHHHIIH", 0, 0, 1, 1, len(listed) + len(name), len(local), 0)
    return local + listed + name + b"PK\x05\x06" + end


VECTORS = {
    "shape-huge": _set(shape=[2_000_000_000, 1]),
    "shape-beyond-int64": _set(shape=[10**30, 1]),
    "shape-negative": _set(shape=[-1, 16]),
    "shape-boolean": _set(shape=[True, 16]),
    "shape-a-text": _set(shape="16"),
    "codes-short": _expected(codes=["00"]),
    "codes-ragged": _expected(codes=["9E 13 0D 13 7C 3A 48 B3", "00"]),
    "codes-a-number": _expected(codes=5),
    "codes-newline": _expected(codes=["9E 13 0D 13 7C 3A 48 B3\n"]),
    "expected-null": _set(expected=None),
    "comment-newline": _set(comment="harmless\n"),
    "comment-escape": _set(comment="\x1b]0;pwn\x07"),
    "comment-bidi": _set(comment="a\u202eb"),
    "id-newline": _set(id="nvfp4/worked/1\n"),
    "id-escape": _set(id="\x1b[31mnvfp4/worked/1"),
    "id-upwards": _set(id="../../nvfp4/worked/1"),
    "field-escape": _set(**{"\x1b]0;pwn\x07": 1}),
    "field-long": _set(**{"f" * 100_000: 1}),
    "flags-unknown": _set(flags=["\x1b[31m"]),
    "dtype-unknown": _set(dtype="float99"),
    "amax-a-number": _set(amax_bits=5),
}
MAPS = {
    "bytes-huge": _set(bytes=10**13),
    "map-shape-huge": _set(shape=[10**9, 1]),
    "map-shape-beyond-int64": _set(shape=[10**30, 1]),
    "offsets-a-number": _set(offsets=5),
}
ARCHIVES = {
    "huge-entry": _archive(codes=shaped("(1000000000000,)", descr="'|u1'")),
    "beyond-int64-entry": _archive(codes=shaped("(100000000000000000000,)", descr="'|u1'")),
    "quotes-entry": _archive(codes=headed("'''")),
    "deep-entry": _archive(codes=headed("(" * 9000)),
    "object-entry": _archive(codes=saved(np.array([{}], dtype=object))),
    "no-entries": _archive(),
    "hostile-entry": _archive(**{"\x1b]0;pwn\x07../../x": saved(np.zeros(1, np.uint8))}),
    "bomb": _bomb(),
    "empty-archive": b"",
    "cut-archive": b"PK\x03\x04" + b"\0" * 20,
    "text-archive": b"hello",
}
TEXTS = {"not-utf-8": b"\xff\xfe", "empty-text": b""}


def folders() -> dict[str, dict[str, bytes]]:
    """Return folder -> file -> bytes: `golden` is good, `golden-KIND` is not."""
    whole = good()
    found = {"golden": whole}
    found |= {f"golden-{k}": listed(whole | {WORKED: f(whole[WORKED])}) for k, f in VECTORS.items()}
    found |= {f"golden-{k}": listed(whole | {LAYOUT: f(whole[LAYOUT])}) for k, f in MAPS.items()}
    found |= {f"golden-{k}": listed(whole | {BULK: data}) for k, data in ARCHIVES.items()}
    found |= {f"golden-worked-{k}": listed(whole | {WORKED: data}) for k, data in FOREIGN.items()}
    found |= {f"golden-manifest-{k}": whole | {MANIFEST: data} for k, data in FOREIGN.items()}
    found |= {f"golden-readme-{k}": listed(whole | {"README.md": data}) for k, data in TEXTS.items()}
    found |= {f"golden-frozen-{k}": whole | {FROZEN: data} for k, data in TEXTS.items()}
    return found
