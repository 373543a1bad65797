"""The finalizer of MurmurHash3: a bijection of 32-bit words that torchao's CuTe kernels draw from."""

from __future__ import annotations

import numpy as np

from fos_ref.formats.arrays import U32
from fos_ref.random.philox import WORD

_FIRST, _SECOND = np.uint64(0x85EBCA6B), np.uint64(0xC2B2AE35)


def finalizer(words: U32) -> U32:
    """Return each word mixed: two odd multipliers between three shifted exclusive-ors.

    Shapes:   any -> the same
    Dtypes:   uint32 -> uint32
    Rounding: none. Every step can be undone, so two words that differ stay different.
    Spec:     MurmurHash3 fmix32; torchao _cutedsl_kernels_impl.py::_hash_u32 @36027d82.
    """
    v = words.astype(np.uint64)
    v ^= v >> np.uint64(16)
    v = (v * _FIRST) & WORD
    v ^= v >> np.uint64(13)
    v = (v * _SECOND) & WORD
    v ^= v >> np.uint64(16)
    return v.astype(np.uint32)
