"""The whole of quantize and dequantize: the worked block, zeros, ends, layouts, non-finite values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import fos_ref
from fos_ref.errors import InputError
from fos_ref.formats.bits import f32_hex
from fos_ref.model.dequantize import scale_values
from fos_ref.recipes.axes import (
    BlockScale,
    Dequantize,
    ElementScaling,
    NonFinite,
    ScaleFloor,
    TensorScale,
    Tie,
    ZeroSign,
)
from tests.every import every
from tests.model.steps import SATURATING, zero_byte

PRESETS = [r for name, r in fos_ref.PRESETS.items() if name == r.name]
AMAX_FORMS = (Dequantize.AMAX_DIVIDE, Dequantize.AMAX_RECIPROCAL)
LINES = [r for r in PRESETS if r.block_rows == 1]
ONE_SCALE = [r for r in PRESETS if r.search is None]  #: a search gives a block the scale of least error


def by_name(r) -> str:
    return r.name


def normal(shape, seed=0) -> np.ndarray:
    return np.random.Generator(np.random.Philox(seed)).standard_normal(shape).astype(np.float32)


def worked() -> np.ndarray:
    x = np.zeros((1, 16), np.float32)
    x[0, :4] = 10, 20, 30, 40
    return x


def same_bits(a, b) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


# --- the worked block [10, 20, 30, 40] ---------------------------------------------------------------


def test_the_worked_block_step_by_step():
    t = fos_ref.trace(worked(), "4over6", tensor_scale=1.0)
    assert [f32_hex(v) for v in (t.tensor_amax, t.encode_scale, t.decode_scale)] == [
        "44C00000",
        "3F800000",
        "3F800000",
    ]
    assert t.block_amax.tolist() == [[40]]
    assert f32_hex(t.base[0, 0]) == "40D55555"  # 40 / 6
    six, four = t.map6, t.map4
    assert (six.scale_code[0, 0], six.scale[0, 0]) == (0x4D, 6.5)
    assert (four.scale_code[0, 0], four.scale[0, 0]) == (0x52, 10)
    assert f32_hex(four.base[0, 0]) == "41200000"
    assert [f32_hex(c.multiplier[0, 0]) for c in (six, four)] == ["3E1D89D9", "3DCCCCCD"]
    assert six.codes[0, 0].tolist() == [3, 5, 6, 7] + [0] * 12
    assert four.codes[0, 0].tolist() == [2, 4, 5, 6] + [0] * 12
    assert six.values[0, 0, :4].tolist() == [1.5, 3, 4, 6]
    assert (six.error[0, 0], four.error[0, 0]) == (17.3125, 0)
    assert t.picked4.tolist() == [[True]]


@pytest.mark.parametrize(
    ("name", "values", "mean"), [("nvfp4", [9.75, 19.5, 26, 39], 4.328125), ("4over6", [10, 20, 30, 40], 0)]
)
def test_the_worked_block_s_error(name, values, mean):
    q = fos_ref.quantize(worked(), name, tensor_scale=1.0)
    y = fos_ref.dequantize(q)
    assert y[0].tolist() == values + [0] * 12
    errors = [(a - b) ** 2 for a, b in zip(y[0, :4].tolist(), worked()[0, :4].tolist(), strict=True)]
    assert sum(errors) / 4 == mean


def test_the_worked_block_s_bytes():
    q = fos_ref.quantize(worked(), "4over6", tensor_scale=1.0)
    assert q.codes.tobytes().hex() == "4265" + "00" * 6
    assert q.block_scales.tobytes().hex() == "52"
    assert q.picked4.tolist() == [[True]]


# --- zeros -------------------------------------------------------------------------------------------


#: Where a zero amax makes the decode scale 0 and 0/0 follows: (scale byte, code, value).
ZERO_OVER_ZERO = {
    "modelopt-nvfp4": (0xFF, 0x77, "nan"),
    "modelopt-4over6": (0x7E, 0x77, "0.0"),
    "torchao-nvfp4": (0xFF, 0xBB, "nan"),
    "quartet2-triton-nvfp4": (0x7F, 0x77, "nan"),
    "quartet2-triton-nvfp4-16x16": (0x7F, 0x77, "nan"),
    "quartet2-triton-4over6": (0x7F, 0x77, "nan"),
    "quartet2-triton-4over6-16x16": (0x7F, 0x77, "nan"),
    "mlx-cpu-nvfp4": (0xFF, 0x00, "nan"),
    "mlx-metal-nvfp4": (0xFF, 0x77, "nan"),
    "mlx-cuda-nvfp4": (0x7F, 0x77, "nan"),
    "razer-4over6": (0x7F, 0x00, "nan"),
}
#: Zeros under a scale of 0 become 0 * infinity, and that code 7; the scale byte makes them 0 again.
SIXES_FOR_ZEROS = ("mlx-cuda-nvfp4",)
OVERFLOWING = (
    TensorScale.RECIPROCAL_IN_INPUT_DTYPE,
    TensorScale.RECIPROCAL_TIMES_RANGE,
    TensorScale.RECIPROCAL_ZERO_SCALES,
    TensorScale.ENCODE_OF_PRODUCT,
    TensorScale.ENCODE_OF_QUOTIENT,
    TensorScale.QUOTIENT,
)
MINUS_ZEROS = (ZeroSign.NOT_POSITIVE, ZeroSign.ALWAYS)


def unscaled(r) -> bool:
    """Return whether all the range is that of E4M3."""
    return r.tensor_scale is TensorScale.NONE and not r.scale_format.is_power


@pytest.mark.long
@every(ONE_SCALE, by_name)
def test_a_zero_tensor(r):
    q = fos_ref.quantize(np.zeros((16, 32), np.float32), r)
    zero = (0x88, "-0.0") if r.zero_sign in MINUS_ZEROS else (0, "0.0")
    scale, code, value = ZERO_OVER_ZERO.get(r.name, (zero_byte(r), *zero))
    assert set(q.block_scales.flat) == {scale}
    assert set(q.codes.flat) == {code}
    assert {str(v) for v in fos_ref.dequantize(q).flat} == {value}
    assert not q.tensor_amax.any()
    infinite = r.tensor_scale in (TensorScale.DECODE_QUOTIENT, TensorScale.QUOTIENT)
    assert (r.name in ZERO_OVER_ZERO) == infinite


@pytest.mark.long
@every(PRESETS, by_name)
def test_an_empty_tensor(r):
    for shape in ((0, 32), (0, 0), (16, 0), (0, 3, 32), (16, 2, 0), (2, 0, 32)):
        q = fos_ref.quantize(np.zeros(shape, np.float32), r)
        assert q.shape == shape
        assert q.codes.shape == (*shape[:-1], shape[-1] // r.codes_per_byte)
        assert q.block_scales.shape == q.picked4.shape == (*shape[:-1], shape[-1] // r.block_cols)
        assert fos_ref.dequantize(q).shape == shape


@pytest.mark.long
@every(ONE_SCALE, by_name)
def test_a_zero_block_beside_data(r):
    x = normal((16, 2 * r.block_cols))
    x[:, r.block_cols :] = 0
    q = fos_ref.quantize(x, r)
    of_zeros = q.codes[:, r.block_cols // r.codes_per_byte :]
    if r.name in SIXES_FOR_ZEROS:
        assert of_zeros.any()
    else:
        assert (of_zeros == (0x88 if r.zero_sign in MINUS_ZEROS else 0)).all()
    if r.block_scale is BlockScale.NORMALISED:  # b/6 of 0 counts as 1, before A divides
        want = 256 / (np.abs(x).max() / 6)
        assert {abs(want - v) <= want / 16 for v in scale_values(q.block_scales[:, 1], r).tolist()} == {True}
    else:
        assert set(q.block_scales[:, 1]) == {zero_byte(r)}
    assert not q.picked4[:, 1].any() or r.element_max == 4 or r.tie is Tie.FOUR
    assert q.block_scales[:, 0].all()
    assert not fos_ref.dequantize(q)[:, r.block_cols :].any()


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("nvfp4", "8008880000000007"),
        ("4over6", "8008880000000007"),
        ("te-mse-256", "0000800000000007"),
        ("flashinfer-mse-256", "0000800000000007"),
        ("fouroversix-mse", "0000800000000007"),
    ],
)
def test_signed_zeros(name, codes):
    """Elements 1, 2 and 4 are -0.0, 5 is a small negative: a negative that rounds to zero keeps its sign."""
    x = np.zeros((1, 16), np.float32)
    x[0, [1, 2, 4]], x[0, 5], x[0, 14] = -0.0, -1e-6, 1
    assert fos_ref.quantize(x, name).codes.tobytes().hex() == codes


@pytest.mark.long
@every([r for r in PRESETS if r.name not in ZERO_OVER_ZERO], by_name)
def test_a_tensor_of_minus_zeros_is_zero_in_value(r):
    y = fos_ref.dequantize(fos_ref.quantize(np.full((16, 32), -0.0, np.float32), r))
    assert not y.any()


# --- tiny and huge -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "amax", "scale", "codes"),
    [
        ("4over6", 1e-45, "00", "0000000000000000"),
        ("te-mse-256", 1e-45, "00", "0000000000000000"),  # b/6 underflows to 0
        ("fouroversix-mse", 1e-45, "ff", "bbbbbbbbbbbbbbbb"),  # 0 * inf
        ("4over6", 1e-38, "31", "0500000000000000"),
        ("te-mse-256", 1e-38, "31", "0500000000000000"),
        ("4over6", 3e38, "78", "0700000000000000"),
        ("te-mse-448", 3e38, "7e", "0700000000000000"),
        ("fouroversix-static4", 3e38, "7e", "0600000000000000"),
    ],
)
def test_one_value_at_the_ends(name, amax, scale, codes):
    x = np.zeros((1, 16), np.float32)
    x[0, 0] = amax
    q = fos_ref.quantize(x, name)
    assert (q.block_scales.tobytes().hex(), q.codes.tobytes().hex()) == (scale, codes)
    assert q.tensor_amax == np.float32(amax)


@pytest.mark.long
@every(ONE_SCALE, by_name)
def test_every_recipe_at_every_size(r):
    """Up to where ((q*s)*A) of the largest C overflows, and down to where S does."""
    least, most = 2 * r.range_max / 3.4e38, 3.4e38 / (2 * r.range_max)
    for size in (1.0,) if unscaled(r) else (max(1e-35, least), 1e-20, 1.0, 1e20, min(1e35, most)):
        q = fos_ref.quantize(of_size(size), r)
        y = fos_ref.dequantize(q)
        assert np.isfinite(scale_values(q.block_scales, r)).all(), size
        assert np.isfinite(y).all(), size
        if r.scale_floor is ScaleFloor.TINY_IS_ONE and size < 2.0**-60:
            assert not y.any()
            continue
        least = 0.74 if r.scale_format in SATURATING else 0.79 if r.scale_format.is_power else 0.95
        assert y[0, 0] / size > least  # 5 goes to 4 in MX, and 8 to 6 where the scale was rounded down


def of_size(size: float) -> np.ndarray:
    """Return values up to `size`, the largest first in each row of 16."""
    x = np.clip(normal((16, 32)) / 4, -1, 1)
    x[:, ::16] = 1
    return (x * np.float32(size)).astype(np.float32)


@every(ONE_SCALE, by_name)
def test_n14_past_flt_max_over_c_the_amax_products_overflow(r):
    """(q*s)*A leaves the range for A above FLT_MAX/C, and (q*s)*D does not: each as its expression says."""
    y = fos_ref.dequantize(fos_ref.quantize(of_size(3e38), r))
    mx = r.scale_format.is_power and r.scale_format not in SATURATING
    # 3e38 is 3.5 * 2**126, and 4 * 2**126 leaves the range; 6 * 2**125 does not
    assert np.isinf(y[0, 0]) == (mx or r.dequantize in AMAX_FORMS)


@every(ONE_SCALE, by_name)
def test_n14_below_c_over_flt_max_only_the_decode_scale_keeps_the_values(r):
    """There S is clamped (or infinite): A/C is not what a unit of code is worth any more, D is.

    Lost as well: where 1/D is computed, which overflows, and where an S that overflows counts as 1 or stays.
    """
    x = of_size(1e-36)
    q = fos_ref.quantize(x, r)
    assert np.all(q.tensor_amax == np.float32(1e-36))
    kept = np.abs(fos_ref.dequantize(q).astype(np.float64) - x).max() < 0.21 * 1e-36
    lost = (
        r.dequantize in AMAX_FORMS
        or r.element_scaling is ElementScaling.RECIPROCAL_QUOTIENT
        or r.tensor_scale in OVERFLOWING
        or unscaled(r)
        or r.tensor_scale is TensorScale.RECIPROCAL_IN_INPUT_DTYPE
        or r.scale_floor is ScaleFloor.TINY_IS_ONE
    )
    assert kept == (not lost)


# --- the caller's amax and tensor scale --------------------------------------------------------------


@pytest.mark.long
@every(PRESETS, by_name)
def test_the_caller_s_amax_equal_to_the_own_changes_nothing(r):
    x = normal((16, 32))
    own = fos_ref.quantize(x, r)
    given = fos_ref.quantize(x, r, amax=own.tensor_amax)
    for name in ("codes", "block_scales", "tensor_amax", "decode_scale", "picked4"):
        assert same_bits(getattr(own, name), getattr(given, name)), name


@pytest.mark.long
@every(PRESETS, by_name)
def test_the_caller_s_amax_counts_not_the_data_s(r):
    x = normal((16, 32))
    amax = np.float32(7) if r.amax_scope.value == "tensor" else np.full(16, 7, np.float32)
    q = fos_ref.quantize(x, r, amax=amax)
    assert np.all(q.tensor_amax == 7)
    assert q.tensor_amax.shape == np.shape(amax)
    moved = not same_bits(q.block_scales, fos_ref.quantize(x, r).block_scales)
    assert moved == (r.tensor_scale is not TensorScale.NONE)


def test_n3_a_zero_amax_with_data():
    x = worked()
    assert fos_ref.quantize(x, "fouroversix-mse", amax=0).block_scales.tolist() == [[0]]
    assert fos_ref.quantize(x, "4over6", amax=0).block_scales.tolist() == [[0x4D]]  # S = 1, no error: a tie
    assert fos_ref.quantize(x, "te-mse-256", amax=0).block_scales.tolist() == [[0x7E]]  # S = FLT_MAX


@pytest.mark.parametrize("scale", [2.0**-20, 0.75, 1.0, 2.0**40])
def test_the_caller_s_tensor_scale_is_the_decode_scale(scale):
    q = fos_ref.quantize(worked(), "4over6", tensor_scale=scale)
    assert q.decode_scale == scale
    assert q.tensor_amax == scale * 1536
    assert q.decode_scale.shape == ()


def test_per_row_amax_makes_rows_independent():
    x = normal((4, 32)) * np.array([[1e-3], [1], [1e3], [0]], np.float32)
    q = fos_ref.quantize(x, "te-mse-256-row")
    assert q.tensor_amax.tolist() == np.abs(x).max(axis=1).tolist()
    for i in range(4):
        alone = fos_ref.quantize(x[i : i + 1], "te-mse-256-row")
        assert same_bits(alone.codes[0], q.codes[i])
        assert same_bits(alone.block_scales[0], q.block_scales[i])


# --- tiles -------------------------------------------------------------------------------------------


@every([r for r in PRESETS if r.block_rows == 16], by_name)
def test_a_tile_s_scale_and_choice_stand_on_each_of_its_rows(r):
    q = fos_ref.quantize(normal((48, 64)), r)
    for per_row in (q.block_scales, q.picked4):
        assert per_row.shape == (48, 4)
        tiles = per_row.reshape(3, 16, 4)
        assert np.array_equal(tiles, np.broadcast_to(tiles[:, :1], tiles.shape))
    assert len(np.unique(q.block_scales)) > 1


def test_a_constant_tile_and_a_constant_line_agree():
    x = np.full((16, 32), 0.3, np.float32)
    lines, tiles = fos_ref.quantize(x, "4over6-absmax"), fos_ref.quantize(x, "4over6-absmax-16x16")
    assert same_bits(lines.codes, tiles.codes)
    assert same_bits(lines.block_scales, tiles.block_scales)


# --- NaN and infinity --------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize("call", [fos_ref.quantize, fos_ref.trace])
@every(PRESETS, by_name)
def test_n2_non_finite_input_raises_or_propagates(r, call):
    x, said = normal((16, 32)), r"x has a NaN or an infinity: recipe .* takes finite values only"
    amax = np.full(16, 3, np.float32) if r.amax_scope.value == "row" else 3
    for bad in (np.nan, -np.nan, np.inf, -np.inf):
        x[7, 21] = bad
        for arguments in ({}, {"amax": amax}):
            if r.nonfinite is NonFinite.RAISE:
                with pytest.raises(InputError, match=said):
                    call(x, r, **arguments)
            else:
                assert call(x, r, **arguments).codes.size


def test_n7_a_nan_reaches_its_own_block_only_when_the_amax_is_given():
    x = normal((16, 32))
    clean = fos_ref.quantize(x, "te-mse-256", amax=5)
    x[7, 21] = np.nan
    q = fos_ref.quantize(x, "te-mse-256", amax=5)
    assert q.block_scales[7, 1] == 0x7F
    assert not q.codes[7, 8:].any()  # NaN is code 0 in this dialect
    changed = np.argwhere(q.block_scales != clean.block_scales)
    assert changed.tolist() == [[7, 1]]
    q = fos_ref.quantize(x, "fouroversix-mse", amax=5)
    assert q.block_scales[7, 1] == 0xFF
    assert set(q.codes[7, 8:].tolist()) == {0xBB}


def test_n2_own_recipes_may_propagate_when_told():
    r = replace(fos_ref.PRESETS["4over6"], name="propagating", nonfinite=NonFinite.PROPAGATE)
    x = normal((1, 16))
    x[0, 3] = np.inf
    q = fos_ref.quantize(x, r, amax=4)
    assert q.block_scales.tolist() == [[0x7E]]
    assert q.codes[0, 1] >> 4 == 7
