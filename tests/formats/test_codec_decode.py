"""Every code of every format of at most 16 bits, against tables and formulas that the codec does not use."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from fos_ref.errors import DtypeError, InputError
from fos_ref.formats import (
    BFLOAT16,
    decode,
    E2M1,
    E2M3,
    E3M2,
    E4M3,
    E5M2,
    E8M0,
    encode,
    FLOAT16,
    FLOAT32,
    FORMATS,
    INT4,
    UE4M3,
)

NAN = float("nan")
E2M1_VALUES = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, -0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0]
INT4_VALUES = [0, 1, 2, 3, 4, 5, 6, 7, -8, -7, -6, -5, -4, -3, -2, -1]
E4M3_MAGNITUDES = [m / 512 for m in range(8)]
E4M3_MAGNITUDES += [(8 + m) / 8 * 2.0 ** (e - 7) for e in range(1, 16) for m in range(8)]
E4M3_MAGNITUDES[0x7F] = NAN
ALL_16 = np.arange(1 << 16, dtype=np.uint16)


def doubles(values) -> list[int]:
    """Return float64 bit patterns with one NaN, so that -0 and 0 differ and NaN equals NaN."""
    v = np.array(values, dtype=np.float64)
    return np.where(np.isnan(v), np.nan, v).view(np.uint64).tolist()


def test_n1_e2m1_decodes_to_its_table():
    assert doubles(decode(np.arange(16), E2M1)) == doubles(E2M1_VALUES)


def test_n1_e4m3_decodes_to_its_formula():
    want = E4M3_MAGNITUDES + [-v for v in E4M3_MAGNITUDES]
    assert doubles(decode(np.arange(256), E4M3)) == doubles(want)


def test_n1_e4m3_landmarks():
    landmarks = {
        0x01: 2.0**-9,
        0x07: 7 * 2.0**-9,
        0x08: 2.0**-6,
        0x38: 1.0,
        0x3C: 1.5,
        0x7E: 448.0,
        0xFE: -448.0,
    }
    assert decode(np.array(list(landmarks)), E4M3).tolist() == list(landmarks.values())


def test_n1_ue4m3_is_e4m3_without_sign():
    assert doubles(decode(np.arange(128), UE4M3)) == doubles(E4M3_MAGNITUDES)


def test_n1_ue4m3_codes_with_the_top_bit_are_no_numbers():
    assert np.all(np.isnan(decode(np.arange(128, 256), UE4M3)))


def test_n1_e8m0_decodes_to_powers_of_two():
    assert doubles(decode(np.arange(256), E8M0)) == doubles([2.0 ** (c - 127) for c in range(255)] + [NAN])


def test_n1_int4_decodes_in_twos_complement():
    assert decode(np.arange(16), INT4).tolist() == INT4_VALUES


def test_n1_bfloat16_decodes_as_the_upper_half_of_float32():
    want = (ALL_16.astype(np.uint32) << np.uint32(16)).view(np.float32)
    with np.errstate(invalid="ignore"):
        assert doubles(decode(ALL_16, BFLOAT16)) == doubles(want)


def test_n1_float16_decodes_as_numpy_does():
    with np.errstate(invalid="ignore"):
        assert doubles(decode(ALL_16, FLOAT16)) == doubles(ALL_16.view(np.float16))


@pytest.mark.parametrize(
    ("fmt", "peer"),
    [
        (E2M1, ml_dtypes.float4_e2m1fn),
        (E2M3, ml_dtypes.float6_e2m3fn),
        (E3M2, ml_dtypes.float6_e3m2fn),
        (E4M3, ml_dtypes.float8_e4m3fn),
        (E5M2, ml_dtypes.float8_e5m2),
        (E8M0, ml_dtypes.float8_e8m0fnu),
    ],
    ids=lambda v: getattr(v, "name", ""),
)
def test_n1_decode_equals_ml_dtypes(fmt, peer):
    codes = np.arange(1 << fmt.bits, dtype=np.uint8)
    assert doubles(decode(codes, fmt)) == doubles(codes.view(peer).astype(np.float64))


@pytest.mark.parametrize("fmt", [f for f in FORMATS.values() if f.bits <= 16], ids=lambda f: f.name)
def test_n1_encode_inverts_decode(fmt):
    codes = np.arange(1 << fmt.bits)
    values = decode(codes, fmt)
    number = ~np.isnan(values)
    if fmt.exponent_bits == 0:
        number[1 << fmt.sign_shift] = False  # -8 of INT4 and -0 of INT3 decode and are never produced
    again = encode(values[number], fmt)
    assert again.tolist() == codes[number].tolist()
    assert number.sum() == {
        "E2M1": 16,
        "INT4": 15,
        "INT6": 63,
        "E4M3": 254,
        "UE4M3": 127,
        "UE5M3": 255,
        "E8M0": 255,
    }.get(fmt.name, number.sum())


@pytest.mark.parametrize("fmt", [BFLOAT16, FLOAT16], ids=lambda f: f.name)
def test_n1_only_the_nan_codes_do_not_return(fmt):
    nans = int(np.isnan(decode(ALL_16, fmt)).sum())
    assert nans == 2 * ((1 << fmt.fraction_bits) - 1)


def test_n1_float32_round_trips_by_bits():
    bits = np.array([0, 1, 0x80000000, 0x007FFFFF, 0x00800000, 0x3F800001, 0x7F7FFFFF, 0xFF800000], np.uint32)
    assert encode(bits.view(np.float32), FLOAT32).tolist() == bits.tolist()
    assert doubles(decode(bits, FLOAT32)) == doubles(bits.view(np.float32))


def test_n1_float32_nan_is_quiet():
    assert encode(np.array([np.nan, -np.nan], np.float32), FLOAT32).tolist() == [0x7FC00000, 0x7FC00000]


@pytest.mark.parametrize("fmt", FORMATS.values(), ids=lambda f: f.name)
def test_decode_refuses_codes_wider_than_the_format(fmt):
    with pytest.raises(InputError, match=f"wider than the {fmt.bits} bits of {fmt.name}"):
        decode(np.array([0, 1 << fmt.bits]), fmt)


def test_decode_refuses_negative_codes():
    with pytest.raises(InputError, match="wider than"):
        decode(np.array([-1]), E2M1)


def test_decode_refuses_floats():
    with pytest.raises(DtypeError, match="decode: dtype float64: an integer dtype is allowed"):
        decode(np.array([1.0]), E2M1)


@pytest.mark.parametrize(
    "dtype", [np.int32, np.uint8, np.uint16, np.float16, ml_dtypes.bfloat16, np.complex64, "O"]
)
def test_encode_refuses_every_dtype_but_two(dtype):
    with pytest.raises(DtypeError, match="float32 or float64 is allowed"):
        encode(np.zeros(2, dtype), E2M1)


@pytest.mark.parametrize("fmt", [UE4M3, E8M0], ids=lambda f: f.name)
def test_unsigned_formats_refuse_negative_values(fmt):
    with pytest.raises(InputError, match=r"-0\.25.*has no code in the unsigned format"):
        encode(np.array([1, -0.25, -3], np.float32), fmt)


def test_unsigned_formats_take_minus_zero_as_zero():
    assert encode(np.array([-0.0], np.float32), UE4M3).tolist() == [0]


@pytest.mark.parametrize("fmt", FORMATS.values(), ids=lambda f: f.name)
@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (2, 3, 4)])
def test_shapes_are_kept(fmt, shape):
    codes = encode(np.ones(shape, np.float32), fmt)
    assert codes.shape == shape
    assert decode(codes, fmt).shape == shape
    assert np.all(decode(codes, fmt) == 1)
    assert codes.dtype.itemsize * 8 == max(8, fmt.bits)


@pytest.mark.parametrize("fmt", FORMATS.values(), ids=lambda f: f.name)
def test_the_largest_value_is_that_of_the_largest_code(fmt):
    assert fmt.largest == decode(np.asarray(fmt.max_code), fmt)
