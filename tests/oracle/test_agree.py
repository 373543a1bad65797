"""The comparison itself: one wrong bit in any step is seen and named; NaN equals NaN."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import fos_ref
from fos_ref.errors import BitMismatch
from fos_ref.oracle import exact
from fos_ref.proof.oracle import lists
from fos_ref.proof.oracle.agree import compare, problems, tensors
from fos_ref.proof.oracle.inputs import cases
from tests.oracle.words import bits_of

CASE = cases()[0]
LAST = (15, 1)
#: Attribute of a candidate: the name of its step.
STEPS = {"base": "base", "scale_code": "scale byte", "scale": "scale", "multiplier": "multiplier"}
STEPS |= {"scaled": "scaled", "codes": "codes", "values": "values", "error": "error"}


def next_to(v: np.ndarray) -> np.ndarray:
    """Return an array with the last bit of its last value changed."""
    v = v.copy()
    v.flat[-1] = np.nextafter(v.flat[-1], np.float32(9)) if v.dtype == np.float32 else v.flat[-1] ^ 1
    return v


def refused(t: fos_ref.engines.front.Trace, where: str) -> None:
    found = list(problems(CASE.x, t, CASE.arguments))
    assert [p is not None for p in found] == [False] * 31 + [True]
    assert found[-1].startswith(where)
    with pytest.raises(BitMismatch):
        compare(CASE.x, t, CASE.arguments)


def test_what_agrees_is_counted():
    t = fos_ref.trace(CASE.x, "4over6")
    assert compare(CASE.x, t, CASE.arguments) == 32
    assert compare(CASE.x, t, CASE.arguments, every=5) == 7


@pytest.mark.sample(6)
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("side", ["map6", "map4"])
def test_a_bit_of_a_candidate_is_seen(step, side):
    t = fos_ref.trace(CASE.x, "4over6")
    c = getattr(t, side)
    wrong = replace(t, **{side: replace(c, **{step: next_to(getattr(c, step))})})
    refused(wrong, f"{STEPS[step]}, {side} of {LAST}")


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("block_amax", "block amax"),
        ("base", "base"),
        ("codes", "kept codes"),
        ("block_scales", "kept block scale"),
        ("picked4", "picked4"),
    ],
)
def test_a_bit_of_the_result_is_seen(field, name):
    t = fos_ref.trace(CASE.x, "4over6")
    refused(replace(t, **{field: next_to(getattr(t, field))}), f"{name} of {LAST}")


@pytest.mark.parametrize(("field", "name"), [("amax", "A"), ("encode", "S"), ("decode", "D")])
def test_a_bit_of_a_tensor_scale_is_seen(field, name):
    t = fos_ref.trace(CASE.x, "4over6")
    wrong = replace(t, scales=replace(t.scales, **{field: next_to(np.asarray(getattr(t.scales, field)))}))
    with pytest.raises(
        BitMismatch, match=rf"^{name} of \(0, 0\): model [0-9A-F]{{8}}, oracle [0-9A-F]{{8}}$"
    ):
        compare(CASE.x, wrong, CASE.arguments)


@pytest.mark.parametrize(
    ("step", "name"), [("dequantize_matrix", "dequantized"), ("differences", "differences, map6")]
)
def test_a_bit_of_what_the_trace_does_not_keep_is_seen(step, name, monkeypatch):
    t, real = fos_ref.trace(CASE.x, "4over6"), getattr(lists, step)
    monkeypatch.setattr(lists, step, lambda *args: next_to(real(*args)))
    refused(t, f"{name} of {LAST}, first at 15: model")


def test_a_candidate_that_is_not_there_is_seen():
    with pytest.raises(BitMismatch, match=r"candidates, map4 of \(0, 0\): model True, oracle False"):
        compare(CASE.x, replace(fos_ref.trace(CASE.x, "4over6"), map4=None), CASE.arguments)
    t = fos_ref.trace(CASE.x, "4over6")
    with pytest.raises(BitMismatch, match="error, map6"):
        compare(CASE.x, replace(t, map6=replace(t.map6, error=None)), CASE.arguments)


def test_the_sign_of_a_zero_counts_where_it_was_scaled():
    x = np.zeros((1, 16), np.float32)
    t = fos_ref.trace(x, "te-nvfp4")
    assert compare(x, t, {}) == 1
    with pytest.raises(BitMismatch, match=r"signs, map6 of \(0, 0\), first at 0: model True, oracle False"):
        compare(x, replace(t, map6=replace(t.map6, scaled=-t.map6.scaled)), {})


def test_nan_equals_nan_and_nothing_else():
    x = np.ones((1, 32), np.float32)
    x[0, 3] = -np.nan
    t = fos_ref.trace(x, "te-cuda-mse-256")
    assert np.isnan(t.map6.scaled[0, 0, 3])
    assert compare(x, t, {}) == 2
    t.map6.scaled[0, 0, 3] = 1
    with pytest.raises(
        BitMismatch, match=r"scaled, map6 of \(0, 0\), first at 3: model .{8}, oracle 7FC00000"
    ):
        compare(x, t, {})


def test_the_tensor_scales_come_from_the_input():
    t = fos_ref.trace(CASE.x, "4over6")
    assert [s.amax for s in tensors(CASE.x, t, {})] == [exact.from_bits(bits_of(np.abs(CASE.x).max())[0])]
    rows = tensors(CASE.x, fos_ref.trace(CASE.x, "te-mse-256-row"), {})
    assert [s.amax for s in rows] == [exact.from_bits(b) for b in bits_of(np.abs(CASE.x).max(axis=1))]
