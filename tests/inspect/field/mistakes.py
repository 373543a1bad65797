"""How bytes may lie otherwise, and how programs made them by a mistake, a search or a calibration."""

from __future__ import annotations

import ml_dtypes
import numpy as np

import fos_ref
from fos_ref.storage.layout import pack_nibbles
from tests.inspect.field.parts import E4M3, multiplier


def high_first(codes: np.ndarray) -> np.ndarray:
    """Return packed codes with the first of two in the high nibble."""
    return (codes << np.uint8(4)) | (codes >> np.uint8(4))


def short_tiles(scales: np.ndarray) -> np.ndarray:
    """Return block scales (N, B) in the 8x4 layout of TensorRT-LLM's small batches."""
    n, b = scales.shape
    return np.ascontiguousarray(scales.reshape(n // 8, 8, b // 4, 4).swapaxes(1, 2)).reshape(n, b)


def swizzled(scales: np.ndarray) -> np.ndarray:
    """Return block scales in the 128x4 layout, in the shape of the padded matrix."""
    n, b = scales.shape
    return np.asarray(fos_ref.swizzle(scales)).reshape(-(-n // 128) * 128, -(-b // 4) * 4)


def unrounded(x: np.ndarray, recipe: str = "modelopt-nvfp4") -> tuple[np.ndarray, ...]:
    """Return codes made with the block scale before its rounding, and the recipe's own scales."""
    t, q = fos_ref.trace(x, recipe), fos_ref.quantize(x, recipe)
    blocks = x.astype(np.float32).reshape(*q.block_scales.shape, 16)
    e = (blocks / (t.base * q.decode_scale)[..., None]).astype(ml_dtypes.float4_e2m1fn)
    return pack_nibbles(e.view(np.uint8).reshape(x.shape)), q.block_scales, multiplier(q)


def floored(x: np.ndarray, recipe: str) -> tuple[np.ndarray, np.ndarray]:
    """Return codes and block scales where the scales were rounded down."""
    t, q = fos_ref.trace(x, recipe), fos_ref.quantize(x, recipe)
    above = q.block_scales.view(E4M3).astype(np.float32) > t.base
    scales = q.block_scales - above.astype(np.uint8)
    blocks = x.astype(np.float32).reshape(*scales.shape, 16)
    e = blocks / (scales.view(E4M3).astype(np.float32) * q.decode_scale)[..., None]
    codes = e.clip(-6, 6).astype(ml_dtypes.float4_e2m1fn).view(np.uint8)
    return pack_nibbles(codes.reshape(x.shape)), scales


def _cast(blocks: np.ndarray, scales: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return codes (R, B, 16), one a byte, and the largest error of each block."""
    step = (scales.view(E4M3).astype(np.float32) * times)[..., None]
    e = (blocks / step).clip(-6, 6).astype(ml_dtypes.float4_e2m1fn)
    return e.view(np.uint8), np.abs(e.astype(np.float32) * step - blocks).max(-1)


def searched(x: np.ndarray, recipe: str = "nvfp4") -> tuple[np.ndarray, np.ndarray]:
    """Return codes and block scales of a search that no preset is: of seven bytes the least largest error."""
    q, times = fos_ref.quantize(x, recipe), multiplier(fos_ref.quantize(x, recipe))
    blocks = x.astype(np.float32).reshape(*q.block_scales.shape, 16)
    tried = [np.clip(q.block_scales.astype(int) + k, 1, 0x7E).astype(np.uint8) for k in range(-4, 3)]
    made = [_cast(blocks, s, times) for s in tried]
    best = np.argmin([e for _, e in made], axis=0)[None]
    scales = np.take_along_axis(np.stack(tried), best, 0)[0]
    codes = np.take_along_axis(np.stack([c for c, _ in made]), best[..., None], 0)[0]
    return pack_nibbles(codes.reshape(x.shape)), scales


def diffused(x: np.ndarray, recipe: str = "nvfp4") -> tuple[np.ndarray, np.ndarray]:
    """Return the recipe's scales and codes that carry their error on along the row, as GPTQ does."""
    q = fos_ref.quantize(x, recipe)
    steps = (q.block_scales.view(E4M3).astype(np.float32) * multiplier(q)).repeat(16, axis=1)
    codes, carried = np.empty(x.shape, np.uint8), np.zeros(len(x), np.float32)
    for k in range(x.shape[1]):
        wanted = x[:, k].astype(np.float32) + carried
        e = (wanted / steps[:, k]).clip(-6, 6).astype(ml_dtypes.float4_e2m1fn)
        codes[:, k], carried = e.view(np.uint8), wanted - e.astype(np.float32) * steps[:, k]
    return pack_nibbles(codes), q.block_scales
