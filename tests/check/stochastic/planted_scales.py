"""Kernels of MS-EDEN, right or with one mistake each: plain code of their own.

Sums are taken in float64, so a correction may be one step of bfloat16 off in a few blocks. Everything after a
correction is exact: the place of a scale between two values of E4M3 is a multiple of a power of two.
"""

import ml_dtypes
import numpy as np

F = np.float32
GRID = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6])
MIDDLES = (GRID[:-1] + GRID[1:]) / 2
E = 6 / (17 / 16 * 0.93)


def nearest(v):
    """Return codes of values to nearest, ties to even, at most 6."""
    a = np.abs(v.astype(float))
    low = np.searchsorted(MIDDLES, a, side="left")
    tie = (low < 7) & (a == MIDDLES[np.minimum(low, 6)])
    return low + (tie & (low % 2 == 1)) | np.where(np.signbit(v), 8, 0)


def corrected(x, group=16):
    """Return codes and corrected scales over the tensor scale: of x (R, C), whose rotation is done."""
    blocks = x.astype(F).reshape(len(x), -1, 16)
    b = np.abs(blocks).max(axis=2)
    sc = ((b * (F(1) / F(E))).view(np.uint32) & 0xFFF80000).astype(np.uint32).view(F)
    v = blocks * (F(1) / sc)[..., None]
    codes = nearest(v)
    q = GRID[codes & 7] * np.where(codes & 8, -1, 1)
    square, product = ((a.reshape(len(x), -1, group)).sum(axis=2) for a in (v.astype(float) ** 2, v * q))
    factor = np.repeat(F(square / product), group // 16, axis=1)
    fs = (sc * factor).astype(ml_dtypes.bfloat16).astype(F)
    return codes.reshape(x.shape), fs * (F(1) / F(fs.max() * F(1 / 256)))


def places(p):
    """Return the number of the value below, and how far p is to the next: E4M3 has steps of 2^-9 at least."""
    exponent = np.maximum(np.frexp(p.astype(float))[1] - 1, -6)
    steps = p.astype(float) / np.exp2(exponent - 3.0)
    below = np.floor(steps).astype(np.int64)
    return below + 8 * (exponent + 6), steps - below


def by_noise(p, noise, subnormals=False):
    """Return scale bytes: up where 2^16 nu exceeds the noise; below 2^-6 to nearest even."""
    below, nu = places(p)
    up = nu * 65536 > noise
    even = (nu > 0.5) | ((nu == 0.5) & (below % 2 == 1))
    return (below + np.where((p < 2**-6) & ~np.bool_(subnormals), even, up)).astype(np.uint8)


def to_nearest(p):
    below, nu = places(p)
    return (below + ((nu > 0.5) | ((nu == 0.5) & (below % 2 == 1)))).astype(np.uint8)


#: mistake -> (flag, what it makes of the right noise (R, B))
NOISE = {
    "8 of 16 random bits": ("SrBitsNarrow", lambda n: n & 0xFF00),
    "4 of 16 random bits": ("SrBitsNarrow", lambda n: n & 0xF000),
    "all rows share": ("SrSharedNoise", lambda n: np.broadcast_to(n[:1], n.shape)),
    "blocks 4 apart share": ("SrSharedNoise", lambda n: n[:, np.arange(n.shape[1]) % 4]),
    "a carry for a comparison": ("SrRule", lambda n: 65535 - n),
    "toward zero": ("SrRule", lambda n: 0 * n + 65536),
}
#: mistake -> (flag, scale bytes from scales and noise)
ROUNDERS = {
    "to nearest": ("SrMissing", lambda p, _: to_nearest(p)),
    "stochastic below 2^-6": ("ScaleSrSubnormal", lambda p, n: by_noise(p, n, subnormals=True)),
    "zero below 2^-6": (
        "ScaleSubnormalFlush",
        lambda p, n: np.where(p < 2**-6, 0, by_noise(p, n)).astype("u1"),
    ),
}
GROUP = {"corrected over 128": "EdenGroup128"}
MISTAKES = (*NOISE, *ROUNDERS, *GROUP)


def made(x, noise, mistake=None):
    """Return (packed codes, scale bytes, flag)."""
    n = noise.astype(np.int64)
    codes, p = corrected(x, 128 if mistake in GROUP else 16)
    flag = GROUP.get(mistake)
    scales = by_noise(p, n)
    if mistake in NOISE:
        flag, change = NOISE[mistake]
        scales = by_noise(p, change(n))
    if mistake in ROUNDERS:
        flag, rounder = ROUNDERS[mistake]
        scales = rounder(p, n)
    return (codes[:, ::2] | codes[:, 1::2] << 4).astype(np.uint8), scales, flag
