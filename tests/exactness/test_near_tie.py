"""Near ties: found where they are, told as they are, and judged by numbers that another route confirms."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest

import fos_ref
from fos_ref.errors import InputError
from fos_ref.exactness.near_tie import legal_orders, near_ties
from fos_ref.formats.bits import f32_bits
from fos_ref.recipes.axes import ErrorDomain, ErrorMetric, Reduction
from tests.docs.document import failing_examples, text_of

AMAX = np.float32(7)
CHOOSING = ["te-mse-256", "4over6", "4over6-absmax", "flashinfer-mae-256", "te-mae-448-fast-row"]
CHOOSING += ["quartet2-4over6", "llmcompressor-4over6-mae", "fouroversix-if4-mse", "4over6-16x16"]


def coarse(rows: int, dtype=np.float32) -> np.ndarray:
    """Return sparse values of few digits, whose errors often lie near each other."""
    g = np.random.Generator(np.random.Philox(1))
    shape = (rows, 256)
    n = g.integers(-23, 24, shape) * (g.integers(0, 5, shape) > 2)
    return np.ldexp(n, -g.integers(4, 12, shape)).astype(dtype)


def given(name: str, rows: int):
    return AMAX.repeat(rows) if name.endswith("-row") else AMAX


@pytest.fixture(scope="module", params=CHOOSING)
def found(request):
    """Return (input, caller's amax, near ties) of a recipe."""
    x = coarse(512, ml_dtypes.bfloat16 if request.param.startswith("llm") else np.float32)
    x = x[:128].repeat(16, axis=0) if request.param.endswith("16x16") else x
    amax = given(request.param, len(x))
    return x, amax, near_ties(x, request.param, amax=amax, limit=40)


@pytest.mark.sample(1)
def test_every_order_is_what_the_model_makes_of_it(found):
    x, amax, ties = found
    assert len(ties) >= 3
    for i, order in enumerate(legal_orders(ties[0].recipe)):
        t = fos_ref.trace(x, order, amax=amax)
        for tie in ties:
            o = tie.orders[i]
            assert (o.error_domain, o.reduction) == (order.error_domain, order.reduction)
            assert (o.bits4, o.bits6) == tuple(f32_bits(c.error[tie.place]).item() for c in (t.map4, t.map6))
            assert o.picked4 == t.picked4[tie.place[0] * order.block_rows, tie.place[1]]


@pytest.mark.sample(2)
def test_both_candidates_are_the_model_s(found):
    x, amax, ties = found
    t = fos_ref.trace(x, ties[0].recipe, amax=amax)
    for tie in ties:
        assert list(tie.x) == f32_bits(t.x[tie.place]).tolist()
        assert tie.block_amax == t.block_amax[tie.place]
        assert tie.tensor_amax == 7
        for side, c in ((tie.map4, t.map4), (tie.map6, t.map6)):
            assert (side.scale_code, side.scale) == (c.scale_code[tie.place], c.scale[tie.place])
            assert list(side.codes) == c.codes[tie.place].tolist()
            assert (side.error, side.bits) == (c.error[tie.place], f32_bits(c.error[tie.place]).item())
            assert side.exact == by_hand(t, c, tie.place)


def by_hand(t, c, place) -> Fraction:
    """Return the exact error of a candidate from Fractions of the model's numbers."""
    r = t.recipe
    a, s, d = (Fraction(float(np.ravel(v)[0])) for v in (t.tensor_amax, t.encode_scale, t.decode_scale))
    factor = {ErrorDomain.INPUT_AMAX: a / r.range_max, ErrorDomain.SCALED: 1 / s}
    factor |= {ErrorDomain.INPUT_DECODE: d, ErrorDomain.INPUT_QUOTIENT: 1 / s, ErrorDomain.FUSED_RESIDUAL: d}
    scale = Fraction(float(c.scale[place])) * factor[r.error_domain]
    if r.name.startswith("fouroversix-if4") and c is t.map4:
        scale *= Fraction(float(np.float32(6 / 7)))
    pairs = zip(c.values[place].tolist(), t.x[place].tolist(), strict=True)
    sizes = [abs(Fraction(q) * scale - Fraction(x)) for q, x in pairs]
    if r.error_metric is ErrorMetric.ABS_MAX:
        return max(sizes)
    return sum(v**2 if r.error_metric is ErrorMetric.MSE else v for v in sizes)


def test_the_nearest_come_first_and_none_is_missed():
    x = coarse(256)
    ties = near_ties(x, "te-mse-256", amax=AMAX, ulps=3)
    apart = [abs(tie.map4.bits - tie.map6.bits) for tie in ties]
    assert apart == sorted(apart) == [tie.ulps for tie in ties]
    t = fos_ref.trace(x, "te-mse-256", amax=AMAX)
    bits4, bits6 = (f32_bits(c.error).astype(np.int64) for c in (t.map4, t.map6))
    values = [c.values * c.scale[..., None] for c in (t.map4, t.map6)]
    near = (np.abs(bits4 - bits6) <= 3) & (values[0] != values[1]).any(axis=-1)
    assert sorted(tie.place for tie in ties) == [tuple(i) for i in np.argwhere(near).tolist()]
    assert near_ties(x, "te-mse-256", amax=AMAX, ulps=3, limit=2)[1].place == ties[1].place
    assert len(near_ties(x, "te-mse-256", amax=AMAX, ulps=0)) == apart.count(0) > 0


@pytest.mark.long
def test_a_recipe_that_rounds_in_the_input_s_dtype_is_judged_in_it():
    x = np.random.Generator(np.random.Philox(2)).standard_normal((16, 96)).astype(ml_dtypes.bfloat16)
    codes = {}
    for dtype in (x.dtype, np.float32):
        ties = near_ties(x.astype(dtype), "llmcompressor-4over6-mse", ulps=1 << 31)
        assert len(ties) == 96
        t = fos_ref.trace(x.astype(dtype), "llmcompressor-4over6-mse")
        codes[dtype] = [tie.map6.scale_code for tie in ties]
        assert codes[dtype] == [t.map6.scale_code[tie.place] for tie in ties]
    assert codes[x.dtype] != codes[np.float32]


def test_blocks_without_a_choice_are_not_listed():
    assert near_ties(np.zeros((4, 64), np.float32)) == []
    same = near_ties(np.full((1, 16), 3, np.float32), "te-mse-448", amax=np.float32(3))
    assert same == []  # the map-to-4 scale is clipped: both candidates hold a 6 under 448


@pytest.mark.long
def test_orders_that_choose_otherwise_are_named():
    ties = near_ties(coarse(512), "flashinfer-mae-256", amax=AMAX)
    by_domain = {o.error_domain for tie in ties for o in tie.flipping}
    assert ErrorDomain.SCALED in by_domain
    reductions = {
        o.reduction for tie in ties for o in tie.flipping if o.error_domain is ties[0].recipe.error_domain
    }
    assert reductions - {Reduction.SEQUENTIAL}
    wrong = [tie for tie in ties if tie.picked4 != tie.exactly_4]
    assert any(tie.margin for tie in wrong)
    assert any(tie.margin == 0 for tie in wrong)
    for tie in ties:
        assert tie.exactly_4 == (tie.map4.exact < tie.map6.exact)
        assert all(o.picked4 != tie.picked4 for o in tie.flipping)


def names(recipe) -> set[tuple[str, str | None]]:
    return {(o.error_domain.value, o.reduction.value if o.reduction else None) for o in legal_orders(recipe)}


def test_the_legal_orders_of_a_recipe():
    mse, mae = fos_ref.PRESETS["te-mse-256"], fos_ref.PRESETS["te-mae-256"]
    assert next(legal_orders(mse)) is mse
    assert len(list(legal_orders(mse))) == len(names(mse)) == 2 * len(Reduction)
    assert names(mae) == {(d, o) for d, o in names(mse) if not o.startswith("fma")}
    tile = replace(mse, block_shape=fos_ref.PRESETS["te-mse-256-16x16"].block_shape)
    assert {o for _, o in names(tile)} == {"sequential", "fma-sequential", "torch-cpu"}
    assert names(fos_ref.PRESETS["4over6-absmax"]) == {("((q*s)*A)/C-x", None)}
    quartet = {d for d, _ in names(fos_ref.PRESETS["quartet2-4over6"])}
    assert quartet == {"fma(q,-(s*D),x)", "q*(s*D)-x"}


def test_an_exact_tie_goes_where_the_recipe_says():
    tie = next(t for t in near_ties(coarse(192), "te-mse-256", amax=AMAX) if t.margin == 0)
    assert not tie.exactly_4
    four = replace(tie, recipe=replace(tie.recipe, tie=fos_ref.recipes.axes.Tie.FOUR))
    assert four.exactly_4


def test_the_text_of_a_tile_lists_no_values():
    tie = near_ties(coarse(128).repeat(16, axis=0), "4over6-16x16", amax=AMAX, limit=1)[0]
    assert len(tie.x) == 256
    assert "codes not shown" in str(tie)
    assert max(map(len, str(tie).splitlines())) < 200


def test_int4_is_called_by_its_name():
    tie = near_ties(coarse(192), "fouroversix-if4-mse", amax=AMAX, limit=1)[0]
    assert "E2M1 is kept" in str(tie) or "INT4 is kept" in str(tie)
    assert "map4" not in str(tie)


@pytest.mark.parametrize(
    ("name", "ulps", "match"),
    [
        ("nvfp4", 4, "'nvfp4' does not choose by the errors of its own codes"),
        ("modelopt-4over6", 4, "'modelopt-4over6' does not choose"),
        ("4over6", -1, "ulps -1: a whole number from 0 to"),
    ],
)
def test_what_has_no_near_ties_is_refused(name, ulps, match):
    with pytest.raises(InputError, match=match):
        near_ties(coarse(1), name, ulps=ulps)


def test_the_document_s_example_prints_what_it_says():
    section = re.search(
        r"^## Near ties\n(.*?)(?=^## |\Z)", text_of("proofs.md"), flags=re.MULTILINE | re.DOTALL
    )
    attempted, report = failing_examples(section[1])
    assert attempted == 6
    assert report == ""
