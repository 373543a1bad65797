"""The error filter of the compiled engine: its bound holds, and what is close is called close.

The proof is the docstring of fos_ref/fast/filter.py. Here its conclusion is compared with the model's own
float32 errors, on blocks made to meet many roundings in one direction and on blocks aimed at the bound.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle, product

import ml_dtypes
import numpy as np
import pytest

import fos_ref
from fos_ref.fast.admit import filter_holds, LARGEST, OTHER_ERRORS, SMALLEST, TOLERANCE, TWO_STEPS
from fos_ref.fast.known import KNOWN
from fos_ref.inputs.distributions import make
from fos_ref.model.quantize import tensor_amax, tensor_scales
from fos_ref.model.rounding import moved
from fos_ref.recipes.axes import (
    BlockShape,
    ElementScaling,
    ErrorDomain,
    ErrorMetric,
    Reduction,
    TensorScale,
)
from tests.fast.chunk import irregular, LANES, ROW, see
from tests.fast.filter_blocks import aimed, as_matrix, FAMILIES, random_blocks, regular_blocks, whole_chunks

BASE = fos_ref.PRESETS["4over6"]
DOMAINS = tuple(d for d in ErrorDomain if d in KNOWN["error_domain"] and d not in OTHER_ERRORS)
FUSED = (Reduction.FUSED_SEQUENTIAL, Reduction.FUSED_EVEN_ODD)
HALVED = (Reduction.HALVES, Reduction.FUSED_EVEN_ODD)  #: orders that a tile does not have
CONSISTENT = (
    TensorScale.CLAMPED,
    TensorScale.DECODE_QUOTIENT,
    TensorScale.DECODE_RECIPROCALS,
    TensorScale.RECIPROCAL_IN_INPUT_DTYPE,
)
EXPONENTS = (-44, -20, 0, 17, 39)  #: of D
AIMS = {False: (-0.9, -0.5, 0.0, 0.5, 0.9), True: (-3.0, -1.2, 1.2, 3.0)}  #: is decided: bounds apart
PROVED = 1 / 1.001  #: the constants are larger than the proof asks by a thousandth


def flat(scales):
    return [np.asarray(v, np.float32).reshape(-1) for v in (scales.amax, scales.encode, scales.decode)]


def orders(shape):
    """Return every (metric, reduction) whose recipe the filter may decide for."""
    sums = [(ErrorMetric.MSE, order) for order in Reduction]
    sums += [(ErrorMetric.MAE, order) for order in Reduction if order not in FUSED]
    tiled = shape is BlockShape.TILE_16X16
    return [s for s in sums if not (tiled and s[1] in HALVED)] + [(ErrorMetric.ABS_MAX, None)]


#: Those that the filter may hold for: the others scale an element in two roundings.
SCALINGS = tuple(m for m in ElementScaling if m not in TWO_STEPS)


def recipes(domain, scalings=None):
    """Return recipes of a domain: every shape, metric and order; the other axes in turn, or `scalings`."""
    turns = zip(cycle(SCALINGS), cycle(CONSISTENT[:3]), cycle((256, 448, 448, 256, 256)), strict=False)
    for shape in (BlockShape.ROW_16, BlockShape.TILE_16X16):
        for metric, order in orders(shape):
            scaling, tensor_scale, scale_max = next(turns)
            for each in scalings or (scaling,):
                yield replace(
                    BASE,
                    error_domain=domain,
                    block_shape=shape,
                    error_metric=metric,
                    reduction=order,
                    element_scaling=each,
                    tensor_scale=tensor_scale,
                    scale_max=scale_max,
                )


def tensor_scales_of(r, exponent, seed):
    """Return scales with D of about 2^exponent; for odd seeds A and S are moved as far as is admitted."""
    g = np.random.default_rng(seed)
    for _ in range(1000):
        amax = np.float32(g.uniform(1, 2) * r.range_max * 2.0**exponent)
        scales = tensor_scales(np.asarray(amax), r)
        if seed % 2:
            ups = g.integers(-5, 6, 2)
            a, s = moved(scales.amax, int(ups[0])), moved(scales.encode, int(ups[1]))
            scales = replace(scales, amax=np.asarray(a), encode=np.asarray(s))
        if filter_holds(r, flat(scales)):
            return scales
    pytest.fail(f"no tensor scales for which the filter holds: {r}")


def largest_share(r, exponent, seed, families, count):
    """Return the largest share of the bound that a regular block's difference takes."""
    scales, most = tensor_scales_of(r, exponent, seed), 0.0
    for family in families:
        x = regular_blocks(random_blocks(family, scales, ROW * r.block_rows, count, seed), scales, r)
        seen = see(as_matrix(whole_chunks(x), r), scales, r)
        assert not irregular(seen.trace).any()
        assert np.array_equal(seen.choices[seen.decided], seen.trace.picked4[0][seen.decided])
        most = max(most, float(seen.shares.max()))
    return most


@pytest.mark.long
@pytest.mark.parametrize("domain", DOMAINS)
def test_the_recipe_s_errors_lie_within_the_bound(domain):
    shares = []
    for i, r in enumerate(recipes(domain)):
        for j, exponent in enumerate(EXPONENTS[::2]):
            families = ("equal", FAMILIES[(i + j) % len(FAMILIES)])
            count = 256 if r.block_rows == 1 else LANES
            shares.append(largest_share(r, exponent, 5 * i + j, families, count))
    assert max(shares) <= 1
    assert max(shares) > 0.2  # the bound is not idle: rounding alone goes this far


@pytest.mark.exhaustive
@pytest.mark.parametrize("domain", DOMAINS)
def test_the_recipe_s_errors_lie_within_the_bound_for_every_scaling(domain):
    shares = [
        largest_share(r, exponent, seed, FAMILIES, 1024 if r.block_rows == 1 else LANES)
        for r in recipes(domain, SCALINGS)
        for exponent, seed in product(EXPONENTS, range(2))
    ]
    print(f"{domain.value}: {len(shares)} tensors, largest share of the bound {max(shares):.3f}")  # noqa: T201 -- `-s` shows it
    assert max(shares) <= 1


METRICS = ("4over6", "4over6-mae", "4over6-absmax", "4over6-16x16", "4over6-mae-16x16", "4over6-absmax-16x16")


@pytest.mark.sample(3)
@pytest.mark.parametrize("name", [*METRICS, "te-mse-448-fast", "llmcompressor-4over6-mae", "quartet2-4over6"])
def test_close_blocks_are_called_close(name):
    """One block aimed at the bound stands in each chunk, among blocks that are far from a tie."""
    r = fos_ref.PRESETS[name]
    scales = tensor_scales_of(r, -3, 0)
    x = regular_blocks(random_blocks("normal", scales, ROW * r.block_rows, 512, 0), scales, r)
    apart = _apart(see(as_matrix(whole_chunks(x), r), scales, r))[: len(x)]
    far = np.resize(x[np.abs(apart) > 5], (LANES, x.shape[1]))
    made = [random_blocks(f, scales, ROW * r.block_rows, 64, 1) for f in ("normal", "equal", "two-levels")]
    start, met = regular_blocks(np.concatenate(made), scales, r), 0
    for decided, aims in AIMS.items():
        for aim in aims:
            close = aimed(start, scales, r, aim)
            met += len(close)
            for i, block in enumerate(close[:: len(close) // 8 + 1]):
                chunk, lane = far.copy(), i * 7 % LANES
                chunk[lane] = block
                seen = see(as_matrix(chunk, r), scales, r)
                assert np.flatnonzero(~seen.decided).tolist() == ([] if decided else [lane])
                assert np.array_equal(seen.choices[seen.decided], seen.trace.picked4[0][seen.decided])
    assert met >= 90


def _apart(seen):
    """Return how many bounds the two errors are apart, signed."""
    return (seen.weighted[1] - seen.weighted[0]) / seen.bounds.sum(axis=0)


@pytest.mark.parametrize("name", METRICS)
def test_nothing_is_decided_within_the_bound(name):
    r, shares = fos_ref.PRESETS[name], {}
    for family in ("normal", "coarse", "heavy-tailed", "worst-case", "near-max"):
        x = make(family, (r.block_rows, 16 * LANES * ROW), 3, "float32")
        seen = see(x, tensor_scales(tensor_amax(x, r), r), r)
        inside = seen.decided
        difference = np.abs(seen.weighted[1] - seen.weighted[0])[inside]
        assert np.all(difference > PROVED * seen.bounds.sum(axis=0)[inside])
        assert np.array_equal(seen.choices[inside], seen.trace.picked4[0][inside])
        shares[family] = seen.decided.mean()
    assert shares["normal"] > 0
    assert min(shares.values()) < 1


@pytest.mark.parametrize("dtype", [np.float32, ml_dtypes.bfloat16, np.float16])
@pytest.mark.parametrize("name", ["4over6", "4over6-mae", "te-mse-256", "fouroversix-mse", "quartet2-4over6"])
def test_usual_blocks_take_the_fast_path(name, dtype):
    r = fos_ref.PRESETS[name]
    x = make("normal", (1, 256 * LANES * ROW), 1, "float32").astype(dtype)
    decided = see(x, tensor_scales(tensor_amax(x.astype(np.float32), r), r, x.dtype), r).decided
    assert np.count_nonzero(~decided) <= decided.size // 500


def _with(x, lane, values):
    """Return x with the block at `lane` of its second chunk changed."""
    x = x.copy()
    first = (LANES + lane) * ROW
    x[0, first : first + ROW] = values(x[0, first : first + ROW])
    return x


UNUSUAL = {
    "zero block": np.zeros_like,
    "NaN": lambda v: np.where(np.arange(ROW) == 9, np.float32(np.nan), v),
    "infinity": lambda v: np.where(np.arange(ROW) == 0, np.float32(-np.inf), v),
    "scale of zero": lambda v: v * np.float32(1e-6),
    "beyond the amax": lambda v: v + np.float32(16),
    "subnormal": lambda v: v * np.float32(1e-39),
}


@pytest.mark.parametrize("what", UNUSUAL)
def test_an_unusual_block_is_left_to_the_literal_path_and_no_other(what):
    r = fos_ref.PRESETS["te-mse-256"]
    x = make("normal", (1, 3 * LANES * ROW), 2, "float32")
    scales = tensor_scales(tensor_amax(x, r), r)
    assert see(x, scales, r).decided.all()
    for lane in (0, 37, LANES - 1):
        changed = _with(x, lane, UNUSUAL[what])
        assert np.flatnonzero(~see(changed, scales, r).decided).tolist() == [LANES + lane]


@pytest.mark.parametrize("ulps", [1, -1])
def test_scales_that_disagree_by_more_than_the_proof_allows_are_refused(ulps):
    scales = tensor_scales(np.float32(3.7), BASE)
    for name in ("amax", "encode", "decode"):
        away = scales
        while filter_holds(BASE, flat(away)):
            away = replace(away, **{name: np.asarray(moved(getattr(away, name), ulps))})
        a, s, d = (np.float64(v[0]) for v in flat(away))
        pairs = np.abs(np.array([d * s, a / BASE.range_max / d, a / BASE.range_max * s]) - 1)
        assert TOLERANCE < pairs.max() <= TOLERANCE + 2.0**-23


@pytest.mark.parametrize(("exponent", "held"), [(-45, False), (-44, True), (40, True), (41, False)])
def test_the_size_of_d_is_bounded(exponent, held):
    d = np.float32([2.0**exponent])
    assert filter_holds(BASE, [d * np.float32(BASE.range_max), 1 / d, d]).tolist() == [held]
    assert (SMALLEST <= d[0] <= LARGEST) == held
