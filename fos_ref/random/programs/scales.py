"""Stochastic block scales: Quartet II rounds its corrected scales to E4M3, in two ways."""

from __future__ import annotations

import numpy as np

from fos_ref.errors import InputError
from fos_ref.formats.arrays import AnyArray, F32, U8
from fos_ref.formats.catalog import E4M3
from fos_ref.formats.codec import decode, encode

_SMALLEST_NORMAL, _LARGEST = np.float32(2**-6), np.float32(448)
_CUT = np.uint32(0x000FFFFF)  #: the bits of a float32 below E4M3's three fraction bits
_NOISE_BITS = 16


def quartet2_scales(scales: F32, noise: AnyArray) -> U8:
    """Return the E4M3 codes of positive scales, as Quartet II's kernels round them.

    noise:    whole numbers of 16 bits, one a scale: the words of the map quartet2-scales
    Shapes:   any -> the same
    Rounding: below 2^-6 and above 448 to nearest even, saturating: subnormal scales are not stochastic. Else
              up exactly where the 20 bits that are cut off exceed noise * 16; the share that goes up is
              ceil(bits / 16) / 65536, a little outward.
    Specials: infinity gives 448; -0 keeps its sign, code 80.
    Raises:   InputError for negative scales and NaN, and for noise above 65535.
    Spec:     IST-DASLab/Quartet-II@8776a90b:kernels/csrc/utils.cuh::stochastic_rounding
    """
    given, r = np.asarray(scales, dtype=np.float32), np.asarray(noise)
    _positive(given)
    if r.dtype.kind not in "ui" or np.any(r < 0) or np.any(r >> _NOISE_BITS):
        msg = f"noise of dtype {r.dtype}: whole numbers from 0 to 65535 are allowed"
        raise InputError(msg)
    bits = given.view(np.uint32)
    up = (bits & _CUT) > r.astype(np.uint32) << np.uint32(4)
    moved = np.where(up, bits | _CUT, bits & ~_CUT).view(np.float32)
    plain = (given < _SMALLEST_NORMAL) | (given > _LARGEST)
    codes: U8 = encode(np.where(plain, given, moved), E4M3)
    return codes


def quartet2_simulator_scales(scales: F32, uniform: F32) -> U8:
    """Return the E4M3 codes of positive scales, as Quartet II's Triton simulator rounds them.

    uniform:  float32 in [0, 1): `triton_uniform` of the map quartet2-simulator-scales
    Shapes:   any -> the same
    Rounding: c the nearest code, ties to even; down and up the values of c and its neighbour on the scale's
              side; p = (scale - down) / (up - down), rounded to float32; up where uniform < p. Triton's
              division may be 2 ulp off: where `uniform` is that near to p, hardware decides.
    Specials: -0 keeps its sign, code 80.
    Raises:   InputError for negative scales, NaN, and scales above 448, whose neighbour would be NaN.
    Spec:     IST-DASLab/Quartet-II@8776a90b:src/models/quantization/schemes/quartet_2.py
    """
    given, u = np.asarray(scales, dtype=np.float32), np.asarray(uniform, dtype=np.float32)
    _positive(given)
    if np.any(given > _LARGEST):
        msg = f"scale {float(given.max())}: scales up to 448 are allowed"
        raise InputError(msg)
    nearest = encode(given, E4M3).astype(np.int64)
    down = nearest - (decode(nearest, E4M3) > given)
    up = np.minimum(down + 1, E4M3.max_code)
    low, high = (decode(c, E4M3).astype(np.float32) for c in (down, up))
    gap = np.where(up > down, high - low, np.float32(1))
    codes: U8 = np.where(u < (given - low) / gap, up, down).astype(np.uint8)
    return codes


def _positive(scales: F32) -> None:
    """Raise InputError for what is no scale."""
    if np.isnan(scales).any() or np.any(scales < 0):
        msg = "a negative scale or NaN: scales from 0 on are allowed"
        raise InputError(msg)
