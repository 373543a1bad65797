"""One gradient of TransformerEngine from seed and offset to bytes, once more by plain Python.

The kernel's threads count their words in loops. Philox, rotation and rounding are the oracle's, on integers
and rationals; E4M3 is ml_dtypes'. Nothing but the input is shared with what docs/training.md does.
"""

from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest

import fos_ref
from fos_ref import rotate
from fos_ref.oracle import rotation, stochastic
from tests.random.kernels import fused_draws

SEED, OFFSET = 0xFEDCBA9876543210, 0xFFFFFFFD  #: the draws of a thread carry into the offset's second word
GRID = [Fraction(v) for v in (0, 0.5, 1, 1.5, 2, 3, 4, 6)]
#: Feed -> the random number of elements 0 to 3 of a word.
FEEDS = {
    "byte-lane": (8, lambda b: (b[0], b[2], b[1], b[3])),
    "pair-reversed": (16, lambda b: (b[2] << 8 | b[0], turned(b[2] << 8 | b[0]),
                                     b[3] << 8 | b[1], turned(b[3] << 8 | b[1]))),
}  # fmt: skip


def turned(number):
    """Return 16 bits from the lowest to the highest."""
    return int(f"{number:016b}"[::-1], 2)


def word(place):
    """Return the word at a place: a thread's sequence, and how many words it has taken before."""
    sequence, taken = divmod(int(place), 1 << 24)
    counter = OFFSET + taken // 4 + (sequence << 64)
    four = stochastic.philox4x32(
        [counter >> 32 * i & 0xFFFFFFFF for i in range(4)], (SEED % (1 << 32), SEED >> 32)
    )
    return four[taken % 4]


def replayed(x, amax, places, feed):
    """Return codes and scale bytes of a row of bfloat16 values, and the places of its words."""
    bits, deal = FEEDS[feed]
    s = np.float32(2688) / np.float32(amax)
    codes, scales = [], []
    for first in range(0, len(x), 16):
        values = x[first : first + 16].astype(np.float32)
        scale = np.minimum(np.abs(values).max() * (s * np.float32(1 / 6)), np.float32(448))
        byte = scale.astype(ml_dtypes.float8_e4m3fn)
        y = values * (np.float32(1) / (byte.astype(np.float32) * (np.float32(1) / s)))
        scales.append(int(byte.view(np.uint8)))
        for four in range(4):
            bytes_ = word(places[first // 4 + four]).to_bytes(4, "little")
            for v, r in zip(y[4 * four : 4 * four + 4], deal(bytes_), strict=True):
                magnitude = stochastic.index(abs(Fraction(float(v))), GRID, "sr-a", bits, r)
                codes.append(magnitude | 8 * bool(np.signbit(v)))
    return codes, scales


@pytest.mark.parametrize("feed", FEEDS)
def test_rows_and_rotated_columns_are_replayed(feed):
    x = (np.random.default_rng(3).standard_normal((256, 128)) / 1024).astype(ml_dtypes.bfloat16)
    rows, columns = fused_draws(x.shape)
    recipe = f"te-train-gradient-{feed}"
    ours = fos_ref.quantize(x, recipe, random_bits=("te-fused-row", SEED, OFFSET))
    for r in (0, 77, 130, 255):
        codes, scales = replayed(x[r], np.abs(x.astype(float)).max(), rows[r], feed)
        assert ours.codes[r].tolist() == [a | b << 4 for a, b in zip(codes[::2], codes[1::2], strict=True)]
        assert ours.block_scales[r].tolist() == scales
    wide, _ = rotate.hadamard(np.ascontiguousarray(x.T))
    ours = fos_ref.quantize(wide, recipe, random_bits=("te-fused-column", SEED, OFFSET))
    for c in (0, 31, 127):
        blocks = [[Fraction(float(v)) for v in x[t : t + 16, c]] for t in range(0, 256, 16)]
        exact = [rotation.to_bfloat16(v) for b in blocks for v in rotation.rotate(b, rotate.SIGNS_H16)]
        row = np.array([float(v) for v in exact]).astype(ml_dtypes.bfloat16)
        codes, scales = replayed(row, ours.tensor_amax, columns[c], feed)
        assert ours.codes[c].tolist() == [a | b << 4 for a, b in zip(codes[::2], codes[1::2], strict=True)]
        assert ours.block_scales[c].tolist() == scales
