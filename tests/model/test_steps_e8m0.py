"""The powers of two of N7, the logarithms of N5 and what stands for a byte of 0, in bits."""

from __future__ import annotations

from dataclasses import replace

import ml_dtypes
import numpy as np
import pytest

import fos_ref
from fos_ref.model import e8m0
from fos_ref.model.candidates import cast_scale
from fos_ref.model.scales import near_power
from fos_ref.oracle import e8m0 as oracle
from fos_ref.oracle.exact import BFLOAT16, FLOAT32, from_bits, to_bits
from fos_ref.recipes.axes import ScaleFloor
from tests.model.steps import f32, h, hexes

MX = fos_ref.PRESETS["fouroversix-mxfp4-static6"]
INF, NAN = np.inf, np.nan
TYPES = [np.dtype(np.float32), np.dtype(ml_dtypes.bfloat16)]
BASES = ("00000000", "00000001", "00400000", "00400001", "00800001", "01FFFFFF", "3F7FFFFF", "3F800000")
BASES += ("3F800001", "3FDFFFFF", "3FE00000", "3FFFFFFF", "7F7FFFFF", "7F800000", "7FC00000")
CASTS = {
    e8m0.e8m0_floor: "00 00 00 00 00 01 7C 7D 7D 7D 7D 7D FC FD FF",
    e8m0.e8m0_even: "00 00 00 00 00 02 7D 7D 7D 7D 7E 7E FD FD FF",
    e8m0.e8m0_ceil: "00 00 00 00 00 02 7D 7D 7E 7E 7E 7E FD FD FF",
    e8m0.e8m0_up_satfinite: "00 00 00 01 02 04 7F 7F 80 80 80 80 FE FE FF",
    e8m0.e8m0_up_wraps: "00 EA 00 01 02 04 7F 7F 80 80 80 80 FF FF FF",
    e8m0.e8m0_nearest_log2: "00 00 00 00 01 04 7F 7F 7F 80 80 80 FE FF FF",
}


@pytest.fixture(autouse=True)
def _quiet():
    with np.errstate(all="ignore"):
        yield


@pytest.mark.parametrize("cast", CASTS, ids=lambda f: f.__name__)
def test_n7_the_bytes_at_every_edge(cast):
    codes, values = cast(np.concatenate([np.atleast_1d(h(b)) for b in BASES]))
    assert codes.tobytes().hex(" ").upper() == CASTS[cast]
    assert (codes.dtype, values.dtype) == (np.uint8, np.float32)


def test_n7_a_byte_of_0_counts_as_0_and_ff_as_infinity_or_nan():
    assert e8m0.e8m0_floor(f32(1, 2.0**-125, NAN))[1].tolist() == [0.25, 0, INF]
    assert e8m0.e8m0_nearest_log2(f32(0, INF))[1].tolist() == [0, INF]
    assert np.isnan(e8m0.e8m0_up_satfinite(f32(NAN))[1]).all()


def test_n7h_the_byte_wraps_and_the_value_does_not():
    codes, values = e8m0.e8m0_up_wraps(f32(2.0**-149, 1.5 * 2.0**-130))
    assert codes.tolist() == [(-149 + 127) % 256, (-129 + 127) % 256]
    assert values.tolist() == [2.0**-149, 2.0**-129]


@pytest.mark.parametrize(
    ("base", "n"),
    [
        ("3FB504F3", 0),  # log2 is 0.5 - 2.5e-8, a step below the half
        ("3FB504F4", 1),
        ("3F3504F3", -1),  # -0.5 after rounding: away from zero
        ("3F3504F4", 0),
        ("413504F3", 4),  # 3.5 after rounding
        ("413504F2", 3),
    ],
)
def test_n7i_halves_of_the_rounded_logarithm_go_away_from_zero(base, n):
    assert e8m0.e8m0_nearest_log2(np.atleast_1d(h(base)))[0].tolist() == [127 + n]
    assert oracle.nearest_log2(from_bits(int(base, 16)))[0] == 127 + n


@pytest.mark.parametrize(
    ("power", "ulps"), [(0, 0), (2, 0), (-4, 0), (4, 1), (-5, 1), (20, 5), (100, 22), (-100, 22)]
)
def test_n5l_a_base_just_above_a_power_of_two_counts_as_it(power, ulps):
    first = np.uint32((power + 127) << 23)
    base = (first + np.arange(30, dtype=np.uint32)).view(np.float32)
    snapped = near_power(base, TYPES[0]) == np.float32(2.0**power)
    assert snapped.tolist() == [i <= ulps for i in range(30)]


@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_n5_the_oracle_s_logarithm_is_the_model_s(dtype):
    rng = np.random.default_rng(4)
    near = (rng.integers(1, 255, 300).astype(np.uint32) << np.uint32(23)) + rng.integers(
        0, 30, 300, np.uint32
    )
    bits = np.concatenate([rng.integers(1, 0x7F800000, 300, np.uint32), near])
    want = near_power(bits.view(np.float32), dtype).view(np.uint32).tolist()
    precision = FLOAT32 if dtype == np.float32 else BFLOAT16
    assert [to_bits(oracle.near_power(from_bits(int(b)), precision)) for b in bits] == want


def test_n7_zero_and_tiny_bases_may_count_as_one():
    base = f32(0, 2.0**-149, 2.0**-64, 2.0**-63, 2)
    alone = replace(MX, name="alone", scale_floor=ScaleFloor.ZERO_ALONE_IS_ONE)
    assert hexes(cast_scale(base, alone)[1]) == ["3F800000", "00800000", "1F800000", "20000000", "40000000"]
    tiny = replace(MX, name="tiny", scale_floor=ScaleFloor.TINY_IS_ONE)
    assert hexes(cast_scale(base, tiny)[1]) == ["3F800000", "3F800000", "3F800000", "20000000", "40000000"]


#: Preset -> scale byte and the first codes of a block: amax, then -0.0, -0.01 of it and +0.0.
SMALL = {
    "ocp-mxfp4": (0, "80 08"),
    "torchao-mxfp4-floor": (0, "80 08"),
    "torchao-mxfp4-rceil": (0, "80 08"),
    "compressed-tensors-mxfp4": (0, "00 08"),
    "modelopt-mxfp4": (0, "80 88"),
    "mlx-mxfp4": (0xFD, "07 00"),
}


@pytest.mark.parametrize("name", SMALL)
def test_n8_what_a_block_below_the_smallest_scale_becomes(name):
    """x is 6 * 2^-129: 1.5 under 2^-127, 0.75 under 2^-126, nothing under 1, 6 under its own 2^-129."""
    first = {"ocp-mxfp4": 3, "torchao-mxfp4-floor": 2, "compressed-tensors-mxfp4": 3, "modelopt-mxfp4": 3}
    x = np.zeros((1, 32), np.float32)
    x[0, :3] = 6 * 2.0**-129, -0.0, -0.06 * 2.0**-129
    q = fos_ref.quantize(x, name)
    byte, codes = SMALL[name]
    low, rest = q.codes[0, 0], q.codes[0, :2].tobytes().hex(" ")
    assert q.block_scales.tolist() == [[byte if name != "mlx-mxfp4" else 0xFE]]
    assert low & 7 == first.get(name, 0 if name != "mlx-mxfp4" else 7)
    assert rest[0] + rest[3:] == codes[0] + codes[3:]


def test_n14_byte_0_is_2_to_the_minus_127():
    x = np.zeros((1, 32), np.float32)
    x[0, 0] = 6 * 2.0**-129
    for name in ("ocp-mxfp4", "modelopt-mxfp4", "compressed-tensors-mxfp4"):
        assert fos_ref.dequantize(fos_ref.quantize(x, name))[0, 0] == np.float32(6 * 2.0**-129)
