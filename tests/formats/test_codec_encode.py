"""Rounding into a format: every 16-bit input, every midpoint and its neighbours, the specials."""

from __future__ import annotations

from itertools import pairwise

import ml_dtypes
import numpy as np
import pytest

from fos_ref.formats import (
    BFLOAT16,
    decode,
    E2M0,
    E2M1,
    E2M3,
    E3M2,
    E4M3,
    E5M2,
    E8M0,
    encode,
    FLOAT16,
    FORMATS,
    INT3,
    INT4,
    INT6,
    INT8,
    UE4M3,
)
from fos_ref.formats.catalog import Negatives
from fos_ref.formats.codec import computed

ALL_16 = np.arange(1 << 16, dtype=np.uint16)
E2M1_GRID = [0, 0.5, 1, 1.5, 2, 3, 4, 6]
E2M3_GRID = [m / 8 for m in range(8)] + [(8 + m) / 8 * 2.0**e for e in range(3) for m in range(8)]
E3M2_GRID = [m / 16 for m in range(4)] + [(4 + m) / 4 * 2.0**e for e in range(-2, 5) for m in range(4)]
E4M3_GRID = [m / 512 for m in range(8)] + [
    (8 + m) / 8 * 2.0 ** (e - 7) for e in range(1, 16) for m in range(8)
]
E4M3_GRID = E4M3_GRID[:127]


def every(dtype) -> np.ndarray:
    """Return the float32 values of all 65,536 codes of a 16-bit float."""
    with np.errstate(invalid="ignore"):
        return ALL_16.view(dtype).astype(np.float32)


SHORT = [f for f in FORMATS.values() if f.bits <= 8]


@pytest.mark.parametrize("fmt", SHORT, ids=lambda f: f.name)
def test_n1_the_table_has_what_is_computed_between_any_two_bfloat16_values(fmt):
    values = np.unique(decode(np.arange(1 << fmt.bits), fmt))
    values = values[np.isfinite(values)]
    middle = (values[:-1] + values[1:]) / 2
    assert np.array_equal(middle, middle.astype(ml_dtypes.bfloat16).astype(np.float64))
    top = ALL_16.astype(np.uint32) << 16
    for low in (0, 1, 0x7FFF, 0x8000, 0xFFFF):
        x = (top | low).view(np.float32)
        x = x[~(x < 0)] if fmt.negatives is Negatives.NONE else x
        assert np.array_equal(encode(x, fmt), computed(x, fmt))


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_n1_e2m1_of_every_16_bit_float_equals_ml_dtypes(dtype):
    """NaN: ours is +6 = 0x7, as the hardware converts; ml_dtypes gives -0."""
    x = every(dtype)
    number = ~np.isnan(x)
    want = x[number].astype(ml_dtypes.float4_e2m1fn).view(np.uint8)
    got = encode(x, E2M1)
    assert np.flatnonzero(got[number] != want).tolist() == []
    assert set(got[~number].tolist()) == {0x7}


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_n1_e4m3_of_every_16_bit_float_equals_ml_dtypes_clamped(dtype):
    """Overflow: ours saturates; ml_dtypes gives NaN, so its input is clamped to 448. NaN: ours is 0x7F."""
    x = every(dtype)
    number = ~np.isnan(x)
    want = np.clip(x[number], -448, 448).astype(ml_dtypes.float8_e4m3fn).view(np.uint8)
    got = encode(x, E4M3)
    assert np.flatnonzero(got[number] != want).tolist() == []
    assert set(got[~number].tolist()) == {0x7F}


#: Formats that ml_dtypes has too, and the largest value, past which it does not saturate.
PEERS = [
    (E2M3, ml_dtypes.float6_e2m3fn, 7.5),
    (E3M2, ml_dtypes.float6_e3m2fn, 28),
    (E5M2, ml_dtypes.float8_e5m2, np.inf),
]


@pytest.mark.parametrize(("fmt", "peer", "most"), PEERS, ids=lambda v: getattr(v, "name", ""))
@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16], ids=["float16", "bfloat16"])
def test_n1_every_16_bit_value_encodes_as_ml_dtypes_has_it(fmt, peer, most, dtype):
    x = every(dtype)
    x = x[~np.isnan(x)]
    want = np.clip(x, -most, most).astype(peer).view(np.uint8)
    assert np.flatnonzero(encode(x, fmt) != want).tolist() == []


def test_n1_ue4m3_equals_e4m3_where_it_has_a_code():
    x = every(ml_dtypes.bfloat16)
    x = x[~(x < 0)]
    assert np.array_equal(encode(x, UE4M3), encode(np.where(np.isnan(x), x, np.abs(x)), E4M3))


@pytest.mark.parametrize(
    ("fmt", "grid"),
    [(E2M1, E2M1_GRID), (E4M3, E4M3_GRID), (E2M3, E2M3_GRID), (E3M2, E3M2_GRID)],
    ids=lambda v: getattr(v, "name", ""),
)
@pytest.mark.parametrize("sign", [1, -1])
def test_n1_midpoints_go_to_the_even_code_and_their_neighbours_to_their_side(fmt, grid, sign):
    middle = np.array([(a + b) / 2 for a, b in pairwise(grid)], np.float32)
    assert middle.astype(np.float64).tolist() == [(a + b) / 2 for a, b in pairwise(grid)]
    lower, top = np.arange(len(middle)), (1 << (fmt.bits - 1)) if sign < 0 else 0
    one = np.float32(sign)
    assert encode(one * middle, fmt).tolist() == (top | (lower + (lower & 1))).tolist()
    assert encode(one * np.nextafter(middle, np.float32(0)), fmt).tolist() == (top | lower).tolist()
    assert (
        encode(one * np.nextafter(middle, np.float32(np.inf)), fmt).tolist() == (top | (lower + 1)).tolist()
    )


@pytest.mark.parametrize("sign", [0, 0x8000])
def test_n1_every_bfloat16_midpoint_and_its_neighbours(sign):
    """The last midpoint, past the largest finite value, rounds to infinity (0x7F80 is even)."""
    low = np.arange(0x7F80)
    middle = ((low | sign) << 16) | 0x8000
    for offset, want in ((0, low + (low & 1)), (-1, low), (1, low + 1)):
        got = encode((middle + offset).astype(np.uint32).view(np.float32), BFLOAT16)
        assert np.flatnonzero(got != (want | sign)).tolist() == []


def test_n1_every_float16_midpoint_and_its_neighbours():
    low = np.arange(0x7C00, dtype=np.uint16)
    below, above = low.view(np.float16).astype(np.float64), (low + 1).view(np.float16).astype(np.float64)
    above[-1] = 65536.0  # where the next value would stand: from 65520 up it is infinity
    middle = ((below + above) / 2).astype(np.float32)
    assert encode(middle, FLOAT16).tolist() == (low + (low & 1)).tolist()
    assert encode(np.nextafter(middle, np.float32(0)), FLOAT16).tolist() == low.tolist()
    assert encode(np.nextafter(middle, np.float32(np.inf)), FLOAT16).tolist() == (low + 1).tolist()


def test_n1_int4_rounds_to_even_and_saturates_at_seven():
    x = [-np.inf, -8, -7.5, -6.5, -2.5, -1.5, -0.5, -0.0, 0.5, 1.5, 2.5, 6.5, 7.5, 1e30, np.nan]
    want = [-7, -7, -7, -6, -2, -2, 0, 0, 0, 2, 2, 6, 7, 7, 0]
    assert encode(np.array(x, np.float32), INT4).tolist() == [w & 15 for w in want]


def test_n1_e8m0_rounds_half_up_and_saturates_at_both_ends():
    """A power of two has no fraction bit to be even in: 1.5 * 2**e goes up.

    There is no zero: 0 takes the smallest code. ml_dtypes gives NaN there and for overflow, and its releases
    differ on 1.5 * 2**e, so it is asked about the values between.
    """
    x = np.array(
        [0, 1e-45, 2.0**-127, 2.0**-127 * 1.5, 1, 1.4999, 1.5, 3, 2.0**127, 3.4e38, np.inf], np.float32
    )
    want = [0, 0, 0, 1, 0x7F, 0x7F, 0x80, 0x81, 0xFE, 0xFE, 0xFE]
    assert encode(x, E8M0).tolist() == want
    between = np.array([1e-45, 2.0**-127, 1, 1.4999, 1.5001, 2.9999, 3.0001, 2.0**127], np.float32)
    assert encode(between, E8M0).tolist() == between.astype(ml_dtypes.float8_e8m0fnu).view(np.uint8).tolist()


SPECIALS = [
    (E2M0, [0x0, 0x4, 0x3, 0x7, 0x0, 0x4, 0x3, 0x3]),
    (E2M3, [0x00, 0x20, 0x1F, 0x3F, 0x00, 0x20, 0x1F, 0x1F]),
    (E5M2, [0x00, 0x80, 0x7C, 0xFC, 0x00, 0x80, 0x7F, 0x7F]),
    (INT3, [0, 0, 3, 7, 0, 0, 0, 0]),
    (INT6, [0, 0, 31, 63, 0, 0, 0, 0]),
    (INT8, [0, 0, 127, 129, 0, 0, 0, 0]),
    (E2M1, [0x0, 0x8, 0x7, 0xF, 0x0, 0x8, 0x7, 0x7]),
    (E4M3, [0x00, 0x80, 0x7E, 0xFE, 0x00, 0x80, 0x7F, 0x7F]),
    (BFLOAT16, [0x0000, 0x8000, 0x7F80, 0xFF80, 0x0000, 0x8000, 0x7FC0, 0x7FC0]),
    (FLOAT16, [0x0000, 0x8000, 0x7C00, 0xFC00, 0x0000, 0x8000, 0x7E00, 0x7E00]),
]


@pytest.mark.parametrize(("fmt", "want"), SPECIALS, ids=lambda v: getattr(v, "name", ""))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_n1_specials(fmt, want, dtype):
    x = np.array([0.0, -0.0, np.inf, -np.inf, 1e-45, -1e-45, np.nan, -np.nan], dtype=dtype)
    assert encode(x, fmt).tolist() == want


def test_n1_e4m3_saturates_from_448_up():
    x = np.array([447.9, 448, 456, 464, 464.01, 480, 3.4e38], np.float32)
    assert encode(x, E4M3).tolist() == [0x7E] * 7


def test_n1_e4m3_subnormals_are_kept():
    steps = np.array([0.5, 0.5000001, 1, 1.5, 2.5, 6.5, 7, 7.5, 7.4999995, 8], np.float32)
    assert encode(steps * np.float32(2.0**-9), E4M3).tolist() == [0, 1, 1, 2, 2, 6, 7, 8, 7, 8]


def test_n1_a_signalling_nan_is_a_nan():
    signalling = np.array([0x7F800001, 0xFFA00000], np.uint32).view(np.float32)
    assert encode(signalling, E4M3).tolist() == [0x7F, 0x7F]


def test_encode_leaves_its_input_alone():
    x = np.array([np.nan, -7, 0.25], np.float32)
    before = x.tobytes()
    encode(x, E2M1)
    assert x.tobytes() == before
