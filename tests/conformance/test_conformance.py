"""`fos_ref.verify.conformance`: right kernels pass, wrong ones are named, odd ones are findings."""

from __future__ import annotations

import json
import sys

import ml_dtypes
import numpy as np
import pytest

import fos_ref
from fos_ref.conformance import trials
from fos_ref.errors import InputError, RecipeError
from fos_ref.mutants.catalogue import of_edition
from fos_ref.verify import conformance, conformance_groups
from tests.conformance.kernels import GOLDEN, kernel, MISTAKES, RECIPE, SMALL

QUICK = ("tie", "metric", "zero-scale")


def quantizer(recipe, **options):
    return lambda x: fos_ref.quantize(x, recipe, engine="numpy", **options)


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    "recipe", ["te-mse-256", "4over6-16x16", "te-mse-256-row", "fouroversix-mxfp4-static6"]
)
def test_the_model_conforms_to_itself(recipe):
    report = conformance(
        quantizer(recipe), recipe, groups=["worked", "zeros", "tensors", "strategies"], **SMALL
    )
    assert report.equal
    assert report
    assert report.trials > 10
    assert report.groups["strategies"].trials >= 4
    assert report.failures == []
    assert "every bit" in str(report)


@pytest.mark.long
@pytest.mark.parametrize(
    "mistake", [m if m in QUICK else pytest.param(m, marks=pytest.mark.exhaustive) for m in MISTAKES]
)
def test_a_mistake_is_named_and_its_vectors_fail(mistake):
    changes, flag, groups = MISTAKES[mistake]
    report = conformance(kernel(**changes), RECIPE, groups=groups, **SMALL)
    assert not report.equal
    assert report.causes[0] == flag
    tried = report.flags[flag]
    assert tried.failed == tried.trials > 0
    assert flag in str(report)
    document = json.loads(json.dumps(report.to_dict()))
    assert (document["equal"], document["failed"]) == (False, len(report.failures))
    assert document["flags"][flag] == {"trials": tried.trials, "failed": tried.trials}


@pytest.mark.exhaustive
@pytest.mark.parametrize("recipe", [r.name for r in dict.fromkeys(fos_ref.PRESETS.values())][::6])
def test_one_preset_in_six_conforms_to_itself_on_everything(recipe):
    report = conformance(quantizer(recipe), recipe)
    assert report.equal
    assert set(report.groups) | {"tails"} >= set(conformance_groups(recipe)) - {"nonfinite"}


def with_amax(x, amax):
    q = fos_ref.quantize(x, RECIPE, amax=amax, engine="numpy")
    return q.codes, q.block_scales


@pytest.mark.long
def test_a_kernel_with_amax_gets_the_callers_and_one_without_gets_it_in_a_block():
    options = {"groups": ["scale-extremes", "amaxes"], **SMALL}
    given, own = conformance(with_amax, RECIPE, **options), conformance(quantizer(RECIPE), RECIPE, **options)
    assert given
    assert own
    assert given.trials > own.trials
    assert own.not_run == {"the caller's amax is smaller than the tensor's: the kernel takes none": 6}
    assert not given.not_run
    ignored = conformance(
        lambda x, amax: with_amax(x, None if amax is None else np.abs(x).max()),
        RECIPE,
        **options | {"diagnose": 0},
    )
    assert not ignored  # a caller's amax is not the tensor's own


def test_the_block_beside_keeps_the_vector_s_bits():
    """Without amax the first rows, or columns, are those of the vector under the caller's amax."""
    for recipe in ("te-mse-256", "te-mse-256-row", "4over6-16x16"):
        r = fos_ref.recipe(recipe)
        pairs = [
            list(trials.vector_trials(r, "ties", ("float32",), takes_amax=takes, golden=GOLDEN))
            for takes in (True, False)
        ]
        assert len(pairs[0]) == len(pairs[1]) > 2
        grown = 0
        for a, b in zip(*pairs, strict=True):
            rows, cols = a.x.shape
            grown += b.x.size > a.x.size
            assert b.amax is None
            assert b.codes[:rows, : cols // 2].tobytes() == a.codes.tobytes()
            assert b.block_scales[:rows, : cols // 16].tobytes() == a.block_scales.tobytes()
        assert grown > 0


def test_swizzled_scales_are_read_where_asked_and_a_mistake_where_not():
    def swizzled(x):
        q = fos_ref.quantize(x, RECIPE, engine="numpy")
        return q.codes, fos_ref.swizzle(q.block_scales)

    options = {"groups": ["tensors"], **SMALL, "shapes": ((128, 128),)}
    assert conformance(swizzled, RECIPE, scale_layout="swizzled", **options)
    report = conformance(swizzled, RECIPE, **options)
    assert report.causes == ("ScaleLayout",)
    wrong_size = conformance(swizzled, RECIPE, **options | {"shapes": ((3, 48),)})
    assert "9 bytes, linear, are allowed" in wrong_size.failures[0].what


@pytest.mark.long
def test_other_arrays_and_other_dtypes_pass_the_door():
    def f(x):
        q = fos_ref.quantize(x.value, RECIPE, engine="numpy")
        return [memoryview_like(q.codes), q.block_scales.view(ml_dtypes.float8_e4m3fn)]

    class Held:
        def __init__(self, value):
            self.value = value

    class memoryview_like:  # noqa: N801 -- an array of another framework
        def __init__(self, a):
            self.a = a

        def __array__(self, dtype=None, copy=None):
            return self.a

    report = conformance(f, RECIPE, to=Held, groups=["worked"], dtypes=("float32", "bfloat16", "float16"))
    assert report
    assert report.trials > 5


def raises(_):
    msg = "no such kernel"
    raise RuntimeError(msg)


def changes_its_input(x):
    q = fos_ref.quantize(x, RECIPE, engine="numpy")
    x *= 2
    return q.codes, q.block_scales


ODD = {
    "raises": (raises, "it raised RuntimeError: no such kernel"),
    "returns one array": (lambda x: x, "it returned a ndarray"),
    "returns three": (lambda x: (x, x, x), "it returned a tuple"),
    "returns floats": (lambda x: (x, x), "codes: dtype float32"),
    "forgets to pack": (lambda x: (np.zeros(x.shape, np.uint8), x), "block scales: dtype float32"),
    "too few codes": (lambda _: (np.zeros(3, np.uint8), np.zeros(3, np.uint8)), "codes of shape (3,)"),
    "changes its input": (changes_its_input, "it changed its input"),
}


@pytest.mark.parametrize("odd", ODD)
def test_what_is_no_answer_is_a_finding(odd):
    f, says = ODD[odd]
    before = conformance(quantizer(RECIPE), RECIPE, groups=["worked"], **SMALL)
    report = conformance(f, RECIPE, groups=["worked"], **SMALL)
    assert report.trials == before.trials == len(report.failures)
    assert says in report.failures[0].what
    assert says in str(report)
    assert report.diagnoses == []
    assert conformance(quantizer(RECIPE), RECIPE, groups=["worked"], **SMALL)  # nothing was spoilt


def test_a_kernel_that_changes_its_mind_is_said():
    answers = []

    def f(x):
        q = fos_ref.quantize(x, RECIPE, engine="numpy")
        answers.append(x)
        return q.codes ^ np.uint8(len(answers) == 2), q.block_scales

    report = conformance(f, RECIPE, groups=["strategies"], **SMALL)
    assert not report
    assert "not the same bytes each time: block" in str(report)


def test_nan_blocks_may_be_left_out():
    def f(x):
        q = fos_ref.quantize(x, RECIPE, engine="numpy")
        nan = (q.block_scales & 0x7F) == 0x7F
        return np.where(nan.repeat(8, axis=1), np.uint8(0x35), q.codes), q.block_scales | (
            nan * np.uint8(0x80)
        )

    options = {"groups": ["nonfinite", "worked"], **SMALL}
    assert not conformance(f, RECIPE, **options | {"diagnose": 0})
    assert conformance(f, RECIPE, nan_blocks="any", **options)


@pytest.mark.long
def test_a_golden_folder_says_what_is_expected():
    """Its bits, not the model's: a folder with one digit changed fails the model."""
    made = conformance(quantizer(RECIPE), RECIPE, groups=["worked", "ties"], **SMALL | {"golden": None})
    read = conformance(quantizer(RECIPE), RECIPE, groups=["worked", "ties"], **SMALL)
    assert read.equal
    assert read.trials == made.trials
    assert {flag: made.flags[flag] for flag in read.flags} == read.flags
    later = {m.flag for m in of_edition(2).values()}  # what was published knows no later mistake
    assert set(made.flags) - set(read.flags) <= later


def test_a_golden_folder_with_another_bit_fails_the_model(tmp_path):
    text = (GOLDEN / "v1/te-mse-256/worked.json").read_text(encoding="utf-8")
    start = text.index('"block_scales": [\n     "') + len('"block_scales": [\n     "')
    other = "5" if text[start] != "5" else "6"
    (tmp_path / "v1/te-mse-256").mkdir(parents=True)
    (tmp_path / "v1/te-mse-256/worked.json").write_text(
        text[:start] + other + text[start + 1 :], encoding="utf-8"
    )
    report = conformance(with_amax, RECIPE, groups=["worked"], **SMALL | {"golden": tmp_path})
    assert len(report.failures) == 1


def test_without_hypothesis_the_rest_runs(monkeypatch):
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    report = conformance(quantizer(RECIPE), RECIPE, groups=["worked", "strategies"], **SMALL)
    assert report
    assert list(report.groups) == ["worked"]
    assert any("hypothesis" in why for why in report.not_run)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"groups": ["wroked"]}, "group 'wroked'"),
        ({"dtypes": ["float64"]}, "dtype 'float64'"),
        ({"scale_layout": "8x4"}, "scale_layout '8x4'"),
        ({"nan_blocks": "some"}, "nan_blocks 'some'"),
    ],
)
def test_unknown_options_are_refused(options, says):
    with pytest.raises(InputError, match=says):
        conformance(quantizer(RECIPE), RECIPE, **options)


@pytest.mark.long
def test_an_unknown_recipe_is_refused_and_nothing_to_try_is_no_pass():
    with pytest.raises(RecipeError, match="did you mean"):
        conformance(quantizer(RECIPE), "te-mse-265")
    report = conformance(quantizer(RECIPE), RECIPE, groups=["worked"], dtypes=())
    assert not report
    assert "no trial was run" in str(report)


def strides_ignored(x):
    """Take as many values from where x begins in memory; a NaN in them counts as 0."""
    memory = x if x.base is None else x.base.reshape(-1)[: x.size].reshape(x.shape)
    q = fos_ref.quantize(np.nan_to_num(memory, nan=0), RECIPE, engine="numpy")
    return q.codes, q.block_scales


@pytest.mark.long
def test_a_kernel_that_fails_on_views_only_is_said_to():
    kinds = {k: v for k, v in SMALL.items() if k != "golden"}
    report = conformance(strides_ignored, RECIPE, groups=("tensors", "strategies"), **kinds)
    assert report.views_only
    assert report.views.failed == report.views.trials == len(report.failures) > 0
    assert report.causes[0] == "StridesIgnored"
    assert "Unexplained" not in report.causes
    text = str(report)
    assert "fails on views only" in text
    assert "by flag" not in text
    assert report.to_dict()["views_only"] is True
    assert report.to_dict()["views"] == {"trials": report.views.trials, "failed": report.views.failed}


@pytest.mark.long
def test_a_kernel_that_is_wrong_everywhere_does_not_fail_on_views_only():
    report = conformance(kernel(scale_max=448), RECIPE, groups=("tensors",), **SMALL)
    assert report.views.failed > 0
    assert not report.views_only
    assert "views only" not in str(report)
    assert "StridesIgnored" not in report.causes
