"""GPTQ beside the formula it comes from, on fractions: other arithmetic, the same codes."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import fos_ref
from fos_ref.errors import DtypeError, InputError, RecipeError, ShapeError
from fos_ref.ptq import golden
from fos_ref.ptq.golden import gptq
from tests.ptq.obs import walk

N, K = 4, 48
FORMS = [("once", "as-they-lie"), ("once", "by-diagonal"), ("as-each-block-begins", "as-they-lie")]
E4M3 = [(8 + m) * 2.0 ** (e - 10) if e else m * 2.0**-9 for e in range(16) for m in range(8)]


def problem(seed, columns=K):
    """Return a weight and the whole numbers that its inputs' products are."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-3, 4, (3 * columns, columns)) @ rng.integers(-1, 2, (columns, columns))
    return rng.standard_normal((N, columns)).astype(np.float32), (x.T @ x).astype(np.float64)


def damped(h, kind):
    """Return h as numbers of a kind with 1 % of its mean diagonal added."""
    mean = sum(kind(v) for v in np.diagonal(h).tolist()) / len(h)
    return [[kind(v) + (i == j) * mean / 100 for j, v in enumerate(row)] for i, row in enumerate(h.tolist())]


def steps(q):
    """Return e = s/S of each value, float32."""
    return np.repeat(np.array(E4M3, np.float32)[q.block_scales] / q.encode_scale, 16, axis=1)


def numbers(a, kind):
    """Return a matrix as lists of numbers of a kind, exactly."""
    return [[kind(v) for v in row] for row in a.tolist()]


class Again:
    """What takes the scales of a block from its values as they are, rounded to float32."""

    def __init__(self, amax, kind):
        self.amax, self.kind = amax, kind

    def __call__(self, w, column):
        if column % 16 == 0:
            now = np.array([[float(v) for v in row[column : column + 16]] for row in w], np.float32)
            self.held = [
                row[0] for row in numbers(steps(fos_ref.quantize(now, "4over6", amax=self.amax)), self.kind)
            ]
        return self.held


def check_walk(choice, order, seed, columns, kind):
    """The golden walk has the codes of the formula; no scaled value is too near a midpoint."""
    w, h = problem(seed, columns)
    q = gptq(w, h, "4over6", choice=choice, order=order)
    line = range(columns) if order == "as-they-lie" else np.argsort(-np.diagonal(h), kind="stable").tolist()
    step = numbers(steps(q), kind) if choice == "once" else Again(np.abs(w).max(), kind)
    exact, margin = walk(numbers(w, kind), damped(h, kind), step, list(line))
    assert margin > 1e-5
    halves = np.array([[float(v) for v in row] for row in exact]) / steps(q) * 2
    assert np.array_equal(np.rint(fos_ref.dequantize(q) / steps(q) * 2), np.rint(halves))
    plain = fos_ref.quantize(w, "4over6")
    assert np.array_equal(q.block_scales, plain.block_scales) is (choice == "once")
    assert not np.array_equal(q.codes, plain.codes)


@pytest.mark.parametrize(("choice", "order"), FORMS)
def test_codes_are_those_of_the_formula(choice, order, monkeypatch):
    monkeypatch.setattr(golden, "SPAN", 16)  # three spans
    for seed in (1, 2):
        check_walk(choice, order, seed, K, float)


@pytest.mark.exhaustive
@pytest.mark.parametrize(("choice", "order"), FORMS)
def test_codes_are_those_of_the_formula_on_fractions(choice, order, monkeypatch):
    monkeypatch.setattr(golden, "SPAN", 16)
    for seed in (1, 2):
        check_walk(choice, order, seed, 32, Fraction)


@pytest.mark.parametrize(
    "recipe", ["nvfp4", "fpquant-4over6-mae", "fouroversix-if4-mse", "ocp-mxfp4", "4over6-16x16"]
)
def test_without_correlation_it_rounds_each_value_alone(recipe):
    """Products that are a multiple of the unit matrix leave nothing to move: RTN's scales and values."""
    w = np.random.default_rng(3).standard_normal((32, 160)).astype(np.float32)
    for choice in golden.CHOICES:
        q, plain = gptq(w, np.eye(160), recipe, choice=choice), fos_ref.quantize(w, recipe)
        assert np.array_equal(q.block_scales, plain.block_scales)
        apart = fos_ref.dequantize(q) != fos_ref.dequantize(plain)
        assert np.count_nonzero(apart) == 0


def test_a_column_that_no_input_has_becomes_zero():
    w, h = problem(4)
    h[:, 5] = h[5, :] = 0
    q = gptq(w, h, "nvfp4")
    assert not fos_ref.dequantize(q)[:, 5].any()
    assert np.array_equal(q.block_scales, fos_ref.quantize(w, "nvfp4").block_scales)


@pytest.mark.parametrize("choice", golden.CHOICES)
def test_it_is_better_than_rounding_on_the_inputs_it_saw(choice):
    rng = np.random.default_rng(5)
    w, x = (
        rng.standard_normal((16, 64)).astype(np.float32),
        rng.standard_normal((200, 64)) @ rng.standard_normal((64, 64)),
    )

    def loss(q):
        return np.square((fos_ref.dequantize(q) - w) @ x.T).sum()

    assert loss(gptq(w, x.T @ x, choice=choice)) < 0.8 * loss(fos_ref.quantize(w))


BAD = {
    "no matrix": (DtypeError, "w is a str", {"w": "w"}),
    "three axes": (ShapeError, "whole blocks", {"w": np.ones((1, 2, 32), np.float32)}),
    "no whole block": (ShapeError, "1x16", {"w": np.ones((2, 31), np.float32)}),
    "half": (DtypeError, "float16", {"w": np.ones((2, 32), np.float16)}),
    "a NaN": (InputError, "NaN", {"w": np.full((2, 32), np.nan, np.float32)}),
    "another size": (ShapeError, r"\(32, 32\)", {"hessian": np.eye(16)}),
    "whole numbers": (DtypeError, "int64", {"hessian": np.eye(32, dtype=np.int64)}),
    "not symmetric": (InputError, "symmetric", {"hessian": np.eye(32) + np.eye(32, k=1)}),
    "a negative diagonal": (InputError, "negative", {"hessian": -np.eye(32)}),
    "another choice": (InputError, "as-each-block-begins", {"choice": "twice"}),
    "another order": (InputError, "by-diagonal", {"order": "backwards"}),
    "blocks that begin nowhere": (
        InputError,
        "begins",
        {"choice": "as-each-block-begins", "order": "by-diagonal"},
    ),
    "random bits": (RecipeError, "random bits", {"recipe": "te-train-gradient"}),
    "no such recipe": (RecipeError, "nvfp5", {"recipe": "nvfp5"}),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_refused(name):
    error, words, given = BAD[name]
    arguments = {"w": np.ones((2, 32), np.float32), "hessian": np.eye(32), "recipe": "4over6"} | given
    with pytest.raises(error, match=words):
        gptq(**arguments)
