"""Planted mistakes of stochastic rounders, and two published tests that look at draws without their bits."""

import numpy as np

from fos_ref.formats import decode, E2M1, encode
from fos_ref.inputs.distributions import make
from fos_ref.random import deal, Feed, Rule, stochastic, words
from fos_ref.random.rules import between
from tests.random.experiments import GRID, scaled

BYTES = np.arange(256)
DRAWS = 50  #: of TransformerEngine's test

#: mistake -> what it makes of the random bytes (rows, columns)
BYTES_BY_MISTAKE = {
    "none": lambda r: r,
    "one byte for four values": lambda r: np.repeat(r[:, ::4], 4, axis=1),
    "noise shared by all rows": lambda r: np.broadcast_to(r[:1], r.shape),
    "4 random bits": lambda r: r & 0xF0,
    "2 random bits": lambda r: r & 0xC0,
    "1 random bit": lambda r: r & 0x80,
    "noise from 0 to 191": lambda r: r * 3 // 4,
    "noise 16 too large": lambda r: r + 16,
    "stochastic below 1 only": lambda r: r,
}
ONLY_BELOW_ONE = "stochastic below 1 only"


def rounded(mistake, y, r):
    """Return the codes that a mistake gives for values (rows, columns) and their right bytes."""
    noise = BYTES_BY_MISTAKE[mistake](r.astype(np.int64))
    below, nu = between(np.minimum(np.abs(y.astype(float)), 6), E2M1)
    codes = np.minimum(below + (np.floor(nu * 256) + noise >= 256), 7) | np.where(np.signbit(y), 8, 0)
    return np.where(np.abs(y) >= 1, encode(y, E2M1), codes) if mistake == ONLY_BELOW_ONE else codes


def shares_up(mistake, nu):
    """Return of each nu the share of random bytes that go up: its marginal, which is all the tests see."""
    noise = BYTES_BY_MISTAKE[mistake](BYTES[:, None])
    if mistake.startswith(("one byte", "noise shared")):
        noise = BYTES[:, None]
    return (np.floor(nu * 256)[None, :] + noise >= 256).mean(axis=0)


def passes_te(mistake, y):
    """Return whether the mean of 50 draws is expected nearer to the values than rounding to nearest is."""
    a = np.minimum(np.abs(y.astype(float)).reshape(-1), 6)
    below, nu = between(a, E2M1)
    low, high = GRID[np.minimum(below, 7)], GRID[np.minimum(below + 1, 7)]
    p = shares_up(mistake, nu)
    mean, variance = low + p * (high - low), p * (1 - p) * (high - low) ** 2
    nearest = decode(encode(a, E2M1), E2M1)
    if mistake == ONLY_BELOW_ONE:
        mean, variance = np.where(a >= 1, nearest, mean), np.where(a >= 1, 0, variance)
    true = np.abs(y.astype(float)).reshape(-1)
    return bool(((mean - true) ** 2 + variance / DRAWS).sum() < ((nearest - true) ** 2).sum())


def passes_torchao(mistake):
    """Return whether the mean of 1.25 is expected within 0.01 of it, and 45 to 55 % go up."""
    up = 0.0 if mistake == ONLY_BELOW_ONE else float(shares_up(mistake, np.array([0.5]))[0])
    return abs(1 + up / 2 - 1.25) < 0.01 and 0.45 <= up <= 0.55


def table():
    """Return mistake -> (TransformerEngine's test, torchao's test, differing codes of 32,768)."""
    x = make("normal", (64, 512), 0, "float32")
    y = scaled(x).y.reshape(x.shape)
    r = deal(words("te-tuned-row", (64, 512), seed=1), Feed.BYTE_NATURAL)
    right = stochastic(y, r, Rule.A, 8)
    found = {}
    for mistake in BYTES_BY_MISTAKE:
        differing = int((rounded(mistake, y, r) != right).sum())
        found[mistake] = (passes_te(mistake, y), passes_torchao(mistake), differing)
    return found
