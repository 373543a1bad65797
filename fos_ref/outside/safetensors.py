"""The header of a safetensors file judged by rules of our own: for a file that lies in object storage.

They are the format's: each tensor has a dtype that is known, sizes, and a place of as many bytes as these
give; the places follow each other without a gap and end where the file ends; `__metadata__` holds texts. A
test holds them to what the safetensors package takes and refuses.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from fos_ref.errors import CheckpointError
from fos_ref.foreign import shown

_METADATA = "__metadata__"
_FIELDS = {"dtype", "shape", "data_offsets"}
_LARGEST = (1 << 64) - 1
_PAIR = 2
#: Bits of a value, by dtype.
BITS = MappingProxyType(
    {
        **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0"), 8),
        **dict.fromkeys(("F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
        **dict.fromkeys(("I16", "U16", "F16", "BF16"), 16),
        **dict.fromkeys(("I32", "U32", "F32"), 32),
        **dict.fromkeys(("I64", "U64", "F64", "C64"), 64),
        **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
        "F4": 4,
    }
)


def check_header(header: Mapping[str, Any], size: int, path: Path) -> int:
    """Return how many bytes of tensors a header describes. Raises: CheckpointError.

    header: the whole of it, `__metadata__` too
    size:   the bytes that the file has for them; a negative one is not compared
    """
    _check_metadata(header.get(_METADATA), path)
    places = [_place(name, entry, path) for name, entry in header.items() if name != _METADATA]
    end = 0
    for start, stop, name in sorted(places):
        if start != end:
            what = "a gap lies before it" if start > end else "another tensor lies there"
            raise _unusable(path, f"{shown(name)} begins at {start}, not at {end}: {what}")
        end = stop
    if size >= 0 and end != size:
        what = "truncated" if size < end else "bytes follow the tensors"
        raise _unusable(path, f"{what}: its tensors take {end} bytes, the file has {size} for them")
    return end


def _check_metadata(found: Any, path: Path) -> None:
    whole = isinstance(found, dict) and all(isinstance(v, str) for v in found.values())
    if found is not None and not whole:
        raise _unusable(path, f"{_METADATA} is {shown(found)}: an object of texts is allowed")


def _place(name: str, entry: Any, path: Path) -> tuple[int, int, str]:
    """Return (start, stop, name) of one tensor."""
    if not isinstance(entry, dict) or not set(entry) >= _FIELDS:
        raise _unusable(path, f"{shown(name)} is described by {shown(entry)}: dtype, shape and data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in BITS:
        raise _unusable(path, f"{shown(name)} has dtype {shown(dtype)}: one of {', '.join(BITS)} is allowed")
    if not _whole(shape) or not _whole(offsets) or len(offsets) != _PAIR:
        raise _unusable(path, f"{shown(name)} has shape {shown(shape)} at {shown(offsets)}: whole numbers")
    bits = math.prod(shape) * BITS[dtype]
    if bits > _LARGEST or bits % 8 or offsets[1] - offsets[0] != bits // 8:
        what = f"{shown(name)} takes {bits} bits, and lies at {shown(offsets)}: as many bytes are allowed"
        raise _unusable(path, what)
    return offsets[0], offsets[1], name


def _whole(values: Any) -> bool:
    return isinstance(values, list) and all(type(n) is int and 0 <= n <= _LARGEST for n in values)


def _unusable(path: Path, what: str) -> CheckpointError:
    msg = f"{path}: not a usable safetensors file: {what}"
    return CheckpointError(msg)
