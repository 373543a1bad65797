"""Where the plain quantizer reads and writes: memory, packing, layouts, rows; and bytes that nobody wrote."""

from __future__ import annotations

from typing import Any

import numpy as np

from fos_ref.proof.checker.plain.scales import offset

_TOKENS = 4  #: rows whose scales stand together, as of V in a KV cache


def finished(codes: Any, scales: Any, bug: frozenset[str]) -> tuple[Any, Any]:
    """Return codes (R, C) and scale bytes (R, C/16) as they leave the quantizer."""
    scales = offset(scales, bug)
    order = _order(len(codes), bug)
    codes = codes if "scales-permuted" in bug else codes[order]
    scales = scales if "codes-permuted" in bug else scales[order]
    if "zeros" in bug:
        return codes * 0, scales * 0
    if "zero-codes" in bug:
        return codes * 0, scales
    if "poison" in bug:
        return codes * 0 + 13, scales * 0 + 0xDD
    if "rows-unwritten" in bug:
        codes[-(-3 * len(codes) // 4) :] = 0
        scales[-(-3 * len(scales) // 4) :] = 0
    return codes, scales


def _order(rows: int, bug: frozenset[str]) -> Any:
    """Return which row comes where."""
    whole = np.arange(rows)
    half = rows // 2
    if rows % 2 or ("interleaved-8" in bug and half % 8):
        return whole
    if "halves-exchanged" in bug:
        return np.concatenate([whole[half:], whole[:half]])
    if bug & {"interleaved", "codes-permuted", "scales-permuted"}:
        return np.stack([whole[:half], whole[half:]], axis=1).ravel()
    if "interleaved-8" in bug:
        return np.stack([whole[:half].reshape(-1, 8), whole[half:].reshape(-1, 8)], axis=1).ravel()
    return whole[::-1] if "reversed" in bug else whole


def memory(x: Any, bug: frozenset[str]) -> Any:
    """Return x, or as many values from where x begins in memory, whatever its strides."""
    if "strides-ignored" not in bug or x.base is None:
        return x
    at = (x.ctypes.data - x.base.ctypes.data) // x.itemsize
    return x.base.reshape(-1)[at : at + x.size].reshape(x.shape)


def packed(codes: Any, bug: frozenset[str]) -> Any:
    """Return two codes in a byte."""
    even, odd = codes[:, 0::2], codes[:, 1::2]
    return odd | even << 4 if "nibbles" in bug else even | odd << 4


def laid_out(scales: Any, bug: frozenset[str]) -> Any:
    """Return the scale bytes (R, B) in the order in which they are stored."""
    if "column-major" in bug:
        return scales.ravel(order="F").reshape(scales.shape)
    rows, cols = scales.shape
    if "token-groups" in bug and rows % _TOKENS == 0:
        return scales.reshape(-1, _TOKENS, cols).swapaxes(1, 2).reshape(rows, cols)
    if "swizzled" not in bug:
        return scales
    tiles = -(-cols // 4)
    out = np.zeros(-(-rows // 128) * tiles * 512, dtype=np.uint8)
    r, k = np.indices(scales.shape)
    out[((r // 128) * tiles + k // 4) * 512 + r % 32 * 16 + r % 128 // 32 * 4 + k % 4] = scales
    return out
