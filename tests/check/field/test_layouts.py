"""A layout that lost bytes is no explanation for what it lost; one that is right is still found."""

from __future__ import annotations

import numpy as np
import pytest

import fos_ref
from fos_ref.verify import check
from tests.check.field.plain import normal

LAYOUTS = {"NibbleOrder", "ScaleLayout", "ScaleTransposed", "Transposed", "NothingWritten"}
WAYS = ["an octave", "one", "random", "off by some"]
SMALL = [(8, 512), (16, 256), (32, 128), (8, 64), (48, 128)]


def spoiled(scales, how):
    """Return scale bytes that are wrong in one way, and linear."""
    rng = np.random.default_rng(7)
    return {
        "an octave": (scales - 8).astype(np.uint8),
        "one": np.full_like(scales, 0x38),
        "random": rng.integers(1, 0x7E, scales.shape).astype(np.uint8),
        "off by some": (scales + rng.integers(0, 5, scales.shape)).clip(0, 0x7E).astype(np.uint8),
    }[how]


@pytest.mark.long
@pytest.mark.parametrize(
    ("how", "shape"),
    [(h, s) for i, s in enumerate(SMALL) for j, h in enumerate(WAYS) if (i + j) % 2 == 0],
)
def test_wrong_scale_bytes_are_no_layout(shape, how):
    x = normal(shape, 1)
    q = fos_ref.quantize(x, "te-nvfp4")
    scales = spoiled(q.block_scales, how)
    found = check(x, q.codes, scales, recipe="te-nvfp4")
    assert not LAYOUTS & set(found.flags)
    assert found.codes["equal"] == found.codes["of"]
    assert found.scales["equal"] == np.count_nonzero(scales == q.block_scales)


@pytest.mark.long
@pytest.mark.parametrize(
    "shape", [SMALL[1], *(pytest.param(s, marks=pytest.mark.exhaustive) for s in (SMALL[0], SMALL[2]))]
)
def test_another_recipe_s_codes_under_one_scale_byte_are_no_layout(shape):
    x = normal(shape, 1)
    q = fos_ref.quantize(x, "nvfp4")
    found = check(x, q.codes, np.full_like(q.block_scales, 0x38), recipe="te-mse-256")
    assert not LAYOUTS & set(found.flags)


@pytest.mark.parametrize("shape", [(8, 64), (16, 256), (32, 128), (128, 64), (256, 128)])
def test_scales_that_are_swizzled_are_found(shape):
    x = normal(shape, 2)
    q = fos_ref.quantize(x, "4over6")
    found = check(x, q.codes, fos_ref.swizzle(q.block_scales), recipe="4over6")
    assert found.flags == ("ScaleLayout",)


def test_a_swizzled_buffer_cut_to_its_linear_size_is_told_by_the_bytes_that_are_left():
    x = normal((64, 512), 3)
    q = fos_ref.quantize(x, "4over6")
    cut = fos_ref.swizzle(q.block_scales)[: q.block_scales.size]
    found = check(x, q.codes, cut, recipe="4over6")
    assert found.flags[0] == "ScaleLayout"
