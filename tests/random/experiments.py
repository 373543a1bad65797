"""What the rounders of training programs cost: errors and shrink, exact where a rounding has few outcomes."""

from dataclasses import dataclass
from math import fsum

import numpy as np

from fos_ref.formats import decode, E2M1, E4M3, encode
from fos_ref.inputs.distributions import make
from fos_ref.random import deal, Feed, MAPS, words
from fos_ref.random.programs import quartet2_scales, quartet2_simulator_scales, triton_uniform
from fos_ref.random.rules import between
from fos_ref.rotate import hadamard

F = np.float32
GRID = decode(np.arange(8), E2M1)


@dataclass(frozen=True)
class Scaled:
    """Values in units of their blocks, (n, 16), and what a unit is worth."""

    y: np.ndarray
    worth: np.ndarray  #: (n, 1)


def scaled(x, bound=448, factor=1.0, expand=1.0):
    """Return blocks as TransformerEngine scales them: S = 6fM / A, s = E4M3(b (S / 6f)), y = x / (s / S)."""
    blocks = x.astype(F).reshape(-1, 16)
    encode_scale = F(6 * factor * bound) / np.abs(blocks).max()
    largest = np.abs(blocks).max(axis=1, keepdims=True)
    s = encode(np.minimum(largest * (encode_scale * F(expand / (6 * factor))), F(448)), E4M3)
    worth = decode(s, E4M3).astype(F) * (F(1) / encode_scale)
    return Scaled(blocks * (F(1) / worth), worth)


def nearest(t):
    return decode(encode(t.y, E2M1), E2M1) * t.worth


def expected(t, bits=None):
    """Return mean and variance of stochastic rounding, of every value: rule A of so many bits, or ideal."""
    below, nu = between(np.minimum(np.abs(t.y.astype(float)), 6), E2M1)
    low, high = GRID[np.minimum(below, 7)], GRID[np.minimum(below + 1, 7)]
    p = nu if bits is None else np.floor(np.ldexp(nu, bits)) / 2**bits
    step = high - low
    mean = np.copysign(low + p * step, t.y)
    return mean * t.worth, step**2 * p * (1 - p) * t.worth.astype(float) ** 2


def drawn(t, uniform):
    """Return one ideal draw: up where uniform < nu."""
    below, nu = between(np.minimum(np.abs(t.y.astype(float)), 6), E2M1)
    return np.copysign(GRID[np.minimum(below + (uniform < nu), 7)], t.y) * t.worth


def chosen(x, t6, t4, uniform6, uniform4):
    """Return 4/6 on the errors that were realised: four wins where its squares add up to less."""
    six, four = drawn(t6, uniform6), drawn(t4, uniform4)
    errors = [((q - x.reshape(-1, 16)) ** 2).sum(axis=1, keepdims=True) for q in (six, four)]
    return np.where(errors[1] < errors[0], four, six)


def noise16(name, shape, seed):
    """Return 16 random bits for each block: a map's own, or the high half of its words."""
    return words(name, shape, seed=seed).reshape(-1, 1) >> np.uint32(MAPS[name].bits - 16)


def eden(x, signs, noise):
    """Return MS-EDEN as Quartet II's kernels have it, in rotated coordinates, and the rotated input.

    Rotated by 128 without a rounding to bfloat16; the factor is per 16 on a scale cut to 4 fraction bits; the
    corrected scale is rounded stochastically. Reciprocals are true ones here, where the kernel's are near.
    """
    y = hadamard(x, 128, signs, "float32").y.reshape(-1, 16)
    clip = F(1) / F(6 / ((17 / 16) * 0.93))
    m3 = (np.abs(y).max(axis=1, keepdims=True) * clip).view(np.uint32) & np.uint32(0xFFF80000)
    m3 = m3.view(F)
    v = y * (F(1) / m3)
    q = decode(encode(v, E2M1), E2M1).astype(F)
    corrected = m3 * ((v * v).sum(axis=1, keepdims=True) / (v * q).sum(axis=1, keepdims=True))
    top = corrected.max() * F(1 / 256)
    return q * decode(quartet2_scales(corrected / top, noise), E4M3) * top, y


def eden_simulated(x, seed, signs):
    """Return MS-EDEN as Quartet II's simulator has it: bound 255.99, ties away, the factor per 128."""
    y = hadamard(x, 128, signs, "float32").y.reshape(-1, 16)
    limit = F(6 / ((17 / 16) * 0.93))
    unit = np.abs(y).max() / F(255.99) / limit
    s = decode(encode(np.abs(y).max(axis=1, keepdims=True) / limit / unit, E4M3), E4M3).astype(F)
    v = y / (s * unit)
    edges = ((GRID[1:] + GRID[:-1]) / 2).astype(F)
    q = np.copysign(GRID[np.searchsorted(edges, np.abs(v), side="right")], v).astype(F)
    num, den = ((v * w).reshape(-1, 128).sum(axis=1) for w in (v, q))
    corrected = s * np.repeat(num / den, 8)[:, None]
    name = "quartet2-simulator-scales"
    uniform = triton_uniform(words(name, x.shape, seed=seed)).reshape(-1, 1)
    return q * decode(quartet2_simulator_scales(corrected, uniform), E4M3) * unit, y


def error_and_shrink(q, x, variance=0.0):
    """Return the squared error over the power, and 1 - <q, x> / <x, x>; `variance` is added to the error."""
    x, q = x.astype(float).reshape(-1), q.astype(float).reshape(-1)
    power = fsum(x * x)
    spread = fsum(np.broadcast_to(variance, x.shape) if np.isscalar(variance) else variance.reshape(-1))
    return (fsum((q - x) ** 2) + spread) / power, 1 - fsum(q * x) / power


def uniforms(shape, seed):
    """Return ideal uniform numbers: the whole words of a map that shares nothing."""
    each = words("quartet2-simulator", shape, seed=seed)
    assert MAPS["quartet2-simulator"].shares == "none"
    return deal(each, Feed.WORD).astype(float).reshape(-1, 16) / 2**32


def table(shape=(512, 512), seed=0):
    """Return rounder -> (squared error x 1000, shrink) on N(0, 1)."""
    x = make("normal", shape, seed, "float32")
    plain, unbiased = scaled(x), scaled(x, factor=16 / 17)
    six, four = (scaled(x, 256, 16 / 17, e) for e in (1.0, 1.5))
    u6, u4 = uniforms(shape, 1), uniforms(shape, 2)
    signs = 0x5DEECE66D0123456789ABCDEF0F1E2D3
    found = {"nearest even, bound 448": error_and_shrink(nearest(plain), x)}
    for name, t in (("16/17", unbiased), ("as TE and torchao", plain)):
        for bits, kind in ((None, "ideal"), (8, "A of 8 bits")):
            mean, variance = expected(t, bits)
            found[f"stochastic {name}, {kind}"] = error_and_shrink(mean, x, variance)
    found["4/6 and stochastic 16/17, own bits"] = error_and_shrink(chosen(x, six, four, u6, u4), x)
    found["4/6 and stochastic 16/17, same bits"] = error_and_shrink(chosen(x, six, four, u6, u6), x)
    for name, kind in (("quartet2-simulator-scales", "own noise"), ("quartet2-scales", "their shared noise")):
        found[f"MS-EDEN as the kernels, {kind}"] = error_and_shrink(*eden(x, signs, noise16(name, shape, 3)))
    found["MS-EDEN as the simulator"] = error_and_shrink(*eden_simulated(x, 3, signs))
    return {name: (1000 * error, shrink) for name, (error, shrink) in found.items()}


def concentration():
    """Return rounder -> (squared error of one draw, of the mean of endless draws) over the power, exactly."""
    x = make("student-t5", (256, 128), 0, "float32")
    found = {}
    for name, t in (("16/17", scaled(x, factor=16 / 17)), ("as TE and torchao", scaled(x))):
        for bits, kind in ((None, "ideal"), (8, "A of 8 bits"), (4, "A of 4 bits")):
            mean, variance = expected(t, bits)
            floor, _ = error_and_shrink(mean, x)
            found[f"stochastic {name}, {kind}"] = error_and_shrink(mean, x, variance)[0], floor
    return found
