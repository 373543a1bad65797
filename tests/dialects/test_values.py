"""Values beside bytes: what differs, how far, and what the way back alone does."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import sqrt

import ml_dtypes
import numpy as np

from fos_ref import dequantize, PRESETS, quantize
from fos_ref.dialects import values as module
from fos_ref.dialects.measure import measure, total
from fos_ref.dialects.values import value_sums
from fos_ref.inputs.distributions import make

A, B = PRESETS["te-mse-256"], PRESETS["flashinfer-mse-256"]


def exact(values) -> list[Fraction]:
    return [Fraction(float(v)) for v in np.asarray(values, np.float64).ravel()]


def test_the_figures_are_those_of_exact_arithmetic():
    x = make("normal", (16, 64), 5)
    a, b = PRESETS["te-mse-256"], PRESETS["te-mae-448"]
    va, vb, vx = (exact(v) for v in (dequantize(quantize(x, a)), dequantize(quantize(x, b)), x))
    s = value_sums(x, a, b)
    apart = sum((p - q) ** 2 for p, q in zip(va, vb, strict=True))
    norm = sum(p * p for p in va)
    assert s.values == len(va)
    assert s.differing == sum(p != q for p, q in zip(va, vb, strict=True)) > 0
    assert s.largest == float(max(abs(p - q) for p, q in zip(va, vb, strict=True)))
    assert abs(s.relative - sqrt(apart / norm)) < 1e-12
    for mse, v in zip(s.mse, (va, vb), strict=True):
        want = sum((p - q) ** 2 for p, q in zip(v, vx, strict=True)) / len(vx)
        assert abs(mse - float(want)) <= 1e-12 * float(want)


def test_equal_bytes_have_other_values_where_the_way_back_differs():
    x = make("normal", (64, 256), 0, "bfloat16")
    qa, qb = quantize(x, A), quantize(x, B)
    assert np.array_equal(qa.codes, qb.codes)
    s = value_sums(x, A, B)
    assert s.dequantize_alone == s.differing == np.count_nonzero(dequantize(qa) != dequantize(qb)) > 0
    assert value_sums(x, A, A).dequantize_alone == 0
    alone = replace(qa, recipe=replace(A, dequantize=B.dequantize))
    assert s.dequantize_alone == np.count_nonzero(dequantize(qa) != dequantize(alone))


def test_values_that_are_not_finite_are_counted_and_in_no_sum():
    x = make("normal", (16, 32), 1)
    x[3, 5] = np.nan
    drops = PRESETS["te-cuda-mse-256"]
    s = value_sums(x, drops, replace(drops, dequantize=A.dequantize))
    assert s.nonfinite == 1
    assert np.isfinite(s.difference + s.norm + s.error_a)
    every = value_sums(np.full((1, 16), np.nan, np.float32), A, B)
    assert (every.nonfinite, every.mse) == (16, (None, None))


def test_zeros_of_both_signs_are_one_value_and_a_zero_tensor_has_no_error():
    x = np.array([[0.0, -0.0] * 8], dtype=ml_dtypes.bfloat16)
    s = value_sums(x, PRESETS["4over6"], PRESETS["te-mse-256"])
    assert (s.differing, s.relative, s.mse) == (0, 0.0, (0.0, 0.0))


def test_rows_are_added_up_to_the_whole(monkeypatch):
    x = make("heavy-tailed", (37, 64), 2)
    whole = value_sums(x, A, PRESETS["te-mae-448"])
    monkeypatch.setattr(module, "_AT_ONCE", 64)
    parts = value_sums(x, A, PRESETS["te-mae-448"])
    assert (parts.values, parts.differing, parts.largest) == (whole.values, whole.differing, whole.largest)
    assert abs(parts.relative - whole.relative) < 1e-12  # another order of float64 sums


def test_a_total_is_the_sum_of_its_tensors():
    xs = [make(name, (16, 64), 3, "bfloat16") for name in ("normal", "coarse", "zero-laden")]
    a, b = PRESETS["te-mse-256"], PRESETS["flashinfer-default-mae-256"]
    each = [measure(x, a, b) for x in xs]
    t = total(each)
    assert t.found.differing == sum(m.found.differing for m in each) > 0
    assert t.undecided.either == sum(m.undecided.either for m in each) > 0
    assert t.undecided.a == 0
    assert t.values.values == sum(x.size for x in xs)
    assert t.values.largest == max(m.values.largest for m in each)
    by_axes = {s.axes: s for s in t.found.axes}
    for m in each:
        assert {s.axes for s in m.found.axes} == set(by_axes)
    for axes, s in by_axes.items():
        assert s.explained == sum(o.explained for m in each for o in m.found.axes if o.axes == axes)
