"""The public calls: every argument that is wrong gets one clear error, padding, engines, dequantize."""

from __future__ import annotations

import doctest
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest

import fos_ref
from fos_ref.engines import registry
from fos_ref.engines.numpy_engine import CHUNK_ELEMENTS, NumpyEngine, row_chunks
from fos_ref.errors import DtypeError, EngineWarning, InputError, RecipeError, ShapeError, ToolchainError
from fos_ref.formats.bits import from_f32_hex
from tests.every import every

ROW = "te-mse-256-row"
LIMIT = float(np.finfo(np.float32).max) / 1536


def normal(shape=(4, 32), seed=3) -> np.ndarray:
    return np.random.Generator(np.random.Philox(seed)).standard_normal(shape).astype(np.float32)


def bits_of(q) -> tuple:
    return q.codes.tobytes(), q.block_scales.tobytes(), q.tensor_amax.tobytes(), q.picked4.tobytes()


CALLS = pytest.mark.parametrize("call", [fos_ref.quantize, fos_ref.trace])

# --- amax --------------------------------------------------------------------------------------------

WRONG_AMAX = [
    (-1, InputError, "amax -1: values of 0 and above are allowed"),
    (np.float32(-1e-45), InputError, "values of 0 and above are allowed"),
    (float("nan"), InputError, "amax nan: finite numbers are allowed"),
    (np.inf, InputError, "finite numbers are allowed"),
    (0.1, InputError, "amax 0.1 is not a float32 value: round it first, nothing is cast silently"),
    (1e39, InputError, "is not a float32 value"),
    (1e-46, InputError, "is not a float32 value"),
    (2**24 + 1, InputError, "amax 16777217 is not a float32 value"),
    (10**400, InputError, "finite numbers are allowed"),
    (True, InputError, "finite numbers are allowed"),
    (1 + 0j, InputError, "finite numbers are allowed"),
    ("1.0", InputError, "finite numbers are allowed"),
    (["1.0"], InputError, "finite numbers are allowed"),
    ([[1], [2, 3]], InputError, "finite numbers are allowed"),
    ([None], InputError, "finite numbers are allowed"),
    ({}, InputError, "finite numbers are allowed"),
    (object(), InputError, "finite numbers are allowed"),
    (Decimal(1), InputError, "finite numbers are allowed"),
    (Fraction(1), InputError, "finite numbers are allowed"),
    ([], ShapeError, r"amax of shape \(0,\): recipe '4over6' takes one number"),
    ([1, 2], ShapeError, r"amax of shape \(2,\): recipe '4over6' takes one number"),
    (np.ones((4, 1), np.float32), ShapeError, r"amax of shape \(4, 1\)"),
]


@CALLS
@pytest.mark.parametrize(("amax", "error", "says"), WRONG_AMAX, ids=lambda v: str(v)[:16].split("0x")[0])
def test_a_wrong_amax_is_an_error(call, amax, error, says):
    with pytest.raises(error, match=says):
        call(normal(), "4over6", amax=amax)


@CALLS
@pytest.mark.parametrize("amax", [1.0, [1.0], np.ones(3, np.float32), np.ones((4, 1), np.float32)])
def test_row_recipes_take_one_amax_per_row(call, amax):
    with pytest.raises(ShapeError, match=rf"recipe '{ROW}' takes one per row, shape \(4,\)"):
        call(normal(), ROW, amax=amax)


@pytest.mark.parametrize(
    "amax", [2, 2.0, np.float64(2), np.float16(2), ml_dtypes.bfloat16(2), np.array(2), [2], np.array([[2.0]])]
)
def test_a_number_that_is_a_float32_is_taken_in_any_type(amax):
    assert bits_of(fos_ref.quantize(normal(), amax=amax)) == bits_of(
        fos_ref.quantize(normal(), amax=np.float32(2))
    )


@pytest.mark.parametrize("name", ["4over6", "te-mse-256", "fouroversix-mse"])
def test_a_minus_zero_amax_is_zero(name):
    for call in (fos_ref.quantize, fos_ref.trace):
        a, b = call(normal(), name, amax=-0.0), call(normal(), name, amax=0.0)
        assert a.block_scales.tobytes() == b.block_scales.tobytes()
        assert not np.signbit(a.tensor_amax)


# --- encode_scale ------------------------------------------------------------------------------------

WRONG_ENCODE_SCALE = [
    (0, InputError, "encode scale 0: float32 values from 1536 / FLT_MAX on are allowed"),
    (-1.0, InputError, "from 1536 / FLT_MAX on"),
    (np.float32(2.0**-118), InputError, "from 1536 / FLT_MAX on"),
    (np.nan, InputError, "encode scale nan: finite numbers are allowed"),
    (0.1, InputError, "encode scale 0.1 is not a float32 value"),
    ("1", InputError, "finite numbers are allowed"),
    ([1.0, 2.0], ShapeError, r"encode scale of shape \(2,\): recipe '4over6' takes one number"),
]


@CALLS
@pytest.mark.parametrize(("scale", "error", "says"), WRONG_ENCODE_SCALE)
def test_a_wrong_encode_scale_is_an_error(call, scale, error, says):
    with pytest.raises(error, match=says):
        call(normal(), "4over6", encode_scale=scale)


@CALLS
def test_one_of_the_three_fixes_the_tensor_scale(call):
    with pytest.raises(InputError, match="amax and encode scale were given: one of them"):
        call(normal(), amax=1, encode_scale=1.0)
    with pytest.raises(InputError, match="tensor scale and encode scale were given"):
        call(normal(), tensor_scale=1.0, encode_scale=1.0)
    with pytest.raises(ShapeError, match=r"encode scale of shape \(\): .* one per row, shape \(4,\)"):
        call(normal(), ROW, encode_scale=1.0)


@pytest.mark.parametrize("engine", ["numpy", "numba"])
@pytest.mark.parametrize("scale", [4.6e-36, 716.5, 3.4e38])
def test_an_encode_scale_in_range_is_taken_as_it_is(scale, engine):
    s = np.float32(scale)
    q = fos_ref.quantize(normal(), encode_scale=s, engine=engine)
    assert q.encode_scale.tobytes() == s.tobytes()
    assert q.decode_scale.tobytes() == (np.float32(1) / s).tobytes()
    assert np.isfinite(q.tensor_amax)
    want = fos_ref.trace(normal(), encode_scale=s)
    assert q.block_scales.tobytes() == want.block_scales.tobytes()


def test_each_row_has_the_encode_scale_that_was_given_for_it():
    scales = np.array([3, 50, 700, 9000], np.float32)
    q = fos_ref.quantize(normal(), ROW, encode_scale=scales)
    for i, s in enumerate(scales):
        alone = fos_ref.quantize(normal()[i : i + 1], ROW, encode_scale=s[None])
        assert alone.codes.tobytes() == q.codes[i : i + 1].tobytes()
        assert alone.block_scales.tobytes() == q.block_scales[i : i + 1].tobytes()


# --- tensor_scale ------------------------------------------------------------------------------------

WRONG_SCALE = [
    (0, "one positive normal float32"),
    (-1.0, "one positive normal float32"),
    (1e-40, "is not a float32 value"),
    (2.0**-127, "one positive normal float32"),
    (float(np.float32(LIMIT * 1.01)), "up to FLT_MAX / 1536 is allowed"),
    ([1.0], "one positive normal float32"),
    (np.ones(4, np.float32), "one positive normal float32"),
    (0.1, "tensor scale 0.1 is not a float32 value"),
    (1e39, "is not a float32 value"),
    (float("nan"), "finite numbers are allowed"),
    (float("inf"), "finite numbers are allowed"),
    (10**400, "finite numbers are allowed"),
    ("1", "finite numbers are allowed"),
    (True, "finite numbers are allowed"),
    (1j, "finite numbers are allowed"),
    (object(), "finite numbers are allowed"),
]


@CALLS
@pytest.mark.parametrize(("scale", "says"), WRONG_SCALE, ids=lambda v: str(v)[:16].split("0x")[0])
def test_a_wrong_tensor_scale_is_an_error(call, scale, says):
    with pytest.raises(InputError, match=says):
        call(normal(), "4over6", tensor_scale=scale)


@CALLS
def test_a_tensor_scale_and_rows_or_an_amax_do_not_go_together(call):
    with pytest.raises(InputError, match=r"has one per row; an amax per row is allowed"):
        call(normal(), ROW, tensor_scale=1.0)
    with pytest.raises(InputError, match="amax and tensor scale were given"):
        call(normal(), amax=1, tensor_scale=1.0)


@pytest.mark.parametrize("scale", [2.0**-126, 1.0, float(np.nextafter(np.float32(LIMIT), np.float32(0)))])
def test_every_normal_tensor_scale_in_range_is_taken(scale):
    q = fos_ref.quantize(normal(), tensor_scale=scale)
    assert q.decode_scale == np.float32(scale)
    assert np.isfinite(q.tensor_amax)


# --- recipes, padding, engines -----------------------------------------------------------------------


@CALLS
@pytest.mark.parametrize("name", ["4over5", None, 4, ["4over6"]])
def test_an_unknown_recipe_is_an_error(call, name):
    with pytest.raises(RecipeError, match="no recipe is called"):
        call(normal(), name)


@CALLS
@pytest.mark.parametrize("padding", ["edge", "", None, True, ["zero"]])
def test_an_unknown_padding_is_an_error(call, padding):
    with pytest.raises(InputError, match="one of error, zero is allowed"):
        call(normal(), padding=padding)


@pytest.mark.parametrize(
    "name", ["4over6", "te-mse-448-row", "fouroversix-mse", "4over6-16x16", "te-mae-256-16x16"]
)
@pytest.mark.parametrize("shape", [(3, 20), (16, 17), (17, 16), (1, 1), (5,), (2, 3, 40)])
def test_asked_for_padding_is_zeros_at_the_end(name, shape):
    x = normal(shape)
    rows, cols = int(np.prod(shape[:-1])), shape[-1]
    height = fos_ref.PRESETS[name].block_rows
    padded = np.zeros((-(-rows // height) * height, -(-cols // 16) * 16), np.float32)
    padded[:rows, :cols] = x.reshape(rows, cols)
    q, want = fos_ref.quantize(x, name, padding="zero"), fos_ref.quantize(padded, name)
    assert bits_of(q)[:2] == bits_of(want)[:2]
    assert q.shape == shape
    y = fos_ref.dequantize(q)
    assert y.shape == shape
    assert np.array_equal(y.reshape(rows, cols), fos_ref.dequantize(want)[:rows, :cols])


def test_padding_an_array_that_fits_changes_nothing():
    assert bits_of(fos_ref.quantize(normal(), padding="zero")) == bits_of(fos_ref.quantize(normal()))


@pytest.mark.parametrize("name", ["torch", "", "NumPy", None, ["numpy"], 3])
def test_an_unknown_engine_is_an_error(name):
    with pytest.raises(InputError, match="one of auto, numpy, numba, cuda is allowed"):
        fos_ref.quantize(normal(), engine=name)


class Shouting(NumpyEngine):
    """An engine that has one recipe only, and marks what it made."""

    name = "numba"

    def refuses(self, recipe):
        return None if recipe.name == "te-mse-256" else "it has te-mse-256 only"

    def quantize(self, x, scales, recipe):
        codes, block_scales, picked4 = super().quantize(x, scales, recipe)
        return codes | 0x80, block_scales, picked4


@pytest.fixture
def installed(monkeypatch):
    """A compiled engine that shouts, for tensors of any size."""
    real = registry.load_engine
    monkeypatch.setattr(registry, "load_engine", lambda name: Shouting() if name == "numba" else real(name))
    monkeypatch.setattr(registry, "COMPILED_FROM", 0)


@pytest.fixture
def alone(monkeypatch):
    """Neither a compiler nor a device."""
    monkeypatch.setattr(
        registry, "ENGINES", {"numpy": registry.ENGINES["numpy"], "numba": "fos_ref.no:Engine"}
    )
    monkeypatch.setattr(registry, "COMPILED_FROM", 0)
    monkeypatch.setattr(registry, "_told", {})
    registry.load_engine.cache_clear()
    yield
    registry.load_engine.cache_clear()


@pytest.mark.usefixtures("alone")
def test_an_engine_that_is_not_installed_is_an_error_by_name_and_passed_over_by_auto():
    with pytest.raises(ToolchainError, match="engine 'numba' is not part of this installation: No module"):
        fos_ref.quantize(normal(), engine="numba")
    with pytest.warns(EngineWarning, match="not part of this installation") as told:
        made = [bits_of(fos_ref.quantize(normal())) for _ in range(2)]
    assert made == [bits_of(fos_ref.quantize(normal(), engine="numpy"))] * 2
    assert len(told) == 1
    assert registry.installed(fos_ref.PRESETS["nvfp4"]) == ["numpy"]


def test_auto_takes_the_compiled_engine_for_large_tensors_only(monkeypatch):
    asked = []
    real = registry.load_engine
    monkeypatch.setattr(registry, "load_engine", lambda name: asked.append(name) or real("numpy"))
    r = fos_ref.PRESETS["nvfp4"]
    registry.get_engine("auto", r, registry.COMPILED_FROM - 1)
    registry.get_engine("auto", r, registry.COMPILED_FROM)
    assert asked == ["numpy", "numba"]


@pytest.mark.usefixtures("installed")
def test_an_installed_engine_is_used_by_name_and_by_auto():
    numpy = fos_ref.quantize(normal(), "te-mse-256", engine="numpy")
    assert not np.all(numpy.codes & 0x80)
    for name in ("numba", "auto"):
        assert np.all(fos_ref.quantize(normal(), "te-mse-256", engine=name).codes & 0x80)


@pytest.mark.usefixtures("installed")
def test_auto_passes_over_an_engine_that_refuses_and_a_named_one_says_why():
    assert bits_of(fos_ref.quantize(normal(), "nvfp4")) == bits_of(
        fos_ref.quantize(normal(), "nvfp4", engine="numpy")
    )
    with pytest.raises(
        ToolchainError, match="engine 'numba' cannot run recipe 'nvfp4': it has te-mse-256 only"
    ):
        fos_ref.quantize(normal(), "nvfp4", engine="numba")


@pytest.mark.parametrize(
    ("rows", "cols", "height"), [(0, 16, 1), (5, 16, 1), (64, 1 << 14, 1), (64, 1 << 14, 16), (48, 16, 16)]
)
def test_chunks_cover_the_rows_once_in_whole_blocks(rows, cols, height):
    chunks = row_chunks(rows, cols, height)
    assert [i for c in chunks for i in range(c.start, c.stop)] == list(range(rows))
    assert all((c.stop - c.start) % height == 0 for c in chunks)
    assert all((c.stop - c.start) * cols <= max(CHUNK_ELEMENTS, height * cols) for c in chunks)


def test_rows_without_columns_have_no_chunks():
    assert row_chunks(2**40, 0, 16) == []


# --- dequantize --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype",
    [np.float64, int, "junk", np.dtype("f4").newbyteorder(), None, np.uint8, "O", ml_dtypes.float8_e4m3fn],
)
def test_dequantize_refuses_other_dtypes(dtype):
    with pytest.raises(DtypeError, match=r"dequantize: dtype .*: float32, float16 or bfloat16 is allowed"):
        fos_ref.dequantize(fos_ref.quantize(normal()), dtype)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, "float16", "bfloat16"])
def test_dequantize_rounds_once_more_to_16_bits(dtype):
    q = fos_ref.quantize(normal() * np.float32(3))
    y = fos_ref.dequantize(q, dtype)
    assert y.dtype == np.dtype(dtype)
    assert y.tobytes() == fos_ref.dequantize(q).astype(dtype).tobytes()


def test_dequantize_overflows_to_infinity_in_float16():
    x = np.full((1, 16), 1e6, np.float32)
    assert np.isinf(fos_ref.dequantize(fos_ref.quantize(x), np.float16)).all()


OF_EACH_FORM = ("nvfp4", "te-mse-448", "flashinfer-mse-448")


@pytest.mark.parametrize("name", OF_EACH_FORM)
def test_n14_dequantize_follows_the_recipe_s_expression(name):
    q = fos_ref.quantize(normal((64, 64)), name, amax=from_f32_hex("404A3012"))
    forms = [fos_ref.PRESETS[n].dequantize for n in OF_EACH_FORM]
    results = {
        d: fos_ref.dequantize(replace(q, recipe=replace(q.recipe, dequantize=d))).tobytes() for d in forms
    }
    assert len(set(results.values())) == 3
    assert fos_ref.dequantize(q).tobytes() == results[q.recipe.dequantize]


def test_the_package_s_own_example_runs():
    done = doctest.testmod(fos_ref)
    assert done.attempted >= 3
    assert done.failed == 0


# --- trace -------------------------------------------------------------------------------------------


@pytest.mark.long
@every([r for n, r in fos_ref.PRESETS.items() if n == r.name], lambda r: r.name)
def test_the_trace_ends_in_what_quantize_returns(r):
    x = normal((32, 96))
    q, t = fos_ref.quantize(x, r, engine="numpy"), fos_ref.trace(x, r)
    for name in ("block_scales", "picked4", "tensor_amax", "decode_scale"):
        assert getattr(q, name).tobytes() == getattr(t, name).tobytes(), name
        assert getattr(q, name).shape == getattr(t, name).shape, name
    codes = t.codes if r.element.width != 4 else t.codes[:, ::2] | t.codes[:, 1::2] << 4
    assert codes.tobytes() == q.codes.tobytes()
    assert (t.map4 is None) == (not r.chooses and r.candidates.value != "4")
    assert (t.map6 is None) == (r.candidates.value == "4")
