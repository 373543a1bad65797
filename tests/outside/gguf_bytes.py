"""GGUF files made by hand: valid ones, and each way in which a header may lie."""

from __future__ import annotations

import struct

U32, F32, STRING, LIST = 4, 6, 8, 9  #: types of entries
NVFP4 = 40


def text(value: str | bytes) -> bytes:
    value = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(value)) + value


def entry(key: str | bytes, kind: int, value: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + value


def listing(kind: int, count: int, values: bytes = b"") -> bytes:
    return struct.pack("<IQ", kind, count) + values


def tensor(name: str | bytes = "a.weight", sizes=(16, 2), kind: int = 0, at: int = 0) -> bytes:
    return text(name) + struct.pack(f"<I{len(sizes)}QIQ", len(sizes), *sizes, kind, at)


def file(entries=(), infos=(), data=bytes(128), *, tensors=None, keys=None, version=3, align=32) -> bytes:
    """Return a file; the counts may lie."""
    begin = struct.pack(
        "<4sIQQ",
        b"GGUF",
        version,
        len(infos) if tensors is None else tensors,
        len(entries) if keys is None else keys,
    )
    head = begin + b"".join(entries) + b"".join(infos)
    return head + bytes(-len(head) % align) + data


ARCH = entry("general.architecture", STRING, text("llama"))
VALID = {
    "nothing": file(),
    "a tensor": file([ARCH], [tensor()]),
    "version 2": file([ARCH], [tensor()], version=2),
    "two tensors": file([ARCH], [tensor(), tensor("b", (8, 2, 3), 1, 128)], bytes(224)),
    "no padding after the last": file([], [tensor("a", (3,))], bytes(12)),
    "no axis": file([], [tensor("a", ())], bytes(4)),
    "no values": file([], [tensor("a", (0, 4)), tensor("b", (4,), 0, 0)], bytes(16)),
    "aligned to 64": file(
        [entry("general.alignment", U32, struct.pack("<I", 64))],
        [tensor("a", (1,)), tensor("b", (1,), 0, 64)],
        bytes(68),
        align=64,
    ),
    "blocks": file([], [tensor("a", (64, 3), NVFP4)], bytes(108)),
    "lists": file(
        [
            entry("t", LIST, listing(STRING, 3, text("a") + text("") + text(b"\xff" * 5000))),
            entry("n", LIST, listing(U32, 3, bytes(12))),
            entry("e", LIST, listing(F32, 0)),
        ],
        [tensor()],
    ),
}


def alignment(kind: int, value: bytes) -> bytes:
    return file([entry("general.alignment", kind, value)], [tensor()])


BIG = 1 << 63
REFUSED = {
    "empty": (b"", "begins with b''"),
    "cut in the magic": (b"GGU", "begins with"),
    "an archive": (b"PK\x03\x04" + bytes(60), "begins with"),
    "only the magic": (b"GGUF", "the version takes 4 bytes"),
    "version 1": (file(version=1), "version 1:"),
    "version 4": (file(version=4), "version 4:"),
    "big-endian": (struct.pack(">4sIQQ", b"GGUF", 3, 0, 0) + bytes(64), "it is big-endian"),
    "cut in the counts": (file()[:20], "the count of entries takes 8 bytes"),
    "2^64-1 tensors": (file(tensors=(1 << 64) - 1), "tensors, 131,072 at most"),
    "2^64-1 entries": (file(keys=(1 << 64) - 1), "entries of metadata, 16,384 at most"),
    "more tensors than bytes": (file(tensors=1000), "of a tensor takes 8 bytes at byte 160"),
    "more entries than bytes": (file(keys=1000), "bytes at byte|twice"),
    "a long key": (file([struct.pack("<Q", BIG)]), "the name of an entry at byte 32 has"),
    "a key past the end": (file([struct.pack("<Q", 1000)], data=b""), "takes 1,000 bytes at byte 32"),
    "a key that is no UTF-8": (file([entry(b"\xff\xfe", U32, bytes(4))]), "is not UTF-8"),
    "an entry of no type": (file([entry("k", 13, bytes(8))]), "k has the type 13"),
    "a key twice": (file([ARCH, ARCH]), "twice"),
    "a text past the end": (file([entry("k", STRING, struct.pack("<Q", BIG))]), "the text k takes 9,223,"),
    "a long list": (file([entry("k", LIST, listing(U32, BIG))]), "the list k takes 36,893,488,"),
    "a long list of texts": (file([entry("k", LIST, listing(STRING, BIG))]), "strings in lists, 4,194,304"),
    "two long lists of texts": (
        file(
            [
                entry("k", LIST, listing(STRING, 9, bytes(72))),
                entry("m", LIST, listing(STRING, (1 << 22) - 8)),
            ]
        ),
        "4,194,305 strings in lists",
    ),
    "texts past the end": (file([entry("k", LIST, listing(STRING, 1 << 20))]), "of the list k takes 8 bytes"),
    "a list in a list": (
        file([entry("k", LIST, listing(LIST, 1, listing(LIST, 1)))]),
        "a list of the type 9",
    ),
    "a list of no type": (file([entry("k", LIST, listing(99, 1))]), "a list of the type 99"),
    "alignment 0": (alignment(U32, bytes(4)), "general.alignment is '0'"),
    "alignment 24": (alignment(U32, struct.pack("<I", 24)), "general.alignment is '24'"),
    "alignment of 64 bits": (alignment(10, struct.pack("<Q", 32)), "of the type 10"),
    "alignment in words": (alignment(STRING, text("32")), "of the type 8"),
    "alignment of a list": (alignment(LIST, listing(U32, 0)), "general.alignment is ''"),
    "alignment past the end": (
        alignment(U32, struct.pack("<I", 1 << 31)),
        "a.weight ends at byte 2147483776",
    ),
    "5 dimensions": (file([], [tensor("a", (1,) * 5)]), "a has 5 dimensions"),
    "2^32-1 dimensions": (file([], [text("a") + b"\xff" * 4]), "a has 4,294,967,295 dimensions"),
    "huge": (file([], [tensor("a", ((1 << 64) - 1,) * 4)]), "a ends at byte 463168356949264781"),
    "wraps to nothing": (file([], [tensor("a", (1 << 32, 1 << 32))]), "a ends at byte 73786976294838206"),
    "type 99": (file([], [tensor("a", (64,), 99)]), "a has ggml's type 99"),
    "a type that was removed": (file([], [tensor("a", (64,), 4)]), "a has ggml's type 4,"),
    "half a block": (file([], [tensor("a", (32, 2), NVFP4)]), "a has rows of 32 values, whole blocks of 64"),
    "a name twice": (file([], [tensor(), tensor(at=128)], bytes(256)), "two tensors are called a.weight"),
    "the same bytes": (file([], [tensor("a"), tensor("b")], bytes(256)), "b begins at byte 0 of the tensors"),
    "a gap": (file([], [tensor("a"), tensor("b", at=160)], bytes(512)), "128 is its place"),
    "a place past the end": (file([], [tensor("a", at=BIG)]), "a begins at byte 9,223,"),
    "cut in the data": (file([], [tensor()])[:-1], "a.weight ends at byte"),
    "cut in a tensor": (file([], [tensor()], b"")[:50], "bytes at byte"),
    "a long name": (file([], [tensor("n" * 1025)]), "the name of a tensor at byte 32 has 1,025 bytes"),
    "a name that is no UTF-8": (file([], [tensor(b"\xc3")]), "is not UTF-8"),
    "a hostile name": (file([], [tensor("\x1b]0;pwn\x07\u202e" * 60, (1 << 40,))]), r"\\x1b\]0;pwn"),
}
