"""`check` on bytes that no quantizer gives: NaN scale bytes, random bytes. An answer, never an error."""

from __future__ import annotations

import json

import numpy as np
import pytest

import fos_ref
from fos_ref.check.flags import FLAGS
from fos_ref.inputs.distributions import make
from fos_ref.verify import check

NAN_BYTES = (0x7F, 0xFF)
FACTORS = (0, 1, 2.0**125, 2.0**-140)  #: zeros, values, the largest and the smallest


def answered(x, codes, scales, r):
    """Check, and look at all that the answer can be turned into."""
    found = check(x, codes, scales, recipe=r)
    assert not found.equal
    assert set(found.flags) <= set(FLAGS)
    assert found.causes
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert data["mismatching_blocks"] == found.mismatching_blocks > 0
    assert str(found)
    return found


def broken(q, rng):
    """Yield codes and scale bytes: each NaN byte beside the codes as they are and others, then garbage."""
    for byte in NAN_BYTES:
        for codes in (q.codes, q.codes ^ np.uint8(1)):
            yield codes, np.full_like(q.block_scales, byte)
    yield rng.bytes(q.codes.size), rng.bytes(q.block_scales.size)
    yield q.codes, rng.bytes(q.block_scales.size)


def all_answered(r, blocks, factors):
    """Check one row of blocks, times each factor."""
    rng = np.random.default_rng(blocks)
    normal = make("normal", (r.block_rows, r.block_cols * blocks), 1)
    for x in (normal * np.float32(f) for f in factors):
        q = fos_ref.quantize(x, r)
        for codes, scales in broken(q, rng):
            given = [
                np.frombuffer(b, np.uint8).reshape(a.shape)
                for b, a in ((codes, q.codes), (scales, q.block_scales))
            ]
            if any((g != a).any() for g, a in zip(given, (q.codes, q.block_scales), strict=True)):
                answered(x, *given, r)


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("name", "factors"),
    [
        pytest.param("4over6", (1,), marks=pytest.mark.exhaustive),
        ("torchao-nvfp4", (0,)),
        ("fouroversix-mxfp4-static6", FACTORS[2:3]),
    ],
)
def test_no_bytes_are_an_error(name, factors):
    all_answered(fos_ref.recipe(name), 2, factors)


def test_the_bytes_of_a_zero_tensor_with_other_codes():
    x = np.zeros((1, 16), np.float32)
    q = fos_ref.quantize(x, "torchao-nvfp4")
    assert q.block_scales.item() == 0xFF
    found = answered(x, q.codes ^ np.uint8(1), q.block_scales, "torchao-nvfp4")
    assert found.mismatching_blocks == 1


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", dict.fromkeys(r.name for r in fos_ref.PRESETS.values()))
def test_no_bytes_are_an_error_under_any_preset(name):
    all_answered(fos_ref.recipe(name), 2, FACTORS)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", ["4over6", "te-mae-256-row", "torchao-nvfp4", "fouroversix-mse-16x16"])
def test_no_bytes_are_an_error_where_two_mistakes_are_looked_for(name):
    all_answered(fos_ref.recipe(name), 5, (0, 1))


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", ["torchao-nvfp4", "4over6"])
def test_every_scale_byte(name):
    """One block with each of the 256 bytes: those of NaN and of negative numbers too."""
    x = make("normal", (1, 16), 1)
    q = fos_ref.quantize(x, name)
    for byte in set(range(256)) - {q.block_scales.item()}:
        answered(x, q.codes, np.full((1, 1), byte, np.uint8), name)
