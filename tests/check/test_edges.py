"""The checker's arithmetic is the model's under every preset; transposed tensors, other recipes, edges."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import fos_ref
from fos_ref.check.bench import Hypothesis
from fos_ref.check.diagnosis import Cause, Diagnosis
from fos_ref.check.flaws.catalogue import catalogue
from fos_ref.check.flaws.flaw import Flaw, steps_with
from fos_ref.check.population import source
from fos_ref.check.residual import exact_verdict
from fos_ref.check.steps import steps_of, walk
from fos_ref.check.subject import blocks_of, subject
from fos_ref.engines.given import Fixed
from fos_ref.errors import DtypeError
from fos_ref.inputs.choice_edges import AMAX, choice_edges
from fos_ref.inputs.distributions import make
from fos_ref.recipes import PRESETS
from fos_ref.recipes.axes import ErrorDomain, NonFinite, Reduction, Tie
from fos_ref.storage.layout import pack_nibbles, unpack_nibbles
from fos_ref.verify import check
from tests.every import every

X = make("normal", (32, 64), 1)
NORMAL = make("heavy-tailed", (16, 64), 1)
SPECIAL = NORMAL.copy()
SPECIAL[3, 5], SPECIAL[4, 4] = np.nan, np.inf


def walked(x, q, steps):
    """Return what the checker's own steps make of x: codes and scale bytes, block by block."""
    r = q.recipe
    every = np.arange(x.size // (r.block_rows * r.block_cols))
    w = walk(source(x, q.tensor_amax, r).pick(every), steps)
    return w.codes.tobytes(), w.scale.tobytes()


def blocks(q):
    b = blocks_of(q)
    return b.codes.tobytes(), b.scales[:, 0].tobytes()


@pytest.mark.long
@every({r.name: r for r in PRESETS.values()}.values(), lambda r: r.name)
def test_the_checker_s_own_steps_give_a_preset_s_bytes(r):
    """NaN and infinity among them, where the preset takes them."""
    for x in (X, NORMAL if r.nonfinite is NonFinite.RAISE else SPECIAL):
        q = fos_ref.quantize(x, r, engine="numpy")
        assert walked(x, q, steps_of(r)) == blocks(q)


FUSED = {
    ("quartet2-triton-4over6", 1): {"error_domain": ErrorDomain.FUSED_RESIDUAL},
    ("quartet2-triton-4over6", 2): {
        "error_domain": ErrorDomain.FUSED_RESIDUAL,
        "reduction": Reduction.FUSED_SEQUENTIAL,
    },
    ("quartet2-4over6", 1): {"error_domain": ErrorDomain.INPUT_PRODUCT},
}


@pytest.mark.parametrize(("name", "parts"), FUSED)
def test_a_fused_difference_is_what_the_recipe_with_that_axis_gives(name, parts):
    """A flaw of the walk, told by the steps it wraps, against the model under other axes."""
    r = PRESETS[name]
    x = choice_edges(r, 200, 1)
    right = fos_ref.quantize(x, r, amax=np.float32(AMAX), engine="numpy")
    wrong = fos_ref.quantize(
        x, replace(r, name="wrong", **FUSED[name, parts]), amax=np.float32(AMAX), engine="numpy"
    )
    (flaw,) = (
        f
        for f in catalogue(r)
        if "difference" in f.wraps and len(f.wraps) == parts and f.flag == "FmaContraction"
    )
    assert walked(x, right, steps_with(r, [flaw])) == blocks(wrong) != blocks(right)


def test_a_flaw_suits_no_recipe_that_it_would_make_illegal_or_leave_alone():
    other_tie = Flaw("TieRule", "map-to-4 wins a tie", {"tie": Tie.FOUR})
    assert other_tie.suits(PRESETS["4over6"])
    assert not other_tie.suits(PRESETS["nvfp4"])  # nothing is chosen there
    assert not Flaw("TieRule", "map-to-6 wins a tie", {"tie": Tie.SIX}).suits(PRESETS["4over6"])
    assert steps_with(PRESETS["nvfp4"], [other_tie]) is None
    assert all(
        f.suits(r)
        for r in map(PRESETS.get, ("nvfp4", "4over6-absmax", "modelopt-4over6"))
        for f in catalogue(r)
    )


@pytest.mark.parametrize("recipe", ["fouroversix-static4", "fouroversix-if4-mse", "modelopt-4over6"])
def test_swapped_nibbles_are_named_under_recipes_of_other_candidates(recipe):
    q = fos_ref.quantize(X, recipe)
    found = check(X, q.codes << np.uint8(4) | q.codes >> np.uint8(4), q.block_scales, recipe=recipe)
    assert found.flags == ("NibbleOrder",)


@pytest.mark.long
def test_a_sum_is_named_where_the_recipe_takes_the_largest():
    q = fos_ref.quantize(X, "4over6")
    found = check(X, q.codes, q.block_scales, recipe="4over6-absmax")
    assert found.flags == ("MetricMse",)
    assert found.closest is None  # one cause explains every block: nothing is left to suggest


# --- x transposed --------------------------------------------------------------------------------------


def turned(recipe, amax=None):
    """Return the bytes of x transposed: as one buffer, with codes at their values' places, scales so too."""
    q = fos_ref.quantize(np.ascontiguousarray(X.T), recipe, amax=amax)
    there = pack_nibbles(np.ascontiguousarray(unpack_nibbles(q.codes).T))
    return {
        "one buffer": (q.codes.reshape(32, 32), q.block_scales.ravel()),
        "codes in place": (there, q.block_scales.ravel()),
        "both in place": (there, np.ascontiguousarray(q.block_scales.T).ravel()),
    }


@pytest.mark.parametrize(
    ("how", "amax"), [("one buffer", None), ("codes in place", 5.0), ("both in place", None)]
)
def test_blocks_down_the_columns_are_named(how, amax):
    found = check(X, *turned("4over6", amax)[how], recipe="4over6", amax=amax)
    assert found.flags == ("Transposed",)
    assert found.causes[0].blocks == found.mismatching_blocks == X.size // 16


def test_rows_of_given_amaxes_are_not_turned():
    """Their amaxes belong to rows of x."""
    given = subject(
        X,
        *turned("te-mse-256-row")["one buffer"],
        recipe=PRESETS["te-mse-256-row"],
        fixed=Fixed(amax=np.ones(32, np.float32)),
        scale_layout="linear",
    )
    assert not any(case.flags[:1] == ("Transposed",) for case in given.cases())


# --- the rest ------------------------------------------------------------------------------------------


@pytest.mark.long
def test_the_closest_preset_is_found_beside_those_that_cannot_take_x():
    """24 rows are no tiles, and some presets refuse NaN."""
    x = X[:24].copy()
    x[7, 15] = np.nan
    q = fos_ref.quantize(x, "te-mae-448", amax=4.0)
    found = check(x, q.codes, q.block_scales, recipe="te-mse-256", amax=4.0)
    assert "te-mae-448:" in found.closest
    assert "100 %" in found.closest


def test_what_says_it_has_dlpack_and_fails_is_one_error():
    class Broken:
        def __dlpack__(self, **_):
            msg = "not exportable"
            raise BufferError(msg)

        def __dlpack_device__(self):
            return (1, 0)

    with pytest.raises(DtypeError, match=r"Broken.*not exportable"):
        check(X, Broken(), np.zeros((16, 4), np.uint8))


@pytest.mark.long
def test_exact_arithmetic_judges_near_ties_of_a_choice_alone():
    def verdict(name, flaws=()):
        r = PRESETS[name]
        x = choice_edges(r, 100, 1)[:16]
        q = fos_ref.quantize(x, r, amax=np.float32(AMAX))
        s = subject(
            x,
            q.codes ^ np.uint8(1),
            q.block_scales,
            recipe=r,
            fixed=Fixed(amax=np.float32(AMAX)),
            scale_layout="linear",
        )
        return [exact_verdict(Hypothesis(s.cases()[0], flaws), r, i) for i in range(16)]

    near = verdict("4over6")
    assert any((v is not None and "exactly" in v) or (v is not None and "exact tie" in v) for v in near)
    wrapped = next(f for f in catalogue(PRESETS["4over6"]) if f.wraps)
    assert verdict("4over6", (wrapped,)) == [None] * 16
    assert verdict("modelopt-4over6") == [None] * 16


def test_a_diagnosis_without_an_example_shows_the_first_mismatch_or_nothing():
    cause = Cause(flag="Bound", blocks=1, what="w")
    d = Diagnosis(recipe="nvfp4", blocks=2, mismatching_blocks=1, causes=(cause,))
    assert "example" not in d.to_dict()["causes"][0]["evidence"]
    assert d.to_dict()["first"] == {}
    assert len(str(d).splitlines()) == 2
