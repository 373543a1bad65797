"""Degenerate output is recognised before any mistake, and never explained by one."""

from __future__ import annotations

import numpy as np
import pytest

import fos_ref
from fos_ref.inputs.distributions import make
from fos_ref.proof.checker.bugs import planted
from fos_ref.verify import check
from tests.check.field.plain import F, Kernel, normal

FLAG = ("NothingWritten",)
SLOW = pytest.mark.exhaustive
SHAPES = [(8, 64), *(pytest.param(s, marks=SLOW) for s in ((32, 128), (128, 128), (128, 512)))]


@pytest.mark.sample(4)
@pytest.mark.parametrize("recipe", ["nvfp4", "4over6", "te-mse-256-row"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("byte", [0x00, 0xFF, 0xCD, 0x88])
def test_a_constant_is_nothing_written(recipe, shape, byte):
    x = normal(shape, 1)
    q = fos_ref.quantize(x, recipe)
    for scales in (np.full_like(q.block_scales, byte), q.block_scales, np.full_like(q.block_scales, 0x38)):
        found = check(x, np.full_like(q.codes, byte), scales, recipe=recipe)
        assert found.flags == FLAG
        assert found.causes[0].blocks == found.mismatching_blocks
        assert found.closest is None


def test_zeros_with_right_scales_say_so():
    x = normal((128, 128), 1)
    q = fos_ref.quantize(x, "nvfp4")
    found = check(x, q.codes * 0, q.block_scales, recipe="nvfp4")
    assert "every code is zero, their scale bytes are right" in found.causes[0].what
    assert "every scaled value fell below 0.25" in found.causes[0].what


def test_a_tensor_scale_misread_as_next_to_nothing_kills_everything():
    x = normal((32, 128), 1)
    found = check(x, *Kernel(s=2.4e-41)(x), recipe="nvfp4")
    assert found.flags == FLAG


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("rows", "where"),
    [(slice(-4, None), "rows 60..63"), (slice(10, 20), "rows 10..19"), (slice(1, None), "all but row 0")],
)
@pytest.mark.parametrize("byte", [0, 0xA5])
def test_rows_that_nobody_wrote(rows, where, byte):
    x = normal((64, 256), 2)
    q = fos_ref.quantize(x, "4over6")
    codes, scales = q.codes.copy(), q.block_scales.copy()
    codes[rows], scales[rows] = byte, byte
    found = check(x, codes, scales, recipe="4over6")
    assert found.flags == FLAG
    assert found.where == where


@pytest.mark.long
@pytest.mark.parametrize(
    "bug", ["ties-away", *(pytest.param(b, marks=SLOW) for b in ("metric-mae", "scale-up"))]
)
def test_the_other_blocks_are_diagnosed_on_their_own(bug):
    x = make("coarse" if bug == "ties-away" else "normal", (64, 256), 3)
    codes, scales = (a.copy() for a in planted("4over6", bug)(x))
    alone = check(x, codes, scales, recipe="4over6")
    codes[-5:], scales.reshape(64, -1)[-5:] = 0, 0
    found = check(x, codes, scales, recipe="4over6")
    assert set(found.flags) == {"NothingWritten", *alone.flags}
    assert found.causes[0].flag == "NothingWritten"


@pytest.mark.long
def test_a_mistake_that_makes_zeros_of_these_blocks_and_of_no_others_keeps_its_name():
    x = normal((64, 256), 4)
    x[40:] *= F(2.0**-13)
    found = check(x, *planted("nvfp4", "scale-flushed")(x), recipe="nvfp4")
    assert found.flags == ("ScaleSubnormalFlush",)


@pytest.mark.long
def test_a_block_of_equal_values_is_no_constant_output():
    """The recipe's codes are one byte there too, so another byte is evidence."""
    x = np.ones((32, 128), F)
    x[::2] = 3
    x[0, 0] = 6
    found = check(x, *planted("4over6", "always-four")(x), recipe="4over6")
    assert "NothingWritten" not in found.flags


def test_poison_that_reads_as_nan_is_no_overflow():
    """A NaN scale is a mistake where the scale was too large for E4M3, and in no other block."""
    x = normal((32, 128), 5)
    q = fos_ref.quantize(x, "nvfp4", amax=F(16))
    codes, scales = q.codes.copy(), q.block_scales.copy()
    codes[7:9], scales[7:9] = 0, 0x7F
    assert check(x, codes, scales, recipe="nvfp4", amax=F(16)).flags == FLAG


@pytest.mark.long
@pytest.mark.parametrize(
    "asked",
    ["te-cuda-mse-448-row", pytest.param("flashinfer-default-mse-448-row", marks=pytest.mark.exhaustive)],
)
def test_zeros_of_another_recipe_s_floor_are_no_unwritten_blocks(asked):
    """A floor of block scales makes zeros of small rows, amid blocks that all differ."""
    x = np.array(make("normal", (48, 96), 3))
    x[[5, 17, 30]] *= F(2.0**-30)
    q = fos_ref.quantize(x, "llmcompressor-4over6-mse")
    zeros = ((q.codes.reshape(48, 6, 8) & 0x77) == 0).all(axis=2)
    assert zeros[[5, 17, 30]].all()
    assert set(q.block_scales[zeros]) == {0x20}
    assert "NothingWritten" not in check(x, q.codes, q.block_scales, recipe=asked).flags
