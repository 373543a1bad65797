"""Searches: order, ties, what a NaN does, ranges before the tensor scale, the power that ranges them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, localcontext

import ml_dtypes
import numpy as np
import pytest

import fos_ref
from fos_ref.engines.registry import load_engine
from fos_ref.errors import RecipeError, ToolchainError
from fos_ref.formats.bits import f32_hex
from fos_ref.model.power import power
from fos_ref.model.search import tried
from fos_ref.model.trace import Blocks
from fos_ref.oracle.exact import from_bits, PRECISIONS, to_bits
from fos_ref.oracle.power import power as oracle_power
from fos_ref.recipes.axes import Candidates, ErrorDomain, ErrorMetric, Reduction, Tie
from fos_ref.recipes.searches import SEARCHES

SEARCHED = [r for name, r in fos_ref.PRESETS.items() if r.search is not None]
DTYPES = [np.dtype(d) for d in (np.float32, np.float16, ml_dtypes.bfloat16)]
AFTER = [r for r in SEARCHED if r.candidates is not Candidates.RANGES]
X = np.random.default_rng(0).standard_normal((4, 64)).astype(np.float32)


def test_what_is_tried_and_in_which_order():
    factors = [f for (f,) in SEARCHES[Candidates.FACTORS].factors]
    assert (len(factors), factors[:3], factors[-1]) == (102, [1.0, 0.5, 0.51], 1.51)
    ranges = SEARCHES[Candidates.RANGES].factors
    assert (len(ranges), ranges[0], ranges[-1]) == (111, (1.8, 1.0), (1.8, 1 - 110 / 200))
    assert SEARCHES[Candidates.SCALES].codes == tuple(range(1, 0x7F))
    assert sorted(r.name for r in SEARCHED) == [
        "auto-round-nvfp4-search",
        "llmcompressor-expanded-mse",
        "scale-optimum",
    ]


@pytest.mark.parametrize("r", AFTER, ids=lambda r: r.name)
def test_the_first_of_the_least_errors_is_kept(r):
    t = fos_ref.trace(X, r)
    seen = []

    def note(some: Blocks, base):
        seen.append(np.broadcast_to(base, some.amax.shape))

    list(tried(Blocks(x=t.x, amax=t.block_amax, scales=t.scales), r, note))
    one = replace(
        r, name="one", candidates=Candidates.SIX, error_domain=None, error_metric=None, reduction=None
    )
    assert len(seen) == (126 if r.search.codes else 102)
    assert t.map4 is None
    assert not t.picked4.any()
    assert (t.map6.error <= fos_ref.trace(X, replace(r, name="r")).map6.error).all()
    kept = [np.flatnonzero(np.array([s[i] for s in seen]) == t.map6.base[i]) for i in np.ndindex(4, 4)]
    assert all(len(k) for k in kept)
    plain = fos_ref.dequantize(fos_ref.quantize(X, one))
    assert ((fos_ref.dequantize(fos_ref.quantize(X, r)) - X) ** 2).sum() < ((plain - X) ** 2).sum() * 0.8


def test_no_scale_beats_the_optimum():
    best = fos_ref.trace(X, "scale-optimum").map6.error
    for name in ("nvfp4", "te-mse-448"):
        q = fos_ref.quantize(X, name)
        d = (fos_ref.dequantize(q) - X).astype(np.float64).reshape(4, 4, 16)
        assert (best <= (d * d).sum(-1) * (1 + 1e-5)).all()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_ranges_are_chosen_before_the_tensor_scale(dtype):
    x = X.astype(dtype)
    t = fos_ref.trace(x, "llmcompressor-expanded-mse")
    assert t.tensor_amax == t.block_amax.max() > np.abs(X).max()
    given = fos_ref.trace(x, "llmcompressor-expanded-mse", amax=np.float32(64))
    assert given.tensor_amax == 64
    assert np.array_equal(given.block_amax, t.block_amax)
    wide = np.vstack([x, x * 2])
    assert fos_ref.quantize(wide, "llmcompressor-expanded-mse").tensor_amax == 2 * t.tensor_amax


def test_a_nan_replaces_nothing_and_the_widest_range_stays():
    x = X.copy()
    x[1, 3] = np.nan
    t = fos_ref.trace(x, "llmcompressor-expanded-mse", amax=np.float32(4))
    assert np.isnan(t.block_amax[1, 0])
    zero = fos_ref.trace(np.zeros((1, 16), np.float32), "llmcompressor-expanded-mse")
    assert zero.block_scales.tolist() == [[0x20]]


@pytest.mark.parametrize(
    ("r", "engine"),
    [*((r, "numba") for r in SEARCHED), (fos_ref.PRESETS["llmcompressor-expanded-mse"], "host")],
    ids=lambda v: getattr(v, "name", v),
)
def test_other_engines_refuse_a_search_by_its_axis(r, engine):
    reason = load_engine(engine).refuses(r)
    assert f"candidates {r.candidates.value!r}" in reason
    with pytest.raises(ToolchainError, match="candidates 'search-"):
        fos_ref.quantize(X, r, engine=engine)
    assert fos_ref.quantize(X, r).codes.shape == (4, 32)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"tie": Tie.SIX}, "tie must not be set"),
        ({"error_domain": ErrorDomain.UNSCALED}, "'unscaled' goes with ranges"),
        ({"error_metric": ErrorMetric.POWER}, "error_domain has to be 'unscaled'"),
        ({"error_metric": None}, "error_metric not set"),
        ({"reduction": None}, "for a sum"),
    ],
)
def test_what_a_search_may_not_be(change, why):
    with pytest.raises(RecipeError, match=why):
        replace(fos_ref.PRESETS["scale-optimum"], name="own", **change)
    assert replace(fos_ref.PRESETS["scale-optimum"], name="own", reduction=Reduction.TORCH_CPU)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_the_power_is_rounded_once_to_float32(dtype):
    g = np.random.default_rng(1)
    with np.errstate(over="ignore"):
        a = np.exp2(g.uniform(-60, 50, 400)).astype(dtype).astype(np.float32)
    a = np.append(a[np.isfinite(a)], np.float32([0, 1, 2.0**-32, 2.0**-149, 3e38])).astype(np.float32)
    got = [to_bits(from_bits(int(b))) for b in power(a, dtype).view(np.uint32)]
    want = [to_bits(oracle_power(from_bits(int(b)), PRECISIONS[dtype.name])) for b in a.view(np.uint32)]
    assert got == want


def test_the_power_where_float64_is_in_doubt(monkeypatch):
    """Between two float32 values exact digits decide: with every float64 in doubt nothing changes."""
    a = np.exp2(np.random.default_rng(2).uniform(-20, 20, 50)).astype(np.float32)
    want = power(a, DTYPES[0])
    monkeypatch.setattr("fos_ref.model.power._DOUBT", 2.0**-26)
    assert np.array_equal(power(a, DTYPES[0]), want)
    with localcontext() as c:
        c.prec = 60
        exact = [float(Decimal(float(v)) ** Decimal(float(np.float32(2.4)))) for v in a]
    assert [f32_hex(v) for v in want] == [f32_hex(np.float32(v)) for v in exact]
