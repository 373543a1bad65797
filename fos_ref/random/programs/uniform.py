"""From a random word to a float32 in [0, 1), as Triton's tl.rand has it."""

from __future__ import annotations

import numpy as np

from fos_ref.formats.arrays import F32, U32

_SCALE = np.float32(4.6566127342e-10)  #: 0x2FFFFFFF, a little less than 2^-31: the largest word stays below 1


def triton_uniform(words: U32) -> F32:
    """Return the uniform numbers of random words.

    Shapes:   any -> the same
    Dtypes:   uint32 -> float32
    Rounding: two, to nearest even: the word as a signed number, folded onto 0 .. 2^31 - 1, to float32; and
              its product with 2FFFFFFF.
    Spec:     triton/language/random.py::uint_to_uniform_float, versions since 2.1; older ones take 23 bits.
    """
    signed = words.view(np.int32)
    folded = np.where(signed < 0, -(signed + np.int32(1)), signed)
    u: F32 = folded.astype(np.float32) * _SCALE
    return u
