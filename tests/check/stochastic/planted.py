"""Kernels that round gradients stochastically, right or with one mistake each: plain code of their own.

Nothing here is the judge's: neighbours come from a list of E2M1's values, a rotation from a matrix, bits of a
word from shifts. Words are given; those of a wrong counter come from the caller.
"""

import ml_dtypes
import numpy as np

F = np.float32
GRID = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6])
SIGNS = 0xD7E8


def rotated(x, mask=SIGNS, rounded=True):
    """Return 16 values at a time times a Hadamard matrix with signs."""
    i = np.arange(16)
    ones = np.array([[(r & c).bit_count() for c in i] for r in i])
    matrix = np.where(ones % 2, -0.25, 0.25) * np.where(mask >> i & 1, -1, 1)[:, None]
    y = np.einsum("nr,rc->nc", x.astype(float).reshape(-1, 16), matrix).reshape(x.shape)
    return y.astype(ml_dtypes.bfloat16) if rounded else y.astype(F)


def scaled(x, bound=448, amax=None, six=6):
    """Return values over their scales, and scale bytes: S = 6 M / A, s = E4M3(b (S / 6)), x (1 / (s / S))."""
    blocks = x.astype(F).reshape(-1, 16)
    encode_scale = F(six * bound) / (np.abs(blocks).max() if amax is None else amax)
    b = np.abs(blocks).max(axis=1, keepdims=True)
    s = np.minimum(b * (encode_scale * (F(1) / F(six))), F(448)).astype(ml_dtypes.float8_e4m3fn)
    with np.errstate(divide="ignore", invalid="ignore"):
        y = blocks * np.minimum(F(1) / (s.astype(F) * (F(1) / encode_scale)), np.finfo(F).max)
    return y.reshape(x.shape), s.view(np.uint8).reshape(x.shape[0], -1)


def split(y):
    """Return the index of the value below each magnitude, and how far it is to the next."""
    a = np.minimum(np.abs(y.astype(float)), 6)
    below = np.minimum(np.searchsorted(GRID, a, side="right") - 1, 6)
    return below, (a - GRID[below]) / np.diff(GRID)[below]


def lane(w):
    """Return byte 0, 2, 1, 3 of each word for its four values."""
    return np.stack([w >> k & 255 for k in (0, 16, 8, 24)], axis=-1).reshape(len(w), -1).astype(np.int64)


def natural(w):
    """Return byte 0, 1, 2, 3."""
    return np.stack([w >> k & 255 for k in (0, 8, 16, 24)], axis=-1).reshape(len(w), -1).astype(np.int64)


def signed(y, magnitude):
    return np.where(np.signbit(y), 8, 0) | np.minimum(magnitude, 7)


def by_carry(y, noise):
    """Return codes: up where the 8 bits that are cut off and the noise carry."""
    below, nu = split(y)
    return signed(y, below + ((np.floor(nu * 256) + noise) // 256).astype(np.int64))


def nearest(y):
    below, nu = split(y)
    return signed(y, below + ((nu > 0.5) | ((nu == 0.5) & (below % 2 == 1))))


def below_one_only(y, noise):
    return np.where(np.abs(y) < 1, by_carry(y, noise), nearest(y))


def rule_c(y, noise):
    below, nu = split(y)
    return signed(y, below + (np.rint(nu * 256) + noise >= 256))


def grid_too(y, noise):
    """Return codes of a rounder that moves values of the format too: between the values beside them."""
    below, nu = split(y)
    inner = (nu == 0) & (below > 0) & (below < 6) & (np.abs(y) < 6)
    low, high = GRID[np.maximum(below - 1, 0)], GRID[np.minimum(below + 1, 7)]
    up = (255 - noise) / 256 < (GRID[below] - low) / (high - low)
    return np.where(inner, signed(y, np.where(up, below + 1, below - 1)), by_carry(y, noise))


#: mistake -> (flag, what it makes of the right noise (R, C))
NOISE = {
    "4 random bits": ("SrBitsNarrow", lambda n: n & 0xF0),
    "3 random bits": ("SrBitsNarrow", lambda n: n & 0xE0),
    "2 random bits": ("SrBitsNarrow", lambda n: n & 0xC0),
    "1 random bit": ("SrBitsNarrow", lambda n: n & 0x80),
    "one byte for four values": ("SrSharedNoise", lambda n: np.repeat(n[:, ::4], 4, axis=1)),
    "all rows share": ("SrSharedNoise", lambda n: np.broadcast_to(n[:1], n.shape)),
    "rows 16 apart share": ("SrSharedNoise", lambda n: n[np.arange(len(n)) % 16]),
    "rows 32 apart share": ("SrSharedNoise", lambda n: n[np.arange(len(n)) % 32]),
    "columns 64 apart share": ("SrSharedNoise", lambda n: n[:, np.arange(n.shape[1]) % 64]),
    "noise from 0 to 191": ("SrRule", lambda n: n * 3 // 4),
    "noise 16 too large": ("SrRule", lambda n: n + 16),
    "toward zero": ("SrRule", lambda n: 0 * n),
    "rows in reverse": ("RngCounterMap", lambda n: n[::-1]),
}
#: mistake -> (flag, a rounder of values by the right noise)
ROUNDERS = {
    "stochastic below 1 only": ("SrRule", below_one_only),
    "ties of noise to even": ("SrRule", rule_c),
    "nearest even": ("SrMissing", lambda y, _: nearest(y)),
    "values of the format moved": ("SrGridNoise", grid_too),
}
#: mistake -> (flag, what is quantized in place of the right rotation, the amax)
ROTATIONS = {
    "not rotated": ("RhtMissing", lambda x: (x, None)),
    "no signs": ("RhtSigns", lambda x: (rotated(x, 0), None)),
    "signs turned": ("RhtSigns", lambda x: (rotated(x, SIGNS ^ 0xFFFF), None)),
    "signs in reverse": ("RhtSigns", lambda x: (rotated(x, int(f"{SIGNS:016b}"[::-1], 2)), None)),
    "not rounded to bfloat16": ("RhtNoRound", lambda x: (rotated(x, rounded=False), None)),
    "amax before the rotation": ("RhtAmax", lambda x: (rotated(x), np.abs(x.astype(F)).max())),
}
#: mistake -> flag of what is quantized; "no 16/17" is right but for a recipe with that factor
OF_SCALING = {None: None, "other bound": "Bound", "16/17": "SrClipNo16_17", "no 16/17": "SrClipNo16_17"}
#: What statistics do not see: draws that are as good as the right ones.
UNSEEN = ("RngCounterMap", "RngRounds", "SrBitFeed")


def packed(codes):
    """Return two codes a byte."""
    return (codes[:, ::2] | codes[:, 1::2] << 4).astype(np.uint8)


def made(x, words, mistake=None, others=None):
    """Return (packed codes, scale bytes, flag) of a kernel whose input is rotated already.

    others: mistake -> (flag, words) of a wrong counter
    """
    others = others or {}
    bound = 256 if mistake == "other bound" else 448
    y, scales = scaled(x, bound, six=6 * 16 / 17 if mistake == "16/17" else 6)
    if mistake in others:
        flag, w = others[mistake]
        return packed(by_carry(y, lane(w))), scales, flag
    noise = lane(words)
    if mistake in NOISE:
        flag, change = NOISE[mistake]
        return packed(by_carry(y, change(noise))), scales, flag
    if mistake in ROUNDERS:
        flag, rounder = ROUNDERS[mistake]
        return packed(rounder(y, noise)), scales, flag
    if mistake == "bytes in order":
        return packed(by_carry(y, natural(words))), scales, "SrBitFeed"
    return packed(by_carry(y, noise)), scales, OF_SCALING[mistake]


def rotating(x, words, mistake=None):
    """Return the same of a kernel that rotates x itself."""
    flag, change = ROTATIONS.get(mistake, (None, lambda v: (rotated(v), None)))
    values, amax = change(x)
    y, scales = scaled(values, amax=amax)
    return packed(by_carry(y, lane(words))), scales, flag
