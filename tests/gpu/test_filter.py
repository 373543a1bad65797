"""The fast path under g++: its rounding, its division by 6, its bound, and its bytes beside the model's.

The proof stands at the head of csrc/fos_filter.h; each of its steps is tried here.
"""

from __future__ import annotations

import ctypes
import shutil
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from fos_gpu.build import host
from fos_gpu.build.host import FastKernel, HostKernel, stacked
from fos_gpu.build.kernels import has_fast
from fos_gpu.build.lower import admitted, FILTER, source
from fos_gpu.proof.beside import differing, SUPPORTED
from fos_ref.formats.catalog import E2M1, E4M3
from fos_ref.formats.codec import decode, encode
from fos_ref.inputs.choice_edges import AMAX, choice_edges
from fos_ref.inputs.distributions import make
from fos_ref.model.quantize import tensor_amax, tensor_scales
from fos_ref.proof.engine import NAN, Task
from fos_ref.recipes.axes import AmaxScope, ErrorDomain, ErrorMetric, NonFinite
from tests.gpu.cases import BY_NAME, inputs

pytestmark = pytest.mark.skipif(
    shutil.which("g++") is None, reason="g++ is not installed: the header is not run"
)

ADMITTED = tuple(r for r in SUPPORTED if admitted(r))
CHOOSING = tuple(r for r in ADMITTED if r.chooses and r.block_rows == 1)
#: Both rules of signs, sums of squares and of sizes, tiles, a scale per row.
FEW = ("4over6", "te-mae-448-row", "te-mse-256-16x16")
SIX = np.float32(6)
UNIT = 2.0**-14  #: what the fast path's values are multiplied by
E4M3_PAIRS = ("-DFOS_PAIRS=e4m3",)
F64 = np.float64

kernel = cache(FastKernel)


def library(r):
    return ctypes.CDLL(str(host.build(r, (*host.DEFAULT, host.FAST))))


def address(a):
    return ctypes.c_void_p(a.ctypes.data)


def scales_of(amax, r):
    return tensor_scales(np.float32(amax), r, np.dtype(np.float32))


def over_maximum(b):
    out = np.empty_like(b)
    library(BY_NAME["4over6"]).fos_over_maximum(address(b), ctypes.c_longlong(b.size), address(out))
    return out


@pytest.mark.long
def test_a_product_and_a_correction_divide_by_six():
    g = np.random.default_rng(0)
    fractions = np.concatenate(
        [g.integers(0, 1 << 23, 200_000), np.arange(4096), (1 << 23) - 1 - np.arange(4096)]
    )
    exponents = g.integers(127 - 70, 127 + 63, fractions.size)
    b = (fractions.astype(np.uint32) | (exponents.astype(np.uint32) << 23)).view(np.float32)
    assert np.array_equal(over_maximum(b), b / SIX)


@pytest.mark.exhaustive
def test_every_significand_is_divided_by_six():
    for exponent in (127 - 70, 127, 128, 127 + 63):
        b = (np.arange(1 << 23, dtype=np.uint32) | np.uint32(exponent << 23)).view(np.float32)
        assert np.array_equal(over_maximum(b), b / SIX)


def rounded(x, scales, byte, six):
    out, three = np.empty_like(x), stacked(scales)
    arguments = (
        ctypes.c_longlong(x.size),
        address(three),
        ctypes.c_int(byte),
        ctypes.c_int(six),
        address(out),
    )
    library(BY_NAME["4over6"]).fos_rounded(address(x), *arguments)
    return out


def around(targets, steps):
    """Return the float32 values within `steps` steps of each target."""
    near = np.asarray(targets, np.float32).view(np.int32)[:, None] + np.arange(-steps, steps + 1)
    return np.abs(near.astype(np.int32).view(np.float32).ravel())


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("byte", "six"), [(0x38, 0x38), (0x3D, 0x38), (0x07, 0x04), (0x0B, 0x06), (0x7E, 0x7E)]
)
def test_values_round_to_the_nearest_code_ties_to_even(byte, six):
    """Midpoints, binades' ends, and what lies between; the factor runs over float32 significands."""
    g = np.random.default_rng(byte)
    s = F64(decode(np.array([byte], np.uint8), E4M3)[0])
    for amax in g.uniform(1, 2, 12).astype(np.float32) * 2.0 ** g.integers(-20, 20, 12):
        scales = scales_of(amax, BY_NAME["4over6"])
        factor = np.float32(1) / np.float32(np.float32(s) * scales.decode)
        y = np.concatenate([np.arange(0, 28) / 4, [1 / 128, 2 - 1 / 64, 4 - 1 / 32], g.uniform(0, 6.99, 500)])
        x = around(y / F64(factor), 6)
        got = x * factor
        x, got = x[got < 7], got[got < 7]
        want = decode(encode(got.astype(F64), E2M1), E2M1)
        assert np.array_equal(rounded(x, scales, byte, six), want)


def test_the_larger_scale_is_at_most_1_75_times_the_smaller():
    """Every byte: the largest base that rounds to it, times 1.5, or its value times 1.5."""
    value = decode(np.arange(0x7F, dtype=np.uint8), E4M3)
    for byte in range(3, 0x7E):
        edge = np.float32((value[byte] + value[byte + 1]) / 2)
        edge = min(edge, np.float32(value[byte] * 7 / 6))  # beyond it a scaled amax is 7 or more
        for expanded in (edge * 1.5, value[byte] * 1.5, edge * 1.5 * (1 + 2.0**-22)):
            four = decode(encode(np.array([min(expanded, 448)], F64), E4M3), E4M3)[0]
            assert four / value[byte] <= 1.75


def errors_beside(r, x, amax):
    """Return what share of the bound the cheap errors' difference uses, block by block."""
    scales = scales_of(amax, r)
    x, three = np.ascontiguousarray(x.reshape(-1, 16), dtype=np.float32), stacked(scales)
    out = np.empty((len(x), 4), np.float32)
    library(r).fos_judged(address(x), ctypes.c_longlong(len(x)), address(three), address(out))
    unit = 1.0 if r.error_domain is ErrorDomain.SCALED else F64(scales.decode)
    own, power = (unit**2, UNIT**2) if r.error_metric is ErrorMetric.MSE else (unit, UNIT)
    delta, limit, e6, e4 = out[~np.isnan(out[:, 0])].astype(F64).T
    return np.abs((e4 - e6) / own * power - delta) / limit


def test_the_bound_holds_and_is_not_idle():
    r = BY_NAME["4over6"]
    x = np.random.default_rng(3).standard_normal((20_000, 16)).astype(np.float32) * np.float32(300)
    share = errors_beside(r, np.concatenate([x, choice_edges(r, 40, 5)]), AMAX)
    assert share.size > 19_000
    assert share.max() <= 1
    assert share.max() > 0.02


def compared(k, r) -> tuple[int, int]:
    """Return (blocks, differing bytes) over the small inputs and blocks on the edge of a choice."""
    blocks = bad = 0
    for kind, x in inputs():
        if kind == NAN and r.nonfinite is NonFinite.RAISE:
            continue
        blocks += x.size // 16
        bad += differing(k, x, r, Task(kind, 0, ()))
    return blocks, bad


def on_edges(k, r, blocks, seed=1) -> int:
    """Return how many bytes differ from the recipe word for word on blocks at the edge of a choice."""
    x = choice_edges(r, blocks, seed)
    by_row = r.amax_scope is AmaxScope.ROW
    scales = tensor_scales(np.full(len(x), AMAX, np.float32) if by_row else np.float32(AMAX), r, x.dtype)
    pairs = zip(k.quantize(x, scales), HostKernel(r).quantize(x, scales), strict=True)
    return sum(int(np.count_nonzero(a != b)) for a, b in pairs)


@pytest.mark.sample(1)
@pytest.mark.parametrize("name", FEW)
def test_the_fast_path_gives_the_model_s_bytes(name):
    blocks, bad = compared(kernel(BY_NAME[name]), BY_NAME[name])
    assert bad == 0
    assert blocks >= 3000


@pytest.mark.long
def test_pairs_as_e4m3_give_the_same_bytes():
    r = BY_NAME["4over6"]
    assert compared(FastKernel(r, (*host.DEFAULT, *E4M3_PAIRS)), r)[1] == 0


@pytest.mark.long
@pytest.mark.parametrize("name", ["4over6", "te-mae-448-row"])
def test_the_edge_of_a_choice_is_left_to_the_recipe(name):
    r, k = BY_NAME[name], FastKernel(BY_NAME[name])
    assert on_edges(k, r, 40) == 0
    assert k.literal > 0


@pytest.mark.long
def test_without_the_bound_choices_at_the_edge_are_wrong(monkeypatch):
    text = source(FILTER)
    loose = text.replace("kLarger = 1.001", "kLarger = 1e-9")
    assert loose != text
    monkeypatch.setattr(host, "source", lambda name: loose if name == FILTER else source(name))
    assert on_edges(FastKernel(BY_NAME["4over6"]), BY_NAME["4over6"], 40) > 0


def test_few_usual_blocks_are_left_to_the_recipe():
    r = BY_NAME["4over6"]
    k, x = FastKernel(r), make("normal", (1024, 1024), 0, "bfloat16")
    k.quantize(x, tensor_scales(tensor_amax(x.astype(np.float32), r), r, x.dtype))
    assert k.seen == 65_536
    assert k.literal / k.seen < 4e-4


@pytest.mark.long
def test_tensor_scales_that_disagree_are_left_to_the_recipe():
    r = BY_NAME["4over6"]
    k, x = FastKernel(r), make("normal", (16, 256), 0, "float32")
    scales = tensor_scales(tensor_amax(x, r), r, x.dtype)
    off = replace(scales, decode=np.float32(scales.decode * np.float32(1 + 2.0**-20)))
    pairs = zip(k.quantize(x, off), HostKernel(r).quantize(x, off), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)
    assert k.literal == k.seen == 256


def test_a_switch_leaves_every_block_to_the_recipe(monkeypatch):
    assert has_fast(BY_NAME["4over6"])
    monkeypatch.setenv("FOS_FAST", "0")
    assert not has_fast(BY_NAME["4over6"])
    monkeypatch.delenv("FOS_FAST")
    assert not has_fast(BY_NAME["modelopt-4over6"])


@pytest.mark.exhaustive
@pytest.mark.parametrize("r", ADMITTED, ids=lambda r: r.name)
def test_every_preset_and_its_edges(r):
    k = kernel(r)
    assert compared(k, r)[1] == 0
    if r.chooses:
        assert on_edges(k, r, 200) == 0


@pytest.mark.exhaustive
@pytest.mark.parametrize("r", CHOOSING, ids=lambda r: r.name)
def test_the_bound_of_every_choice(r):
    if r.amax_scope is AmaxScope.ROW:
        pytest.skip("its bound is that of the recipe with one amax")
    x = np.random.default_rng(4).standard_normal((100_000, 16)).astype(np.float32) * np.float32(300)
    assert errors_beside(r, np.concatenate([x, choice_edges(r, 400, 6)]), AMAX).max() <= 1
