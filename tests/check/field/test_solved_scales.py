"""A tensor scale without a name: solved to the last bit, beside other mistakes, in a part of a tensor."""

from __future__ import annotations

import numpy as np
import pytest

import fos_ref
from fos_ref.inputs.distributions import make
from fos_ref.verify import check


def other(x, recipe: str = "te-mse-256", by: float = 1.37):
    own = fos_ref.quantize(x, recipe)
    return own, fos_ref.quantize(x, recipe, encode_scale=np.float32(own.encode_scale / np.float32(by)))


@pytest.mark.long
@pytest.mark.parametrize(
    ("shape", "seed"),
    [((8, 64), 0), ((8, 64), 5), pytest.param((64, 256), 5, marks=pytest.mark.exhaustive)],
)
def test_every_block_follows_it_and_nothing_else_is_named(shape, seed):
    x = make("normal", shape, seed)
    _, q = other(x)
    d = check(x, q.codes, q.block_scales, recipe="te-mse-256")
    assert d.flags == ("TensorScale",)
    assert d.causes[0].blocks == d.mismatching_blocks
    swapped = (q.codes << 4) | (q.codes >> 4)
    d = check(x, swapped, q.block_scales, recipe="te-mse-256")
    assert sorted(d.flags) == ["NibbleOrder", "TensorScale"]


@pytest.mark.sample(1)
@pytest.mark.parametrize("shape", [(16, 128), (64, 256)])
def test_a_part_of_the_tensor_follows_another(shape):
    """The shards, experts or fused partners of one tensor, each with a scale of its own."""
    x = make("normal", shape, 6)
    own, q = other(x, "nvfp4", 2.0)
    rows = shape[0] // 2
    codes, scales = own.codes.copy(), own.block_scales.copy()
    codes[rows:], scales[rows:] = q.codes[rows:], q.block_scales[rows:]
    d = check(x, codes, scales, recipe="nvfp4")
    assert d.flags == ("TensorScale",)
    assert d.causes[0].blocks == d.mismatching_blocks
    assert "in these blocks and no others" in d.causes[0].what
    assert d.to_dict()["where"] == f"rows {rows}..{shape[0] - 1}"


@pytest.mark.long
@pytest.mark.parametrize("by", [8, -8, 3])
def test_an_offset_is_seen_where_bytes_are_clipped(by):
    x = make("normal", (16, 256), 7)
    q = fos_ref.quantize(x, "nvfp4")
    scales = np.clip(q.block_scales.astype(np.int16) + by, 0, 0x7E).astype(np.uint8)
    d = check(x, q.codes, scales, recipe="nvfp4")
    assert d.flags == ("ScaleOffset",)
    assert f"{abs(by)} too {'high' if by > 0 else 'low'}" in d.causes[0].what
