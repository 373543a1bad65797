"""The smallest change of settings after which two sides agree, or that there is none."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from fos_ref import PRESETS, quantize
from fos_ref.dialects.agree import advice, METHOD
from fos_ref.dialects.hardware import undecided_blocks
from fos_ref.inputs.distributions import make
from fos_ref.recipes.settings.peers import program_of

X = make("coarse", (64, 256), 0, "bfloat16")


def on(*tensors):
    return lambda: iter(tensors)


def bytes_agree(x, a, b) -> bool:
    qa, qb = quantize(x, a), quantize(x, b)
    same = np.array_equal(qa.codes, qb.codes) and np.array_equal(qa.block_scales, qb.block_scales)
    return same and not any(undecided_blocks(x, r).any() for r in (a, b))


def changes(before, after) -> int:
    program = program_of(before)
    return 0 if program is None else len(program.change(before, after))


PAIRS = [
    ("te-cuda-mae-448", "flashinfer-default-mse-256"),
    ("te-mse-256", "flashinfer-default-mse-256-fast"),
    ("4over6", "te-cuda-mae-448"),
    ("fouroversix-mse", "torchao-mae-448"),
    ("te-cuda-nvfp4", "te-cuda-mse-256-row"),
]


@pytest.mark.long
@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_no_smaller_change_makes_them_agree(a, b):
    """Every pair of one method that the settings reach is tried: brute force on the same tensor."""
    a, b = PRESETS[a], PRESETS[b]
    found = advice(a, b, on(X))
    assert found.agree
    assert bytes_agree(X, found.a.recipe, found.b.recipe) or found.a.recipe == found.b.recipe
    assert found.changes == changes(a, found.a.recipe) + changes(b, found.b.recipe)
    sides = [[r] if program_of(r) is None else program_of(r).presets() for r in (a, b)]
    alike = [p for p in product(*sides) if not set(p[0].diff(p[1])) & set(METHOD)]
    assert (found.a.recipe, found.b.recipe) in alike
    for mine, theirs in alike:
        if changes(a, mine) + changes(b, theirs) < found.changes:
            assert not bytes_agree(X, mine, theirs), (mine.name, theirs.name)


@pytest.mark.long
def test_a_chip_that_decides_is_no_agreement():
    """The bytes of exact reciprocals are equal; the fast path's are not known."""
    a, b = PRESETS["te-mse-256"], PRESETS["flashinfer-default-mse-256"]
    assert np.array_equal(quantize(X, a).codes, quantize(X, b).codes)
    found = advice(a, b, on(X))
    assert found.b.change["FLASHINFER_DISABLE_FP4_QUANT_FAST_MATH"] == ("0", "1")
    same = advice(b, b, on(X))
    assert (same.agree, same.changes) == (True, 0)


@pytest.mark.long
def test_a_change_has_to_hold_on_every_tensor():
    a, b = PRESETS["te-mse-256"], PRESETS["flashinfer-default-mse-256"]
    hard = make("normal", (512, 1024), 0, "bfloat16")  # two blocks part by the error domain
    assert not advice(a, b, on(X)).a.change
    both = advice(a, b, on(X, hard))
    assert both.a.change == {"nvfp4_4over6_err_use_fast_math": ("False", "True")}
    assert both.blocks == X.size // 16 + hard.size // 16


def test_where_no_setting_helps_the_axes_that_remain_are_named():
    a, b = PRESETS["modelopt-4over6"], PRESETS["llmcompressor-4over6-mse"]
    found = advice(a, b, on(make("normal", (64, 256), 0)))
    assert (found.agree, found.changes) == (False, 0)
    assert "map4_scale" in found.remaining
    assert 0 < found.differing <= found.blocks


def test_without_a_tensor_only_equal_axes_agree():
    a, b = PRESETS["te-mse-256"], PRESETS["te-mae-448"]
    found = advice(a, b)
    assert (found.agree, found.changes, found.a.change, found.blocks) == (True, 2, {}, None)
    nearest = advice(PRESETS["te-cuda-mse-256"], PRESETS["flashinfer-default-mae-448"])
    assert not nearest.agree
    assert nearest.remaining
    assert not set(nearest.remaining) & set(METHOD)


def test_equal_bytes_with_another_way_back_agree_and_it_is_said():
    a = PRESETS["fouroversix-cuda-mae"]
    found = advice(a, PRESETS["te-cuda-mae-256"], on(X))
    assert (found.agree, found.changes, found.values_differ) == (True, 0, True)
