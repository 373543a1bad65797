"""MS-EDEN by fos_ref alone: its codecs, its fused multiply-add and its rounder of scales."""

from __future__ import annotations

from typing import NamedTuple

import ml_dtypes
import numpy as np

from fos_ref.formats import E2M1, encode
from fos_ref.formats.arrays import F32, U8, U32
from fos_ref.formats.codec import decode
from fos_ref.model.rounding import fma, to_dtype
from fos_ref.random.programs import quartet2_scales
from fos_ref.storage.layout import pack_nibbles

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
_LIMIT = np.float32(6 / ((17 / 16) * 0.93))  #: what MS-EDEN maps a block's largest value to
_CUT = np.uint32(0xFFF80000)
_ONE = np.float32(1)


class Eden(NamedTuple):
    """MS-EDEN of rotated values."""

    codes: U8  #: (R, C/2)
    corrected: F32  #: (R, C/16)
    tensor_scale: F32  #: ()
    block_scales: U8  #: (R, C/16)


def eden(y: F32, noise: U32) -> Eden:
    """Return MS-EDEN of rotated values (R, C) float32 with noise (R, C/16) of 16 bits.

    Rounding: as fos_gpu.training.eden says.
    Spec:     IST-DASLab/Quartet-II@8776a90b:kernels/csrc/rht128_eden.cu
    """
    blocks = y.reshape(-1, 16)
    largest = np.abs(blocks).max(axis=1) * (_ONE / _LIMIT)
    cut = (largest.view(np.uint32) & _CUT).view(np.float32)
    v = blocks * _inverse(cut, np.float32(0))[:, None]
    found = encode(v, E2M1)
    q = decode(found, E2M1).astype(np.float32)
    correction = _lanes(v, v) * _inverse(_lanes(v, q), np.float32(np.nan))
    corrected = to_dtype(cut * np.where(np.isnan(correction), _ONE, correction), BFLOAT16)
    tensor_scale = corrected.max() * np.float32(1 / 256)
    block_scales = quartet2_scales(
        corrected * _inverse(tensor_scale.reshape(1), np.float32(0)), noise.reshape(-1)
    )
    shape = (y.shape[0], y.shape[1] // 16)
    packed = pack_nibbles(found.reshape(y.shape).astype(np.uint8))
    return Eden(packed, corrected.reshape(shape), tensor_scale, block_scales.reshape(shape))


def _inverse(v: F32, of_zero: np.float32) -> F32:
    """Return 1 / v rounded once; `of_zero` where v is zero."""
    with np.errstate(divide="ignore"):
        return np.where(v == 0, of_zero, _ONE / v).astype(np.float32)


def _lanes(a: F32, b: F32) -> F32:
    """Return the sums of a b of rows (K, 16): two lanes of fused sums, even and odd, then their sum."""
    lanes = np.zeros((len(a), 2), dtype=np.float32)
    for i in range(0, 16, 2):
        lanes = fma(a[:, i : i + 2], b[:, i : i + 2], lanes)
    total: F32 = lanes[:, 0] + lanes[:, 1]
    return total
