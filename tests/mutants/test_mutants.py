"""Mutants: each is one mistake, it is gone after its `with` block, and the committed table is about these."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import fos_ref
from fos_ref.errors import InputError
from fos_ref.inputs.distributions import make
from fos_ref.mutants.catalogue import mutant, MUTANTS
from fos_ref.proof.mutants import blocks_until_seen, mutants, NOT_SEEN, of_mutant
from fos_ref.recipes.axes import (
    BlockScale,
    ElementCast,
    ElementScaling,
    ErrorDomain,
    ErrorMetric,
    Map4Scale,
    Reduction,
    ScaleFloor,
    Tie,
    ZeroScale,
    ZeroSign,
)
from fos_ref.vectors.distinguishing import reported
from fos_ref.vectors.distinguishing.check import read, read_mutants, vector_failures, VECTORS
from tests import mutation
from tests.docs.document import failing_examples, text_of
from tests.every import every

ROOT = Path(__file__).parents[2]
REPORTS = ROOT / "reports"
#: The bug classes of the vectors; "Unexplained" is what no class names.
FLAGS = {
    "NibbleOrder",
    "ScaleLayout",
    "ScaleTransposed",
    "Bound",
    "MetricMae",
    "MetricMse",
    "MetricAbsMax",
    "TieRule",
    "AlwaysSix",
    "AlwaysFour",
    "ExpandAfterRounding",
    "ReductionOrder",
    "FmaContraction",
    "ErrorDomain",
    "ScaleAssociation",
    "ReciprocalForDivision",
    "E2m1TiesAway",
    "E2m1TiesZero",
    "E2m1NoSaturation",
    "ScaleSubnormalFlush",
    "ScaleCeil",
    "ScaleFloor",
    "ScaleNaN",
    "ZeroScalePolicy",
    "NegativeZero",
    "AmaxPrecision",
    "TensorScaleInverted",
    "FlushToZero",
    "DoubleRounding",
    "Transposed",
    "NothingWritten",
    "RowPermutation",
    "StridesIgnored",
    "TensorScale",
    "BlockAmax",
    "ScaleCarry",
    "ScaleOffset",
    "UnroundedScale",
    "ScaleDecode",
    "E2m1Truncation",
    "SignLost",
    "StochasticRounding",
    "ScaleSearch",
}
INPUTS = [make("normal", (16, 128), 3), make("coarse", (16, 128), 3), make("subnormal-scale", (16, 128), 3)]


def held() -> dict:
    """Return what every module of the package holds, by identity."""
    return {
        (name, key): id(value)
        for name, m in list(sys.modules.items())
        if name.startswith("fos_ref") and name.split(".")[0] == "fos_ref"
        for key, value in vars(m).items()
    }


def test_there_is_a_mutant_for_every_flag():
    assert {m.flag for m in MUTANTS.values()} - {"Unexplained"} == FLAGS


@every(MUTANTS.values(), lambda m: m.name)
def test_a_mutant_says_what_it_is(m):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9.]+)*", m.name)
    assert m.recipe in fos_ref.PRESETS
    assert re.search(r"\. Whoever .*\.$", m.comment)


@pytest.mark.sample(25)
@pytest.mark.parametrize("m", MUTANTS.values(), ids=lambda m: m.name)
def test_nothing_is_left_of_a_mutant_and_the_result_claims_the_recipe(m):
    r = fos_ref.PRESETS[m.recipe]
    right = fos_ref.quantize(INPUTS[0], r, engine="numpy")  # first: a name is held once it was asked for
    before = held()
    wrong = m.quantize(INPUTS[0], r)
    assert wrong.recipe == r
    assert wrong.codes.shape == right.codes.shape
    assert wrong.block_scales.shape == right.block_scales.shape
    assert held() == before
    again = fos_ref.quantize(INPUTS[0], r, engine="numpy")
    assert again.codes.tobytes() == right.codes.tobytes()


def test_a_mutant_goes_also_after_an_error():
    before = held()

    def failing():
        with MUTANTS["tie-four"].planted():
            assert held() != before
            raise KeyError

    with pytest.raises(KeyError):
        failing()
    assert held() == before


def test_a_mutant_is_not_planted_twice():
    with MUTANTS["tie-four"].planted():
        once = held()
        with pytest.raises(InputError, match="is not in place"), MUTANTS["always-six"].planted():
            pass
        assert held() == once


def test_an_unknown_name_is_an_error_that_lists_the_names():
    with pytest.raises(InputError, match="tie-four"):
        mutant("tie-five")


#: Mutants that are another recipe in disguise: planting has to give exactly that recipe's bytes.
DISGUISES = {
    "bound-448": {"scale_max": 448},
    "bound-256": {"scale_max": 256},
    "base-folded-reciprocal": {"block_scale": BlockScale.FOLDED_RECIPROCAL},
    "base-unfolded": {"block_scale": BlockScale.DIVIDE_THEN_MULTIPLY},
    "base-by-decode-scale": {"block_scale": BlockScale.DIVIDE_BY_DECODE},
    "base-times-sixth": {"block_scale": BlockScale.RECIPROCAL_THEN_MULTIPLY},
    "expand-after-rounding": {"map4_scale": Map4Scale.EXPAND_AFTER_ROUNDING},
    "map4-by-own-division": {"map4_scale": Map4Scale.FROM_BLOCK_AMAX},
    "scale-at-least-min-normal": {"scale_floor": ScaleFloor.MIN_NORMAL},
    "elements-divided": {"element_scaling": ElementScaling.DIVIDE_BY_PRODUCT},
    "elements-by-reciprocal": {"element_scaling": ElementScaling.RECIPROCAL_OF_PRODUCT},
    "e2m1-ties-away": {"element_cast": ElementCast.TIES_AWAY},
    "e2m1-ties-to-zero": {"element_cast": ElementCast.TIES_TO_SMALLER},
    "zero-scale-divides": {"zero_scale": ZeroScale.NO_SPECIAL_CASE},
    "zero-scale-zeroes": {"zero_scale": ZeroScale.ZERO_CODES},
    "negative-zero-lost": {"zero_sign": ZeroSign.NEVER},
    "negative-zero-input-lost": {"zero_sign": ZeroSign.NEGATIVE_VALUES},
    "negative-zero-added": {"zero_sign": ZeroSign.SIGN_BIT},
    "metric-mae": {"error_metric": ErrorMetric.MAE},
    "metric-mse": {"error_metric": ErrorMetric.MSE},
    "metric-absmax": {"error_metric": ErrorMetric.ABS_MAX, "reduction": None},
    "tie-four": {"tie": Tie.FOUR},
    "error-in-scaled-domain": {"error_domain": ErrorDomain.SCALED},
    "error-by-decode-scale": {"error_domain": ErrorDomain.INPUT_DECODE},
    "residual-not-contracted": {"error_domain": ErrorDomain.INPUT_PRODUCT},
    "order-halves": {"reduction": Reduction.HALVES},
    "order-torch": {"reduction": Reduction.TORCH_CPU},
    "error-contracted": {"reduction": Reduction.FUSED_SEQUENTIAL},
    "error-not-contracted": {"reduction": Reduction.SEQUENTIAL},
}


@pytest.mark.sample(8)
@pytest.mark.parametrize("name", DISGUISES)
def test_a_mutant_that_is_another_recipe_gives_that_recipe_s_bytes(name):
    r = fos_ref.PRESETS[MUTANTS[name].recipe]
    other = replace(r, **DISGUISES[name])
    own = next(v for v in COMMITTED if v.name == f"mutant: {name}").input
    cases = [(x, None) for x in INPUTS] + [(own.x, own.amax)]
    for x, amax in cases:
        got = MUTANTS[name].quantize(x, r, amax=amax)
        want = fos_ref.quantize(x, other, amax=amax, engine="numpy")
        assert got.codes.tobytes() == want.codes.tobytes()
        assert got.block_scales.tobytes() == want.block_scales.tobytes()


def test_a_single_midpoint_is_the_only_one_that_moves():
    y = np.float32([0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5, 6])
    x = np.concatenate([y, -y]).reshape(1, 16)
    right = fos_ref.trace(x, "nvfp4", amax=np.float32(2688)).codes[0]
    for i, midpoint in enumerate(y[:-1]):
        (name,) = (n for n in MUTANTS if n.startswith(f"midpoint-{midpoint:.12g}"))
        with MUTANTS[name].planted():
            wrong = fos_ref.trace(x, "nvfp4", amax=np.float32(2688)).codes[0]
        assert np.flatnonzero(wrong != right).tolist() == [i, i + 8]
        assert np.array_equal(wrong[:8] | 8, wrong[8:])


# --- the proof and its report --------------------------------------------------------------------------

DATA = (ROOT / "golden" / VECTORS).read_bytes()
REPORTED = (ROOT / "golden" / reported.NAME).read_bytes()
COMMITTED = [*read(DATA), *read_mutants(DATA), *reported.read(REPORTED)]
PROVED = json.loads((REPORTS / mutation.PROOF).read_bytes())


def test_the_committed_finding_is_about_these_mutants():
    assert list(PROVED["figures"]) == list(MUTANTS)
    assert PROVED["unexplained"] == 0
    for name, found in PROVED["figures"].items():
        assert (found["flag"], found["recipe"]) == (MUTANTS[name].flag, MUTANTS[name].recipe)
        assert found["vectors"] > found["axis_vectors"]  # its own vector kills it too


@pytest.mark.sample(34)
@pytest.mark.parametrize("name", MUTANTS)
def test_the_vector_named_in_the_report_kills_the_mutant(name):
    first = next(v for v in COMMITTED if v.name == PROVED["figures"][name]["first"])
    assert not any(vector_failures(first, "numpy"))
    with MUTANTS[name].planted():
        assert any(vector_failures(first, "numpy"))


@pytest.mark.long
def test_a_mutant_s_figures_are_those_of_the_report(monkeypatch):
    monkeypatch.chdir(ROOT)
    found = of_mutant("always-six")
    assert found.pop("compared") == 2 * len(read(DATA)) + len(MUTANTS) + 4096
    assert found == PROVED["figures"]["always-six"]
    assert PROVED["figures"]["order-tree"]["random_blocks"] == NOT_SEEN == "not in 1,048,576"
    assert blocks_until_seen(MUTANTS["order-tree"], 2) == (None, 8192)


def test_without_the_golden_folder_the_proof_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="run this in the project's folder"):
        mutants(lambda _done, _total: None, 1)


def test_the_committed_table_is_what_the_command_writes():
    assert (REPORTS / mutation.TABLE).read_text(encoding="utf-8") == mutation.table(REPORTS)


def test_the_committed_run_of_the_suite_killed_every_mutant():
    path = REPORTS / mutation.SUITE
    if not path.exists():
        pytest.skip("reports/mutants-suite.json: the suite has not been run under every mutant yet")
    ran = json.loads(path.read_bytes())["mutants"]
    assert list(ran) == list(MUTANTS)
    assert [n for n, r in ran.items() if not r["killed"]] == []


SECTION = re.search(r"^## Mutants\n(.*?)(?=^## |\Z)", text_of("proofs.md"), flags=re.MULTILINE | re.DOTALL)[1]


def test_the_examples_of_the_document_run():
    assert failing_examples(SECTION) == (6, "")


def test_the_document_s_counts_are_those_of_the_finding():
    found = PROVED["figures"]
    unseen = [n for n, f in found.items() if f["random_blocks"] == NOT_SEEN]
    late = [n for n, f in found.items() if n not in unseen and f["random_blocks"] > 1024]
    missed = sorted(n for n, f in found.items() if f["axis_vectors"] == 0)
    once = [n for n, f in found.items() if f["axis_vectors"] == 1]
    text = " ".join(SECTION.split())
    assert f"has {len(MUTANTS)} deliberately wrong quantizers" in text
    assert f"the {len(FLAGS)} bug classes" in text
    assert f"{sum(m.flag == 'Unexplained' for m in MUTANTS.values())} that none names" in text
    assert f"alone miss {len(missed)} of the {len(MUTANTS)}: " in text
    named = text.partition(f"miss {len(missed)} of the {len(MUTANTS)}: ")[2].partition(";")[0]
    assert re.findall(r"`([^`]+)`", named) == missed
    assert f"{len(once)} more fail just one" in text
    assert f"random blocks miss {len(unseen)} of the {len(MUTANTS)}, and {len(late)} more" in text
    midpoints = [n for n in MUTANTS if n.startswith("midpoint-")]
    assert f"of the {len(midpoints)} single midpoints only {len(set(midpoints) - set(unseen))} do" in text
    hidden = ("ReductionOrder", "FmaContraction", "TieRule")
    assert {n for n, m in MUTANTS.items() if m.flag in hidden} <= set(unseen)


# --- the run of the suite under a mutant ---------------------------------------------------------------


def test_the_run_is_of_every_default_test_file_but_those_left_out():
    names = {p.relative_to(ROOT).as_posix() for p in (ROOT / "tests").rglob("test_*.py")}
    run = mutation.suite(vectors=False) + mutation.suite(vectors=True)
    assert len(run) == len(set(run))
    assert names - set(run) == {n for n in names if n.startswith(mutation.LEFT_OUT)}
    of_vectors = {n for n in names if n.startswith("tests/vectors/")} - {
        "tests/vectors/test_mutant_vectors.py"
    }
    assert set(mutation.suite(vectors=True)) == of_vectors


def test_failures_are_read_from_the_summary():
    shown = (
        "F\n= short test summary info =\nFAILED tests/a.py::t[x-1] - assert 1 == 2\nFAILED tests/b.py::u\n"
    )
    assert mutation.failures(shown) == ["tests/a.py::t[x-1]", "tests/b.py::u"]
    assert mutation.failures("ERROR tests/a.py - SyntaxError\n1 error") == ["tests/a.py"]
    assert mutation.failures("3 passed") == []


@pytest.mark.long
def test_a_planted_mutant_makes_a_run_fail_and_the_run_says_which():
    env = {**os.environ, "FOS_MUTANT": "order-tree", "PYTHONPATH": str(ROOT)}
    tests = "tests/model/test_steps_errors.py"
    run = [sys.executable, "-m", "pytest", "-n", "0", "-x", "-p", "no:cacheprovider", tests]
    done = subprocess.run(run, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "MUTANT PLANTED: order-tree" in done.stdout
    assert mutation.failures(done.stdout)[0].startswith(f"{tests}::")
