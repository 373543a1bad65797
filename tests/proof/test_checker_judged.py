"""The proof of the checker where nothing is planted that has a flaw: a chip, padding, other legal recipes."""

from __future__ import annotations

import numpy as np
import pytest

import fos_ref
from fos_ref.inputs.distributions import make
from fos_ref.proof.checker import judged, legal
from fos_ref.proof.checker import proof as checker
from fos_ref.proof.checker.bugs import BUGS, NEEDS, planted, QUANTIZERS
from fos_ref.proof.checker.inputs import as_view, families, SMALL
from fos_ref.recipes.axes import BlockShape


@pytest.mark.parametrize("name", judged.CASES)
def test_an_outcome_is_said_as_it_should_be(name):
    assert [judged.CASES[name](seed)[1] for seed in (0, 1)] == [True, True]


@pytest.mark.long
def test_an_outcome_that_is_not_said_is_counted(monkeypatch):
    monkeypatch.setattr(judged, "check", lambda x, *_, **__: fos_ref.verify.check(x, *planted("nvfp4")(x)))
    monkeypatch.setattr(judged, "SEEDS", judged.SEEDS[:2])
    assert judged.missed("ScalePadding") == 2


def test_recipes_that_are_drawn_are_legal_and_others():
    rng = np.random.default_rng(5)
    for _ in range(50):
        asked, other = legal.drawn(rng)
        assert asked.diff(other)
        assert asked.block_shape is other.block_shape is not BlockShape.TILE_16X16


@pytest.mark.long
def test_a_layout_that_is_named_for_another_recipe_is_counted(monkeypatch):
    named = fos_ref.verify.check(
        make("normal", (16, 64), 1), *planted("nvfp4", "nibbles")(make("normal", (16, 64), 1))
    )
    monkeypatch.setattr(legal, "PER_TASK", 1)
    assert legal.wrongly_named("7") == 0
    monkeypatch.setattr(legal, "check", lambda *_, **__: named)
    assert legal.wrongly_named("7") == 1


def test_families_have_every_small_size():
    found = dict(families(fos_ref.recipe("nvfp4"), 1))
    assert {x.shape for x in found.values()} >= set(SMALL)
    assert min(x.size for x in found.values()) == 8 * 64


def test_a_view_has_the_values_and_other_memory():
    x = make("normal", (8, 64), 2)
    view = as_view(x)
    assert (view == x).all()
    assert not view.flags.c_contiguous
    assert planted("nvfp4", "strides-ignored")(view)[0].tobytes() != planted("nvfp4")(view)[0].tobytes()
    assert planted("nvfp4", "strides-ignored")(x)[0].tobytes() == planted("nvfp4")(x)[0].tobytes()


def test_a_mistake_that_cannot_be_made_is_not_tried():
    assert set(NEEDS) <= {bug for bugs in BUGS.values() for bug in bugs}
    for bug, needs in NEEDS.items():
        assert {checker.makes_sense(p, bug) for p in QUANTIZERS} == {True, False}
        assert all(checker.makes_sense(p, bug) is needs(q) for p, q in QUANTIZERS.items())


@pytest.mark.long
def test_codes_that_became_one_constant_are_no_case(monkeypatch):
    x = make("normal", (8, 64), 3)
    monkeypatch.setattr(checker, "inputs", lambda _: (("normal", x),))
    checker._makers.cache_clear()
    found = checker.single("nvfp4", "TensorScale")
    checker._makers.cache_clear()
    assert found.undecidable >= 1
    assert all("no-elements-scale" not in miss for miss in found.misses)


@pytest.mark.exhaustive
def test_large_tensors_are_named_too(monkeypatch):
    monkeypatch.setattr(checker, "LARGE", (("normal", (512, 1024)),))
    found = checker.large("nvfp4", "UnroundedScale")
    assert (found.cases, found.named) == (1, 1)
