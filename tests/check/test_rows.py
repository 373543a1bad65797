"""Rows in another order, V scales in groups of four tokens, and views read as one run of memory."""

from __future__ import annotations

import numpy as np
import pytest

import fos_ref
from fos_ref.check.row_orders import orders
from fos_ref.check.subject import run_of
from fos_ref.inputs.distributions import make
from fos_ref.proof.checker.bugs import planted
from fos_ref.verify import check

X = make("normal", (64, 128), 2)
Q = fos_ref.quantize(X, "nvfp4")


def dealt(n):
    """Return the rows of two halves, n of one and n of the other in turn."""
    gate, up = np.arange(32).reshape(-1, n), np.arange(32, 64).reshape(-1, n)
    return np.stack([gate, up], axis=1).ravel()


ORDERS = {
    "halves exchanged": np.roll(np.arange(64), 32),
    "interleaved one by one": dealt(1),
    "interleaved by 8": dealt(8),
    "interleaved by 16": dealt(16),
    "taken apart by 8": np.argsort(dealt(8)),
    "from the last to the first": np.arange(64)[::-1],
    "exchanged in pairs of 1": np.arange(64) ^ 1,
    "another order": np.random.default_rng(3).permutation(64),
}


@pytest.mark.sample(6)
@pytest.mark.parametrize("words", ORDERS)
@pytest.mark.parametrize("what", ["both", "codes", "scales"])
def test_rows_that_stand_in_another_order(words, what):
    at = ORDERS[words]
    codes = Q.codes if what == "scales" else Q.codes[at]
    scales = Q.block_scales if what == "codes" else Q.block_scales[at]
    found = check(X, codes, scales, recipe="nvfp4")
    assert found.flags == ("RowPermutation",)
    assert words in found.causes[0].what
    assert (f"in the {what}" in found.causes[0].what) is (what != "both")


@pytest.mark.long
def test_an_order_beside_another_mistake():
    codes, scales = planted("4over6", "interleaved", "scale-up", "nibbles")(X)
    assert set(check(X, codes, scales, recipe="4over6").flags) == {
        "RowPermutation",
        "ScaleCeil",
        "NibbleOrder",
    }


def test_each_order_is_tried_once_and_is_an_order():
    for rows in (1, 2, 6, 64, 96):
        found = [o.at for o in orders(rows)]
        assert all(sorted(at) == list(range(rows)) for at in found)
        assert len({at.tobytes() for at in found} | {np.arange(rows).tobytes()}) == len(found) + 1


@pytest.mark.parametrize("rows", [4, 16, 64])
def test_scales_in_groups_of_four_tokens(rows):
    x = X[:rows]
    q = fos_ref.quantize(x, "nvfp4")
    moved = np.empty(q.block_scales.size, np.uint8)
    for t, k in np.ndindex(q.block_scales.shape):
        moved[t // 4 * 4 * 8 + 4 * k + t % 4] = q.block_scales[t, k]
    found = check(x, q.codes, moved, recipe="nvfp4")
    assert found.flags == ("ScaleLayout",)
    assert "groups of 4 rows" in found.causes[0].what


@pytest.mark.parametrize("columns", [slice(0, 128), slice(16, 144)])
@pytest.mark.parametrize("amax", ["of the view", "of the run"])
def test_a_view_that_was_read_as_one_run(columns, amax):
    buffer = make("normal", (64, 192), 5)
    x = buffer[:, columns]
    run = buffer.ravel()[columns.start : columns.start + x.size].reshape(x.shape)
    a = np.abs(x).max() if amax == "of the view" else None
    q = fos_ref.quantize(run, "nvfp4", amax=a)
    found = check(x, q.codes, q.block_scales, recipe="nvfp4")
    assert found.flags == ("StridesIgnored",)
    assert found.mismatching_blocks > 400


def test_the_run_of_a_view_is_memory_of_its_own():
    buffer = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert run_of(buffer[:, :2]).tolist() == [[0, 1], [2, 3], [4, 5]]
    assert run_of(buffer[:, 2:]).tolist() == [[2, 3], [4, 5], [6, 7]]
    assert run_of(buffer.T).tolist() == buffer.reshape(4, 3).tolist()
    assert run_of(buffer) is None
    assert run_of(buffer[::-1]) is None
    assert run_of(np.broadcast_to(buffer[:1], (3, 4))) is None


@pytest.mark.long
def test_what_lies_beside_a_view_may_be_no_number():
    buffer = np.full((64, 192), np.nan, np.float32)
    buffer[:, :128] = X
    codes, scales = Q.codes ^ 0x5A, Q.block_scales
    assert "StridesIgnored" not in check(buffer[:, :128], codes, scales, recipe="nvfp4").flags


def test_an_order_of_scales_that_a_layout_with_lost_bytes_fits_too():
    """Of 16x8 scales the 128x4 swizzle knows a quarter, and reads it where interleaved halves have it."""
    x = make("normal", (16, 128), 1)
    found = check(x, *planted("nvfp4", "scales-permuted")(x), recipe="nvfp4")
    assert found.flags == ("RowPermutation",)


def test_an_order_of_scales_that_are_mostly_alike():
    x = make("normal", (64, 128), 1)
    a = np.abs(x).max() / 2.5  # most blocks saturate
    found = check(x, *planted("nvfp4", "scales-permuted")(x, a), recipe="nvfp4", amax=a)
    assert found.flags == ("RowPermutation",)
