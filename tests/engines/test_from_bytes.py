"""Bytes made elsewhere become the tensor that they are: every layout, every scale, and what is refused."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

import fos_ref
from fos_ref.errors import DtypeError, InputError, RecipeError, ShapeError
from fos_ref.storage.layout import unpack_nibbles

X = np.random.Generator(np.random.Philox(5)).standard_normal((32, 96)).astype(np.float32)
NAMES = (
    "nvfp4",
    "4over6",
    "te-mse-256-row",
    "4over6-16x16",
    "fouroversix-mxfp4-static6",
    "fouroversix-if4-mse",
)


def same(q, want) -> None:
    for field in ("codes", "block_scales", "decode_scale", "encode_scale"):
        assert np.array_equal(getattr(q, field), getattr(want, field)), field
    assert q.shape == want.shape
    assert q.recipe is want.recipe
    assert fos_ref.dequantize(q).tobytes() == fos_ref.dequantize(want).tobytes()


@pytest.mark.parametrize("name", NAMES)
def test_the_bytes_of_quantize_come_back(name):
    q = fos_ref.quantize(X, name)
    same(fos_ref.from_bytes(q.codes, q.block_scales, name, amax=q.tensor_amax), q)


PER_ROW = np.linspace(300, 900, len(X), dtype=np.float32)
GIVEN = [
    ("nvfp4", "encode_scale", np.float32(700)),
    ("4over6", "encode_scale", np.float32(700)),
    ("4over6", "tensor_scale", 1 / 512),
    ("te-mse-256-row", "encode_scale", PER_ROW),
]


@pytest.mark.parametrize(("name", "given", "s"), GIVEN)
def test_a_scale_as_the_caller_has_it_gives_the_quantizer_s_bytes(name, given, s):
    q = fos_ref.quantize(X, name, **{given: s})
    same(fos_ref.from_bytes(q.codes, q.block_scales, name, **{given: s}), q)


def test_every_shape_and_dtype_of_the_same_codes():
    q = fos_ref.quantize(X, "nvfp4")
    values = unpack_nibbles(q.codes)
    scales = fos_ref.swizzle(q.block_scales)
    amax = q.tensor_amax[()]
    for codes, more in (
        (q.codes.ravel(), {"shape": X.shape}),
        (values, {"shape": X.shape}),
        (values.view(ml_dtypes.float4_e2m1fn), {}),
        (values.ravel(), {"shape": [np.int64(32), 96]}),
    ):
        same(fos_ref.from_bytes(codes, q.block_scales, "nvfp4", amax=amax, **more), q)
    same(fos_ref.from_bytes(q.codes, scales, "nvfp4", amax=amax, scale_layout="swizzled"), q)
    as_f8 = q.block_scales.view(ml_dtypes.float8_e4m3fn)
    same(fos_ref.from_bytes(q.codes, as_f8, "nvfp4", amax=amax), q)


def test_more_axes_and_none():
    q = fos_ref.quantize(X.reshape(2, 16, 96), "nvfp4")
    same(fos_ref.from_bytes(q.codes, q.block_scales, "nvfp4", amax=q.tensor_amax[()]), q)
    empty = fos_ref.quantize(X[:0], "nvfp4")
    same(fos_ref.from_bytes(empty.codes, empty.block_scales, "nvfp4", amax=0), empty)


def test_the_choice_of_if4_is_in_its_bytes():
    q = fos_ref.quantize(X, "fouroversix-if4-mse")
    back = fos_ref.from_bytes(q.codes, q.block_scales, "fouroversix-if4-mse", amax=q.tensor_amax[()])
    assert np.array_equal(back.picked_int, q.picked_int)
    plain = fos_ref.quantize(X, "nvfp4")
    assert fos_ref.from_bytes(plain.codes, plain.block_scales, "nvfp4", amax=1).picked4 is None


def test_mxfp4_values_from_raw_bytes():
    """1.0 is code 2 under 2^0, byte 127: a reader that doubles the values and halves the scale is seen."""
    codes, scales = np.full((1, 16), 0x22, np.uint8), np.array([[127]], np.uint8)
    q = fos_ref.from_bytes(codes, scales, "fouroversix-mxfp4-static6")
    assert np.array_equal(fos_ref.dequantize(q), np.ones((1, 32), np.float32))


CODES, SCALES = np.zeros((4, 8), np.uint8), np.zeros((4, 1), np.uint8)
WRONG = {
    "no scale": (
        (CODES, SCALES, "nvfp4"),
        {},
        InputError,
        "no tensor scale was given, and recipe 'nvfp4' has one",
    ),
    "two scales": (
        (CODES, SCALES, "nvfp4"),
        {"amax": 1, "encode_scale": 1},
        InputError,
        "amax and encode scale",
    ),
    "a recipe that is none": ((CODES, SCALES, "nvfp5"), {"amax": 1}, RecipeError, "no recipe is called"),
    "codes of text": (("ab", SCALES, "nvfp4"), {"amax": 1}, DtypeError, "codes is a str"),
    "scales of float32": (
        (CODES, SCALES.astype("f4"), "nvfp4"),
        {"amax": 1},
        DtypeError,
        "block scales: dtype",
    ),
    "half a block": ((CODES[:, :7], SCALES, "nvfp4"), {"amax": 1}, ShapeError, r"values of \(4, 14\)"),
    "another shape": ((CODES, SCALES, "nvfp4"), {"amax": 1, "shape": (4, 32)}, ShapeError, "take"),
    "a shape that is none": (
        (CODES, SCALES, "nvfp4"),
        {"amax": 1, "shape": (4, -16)},
        ShapeError,
        "whole numbers",
    ),
    "a shape of text": ((CODES, SCALES, "nvfp4"), {"amax": 1, "shape": "ab"}, ShapeError, "whole numbers"),
    "no axis": ((CODES[0, 0], SCALES, "nvfp4"), {"amax": 1}, ShapeError, "at least one axis"),
    "scales too many": (
        (CODES, np.zeros(5, np.uint8), "nvfp4"),
        {"amax": 1},
        ShapeError,
        r"\(4, 1\) is allowed",
    ),
    "a layout that is none": (
        (CODES, SCALES, "nvfp4"),
        {"amax": 1, "scale_layout": "round"},
        InputError,
        "linear, swizzled",
    ),
    "not padded": (
        (CODES, SCALES, "nvfp4"),
        {"amax": 1, "scale_layout": "swizzled"},
        ShapeError,
        "4x1 swizzled ones are 512 bytes",
    ),
    "a code of 16": (
        (np.full((4, 16), 16, np.uint8), SCALES, "nvfp4"),
        {"amax": 1, "shape": (4, 16)},
        InputError,
        "16 is no code: one a byte is 0 to 15",
    ),
    "rows of a tile": (
        (np.zeros((16, 8), np.uint8), np.arange(16, dtype=np.uint8)[:, None], "4over6-16x16"),
        {"amax": 1},
        InputError,
        "unlike scale bytes in a tile",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said(case):
    args, more, error, says = WRONG[case]
    with pytest.raises(error, match=says):
        fos_ref.from_bytes(*args, **more)
