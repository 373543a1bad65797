"""Another tensor scale than the recipe's: solved from the scale bytes, named, codes judged under it."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

import fos_ref
from fos_ref.verify import check
from tests.check.field.plain import E4M3, F, Kernel, normal, rounded_scale

SHAPES = [(8, 64), (32, 128)]
SLOW = pytest.mark.exhaustive
FLAG = ("TensorScale",)


def amax(x):
    return np.abs(x).max()


@pytest.mark.sample(1)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("name", "s"),
    [
        ("none", lambda _: 1),
        ("448/amax", lambda a: F(448) / a),
        ("2688", lambda _: 2688),
        ("1/448", lambda _: F(1 / 448)),
    ],
)
def test_a_tensor_scale_with_a_name(shape, name, s):
    x = normal(shape, 1)
    found = check(x, *Kernel(s=s(amax(x)))(x), recipe="nvfp4")
    assert found.flags == FLAG
    assert found.tensor_scale["name"] == name
    assert found.codes["nearest"] == found.codes["of"] == x.size
    assert found.tensor_scale["expected"] == float(F(2688) / amax(x))


@pytest.mark.sample(1)
@pytest.mark.parametrize("s", [1.002, 513.07])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_tensor_scale_of_any_value_is_told_to_three_digits(shape, s):
    x = normal(shape, 2)
    found = check(x, *Kernel(s=s)(x), recipe="nvfp4")
    assert found.flags == FLAG
    low, high = found.tensor_scale["from_bytes"]
    assert low <= F(s) <= high < low * 1.02
    assert found.tensor_scale["name"] is None
    assert found.causes[0].blocks == found.mismatching_blocks
    assert f"tensor scale by the scale bytes: {low:.7g} to {high:.7g}" in str(found)


@pytest.mark.sample(1)
@pytest.mark.parametrize("kind", ["bfloat16", "float16"])
def test_a_tensor_scale_in_sixteen_bits(kind):
    x = normal((64, 256), 1)
    s = (F(2688) / amax(x)).astype(getattr(ml_dtypes, kind, np.float16))
    if F(s) == F(2688) / amax(x):
        return
    found = check(x, *Kernel(s=F(s))(x), recipe="nvfp4")
    assert found.flags == FLAG
    assert found.tensor_scale["name"] == kind


@pytest.mark.long
@pytest.mark.parametrize("shape", SHAPES)
def test_the_largest_value_for_the_largest_magnitude(shape):
    x = normal(shape, 3)
    x[0, 0] = -9
    found = check(x, *Kernel(s=F(2688) / x.max())(x), recipe="nvfp4")
    assert found.flags == FLAG
    assert found.tensor_scale["name"] == "max(x)"


@pytest.mark.long
def test_the_other_bound_keeps_its_flag():
    x = normal((32, 128), 4)
    found = check(x, *Kernel(s=F(1536) / amax(x))(x), recipe="nvfp4")
    assert found.flags == ("Bound",)
    assert found.tensor_scale["name"] == "1536/amax"


@pytest.mark.long
def test_a_few_blocks_that_deviate_empty_nothing():
    x = normal((64, 256), 5)
    codes, scales = Kernel(s=1)(x)
    scales.reshape(-1)[:9] ^= 0x20
    found = check(x, codes, scales, recipe="nvfp4")
    assert found.flags[0] == "TensorScale"
    low, high = found.tensor_scale["from_bytes"]
    assert low <= 1 <= high < low * 1.01
    assert "(9 blocks deviate)" in str(found)


@pytest.mark.long
def test_scales_that_all_saturate_bound_nothing_and_say_so():
    x = np.abs(normal((32, 128), 6)) + F(1)
    q = fos_ref.quantize(x, "nvfp4")
    codes = q.codes ^ np.uint8(0x11)
    found = check(x, codes, np.full_like(q.block_scales, 0x7E), recipe="nvfp4")
    assert found.tensor_scale["from_bytes"] is None
    assert "every scale byte is 7E = 448" in str(found)


@pytest.mark.long
def test_scale_bytes_requantized_by_a_ratio():
    x = normal((64, 256), 7)
    q = fos_ref.quantize(x, "nvfp4")
    scales = rounded_scale(q.block_scales.view(E4M3).astype(F) / F(2.7))
    found = check(x, q.codes, scales, recipe="nvfp4")
    assert found.flags[0] == "TensorScale"
    low, high = found.tensor_scale["from_bytes"]
    assert low * 0.99 < q.encode_scale / 2.7 < high * 1.01


@pytest.mark.long
@pytest.mark.parametrize(
    "shape", [(64, 256), *(pytest.param(s, marks=SLOW) for s in ((128, 256), (32, 512)))]
)
def test_a_missing_tensor_scale_no_longer_hides_the_layouts(shape):
    x = normal(shape, 8)
    codes, scales = Kernel(s=1)(x)
    found = check(x, codes << 4 | codes >> 4, fos_ref.swizzle(scales), recipe="nvfp4")
    assert set(found.flags) == {"TensorScale", "NibbleOrder", "ScaleLayout"}
    assert found.tensor_scale["name"] == "none"


@pytest.mark.long
def test_the_rest_of_the_diagnosis_goes_on_under_that_scale():
    x = normal((64, 256), 9)

    def up(base):
        byte = rounded_scale(base)
        return np.where((byte.view(E4M3).astype(F) < base) & (byte < 0x7E), byte + 1, byte).astype(np.uint8)

    found = check(x, *Kernel(s=1, scale=up)(x), recipe="nvfp4")
    assert set(found.flags) == {"TensorScale", "ScaleCeil"}
    assert found.tensor_scale["name"] == "none"


@pytest.mark.long
@pytest.mark.parametrize(
    "recipe",
    ["4over6", "te-nvfp4", *(pytest.param(r, marks=SLOW) for r in ("te-mse-448", "fouroversix-mse"))],
)
def test_under_other_recipes(recipe):
    x = normal((32, 256), 10)
    q = fos_ref.quantize(x, recipe, amax=F(q_max(recipe)))
    found = check(x, q.codes, q.block_scales, recipe=recipe)
    assert found.flags == FLAG
    assert found.tensor_scale["name"] == "none"


def q_max(recipe):
    """Return the amax under which the tensor scale is 1."""
    return fos_ref.recipe(recipe).range_max


@pytest.mark.long
@pytest.mark.parametrize("recipe", ["nvfp4", "4over6", "te-mse-256-row", "fouroversix-mxfp4-static6"])
def test_the_recipe_s_own_tensor_scale_is_not_named(recipe):
    x = normal((32, 128), 11)
    q = fos_ref.quantize(x, recipe)
    codes = q.codes.copy()
    codes[3, 5] ^= 0x35
    found = check(x, codes, q.block_scales, recipe=recipe)
    assert found.tensor_scale["name"] is None
    assert found.flags == ("Unexplained",)
