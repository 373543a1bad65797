"""Assertions for your own tests: equal bytes, or an error that names the mistake and reproduces it."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np

from fos_ref.arguments import is_a
from fos_ref.check.api import Asked, check
from fos_ref.errors import BitMismatch, InputError, ShapeError
from fos_ref.formats.arrays import U8
from fos_ref.storage.bytes_door import as_bytes
from fos_ref.storage.tensor import QuantizedTensor

_SHOWN = 8  #: bytes beside the first one that differs


def assert_quantized_equal(x: Any, codes: Any, scales: Any, **asked: Unpack[Asked]) -> None:
    """Raise BitMismatch, with the diagnosis as its message, unless the bytes are what the recipe makes of x.

    Arguments, shapes, dtypes, defaults and other errors are those of `check`.
    """
    found = check(x, codes, scales, **asked)
    if not found.equal:
        raise BitMismatch(str(found))


def assert_bits_equal(got: Any, want: Any, *, x: Any = None, name: str = "") -> None:
    """Raise BitMismatch unless two arrays of bytes, two pairs, or two quantized tensors are bitwise equal.

    got:      an array of bytes, a pair (codes, block scales), or a QuantizedTensor
    want:     the same kind; a QuantizedTensor may stand for a pair
    x:        the input; only with a QuantizedTensor as `want`. The message then has the diagnosis and a line
              that reproduces the first mismatch
    name:     what the bytes are, for the message
    Dtypes:   uint8 or a one-byte float; NumPy, torch, CuPy, JAX, `__array__` or DLPack
    Raises:   BitMismatch; ShapeError for unequal shapes; DtypeError for what is no array of bytes; InputError
              for another number of arrays, or x without a QuantizedTensor.
    """
    if x is not None and not is_a(want, QuantizedTensor):
        msg = f"assert_bits_equal: x and a {type(want).__name__} as want: a QuantizedTensor is allowed"
        raise InputError(msg)
    wanted, given = _parts(want, "want"), _parts(got, "got")
    if len(wanted) != len(given):
        msg = f"assert_bits_equal: got has {len(given)} arrays, want {len(wanted)}: as many are allowed"
        raise InputError(msg)
    labels = [name] if len(wanted) == 1 else [f"{name} {part}".strip() for part in ("codes", "block scales")]
    differences = [_difference(g, w, label) for g, w, label in zip(given, wanted, labels, strict=True)]
    lines = [line for line in differences if line]
    if not lines:
        return
    if x is not None:
        lines.append(_diagnosed(x, given, want))
    raise BitMismatch("\n".join(lines))


def _parts(a: Any, name: str) -> list[U8]:
    if is_a(a, QuantizedTensor):
        return [as_bytes(a.codes, f"{name}: codes"), as_bytes(a.block_scales, f"{name}: block scales")]
    if is_a(a, tuple):
        return [as_bytes(v, f"{name}[{i}]") for i, v in enumerate(a)]
    return [as_bytes(a, name)]


def _difference(got: U8, want: U8, label: str) -> str:
    """Return one paragraph about the first byte that differs; nothing where none does."""
    if got.shape != want.shape:
        msg = f"{label or 'bytes'}: got {got.shape}, want {want.shape}: equal shapes are allowed"
        raise ShapeError(msg)
    differs = np.flatnonzero(got.ravel() != want.ravel())
    if not len(differs):
        return ""
    at = int(differs[0])
    place = tuple(int(i) for i in np.unravel_index(at, got.shape))
    near = slice(max(0, at - _SHOWN // 2), at + _SHOWN // 2)
    head = f"{label or 'bytes'}: {len(differs):,} of {got.size:,} differ, the first at {place}: "
    return (
        f"{head}got {got.flat[at]:02X}, want {want.flat[at]:02X}\n"
        f"  got  ...{got.ravel()[near].tobytes().hex(' ').upper()}...\n"
        f"  want ...{want.ravel()[near].tobytes().hex(' ').upper()}..."
    )


def _diagnosed(x: Any, given: list[U8], want: QuantizedTensor) -> str:
    """Return the diagnosis of the bytes under the recipe and the amax of `want`."""
    return str(check(x, given[0], given[1], recipe=want.recipe, amax=want.tensor_amax))
