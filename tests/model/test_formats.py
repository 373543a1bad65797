"""The element formats: the error on N(0, 1), the bits of single blocks, codes in bytes, values of bytes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import fos_ref
from fos_ref.formats.arrays import F32
from fos_ref.model.candidates import e4m3, e4m3_half_up, e5m3
from fos_ref.model.elements import cast_float, cast_integer, code_values, nearest_product
from fos_ref.recipes.axes import ElementFormat
from fos_ref.recipes.elements import element
from tests.every import every

SEED, SHAPE = 0, (1024, 1024)
#: Preset -> its squared error over the power of N(0, 1), in thousandths, within 1 %.
ERRORS = {
    "fouroversix-nvint4": 7.45,
    "fouroversix-if4-mse": 6.16,
    "ocp-mxfp4": 13.2,
    "fouroversix-nvfp6-e2m3": 0.664,
    "fouroversix-nvint6": 0.483,
    "fouroversix-if6-e2m3-mse": 0.444,
    "fouroversix-if6-e3m2-mse": 0.480,
    "fouroversix-nvfp3": 37.1,
    "fouroversix-if3-mse": 31.5,
}


@pytest.fixture(scope="module")
def normal() -> F32:
    return np.random.default_rng(SEED).standard_normal(SHAPE, dtype=np.float32)


@pytest.mark.parametrize("name", ERRORS)
def test_the_error_on_normal_values_is_the_known_one(name, normal):
    q = fos_ref.quantize(normal, name)
    difference = fos_ref.dequantize(q).astype(np.float64) - normal
    error = (difference**2).sum() / (normal.astype(np.float64) ** 2).sum() * 1e3
    assert abs(error / ERRORS[name] - 1) <= 0.01
    if name == "fouroversix-if4-mse":
        assert 0.63 <= q.picked_int.mean() <= 0.643


def one_block(name: str, values: dict[int, float], size: int = 16, **fixed) -> tuple[str, list[int]]:
    """Return the scale byte and the codes of a block with the given values."""
    x = np.zeros((1, size), np.float32)
    for at, v in values.items():
        x[0, at] = v
    q = fos_ref.quantize(x, name, **fixed)
    n = max(values) + 1
    codes = q.codes if q.codes.shape == x.shape else fos_ref.storage.layout.unpack_nibbles(q.codes)
    return q.block_scales.tobytes().hex(), codes[0, :n].tolist()


#: (preset, amax that makes D 1, values of a block of that amax, scale byte, codes)
BLOCKS = [
    # E2M0: 0.5, 1.5 and 3 go down; a zero has a sign where the value is below zero
    ("fouroversix-nvfp3", 4 * 448, [4, 0.5, 1.5, 3, 0.50000006, -0.1, -0.0], "38", [3, 0, 1, 2, 1, 4, 0]),
    ("fouroversix-nvint3", 3 * 448, [3, 0.5, 1.5, 2.5, -0.4, -1.5, -3], "38", [3, 0, 2, 2, 0, 6, 7]),
    ("fouroversix-nvint6", 31 * 448, [31, 0.5, -0.5, -1.5, 30.5, -31], "38", [31, 0, 0, 34, 30, 63]),
    # the largest subnormal is 0.875: 0.9375 is a tie, which goes up to the smallest normal value
    ("fouroversix-nvfp6-e2m3", 3360, [7.5, 0.9375, 0.0625, 0.0626, -0.05, 7.25], "38", [31, 8, 0, 1, 32, 30]),
    ("fouroversix-nvfp6-e3m2", 28 * 448, [28, 0.234375, 0.03125, -26, -0.01], "38", [31, 4, 0, 62, 32]),
    # INT where its error is the smaller one: whole multiples of 28/31
    ("fouroversix-if6-e3m2-mse", 28 * 448, [28, 28 / 31, -28 / 31 * 29, -0.1], "b8", [31, 1, 61, 0]),
    ("fouroversix-if6-e3m2-mse", 28 * 448, [28, 0.25, 0.3125, 0.375], "38", [31, 4, 5, 6]),
    ("fouroversix-if3-mse", 4 * 448, [4, 4 / 3, -8 / 3, -0.1], "b8", [3, 1, 6, 0]),
    ("fouroversix-if3-mse", 4 * 448, [4, 2, -1, -0.1], "38", [3, 2, 5, 4]),
]


@pytest.mark.parametrize("row", BLOCKS, ids=lambda row: f"{row[0]} {row[3]}")
def test_the_bits_of_a_block(row):
    name, amax, values, scale, codes = row
    assert one_block(name, dict(enumerate(values)), amax=np.float32(amax)) == (scale, codes)


#: (preset, values, scale byte, codes): floor(log2(max)) less the exponent of the format
MX_BLOCKS = [
    ("ocp-mxfp6-e2m3", [7.9, -0.9375, -0.0], "7f", [31, 40, 32]),
    ("ocp-mxfp6-e3m2", [31.9, 0.234375], "7f", [31, 4]),
    ("ocp-mxfp8-e4m3", [511, 448, 2.0**-10, -0.0], "7f", [0x7E, 0x7E, 0, 0x80]),
    ("ocp-mxfp8-e5m2", [65535, 57344, 2.0**-17, 3 * 2.0**-17], "7f", [0x7B, 0x7B, 0, 2]),
    ("ocp-mxint8", [1.999, -1.999, 1 / 128, 3 / 128, -1 / 64, -0.0], "7f", [127, 129, 0, 2, 255, 0]),
]


@pytest.mark.parametrize("row", MX_BLOCKS, ids=lambda row: row[0])
def test_the_bits_of_an_mx_block(row):
    name, values, scale, codes = row
    assert one_block(name, dict(enumerate(values)), size=32) == (scale, codes)
    halved = {at: v / 2 for at, v in enumerate(values)}
    assert one_block(name, halved, size=32) == (f"{int(scale, 16) - 1:02x}", codes)


def test_n4_a_block_of_8_has_a_scale_of_its_own():
    x = np.zeros((1, 16), np.float32)
    x[0, [0, 8]] = 6, 3
    q = fos_ref.quantize(x, "fouroversix-nvfp4-bs8", amax=np.float32(2688))
    assert (q.block_scales.tobytes().hex(" "), q.codes[0, [0, 4]].tolist()) == ("38 30", [7, 7])


def test_n7j_e5m3_is_rounded_as_a_float_of_5_and_3_bits():
    steps = np.float32([0.5, 0.5000001, 1.5, 2.5, 7.5, 8.5, 15.5])
    assert e5m3(steps * np.float32(2.0**-17))[0].tolist() == [0, 1, 2, 2, 8, 8, 16]
    codes, values = e5m3(np.float32([114688, 3e38, np.inf, np.nan, 0, 1, 1.0625, 1.1875]))
    assert codes.tolist() == [0xFE, 0xFE, 0xFE, 0xFF, 0, 0x78, 0x78, 0x7A]
    assert values[:3].tolist() == [114688] * 3


def test_n7k_where_ggml_s_cast_parts_from_e4m3():
    """Of 522,240 positive float32 (the low 12 bits 0) 1,536 lie from 248 on, 256 below 2^-6, 60 are ties."""
    base = (np.arange(255 << 11, dtype=np.uint32) << 12).view(np.float32)
    ours, theirs = e4m3(base)[0], e4m3_half_up(base)[0]
    assert len(base) == 522240
    at = base[ours != theirs]
    assert [np.count_nonzero(at >= 248), np.count_nonzero(at < 248)] == [1536, 316]
    capped = (at >= 7.5 * 2.0**-9) & (at < 2.0**-6)
    assert np.count_nonzero(capped) == 256
    assert np.isin(ours[ours != theirs][(at < 248) & ~capped] & 1, 0).all()
    assert set(theirs.tolist()) == {*range(0x78), 0x7E}


def test_n9g_products_are_compared_with_the_value_itself():
    x = np.float32([[0.75, 0.7500001, -0.75, 6, 100, -0.1, 0, np.inf]])
    codes, values = nearest_product(x, np.float32([1]))
    assert codes.tolist() == [[1, 2, 9, 7, 7, 0, 0, 0]]
    assert values[0, :3].tolist() == [0.5, 1, -0.5]
    assert nearest_product(x, np.float32([0]))[0].tolist() == [[0] * 8]


def test_n9g_the_comparison_is_that_of_rounded_differences():
    """x / d is above the midpoint 1.75 and both differences round to the same float32."""
    d = np.float32(2.0**20)
    x = np.nextafter(np.float32(1.75) * d, np.float32(np.inf))
    assert nearest_product(np.array([[x]]), np.array([d]))[0].tolist() == [[4]]
    assert one_block("ggml-nvfp4", {0: 6, 1: 1.75, 2: 0.25, 3: -0.2}) == ("38", [7, 3, 0, 0])


@every([f for f in ElementFormat if element(f).second is None], lambda f: f.value)
def test_every_value_of_a_format_is_its_own_code(fmt):
    form, values = element(fmt).first.format, code_values(element(fmt).first.format)
    finite = np.isfinite(values)
    if element(fmt).is_integer:
        finite[1 << form.sign_shift] = False  # the code of -0 or of the most negative number
        codes, again = cast_integer(values[finite], form)
    else:
        codes, again = cast_float(values[finite], PLAIN[fmt], form)
        codes[values[finite] == 0] = np.flatnonzero(values == 0)[: np.count_nonzero(values[finite] == 0)]
    assert codes.tolist() == np.flatnonzero(finite).tolist()
    assert np.array_equal(again, values[finite])


PLAIN = {r.element_format: r for r in reversed(list(fos_ref.PRESETS.values())) if not r.chooses}
ONE_OF_EACH = {r.element_format: r for r in fos_ref.PRESETS.values()}


@every(ONE_OF_EACH.values(), lambda r: r.name)
def test_codes_are_stored_and_come_back(r):
    x = np.random.default_rng(1).standard_normal((2, 16, 64)).astype(np.float32)
    q = fos_ref.quantize(x, r)
    per_byte = 2 if r.element.width == 4 else 1
    assert q.codes.shape == (2, 16, 64 // per_byte)
    assert q.codes.max() < 1 << (8 if per_byte == 2 else r.element.width)
    fixed = {} if r.tensor_scale.value == "1" else {"amax": q.tensor_amax}
    again = fos_ref.from_bytes(q.codes, q.block_scales, r, **fixed)
    assert again.shape == x.shape
    assert np.array_equal(again.codes, q.codes)
    values = fos_ref.dequantize(again)
    assert np.array_equal(values, fos_ref.dequantize(q))
    assert ((values - x) ** 2).sum() < {3: 0.06, 4: 0.02}.get(r.element.width, 0.005) * (x**2).sum()


def test_n3_a_bound_of_ones_own():
    """The largest block scale is 300 before its cast, and 1.5 * 300 saturates in map-to-4."""
    r = replace(fos_ref.PRESETS["4over6"], name="mine", scale_max=300)
    assert r.range_max == 1800
    t = fos_ref.trace(np.eye(1, 16, dtype=np.float32), r)
    assert (t.map6.scale.item(), t.map4.scale.item()) == (288, 448)


def test_a_byte_wider_than_a_code_is_refused():
    codes, scales = np.full((1, 16), 64, np.uint8), np.full((1, 1), 0x38, np.uint8)
    with pytest.raises(fos_ref.errors.InputError, match="64 is no code: one a byte is 0 to 63"):
        fos_ref.from_bytes(codes, scales, "fouroversix-nvfp6-e2m3", tensor_scale=1.0)
