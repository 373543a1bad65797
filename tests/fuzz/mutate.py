"""What is done to a valid file: bytes anywhere, or the parts of its form, each by a random number alone."""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
from collections.abc import Callable, Mapping
from random import Random
from types import MappingProxyType
from typing import Any

from tests.fuzz import gguf_form, hostile

TWICE = "\x01twice\x01"  #: marks a name that is written as the name before it


def raw(rng: Random, data: bytes) -> bytes:
    """Return the bytes with some flipped, replaced, cut, doubled, or others put in."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        rng.choice(_RAW)(rng, out)
    return bytes(out)


def _flip(rng: Random, out: bytearray) -> None:
    if out:
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)


def _replace(rng: Random, out: bytearray) -> None:
    if out:
        out[rng.randrange(len(out))] = rng.choice((0, 0x22, 0x28, 0x7B, 0x7F, 0x80, 0xFF, rng.randrange(256)))


def _cut(rng: Random, out: bytearray) -> None:
    del out[rng.randrange(len(out) + 1) :]


def _remove(rng: Random, out: bytearray) -> None:
    at = rng.randrange(len(out) + 1)
    del out[at : at + rng.choice((1, 2, 8, 64))]


def _double(rng: Random, out: bytearray) -> None:
    at, size = rng.randrange(len(out) + 1), rng.choice((1, 8, 64, 512))
    to = rng.randrange(len(out) + 1)
    out[to:to] = out[at : at + size]


def _insert(rng: Random, out: bytearray) -> None:
    at = rng.randrange(len(out) + 1)
    number = struct.pack("<q", rng.choice((0, 1, -1, 1 << 31, 1 << 40, (1 << 63) - 1)))
    out[at : at + rng.choice((0, 8))] = rng.choice((number, b"\0" * 8, b"[" * 200, rng.randbytes(8)))


_RAW = (_flip, _flip, _flip, _replace, _replace, _cut, _remove, _double, _insert)


def document(rng: Random, data: bytes) -> bytes:
    """Return a JSON document with hostile values, in the form of our own files where it can have one."""
    if rng.randrange(8) == 0:
        return raw(rng, data)
    found = change(rng, json.loads(data))
    return dumped(found, indent=rng.choice((1, 1, 1, 1, None)))


def dumped(value: Any, indent: int | None = None) -> bytes:
    """Return JSON, names sorted; a name that is marked as another's twin is written as that one."""
    try:
        text = json.dumps(value, sort_keys=True, indent=indent)
    except RecursionError:  # several nested values inside one another
        return b"[" * 2000 + b"]" * 2000
    return (text.replace(json.dumps(TWICE)[1:-1], "") + "\n").encode()


def change(rng: Random, value: Any) -> Any:
    """Return a JSON value with one to four of its parts changed."""
    root = [value]
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        places = list(_places(root))
        parent, key = rng.choice(places) if rng.randrange(4) else places[0]
        rng.choice(_CHANGES)(rng, parent, key)
    return root[0]


def _places(root: Any) -> Any:
    """Yield (parent, key) of every value inside, level by level; no more than some thousand of them."""
    level, seen = [root], 0
    while level and seen < 4000:
        following = []
        for parent in level:
            for key in list(parent) if isinstance(parent, dict) else range(len(parent)):
                yield parent, key
                seen += 1
                if isinstance(parent[key], dict | list):
                    following.append(parent[key])
        level = following


def _put(rng: Random, parent: Any, key: Any) -> None:
    parent[key] = hostile.value(rng)


def _drop(rng: Random, parent: Any, key: Any) -> None:
    if isinstance(parent, dict):
        del parent[key]
    elif len(parent) > 1:
        parent.pop(key if rng.randrange(2) else -1)


def _more(rng: Random, parent: Any, key: Any) -> None:
    if isinstance(parent, dict):
        parent[rng.choice(hostile.STRINGS)] = parent[key]
    elif isinstance(parent[key], list):
        parent[key] = parent[key] * rng.choice((0, 2, 3))
    else:
        parent.append(parent[key])


def _twice(_: Random, parent: Any, key: Any) -> None:
    if isinstance(parent, dict):
        parent[f"{key}{TWICE}"] = parent[key]


def _near(rng: Random, parent: Any, key: Any) -> None:
    """Change a value to one of its own kind."""
    old = parent[key]
    if isinstance(old, str) and old:
        at = rng.randrange(len(old))
        alike = old[:at] + rng.choice(old) + old[at + 1 :]  # of its own characters: hex stays hex
        inside = old[:at] + rng.choice(hostile.STRINGS) + old[at:]
        edits = (alike, alike, alike, old[:at], old + old, inside, old.lower(), old + "\n")
        parent[key] = rng.choice(edits)
    elif isinstance(old, bool) or not isinstance(old, int):
        _put(rng, parent, key)
    else:
        half = old + 0.5 if abs(old) < 1 << 99 else 0.5
        parent[key] = rng.choice((old + 1, old - 1, -old, old * 2, old + (1 << 32), half, [old]))


_CHANGES = (_put, _put, _put, _near, _near, _near, _drop, _more, _twice)


def safetensors(rng: Random, data: bytes) -> bytes:
    """Return a safetensors file whose header says something else, or whose bytes are others."""
    kind = rng.randrange(8)
    if kind == 0:
        return raw(rng, data)
    length = int.from_bytes(data[:8], "little")
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    if kind == 1:
        return struct.pack("<Q", rng.choice((0, 1, 8, length - 1, length + 1, 1 << 30, 1 << 63))) + data[8:]
    if kind == 2:  # values: special scales, NaN, infinities
        return data[: 8 + length] + raw(rng, body)
    if kind < 6:
        _entry(rng, header)
    else:
        header = change(rng, header)
    text = dumped(header)
    return struct.pack("<Q", len(text)) + text + body


def _entry(rng: Random, header: dict[str, Any]) -> None:
    """Change what one tensor's entry, or the metadata, says."""
    name = rng.choice(list(header))
    entry = header[name]
    kind = rng.randrange(7)
    if name == "__metadata__":
        key = rng.choice(list(entry))
        inner = entry[key]
        entry[key] = rng.choice((hostile.value(rng), rng.choice(hostile.STRINGS), _inner(rng, inner)))
    elif kind == 0:
        entry["dtype"] = rng.choice(hostile.DTYPES)
    elif kind == 1:
        entry["shape"] = rng.choice(
            (entry["shape"][::-1], [rng.choice(hostile.NUMBERS)], [0, 1 << 63], [], [1] * 40)
        )
    elif kind == 2:
        entry["data_offsets"][rng.randrange(2)] = rng.choice(hostile.NUMBERS)
    elif kind == 3:
        header[rng.choice(hostile.STRINGS) + rng.choice(("", ".weight"))] = header.pop(name)
    elif kind == 4:
        header[name] = list(entry.values())
    elif kind == 5:
        other = rng.choice(list(header))
        header[name], header[other] = header[other], entry
    else:
        entry["shape"] = [n * m for n, m in zip(entry["shape"], (2, 0.5), strict=False)]


def _inner(rng: Random, text: str) -> str:
    """Change JSON that stands in a string."""
    try:
        return document(rng, text.encode()).decode(errors="replace").rstrip("\n")
    except ValueError:
        return raw(rng, text.encode()).decode(errors="replace")


def npy(rng: Random, data: bytes) -> bytes:
    """Return a .npy file whose header says something else, or whose bytes are others."""
    kind = rng.randrange(8)
    if kind == 0:
        return raw(rng, data)
    length = struct.unpack("<H", data[8:10])[0]
    text, body = data[10 : 10 + length].decode("latin1"), data[10 + length :]
    if kind == 1:
        return data[: 10 + length] + raw(rng, body)
    if kind == 2:
        return data[:6] + bytes([rng.choice((0, 1, 2, 3, 255)), rng.choice((0, 1))]) + data[8:]
    if kind == 3:
        text = raw(rng, text.encode("latin1")).decode("latin1")
    elif kind == 4:
        text = re.sub(r"'descr': '[^']*'", f"'descr': '{rng.choice(hostile.DESCRS)}'", text)
    elif kind < 7:
        text = re.sub(r"\([^)]*\)", lambda _: _shape(rng), text)
    else:
        text = rng.choice(
            ("'''", "(" * 900, "-" * 9000 + "1", "{" * 100, " x\n  y", "[" * 9000, "\\", "{}", "0")
        )
    return data[:8] + struct.pack("<H", len(text) & 0xFFFF) + text.encode("latin1") + body


def _shape(rng: Random) -> str:
    sizes = [str(rng.choice(hostile.NUMBERS)) for _ in range(rng.choice((0, 1, 2, 2, 3, 70)))]
    return f"({', '.join(sizes)}{rng.choice(('', ',', ',,'))})"


def npz(rng: Random, data: bytes) -> bytes:
    """Return an archive of changed arrays, packed otherwise, or with other bytes."""
    if rng.randrange(3) == 0:
        return raw(rng, data)
    with zipfile.ZipFile(io.BytesIO(data)) as z:
        entries = [(name, z.read(name)) for name in z.namelist()]
    at = rng.randrange(len(entries))
    name, array = entries[at]
    entries[at] = (name, npy(rng, array)) if rng.randrange(3) else (rng.choice(_NAMES), array)
    if rng.randrange(4) == 0:
        entries.append((name + "2.npy", array))
    out = io.BytesIO()
    method = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
    with zipfile.ZipFile(out, "w", method) as z:
        for name, array in entries:
            z.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), array, compress_type=method)
    return out.getvalue() if rng.randrange(2) else raw(rng, out.getvalue())


_NAMES = ("x", "../x.npy", "/x.npy", "a\u202e.npy", "x.npy.npy", "\x1b[31m.npy", "a" * 300 + ".npy")


def gguf(rng: Random, data: bytes) -> bytes:
    """Return a GGUF file whose header says something else, or whose bytes are others."""
    return raw(rng, data) if rng.randrange(4) == 0 else gguf_form.changed(rng, data)


#: By kind of file.
MUTATORS: Mapping[str, Callable[[Random, bytes], bytes]] = MappingProxyType(
    {"raw": raw, "json": document, "safetensors": safetensors, "npy": npy, "npz": npz, "gguf": gguf}
)
