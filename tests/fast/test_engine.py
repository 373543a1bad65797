"""The compiled engine gives the NumPy model's bytes: every preset, every kind of input, any size."""

from __future__ import annotations

import threading
from dataclasses import replace

import ml_dtypes
import numba
import numpy as np
import pytest

import fos_ref
from fos_ref.engines.numpy_engine import NumpyEngine
from fos_ref.engines.registry import load_engine
from fos_ref.fast import engine as fast_engine
from fos_ref.fast.admit import filter_holds
from fos_ref.fast.config import FIELDS
from fos_ref.fast.kernel import quantize_range
from fos_ref.fast.known import KNOWN
from fos_ref.fast.threads import shared_out
from fos_ref.inputs.distributions import make
from fos_ref.model.quantize import tensor_amax, tensor_scales
from fos_ref.recipes.axes import RangeFactor
from fos_ref.recipes.recipe import field_kind

RECIPES = [r for name, r in fos_ref.PRESETS.items() if name == r.name and r.search is None]
MODEL = NumpyEngine()
#: Values of searches among many scales, which have no compiled step.
OF_SEARCHES = {"FACTORS", "RANGES", "SCALES", "RECIPROCALS", "UNSCALED", "POWER"}
#: Values of stochastic recipes: the model carries out every step but the rounding of elements.
OF_RANDOM = {"EDEN_16", "EDEN_128", "EXPAND_QUOTIENT"}
#: Two whole chunks of 64 blocks and a rest, in rows as in tiles; families that take both paths.
SHAPE = (16, 16 * 130)
FAMILIES = ("normal", "coarse", "worst-case", "subnormal-scale", "heavy-tailed", "zero-laden")


def engine():
    return load_engine("numba")


def same(x, r, amax=None):
    """Assert equal bytes of codes, block scales and choices."""
    scales = tensor_scales(MODEL.amax(x, r) if amax is None else amax, r, x.dtype)
    names = ("codes", "block scales", "choices")
    for name, got, want in zip(
        names, engine().quantize(x, scales, r), MODEL.quantize(x, scales, r), strict=True
    ):
        assert got.shape == want.shape
        assert got.dtype == want.dtype
        assert np.array_equal(got, want), f"{r.name}: {name}: {np.count_nonzero(got != want)} differ"


@pytest.fixture(scope="module")
def tensors():
    return [make(f, SHAPE, 0, "float32") for f in FAMILIES]


@pytest.mark.sample(70)
@pytest.mark.parametrize("r", RECIPES, ids=lambda r: r.name)
def test_every_preset_gives_the_model_s_bytes(r, tensors):
    for x in tensors:
        same(x, r)
    same(tensors[0].astype(ml_dtypes.bfloat16), r)
    same(tensors[0].astype(np.float16), r)


@pytest.mark.parametrize("factor", RangeFactor)
@pytest.mark.parametrize("name", ["nvfp4", "4over6", "4over6-16x16", "te-cuda-mse-256"])
def test_every_range_factor(name, factor, tensors):
    for x in tensors:
        same(x, replace(fos_ref.PRESETS[name], range_factor=factor))


@pytest.mark.parametrize(
    "shape", [(1, 16), (1, 1024), (3, 1008), (16, 16), (48, 1040), (16, 1024), (0, 16), (16, 0)]
)
@pytest.mark.parametrize("name", ["4over6", "4over6-16x16", "te-mse-256-row", "flashinfer-mae-448"])
def test_every_shape(name, shape):
    r = fos_ref.PRESETS[name]
    if shape[0] % r.block_rows == 0:
        same(np.random.default_rng(1).standard_normal(shape).astype(np.float32), r)


@pytest.mark.parametrize("dtype", [np.float32, ml_dtypes.bfloat16, np.float16])
@pytest.mark.parametrize("name", ["te-mse-256", "te-cuda-mse-256", "te-mse-256-row", "te-cuda-mse-256-16x16"])
def test_nan_and_infinity_in_a_whole_chunk(name, dtype):
    r = fos_ref.PRESETS[name]
    x = np.random.default_rng(2).standard_normal((16, 1024)).astype(dtype)
    x[2, 5], x[3, 100], x[7, 900] = np.nan, np.inf, -np.nan
    same(x, r, None if r.amax_scope.value == "row" else np.float32(4))
    got, want = engine().amax(x, r), MODEL.amax(x, r)
    assert np.array_equal(np.isnan(got), np.isnan(want))
    assert np.array_equal(got[~np.isnan(got)], want[~np.isnan(want)])


@pytest.mark.parametrize("dtype", [np.float32, ml_dtypes.bfloat16, np.float16])
def test_the_amax_is_exact_for_every_size_and_policy(dtype):
    x = np.random.default_rng(3).standard_normal((7, 80)).astype(dtype)
    for name in ("4over6", "te-cuda-nvfp4", "te-mse-256-row"):
        r = fos_ref.PRESETS[name]
        assert engine().amax(x, r).tobytes() == tensor_amax(x.astype(np.float32), r).tobytes()
        assert engine().amax(x[:0], r).tobytes() == tensor_amax(x[:0].astype(np.float32), r).tobytes()


@pytest.mark.parametrize("name", ["te-mse-256-row", "te-mae-448-fast-row", "flashinfer-mse-256-row"])
def test_rows_whose_scales_keep_the_filter_out_are_computed_literally(name):
    """Rows of zeros, of subnormals, near the largest value, beside usual ones; chunks run over their ends."""
    r = fos_ref.PRESETS[name]
    x = np.random.default_rng(4).standard_normal((40, 16 * 70)).astype(np.float32)
    x[3], x[17] = 0, -0.0
    x[5] *= np.float32(1e-40)
    x[6] *= np.float32(2.0**-100)
    x[20] *= np.float32(1e37)
    scales = tensor_scales(MODEL.amax(x, r), r, x.dtype)
    held = filter_holds(r, [np.reshape(v, -1) for v in (scales.amax, scales.encode, scales.decode)])
    assert np.flatnonzero(~held).tolist() == [3, 5, 6, 17, 20]
    same(x, r)
    same(x.astype(ml_dtypes.bfloat16), r)


def test_what_the_work_raises_is_raised_and_the_threads_are_gone(monkeypatch):
    monkeypatch.setattr(numba, "get_num_threads", lambda: 4)
    before, taken = threading.active_count(), []

    def work(start, _stop):
        taken.append(start)
        if start == 3:
            msg = "of part 3"
            raise ValueError(msg)
        return start

    with pytest.raises(ValueError, match="of part 3"):
        shared_out(work, 16, 1)
    assert threading.active_count() == before
    assert sorted(set(taken)) == sorted(taken)
    assert shared_out(lambda start, stop: (start, stop), 16, 3) == [
        (0, 3),
        (3, 6),
        (6, 9),
        (9, 12),
        (12, 15),
        (15, 16),
    ]


@pytest.mark.parametrize("threads", [1, 2])
def test_the_number_of_threads_does_not_show(threads, monkeypatch):
    monkeypatch.setattr(fast_engine, "CHUNKS_PER_PART", 1)
    monkeypatch.setattr(numba, "get_num_threads", lambda: threads)
    for name in ("4over6", "4over6-16x16", "te-mse-256-row"):
        same(make("coarse", (64, 1040), 0, "float32"), fos_ref.PRESETS[name])


def test_every_axis_value_has_a_compiled_step():
    absent = {m for name in FIELDS for m in set(field_kind(name)) - KNOWN[name]}
    assert {m.name for m in absent} == OF_SEARCHES | OF_RANDOM
    assert all(KNOWN[name] <= set(field_kind(name)) for name in FIELDS)
    assert [r.name for r in RECIPES if engine().refuses(r)] == []


def test_a_value_without_a_step_is_refused(monkeypatch):
    monkeypatch.setitem(KNOWN, "tie", frozenset())
    assert engine().refuses(fos_ref.PRESETS["4over6"]) == "no compiled step for tie 'six'"
    assert engine().refuses(fos_ref.PRESETS["nvfp4"]) is None


def test_scales_that_do_not_agree_keep_the_filter_out():
    r = fos_ref.PRESETS["4over6"]
    one = [np.ones(1, np.float32)] * 2
    assert filter_holds(r, [np.float32([1536]), *one])
    assert not filter_holds(r, [np.float32([1537]), *one])
    tiny = np.float32([2.0**-60])
    assert not filter_holds(r, [tiny * np.float32(1536), 1 / tiny, tiny])
    assert not filter_holds(replace(r, zero_sign=type(r.zero_sign).NEVER), [np.float32([1536]), *one])


def test_no_fused_multiply_add_is_generated():
    same(make("normal", SHAPE, 0, "float32"), fos_ref.PRESETS["4over6"])
    library = next(iter(quantize_range.overloads.values())).library
    # A kernel from the cache on disk has no assembly to read, so its module is translated once more.
    assembly = library._codegen._tm.emit_assembly(library._get_module_for_linking())
    assert "mulps" in assembly
    assert not any(word in assembly for word in ("vfmadd", "vfmsub", "vfnmadd", "vfnmsub"))
