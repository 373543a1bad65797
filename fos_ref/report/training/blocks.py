"""Stochastic rounding of a tensor in blocks: its exact expectation, and one draw of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fos_ref.formats.arrays import AnyArray, F32, F64, I64
from fos_ref.formats.catalog import E2M1, E4M3
from fos_ref.formats.codec import decode, encode
from fos_ref.random import deal, Feed, words
from fos_ref.random.rules import between
from fos_ref.recipes.recipe import BLOCK

LARGEST = 6.0  #: of E2M1
MOST = np.float32(448)  #: of E4M3
#: The values of E2M1, in order.
VALUES: F64 = np.asarray(decode(np.arange(E2M1.max_code + 1), E2M1), dtype=np.float64)
_WORDS = "quartet2-simulator"  #: a word for each value, none used twice
_BYTES = "te-tuned-row"
_TOP = 7


@dataclass(frozen=True, slots=True, eq=False)
class Scaled:
    """Values in units of their blocks, and where they lie between their neighbours."""

    y: F32  #: (n, 16)
    worth: F64  #: (n, 1) what a unit is worth
    below: I64  #: (n, 16) code of the neighbour nearer to 0
    nu: F64  #: (n, 16) from 0 to below 1
    step: F64  #: (n, 16) distance of the neighbours


def scaled(x: F32, bound: float = 448, factor: float = 1.0, expand: float = 1.0) -> Scaled:
    """Return a tensor as TransformerEngine scales it: S = 6 f M / A, s = E4M3(b S e / 6 f), y = x / (s / S).

    bound:    M, what the largest block scale becomes
    factor:   f, 16/17 for a rounding that clips nothing
    expand:   e, 1.5 maps a block's largest value to 4
    Shapes:   (R, C) -> (R C / 16, 16)
    Rounding: float32 for every operation, to nearest even; s to E4M3, nearest even, at most 448.
    Specials: an amax of 0 is the caller's mistake. Values above 6 are clipped by what rounds them.
    """
    blocks = x.astype(np.float32).reshape(-1, BLOCK)
    encode_scale = np.float32(6 * factor * bound) / np.abs(blocks).max()
    largest = np.abs(blocks).max(axis=1, keepdims=True)
    s = encode(np.minimum(largest * (encode_scale * np.float32(expand / (6 * factor))), MOST), E4M3)
    worth = decode(s, E4M3).astype(np.float32) * (np.float32(1) / encode_scale)
    y = blocks * (np.float32(1) / worth)
    below, nu = between(np.minimum(np.abs(y.astype(np.float64)), LARGEST), E2M1)
    step = VALUES[np.minimum(below + 1, _TOP)] - VALUES[below]
    return Scaled(y, worth.astype(np.float64), below, nu, step)


def nearest(t: Scaled) -> F64:
    """Return the values rounded to nearest even, (n, 16)."""
    return np.asarray(decode(encode(t.y, E2M1), E2M1), dtype=np.float64) * t.worth


def expected(t: Scaled, bits: int | None) -> tuple[F64, F64]:
    """Return mean and variance of each value over all draws: of rule A with so many bits, None: ideal."""
    p = t.nu if bits is None else np.ldexp(np.floor(np.ldexp(t.nu, bits)), -bits)
    mean = np.copysign(VALUES[t.below] + p * t.step, t.y)
    return mean * t.worth, t.step**2 * p * (1 - p) * t.worth**2


def drawn(t: Scaled, random: F64) -> F64:
    """Return one draw from numbers in [0, 1): up where 1 - random <= nu, which is rule A's carry."""
    up = t.nu + random >= 1
    return np.copysign(VALUES[t.below] + up * t.step, t.y) * t.worth


def uniforms(shape: tuple[int, int], seed: int) -> F64:
    """Return a number of 32 bits for each value, (n, 16), in [0, 1)."""
    return _fractions(deal(words(_WORDS, shape, seed=seed), Feed.WORD), 32)


def few_bits(shape: tuple[int, int], seed: int, bits: int) -> F64:
    """Return a number of at most 8 bits for each value, of TransformerEngine's words, (n, 16).

    The feed is NVIDIA's text for cvt.rs, which hardware has not confirmed; no figure depends on it.
    """
    return _fractions(deal(words(_BYTES, shape, seed=seed), Feed.BYTE_LANE, bits), bits)


def _fractions(numbers: AnyArray, bits: int) -> F64:
    return np.ldexp(numbers.astype(np.float64), -bits).reshape(-1, BLOCK)
