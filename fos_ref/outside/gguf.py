"""GGUF headers from outside: walked by our own bounds, with the table of types of the package `gguf`.

The package's reader makes an array of every element of every list that a header states, before it looks
whether the file has them: 7 s and 570 MB for one vocabulary, and no end for a file that lies.
So the walk is ours, and it finds what the package finds (tests/outside/test_gguf.py). What llama.cpp refuses
is refused here too: lists in lists, tensors that overlap or leave gaps, names given twice.
"""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, NamedTuple, NoReturn

import numpy as np

from fos_ref.errors import FosError, InputError, ToolchainError
from fos_ref.errors.text import shown as named
from fos_ref.foreign import foreign, shown

MAGIC = b"GGUF"
VERSIONS = (2, 3)
MOST_KEYS = 1 << 14  #: entries of metadata; a model has a hundred
MOST_TENSORS = 1 << 17
MOST_STRINGS = 1 << 22  #: in all lists together; the largest vocabularies have a million with their merges
MOST_NAME = 1024  #: bytes of the name of an entry or a tensor; llama.cpp takes 63 of a tensor's
MOST_KEPT = 4096  #: bytes of a text that stays in the metadata; a chat template is passed over
MOST_RANK = 4
ALIGNMENT = 32  #: of tensors, where the file says nothing else
_ALIGNMENT_KEY = "general.alignment"
_ALLOWED = "a whole little-endian GGUF file of version 2 or 3 is allowed"
_U32, _BOOL, _STRING, _LIST = 4, 7, 8, 9  #: types of an entry that are treated apart
_NUMBERS: Mapping[int, np.dtype[np.generic]] = MappingProxyType(
    {
        n: np.dtype(t)
        for n, t in enumerate(
            ("u1", "i1", "<u2", "<i2", "<u4", "<i4", "<f4", "u1", "", "", "<u8", "<i8", "<f8")
        )
        if t
    }
)


class GgufTensor(NamedTuple):
    """Where one tensor lies in a file."""

    name: str
    type: str  #: ggml's own name: F32, NVFP4, Q4_K, ...
    shape: tuple[int, ...]  #: rows first, as NumPy has it; ggml lists the row length first
    start: int  #: of its bytes, from the beginning of the file
    nbytes: int


class GgufHeader(NamedTuple):
    """What a header says: texts and numbers of the metadata as text (no lists), and the tensors in order."""

    metadata: dict[str, str]
    tensors: tuple[GgufTensor, ...]


class _Type(NamedTuple):
    name: str
    block: int  #: values
    nbytes: int  #: of a block


def is_gguf(path: str | os.PathLike[str]) -> bool:
    """Return whether a regular file begins as GGUF does; False also where there is none."""
    given = Path(path)
    try:
        if not given.is_file():
            return False
        with given.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except (OSError, ValueError):
        return False


def read_gguf_header(
    file: BinaryIO, size: int, name: object, error: type[FosError] = InputError
) -> GgufHeader:
    """Return the header of an open file of `size` bytes; `name` says in messages which file it is.

    Raises: `error`, one line, for anything but a whole little-endian GGUF file of version 2 or 3 with types
            that the installed package `gguf` knows; ToolchainError where that does not import.
    """
    walk = _Walk(file, size, name, error)
    with foreign(f"{name}: not a usable GGUF file", _ALLOWED, error):
        tensors, keys = _counts(walk)
        metadata = dict[str, str]()
        alignment = ALIGNMENT
        for _ in range(keys):
            key, kind, value = _entry(walk)
            if key in metadata:
                walk.refuse(f"the metadata has {named(key)} twice")
            metadata[key] = value
            if key == _ALIGNMENT_KEY:
                alignment = _alignment(walk, kind, value)
        types = _types()
        infos = [_info(walk, types) for _ in range(tensors)]
        placed = _placed(walk, infos, -(-walk.at // alignment) * alignment, alignment)
    return GgufHeader({k: v for k, v in metadata.items() if v}, placed)


def read_gguf_texts(
    file: BinaryIO, size: int, name: object, keys: Collection[str], error: type[FosError] = InputError
) -> dict[str, list[str]]:
    """Return the lists of texts of the metadata that `keys` names, those that are there: a vocabulary.

    Raises: as `read_gguf_header`, and `error` for a text that is not UTF-8 or has more than MOST_KEPT bytes.
    """
    walk = _Walk(file, size, name, error)
    found = dict[str, list[str]]()
    with foreign(f"{name}: not a usable GGUF file", _ALLOWED, error):
        for _ in range(_counts(walk)[1]):
            _entry(walk, keys, found)
    return found


class _Walk:
    """A position in a file; what is taken is held against the file's size first."""

    def __init__(self, file: BinaryIO, size: int, name: object, error: type[FosError]) -> None:
        self.at = 0
        self.strings = 0  #: of lists, passed over so far
        self.size = size
        self._file, self._name, self._error = file, name, error
        file.seek(0)

    def refuse(self, what: str) -> NoReturn:
        """Raise the error of this file."""
        msg = f"{self._name}: not a usable GGUF file: {what}: {_ALLOWED}"
        raise self._error(msg)

    def take(self, count: int, what: str) -> bytes:
        """Return the next bytes."""
        self._step(count, what)
        found = self._file.read(count)
        if len(found) != count:
            self.refuse("it became shorter while it was read")
        return found

    def skip(self, count: int, what: str) -> None:
        """Pass over bytes without reading them."""
        self._step(count, what)
        self._file.seek(self.at)

    def number(self, width: int, what: str) -> int:
        """Return the next whole number."""
        return int.from_bytes(self.take(width, what), "little")

    def name(self, what: str, most: int = MOST_NAME) -> str:
        """Return the next string, a name in UTF-8."""
        length = self.number(8, f"the length of {what}")
        if length > most:
            self.refuse(f"{what} at byte {self.at:,} has {length:,} bytes, {most:,} at most are allowed")
        raw = self.take(length, what)
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            self.refuse(f"{what} {shown(raw)} is not UTF-8")

    def _step(self, count: int, what: str) -> None:
        if count > self.size - self.at:
            self.refuse(f"{what} takes {count:,} bytes at byte {self.at:,}, the file has {self.size:,}")
        self.at += count


def _counts(walk: _Walk) -> tuple[int, int]:
    """Return how many tensors and entries there are."""
    begin = walk.take(min(len(MAGIC), walk.size), "the first word")
    if begin != MAGIC:
        walk.refuse(f"it begins with {shown(begin)}")
    version = walk.number(4, "the version")
    if not version & 0xFFFF:
        walk.refuse("it is big-endian")
    if version not in VERSIONS:
        walk.refuse(f"version {version}")
    tensors, keys = walk.number(8, "the count of tensors"), walk.number(8, "the count of entries")
    for count, most, what in ((tensors, MOST_TENSORS, "tensors"), (keys, MOST_KEYS, "entries of metadata")):
        if count > most:
            walk.refuse(f"{count:,} {what}, {most:,} at most are allowed")
    return tensors, keys


def _entry(
    walk: _Walk, keys: Collection[str] = (), lists: dict[str, list[str]] | None = None
) -> tuple[str, int, str]:
    """Return name, type and value of an entry of the metadata; "" for a list and for a long text.

    A list of texts that `keys` names is put into `lists`.
    """
    key = walk.name("the name of an entry")
    kind = walk.number(4, "the type of an entry")
    if kind == _LIST:
        texts = _pass_list(walk, key, keep=key in keys)
        if lists is not None and texts is not None:
            lists[key] = texts
        return key, kind, ""
    if kind == _STRING:
        length = walk.number(8, "the length of a text")
        if length > MOST_KEPT:
            walk.skip(length, f"the text {named(key)}")
            return key, kind, ""
        return key, kind, walk.take(length, f"the text {named(key)}").decode("utf-8", "backslashreplace")
    dtype = _NUMBERS.get(kind)
    if dtype is None:
        walk.refuse(f"{named(key)} has the type {kind}")
    value = np.frombuffer(walk.take(dtype.itemsize, f"the number {named(key)}"), dtype)[0]
    return key, kind, str(bool(value)) if kind == _BOOL else str(value)


def _pass_list(walk: _Walk, key: str, *, keep: bool = False) -> list[str] | None:
    """Pass over a list. Numbers cost nothing; strings are counted, because each has its own length.

    keep: return its texts
    """
    kind, count = walk.number(4, "the type of a list"), walk.number(8, "the length of a list")
    if kind in _NUMBERS:
        walk.skip(count * _NUMBERS[kind].itemsize, f"the list {named(key)}")
        return None
    if kind != _STRING:
        walk.refuse(f"{named(key)} is a list of the type {kind}")
    walk.strings += count
    if walk.strings > MOST_STRINGS:
        walk.refuse(f"{walk.strings:,} strings in lists, {MOST_STRINGS:,} at most are allowed")
    what = f"a string of the list {named(key)}"
    if keep:
        return [walk.name(what, MOST_KEPT) for _ in range(count)]
    for _ in range(count):
        length = walk.number(8, what)
        if length > MOST_KEPT:
            walk.skip(length, what)
        else:
            walk.take(length, what)  # sooner than to seek
    return None


def _alignment(walk: _Walk, kind: int, value: str) -> int:
    found = int(value) if kind == _U32 else 0
    if found <= 0 or found & (found - 1):
        walk.refuse(
            f"{_ALIGNMENT_KEY} is {shown(value)} of the type {kind}, a power of two in 32 bits is allowed"
        )
    return found


def _types() -> Mapping[int, _Type]:
    """Return ggml's types by number: what the package knows."""
    with foreign("the package gguf does not import", "pip install 'gguf>=0.19'", ToolchainError):
        from gguf import GGML_QUANT_SIZES  # noqa: PLC0415 -- 0.05 s, for those who read such a file
    return {int(t): _Type(t.name, *sizes) for t, sizes in GGML_QUANT_SIZES.items()}


def _info(walk: _Walk, types: Mapping[int, _Type]) -> GgufTensor:
    """Return what the header says of the next tensor; `start` counts from the first tensor here."""
    name = walk.name("the name of a tensor")
    rank = walk.number(4, "the rank of a tensor")
    if rank > MOST_RANK:
        walk.refuse(f"{named(name)} has {rank:,} dimensions, {MOST_RANK} at most are allowed")
    sizes = [walk.number(8, "a dimension of a tensor") for _ in range(rank)]
    number = walk.number(4, "the type of a tensor")
    start = walk.number(8, "the place of a tensor")
    kind = types.get(number)
    if kind is None:
        walk.refuse(f"{named(name)} has ggml's type {number}, which the installed gguf does not know")
    row = sizes[0] if sizes else 1
    if row % kind.block:
        walk.refuse(f"{named(name)} has rows of {row:,} values, whole blocks of {kind.block} are {kind.name}")
    nbytes = math.prod(sizes) // kind.block * kind.nbytes
    return GgufTensor(name, kind.name, tuple(reversed(sizes)), start, nbytes)


def _placed(walk: _Walk, infos: list[GgufTensor], first: int, alignment: int) -> tuple[GgufTensor, ...]:
    """Return the tensors with their places in the file: each begins where the one before it ended."""
    found = dict[str, GgufTensor]()
    expected = 0
    for t in infos:
        if t.name in found:
            walk.refuse(f"two tensors are called {named(t.name)}")
        if t.start != expected:
            walk.refuse(
                f"{named(t.name)} begins at byte {t.start:,} of the tensors, {expected:,} is its place"
            )
        if first + t.start + t.nbytes > walk.size:
            end = first + t.start + t.nbytes
            walk.refuse(f"{named(t.name)} ends at byte {shown(end)}, the file has {walk.size:,}")
        expected += -(-t.nbytes // alignment) * alignment
        found[t.name] = t._replace(start=first + t.start)
    return tuple(found.values())
