"""Vectors that are made where no folder has them, what a kernel is not asked, and the simplest failure."""

from __future__ import annotations

import numpy as np
import pytest

import fos_ref
from fos_ref.conformance import trials
from fos_ref.conformance.drawn import draw
from fos_ref.conformance.kernel import Kernel, names_amax
from fos_ref.conformance.trials import NotRun, Trial, vector_trials
from fos_ref.verify import conformance
from tests.conformance.kernels import GOLDEN, kernel, RECIPE, SMALL


def given(recipe, amax=None):
    """Return a quantizer that is given the tensor amax."""

    def f(x, amax=amax):
        q = fos_ref.quantize(x, recipe, amax=amax, engine="numpy")
        return q.codes, q.block_scales

    return f


@pytest.mark.parametrize("group", ["tails", "nonfinite", "worked"])
def test_vectors_that_are_made_are_those_of_the_folder(group, monkeypatch):
    """Ragged shapes and what the recipe refuses are not asked of a kernel, made or read."""
    monkeypatch.setattr(trials, "kills", lambda *_: {})  # flags take long and are tested elsewhere
    trials._made.cache_clear()
    r = fos_ref.recipe("nvfp4")
    made, read = (
        list(vector_trials(r, group, ("float32", "bfloat16", "float16"), takes_amax=True, golden=folder))
        for folder in (None, GOLDEN)
    )
    trials._made.cache_clear()
    assert [shown(t) for t in made] == [shown(t) for t in read]
    assert any(isinstance(t, NotRun) for t in made) == (group != "worked")
    assert any(isinstance(t, Trial) for t in made) == (group != "nonfinite")


def shown(t):
    """Return what a trial asks; for one that is not run only that: the reasons name what was found first."""
    if isinstance(t, NotRun):
        return t.group
    return t.name, t.x.tobytes(), np.asarray(t.amax).tobytes(), t.codes.tobytes(), t.block_scales.tobytes()


def test_a_kernel_that_takes_an_amax_is_not_given_nan():
    report = conformance(given(RECIPE), RECIPE, groups=["nonfinite"], **SMALL)
    assert report.equal
    assert sum(n for why, n in report.not_run.items() if "amax is not finite" in why) > 3
    assert report.trials > 0


def test_without_vectors_no_flags_are_listed():
    report = conformance(kernel(), RECIPE, groups=["tensors"], **SMALL)
    assert report.equal
    assert not report.flags
    assert len(str(report).splitlines()) == 1


@pytest.mark.sample(1)
@pytest.mark.parametrize("takes_amax", [False, True])
def test_a_drawn_failure_is_real_and_the_same_each_time(takes_amax):
    """Of a kernel that is wrong wherever the first code of a byte is 7."""

    def wrong(x, amax=None):
        codes, scales = given("4over6")(x, amax)
        return np.where(codes & 7 == 7, codes - np.uint8(1), codes), scales

    r = fos_ref.recipe("4over6")
    kernel = Kernel(wrong, r, None, takes_amax, "linear", "equal")
    first, again = (draw(kernel, "float32", 8) for _ in range(2))
    assert first.not_run is None
    t = first.failure.trial
    assert (t.codes & 7 == 7).any()
    assert kernel.failure(t).what == first.failure.what
    assert first.failure.what.startswith("block (0, ")
    assert again.failure.trial.x.tobytes() == t.x.tobytes()


@pytest.mark.parametrize("takes_amax", [False, True])
def test_a_right_kernel_is_drawn_no_amax_that_it_cannot_know(takes_amax):
    r = fos_ref.recipe("4over6")
    found = draw(Kernel(given("4over6"), r, None, takes_amax, "linear", "equal"), "float32", 12)
    assert found.failure is None
    assert found.examples >= 12


def test_what_has_no_signature_names_no_amax():
    assert names_amax(given(RECIPE))
    assert not names_amax(kernel())
    assert not names_amax(max)  # a builtin without a signature
