"""The shipped strategies reach what they aim at, in every dtype, and say what is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fos_ref
from fos_ref.errors import InputError
from fos_ref.formats import decode, UE4M3
from fos_ref.inputs import strategies as fos
from fos_ref.inputs.aim_values import nearest, nudged
from fos_ref.inputs.aims import Aim, AIMS, block_at, bytes_for
from fos_ref.inputs.choice_edges import choice_edges, from_order, order
from fos_ref.mutants.catalogue import MUTANTS

ROOT = Path(__file__).parents[2]
NAMES = ("4over6", "te-mse-448", "nvfp4", "4over6-16x16", "fouroversix-if4-mse", "fouroversix-mxfp4-static6")
MIDPOINTS = np.float32([0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5])
E4M3 = decode(np.arange(127), UE4M3)
DTYPES = {"float32": np.float32, "float16": np.float16, "bfloat16": ml_dtypes.bfloat16}


def traces(name, aim, count=40, amax=None):
    """Return the traces of blocks from random bytes, half under C and half under another tensor amax."""
    r, rng = fos_ref.PRESETS[name], np.random.default_rng(0)
    for i in range(count):
        a = np.float32(amax or (r.range_max, 1777)[i % 2])
        x = block_at(aim, r, a, "float32", rng.bytes(bytes_for(aim, r)))
        assert x.shape == (r.block_rows, r.block_cols)
        assert np.abs(x).max() <= a
        yield fos_ref.trace(x, r, amax=a)


def candidates(name, aim, **given_args):
    for t in traces(name, aim, **given_args):
        yield from (c for c in (t.map6, t.map4) if c is not None)


def count(condition, values) -> int:
    return sum(int(np.count_nonzero(condition(v))) for v in values)


@pytest.mark.parametrize("name", NAMES)
def test_scaled_values_lie_on_midpoints_and_a_step_beside(name):
    y = [np.abs(c.scaled) for c in candidates(name, Aim.ELEMENT_MIDPOINTS)]
    assert count(lambda v: np.isin(v, MIDPOINTS), y) > 20
    for towards in (np.float32(0), np.float32(np.inf)):
        assert count(lambda v, to=towards: np.isin(np.nextafter(v, to), MIDPOINTS), y) > 10


@pytest.mark.parametrize("name", ["4over6", "te-mse-448", "nvfp4"])
def test_block_scales_lie_on_midpoints_and_beside(name):
    base = np.concatenate([c.base.ravel() for c in candidates(name, Aim.SCALE_MIDPOINT)]).astype(np.float64)
    midpoints = (E4M3[1:] + E4M3[:-1]) / 2
    assert count(lambda b: np.isin(b, midpoints), [base]) > 5
    beside = np.abs(base[:, None] / midpoints - 1).min(axis=1)
    assert count(lambda d: (d > 0) & (d < 2.0**-21), [beside]) > 5


def test_scales_are_subnormal_and_saturated():
    low = np.concatenate([c.scale_code.ravel() for c in candidates("4over6", Aim.SUBNORMAL_SCALE)])
    assert len(np.unique(low[low < 8])) == 8
    high = np.concatenate([c.scale_code.ravel() for c in candidates("te-mse-448", Aim.SATURATED_SCALE)])
    assert count(lambda c: c == 0x7E, [high]) > 20


@pytest.mark.parametrize("name", ["4over6", "4over6-mae", "4over6-absmax", "4over6-16x16", "te-mse-256-fast"])
def test_candidates_tie(name):
    ties = [t.map4.error == t.map6.error for t in traces(name, Aim.CANDIDATE_TIE)]
    assert count(lambda t: t, ties) > 5


@pytest.mark.sample(1)
@pytest.mark.parametrize("name", ["4over6", "4over6-mae", "4over6-absmax", "4over6-16x16", "te-mse-256-fast"])
def test_a_choice_stands_on_its_edge(name):
    """The errors are within a few steps of float32: 1e-5 of them at most."""
    t = list(traces(name, Aim.CHOICE_EDGE, amax=1777))
    close = [np.abs(v.map4.error - v.map6.error) < 1e-5 * v.map6.error for v in t]
    assert count(lambda c: c, close) > 15
    assert 0 < count(lambda v: v.picked4[:1], t) < len(t)


def test_zeros_have_both_signs():
    x = np.concatenate([t.x.ravel() for t in traces("4over6", Aim.ZEROS)])
    assert np.count_nonzero(x == 0) > 400
    assert 100 < np.count_nonzero(np.signbit(x[x == 0])) < 400


@pytest.mark.parametrize("name", ["4over6", "4over6-16x16", "modelopt-4over6"])
def test_one_step_decides_at_an_edge(name):
    """Five blocks in a row, one float32 step apart: the choice changes after the third."""
    r = fos_ref.PRESETS[name]
    x = choice_edges(r, 8, seed=5)
    picked = fos_ref.trace(x, r, amax=np.float32(1777)).picked4[:: r.block_rows, 0].reshape(-1, 5)
    assert len(picked) > 2
    assert np.all(picked[:, 2] != picked[:, 3])
    assert choice_edges(r, 8, seed=5).tobytes() == x.tobytes() != choice_edges(r, 8, seed=6).tobytes()


def test_edges_need_a_choice():
    with pytest.raises(InputError, match="one candidate"):
        choice_edges(fos_ref.PRESETS["nvfp4"], 1, seed=0)


def test_ordered_integers_count_float32_values():
    x = np.float32([-np.inf, -1, -(2.0**-149), 0, 2.0**-149, 1])
    assert np.array_equal(from_order(order(x)), x)
    assert np.diff(order(np.float32([-(2.0**-149), -0.0, 0.0, 2.0**-149]))).tolist() == [1, 0, 1]


@pytest.mark.parametrize("dtype", DTYPES)
def test_steps_are_those_of_the_dtype(dtype):
    kind = DTYPES[dtype]
    bits = np.uint8([0, 1, 2, 4, 5])
    got = nudged(np.ones(5), bits, dtype)
    one = np.ones(1, kind)
    up, down = np.nextafter(one, kind(2))[0], np.nextafter(one, kind(0))[0]
    assert got.dtype == kind
    assert got.tolist() == [1, float(up), float(down), -1, -float(up)]
    assert nudged(np.array([0.0, 1e300]), np.uint8([1, 1]), dtype).astype(np.float64).tolist() == [
        0,
        float(ml_dtypes.finfo(kind).max),
    ]
    assert nearest(1e-60, dtype) > 0


@given(st.data(), fos.recipes(), fos.dtypes())
def test_a_matrix_has_the_amax_it_was_drawn_for(data, r, dtype):
    a = data.draw(fos.amaxes(r, dtype=dtype))
    x = data.draw(fos.matrices(r, dtype=dtype, shape=(2, 2), amax=float(a)))
    assert x.dtype == DTYPES[dtype]
    assert x.shape == (2 * r.block_rows, 2 * r.block_cols)
    axis = 1 if r.amax_scope.value == "row" else None
    assert np.all(np.abs(x.astype(np.float32)).max(axis=axis) == a)


@given(st.data(), fos.recipes(), fos.dtypes())
def test_a_case_is_what_quantize_takes(data, r, dtype):
    x, amax = data.draw(fos.cases(r, dtype=dtype))
    q = fos_ref.quantize(x, r, amax=amax, engine="numpy")
    assert q.tensor_amax.shape == ((len(x),) if r.amax_scope.value == "row" else ())


def test_what_cannot_be_drawn_is_an_error_that_says_so():
    with pytest.raises(InputError, match="no preset"):
        fos.recipes(lambda _: False)
    for aim, name in ((Aim.CHOICE_EDGE, "nvfp4"), (Aim.SUBNORMAL_SCALE, "fouroversix-mxfp4-static6")):
        with pytest.raises(InputError, match=aim.value):
            fos.blocks(name, 1.0, aim=aim)
    assert set(AIMS) == set(Aim)


@pytest.mark.long
def test_the_example_of_the_docstring_runs():
    """A kernel that is right passes it; one that gives ties to four does not."""
    lines = [line[4:] for line in fos.__doc__.splitlines() if line.startswith("    ") or not line]
    made = {"my_kernel": lambda x: by(lambda: fos_ref.quantize(x, "te-mse-256", engine="numpy"))}
    exec("\n".join(lines), made)  # noqa: S102 -- the documented text itself
    made["test_my_kernel"]()
    made["my_kernel"] = lambda x: by(lambda: MUTANTS["tie-four"].quantize(x, "te-mse-256"))
    with pytest.raises((AssertionError, ExceptionGroup)):  # a group: both of its asserts fail somewhere
        made["test_my_kernel"]()


def by(make):
    q = make()
    return q.codes, q.block_scales


@pytest.mark.long
def test_without_hypothesis_only_the_strategies_are_missing():
    script = (
        "import sys; sys.modules['hypothesis'] = None; "
        "import fos_ref.mutants.catalogue, fos_ref.inputs.aims\n"
        "try: import fos_ref.verify.strategies\nexcept ImportError as e: print(e.name, '|', e)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == (
        "hypothesis | fos_ref.verify.strategies needs the package hypothesis: pip install hypothesis"
    )
