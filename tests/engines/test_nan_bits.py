"""Every engine stores the same NaN, whatever NaN the input has: 7FC00000 in the tensor amax, S and D."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fos_ref
from fos_ref.formats.bits import canonical_nan
from fos_ref.recipes.axes import NonFinite
from fos_ref.recipes.recipe import Recipe
from tests.every import every

#: Those that both engines have.
RECIPES = [
    r
    for r in dict.fromkeys(fos_ref.PRESETS.values())
    if r.nonfinite is not NonFinite.RAISE and r.search is None
]
WORDS = {"float32": ("u4", 23), "float16": ("u2", 10), "bfloat16": ("u2", 7)}
#: Payloads as fractions of a field: signalling (the highest bit is clear), quiet, smallest, all ones.
FRACTIONS = (1, 0x155555, 0x3FFFFF, 0x400000, 0x400001, 0x7FFFFF)
INFINITIES = (0x7F800000, 0xFF800000)


def with_bits(patterns: tuple[int, ...], dtype: str = "float32") -> np.ndarray:
    """Return a matrix whose last rows have one of the float32 patterns each, cut to the dtype's bits."""
    kind, fraction = WORDS[dtype]
    x = np.random.Generator(np.random.Philox(7)).standard_normal((16, 32)).astype(np.float32).astype(dtype)
    top = (0x7F800000 >> 23 << fraction) if dtype != "float16" else 0x7C00
    for row, p in enumerate(patterns):
        payload = (p & 0x7FFFFF) >> (23 - fraction)
        payload = payload if payload or not p & 0x7FFFFF else 1
        sign = (p >> 31) << (8 * np.dtype(kind).itemsize - 1)
        x.view(kind)[15 - row, 5] = sign | top | payload
    return x


def stored(r: Recipe, x: np.ndarray, engine: str) -> dict[str, bytes]:
    q = fos_ref.quantize(x, r, engine=engine)
    parts = ("codes", "block_scales", "picked4", "tensor_amax", "encode_scale", "decode_scale")
    found = {p: getattr(q, p).tobytes() for p in parts}
    return found | {str(t): fos_ref.dequantize(q, t).tobytes() for t in ("f4", "f2", ml_dtypes.bfloat16)}


def odd_nans(values: np.ndarray) -> list[str]:
    bits = values.view(np.uint32).ravel()
    return [f"{b:08X}" for b in bits[np.isnan(values).ravel()] if b != 0x7FC00000]


@pytest.mark.long
@every(RECIPES, name=lambda r: r.name)
def test_numpy_and_numba_store_the_same_bits(r):
    for sign in (0, 1):
        for dtype in WORDS:
            some = FRACTIONS[:1] if dtype == "float16" else FRACTIONS
            x = with_bits(tuple(sign << 31 | 0x7F800000 | f for f in some), dtype)
            assert stored(r, x, "numpy") == stored(r, x, "numba"), (dtype, sign, some)


@pytest.mark.long
@every(RECIPES, name=lambda r: r.name)
def test_no_other_nan_is_stored(r):
    for some in ((0x7F800001,), (0xFFFFFFFF,), INFINITIES[:1], (INFINITIES[1], 0x7FC00001)):
        for dtype in WORDS:
            q = fos_ref.quantize(with_bits(some, dtype), r)
            for part in (q.tensor_amax, q.encode_scale, q.decode_scale, fos_ref.dequantize(q)):
                assert odd_nans(part) == [], (dtype, some)
            half = fos_ref.dequantize(q, np.float16)
            assert set(half.view("u2")[np.isnan(half)].tolist()) <= {0x7E00}


@given(
    st.lists(st.integers(0x7F800000, 0x7FFFFFFF), min_size=1, max_size=4),
    st.sampled_from(RECIPES),
    st.booleans(),
)
def test_any_payload_of_either_sign(patterns, r, negative):
    x = with_bits(tuple(p | negative << 31 for p in patterns))
    assert stored(r, x, "numpy") == stored(r, x, "numba")


def test_a_nan_of_the_input_reaches_the_amax_as_one_bit_pattern():
    x = with_bits((0xFF800001,))
    for engine in ("numpy", "numba"):
        assert fos_ref.quantize(x, "te-nvfp4", engine=engine).tensor_amax.view(np.uint32) == 0x7FC00000


def test_what_has_no_nan_is_left_as_it_is():
    a = np.array([1.0, -0.0, np.inf], np.float32)
    assert canonical_nan(a) is a
    b = np.array([0xFFC00000, 0x7F800001, 0x80000000], np.uint32).view(np.float32)
    assert canonical_nan(b).view(np.uint32).tolist() == [0x7FC00000, 0x7FC00000, 0x80000000]


@pytest.mark.parametrize("name", ["te-nvfp4", "te-mse-256-row"])
def test_a_trace_has_the_same_tensor_scales(name):
    x = with_bits((0xFF800001, 0x7F800000))
    t, q = fos_ref.trace(x, name).scales, fos_ref.quantize(x, name)
    pairs = (t.amax, q.tensor_amax), (t.encode, q.encode_scale), (t.decode, q.decode_scale)
    assert all(a.tobytes() == b.tobytes() for a, b in pairs)
