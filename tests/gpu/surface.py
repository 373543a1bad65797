"""What each call on device arrays has to give, whoever runs the kernels: bodies of tests."""

from __future__ import annotations

import ml_dtypes
import numpy as np

import fos_gpu
import fos_ref
from fos_gpu.build.modules import decode_definitions
from fos_gpu.launch import sums_at_once
from fos_gpu.proof.beside import SUPPORTED
from fos_gpu.tensors import to_numpy
from fos_ref import QuantizedTensor
from fos_ref.inputs.distributions import make
from fos_ref.model.quantize import tensor_scales
from fos_ref.recipes.axes import AmaxScope, NonFinite
from fos_ref.storage.layout import stored

#: One recipe for each kernel of dequantization.
DECODED = tuple({decode_definitions(r): r for r in reversed(SUPPORTED)}.values())[::-1]
NUMPY = {"float32": np.float32, "bfloat16": ml_dtypes.bfloat16, "float16": np.float16}


def bits(a: np.ndarray) -> np.ndarray:
    """Return an array's bits; every NaN as one."""
    a = np.ascontiguousarray(a)
    words = a.view(f"u{a.dtype.itemsize}").copy()
    if a.dtype.kind == "f" or a.dtype == ml_dtypes.bfloat16:
        words[np.isnan(a)] = np.iinfo(words.dtype).max
    return words


def assert_same(got, want) -> None:
    """Both arrays have the same dtype, shape and bits, NaN taken as NaN."""
    got, want = np.asarray(got), np.asarray(want)
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    assert np.count_nonzero(bits(got) != bits(want)) == 0


def assert_same_tensor(got, want) -> None:
    """Two quantized tensors on the host are the same."""
    assert (got.shape, got.recipe) == (want.shape, want.recipe)
    for part in ("codes", "block_scales", "picked4", "tensor_amax", "encode_scale", "decode_scale"):
        assert_same(getattr(got, part), getattr(want, part))


def model(x: np.ndarray, r, *, columnwise: bool = False, amax=None, tensor_scale=None):
    """Return the model's result on x or on its transpose, made contiguous."""
    x = np.ascontiguousarray(x.T) if columnwise else x
    return fos_ref.quantize(x, r, amax=amax, tensor_scale=tensor_scale, engine="numpy")


def fits(x: np.ndarray, r, *, columnwise: bool) -> bool:
    """Return whether the recipe takes x: its blocks tile it, and it has no NaN that the recipe refuses."""
    rows, cols = x.shape[::-1] if columnwise else x.shape
    refused = r.nonfinite is NonFinite.RAISE and not np.isfinite(x.astype(np.float32)).all()
    return rows % r.block_rows == 0 and cols % r.block_cols == 0 and not refused


def check_quantize(put, x: np.ndarray, r, *, columnwise=False, layout="linear", amax=None) -> None:
    """Quantizing put(x) gives the model's bits in the layout asked for, and the host's view of it."""
    want = model(x, r, columnwise=columnwise, amax=amax)
    q = fos_gpu.quantize(put(x), r, amax=amax, columnwise=columnwise, scale_layout=layout)
    assert_same_tensor(q.to_host(), want)
    expected = want.block_scales if layout == "linear" else fos_ref.swizzle(want.block_scales)
    assert_same(to_numpy(q.block_scales), expected)


def check_dequantize(put, x: np.ndarray, r, dtype: str, *, columnwise=False) -> None:
    """Dequantizing gives the model's values."""
    want = fos_ref.dequantize(model(x, r, columnwise=columnwise), NUMPY[dtype])
    q = fos_gpu.quantize(put(x), r, columnwise=columnwise)
    assert_same(to_numpy(fos_gpu.dequantize(q, dtype)), want)


def expected_errors(x: np.ndarray, v: np.ndarray, block: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """Return (3, ..., blocks) and totals (5,) of values v against x, in the documented order."""
    with np.errstate(all="ignore"):
        y = x.astype(np.float64).reshape(-1, block)
        e = v.astype(np.float64).reshape(-1, block) - y
        terms = (e * e, np.abs(e), np.abs(e), y * y, np.abs(y))
        blocks = np.stack([_chain(t, "max" if i == 2 else "add") for i, t in enumerate(terms)])
        totals = np.array([added(b, "max" if i == 2 else "add") for i, b in enumerate(blocks)])
    return blocks[:3].reshape(3, *v.shape[:-1], v.shape[-1] // block), totals


def added(blocks: np.ndarray, how: str = "add") -> float:
    """Return the total of numbers, one a block, in the documented order."""
    parts = sums_at_once(blocks.size)
    padded = np.zeros(-(-blocks.size // parts) * parts)
    padded[: blocks.size] = blocks.ravel()
    return _halves(_chain(padded.reshape(-1, parts).T, how), how)


def _join(a, b, how):
    return np.maximum(a, b) if how == "max" else a + b


def _chain(terms: np.ndarray, how: str) -> np.ndarray:
    total = np.zeros(terms.shape[0])
    for i in range(terms.shape[1]):
        total = _join(total, terms[:, i], how)
    return total


def _halves(values: np.ndarray, how: str) -> float:
    while values.size > 1:
        half = values.size // 2
        values = _join(values[:half], values[half:], how)
    return values[0]


def all_codes(r, amaxes: np.ndarray) -> QuantizedTensor:
    """Return every code under every scale byte for each tensor amax: a row a byte and amax.

    For a recipe with one tensor scale the amaxes have to be one.
    """
    count = max(r.block_cols, 1 << r.element.width)
    rows = np.arange(count, dtype=np.uint8) & np.uint8((1 << r.element.width) - 1)
    codes = np.tile(rows, (256 * amaxes.size, 1))
    by_row = r.amax_scope is AmaxScope.ROW
    scales = tensor_scales(np.repeat(amaxes, 256) if by_row else amaxes.reshape(()), r)
    flat = scales.amax.shape[:1]
    return QuantizedTensor(
        codes=stored(codes, r),
        block_scales=np.tile(np.arange(256, dtype=np.uint8), amaxes.size)[:, None].repeat(
            count // r.block_cols, 1
        ),
        tensor_amax=scales.amax.reshape(flat),
        encode_scale=scales.encode.reshape(flat),
        decode_scale=scales.decode.reshape(flat),
        picked4=None,
        recipe=r,
        shape=codes.shape,
    )


def amaxes(count: int, seed: int = 0) -> np.ndarray:
    """Return tensor amaxes: the ends of the range, and any magnitudes."""
    ends = [0, 2.0**-149, 2.0**-126, 1e-37, 1, 448, 2688, 3.4028234663852886e38, np.inf, np.nan]
    g = np.random.default_rng(seed)
    some = g.integers(0, 0x7F800000, max(0, count - len(ends)), dtype=np.uint32).view(np.float32)
    return np.concatenate([np.array(ends, np.float32), some])[-count:]


def check_all_codes(put, r, dtype: str, amaxes: np.ndarray) -> int:
    """Every code under every scale byte dequantizes to the model's value; return how many values."""
    values, like = 0, put(np.zeros(16, np.uint8))
    groups = [amaxes] if r.amax_scope is AmaxScope.ROW else amaxes[:, None]
    for group in groups:
        q = all_codes(r, group)
        got = to_numpy(fos_gpu.dequantize(fos_gpu.to_device(q, like), dtype))
        with np.errstate(all="ignore"):
            assert_same(got, fos_ref.dequantize(q, NUMPY[dtype]))
        values += got.size
    return values


def check_errors(put, x: np.ndarray, r, *, columnwise=False) -> None:
    """The statistics are those of the model's values, added up in the documented order."""
    want = model(x, r, columnwise=columnwise)
    values = fos_ref.dequantize(want)
    own = np.ascontiguousarray(x.T) if columnwise else x
    per_block, totals = expected_errors(own, values, r.block_cols)
    device = put(x)
    found = fos_gpu.errors(device, fos_gpu.quantize(device, r, columnwise=columnwise))
    assert_same(to_numpy(found.per_block), per_block)
    assert_same(to_numpy(found.totals), totals)
    sums = found.to_host()
    assert sums.blocks == want.picked4.size
    assert sums.picked4 == np.count_nonzero(want.picked4)


def check_amax(put, x: np.ndarray, r, *, columnwise=False) -> None:
    """The tensor amax is the model's."""
    want = model(x, r, columnwise=columnwise).tensor_amax
    assert_same(to_numpy(fos_gpu.amax(put(x), r, columnwise=columnwise)), want)


def check_given_amax(put, x: np.ndarray, r) -> None:
    """An amax on the device counts as the same numbers on the host do."""
    rows = x.shape[:1] if r.amax_scope is AmaxScope.ROW else ()
    amax = np.full(rows, 2.75, np.float32)
    want = model(x, r, amax=amax)
    for given in (amax, put(amax), put(-amax)):
        assert_same_tensor(fos_gpu.quantize(put(x), r, amax=given).to_host(), want)


def check_every_call(put, r, dtype: str, shape=(64, 96)) -> None:
    """Quantizing along rows and columns, dequantizing, errors and the amax are the model's."""
    x = make("heavy-tailed", shape, 3, dtype)
    for i, columnwise in enumerate((False, True)):
        check_quantize(put, x, r, columnwise=columnwise, layout=("linear", "swizzled")[i])
        check_errors(put, x, r, columnwise=columnwise)
    check_dequantize(put, x, r, dtype)
    check_amax(put, x, r)


def check_prepared(put, call, x: np.ndarray, *, columnwise=False, layout="linear", amax=None) -> None:
    """A prepared call on put(x) gives the model's tensor, in the layout asked for."""
    q = call(put(x))
    want = model(x, q.recipe, columnwise=columnwise, amax=amax)
    assert_same_tensor(q.to_host(), want)
    expected = want.block_scales if layout == "linear" else fos_ref.swizzle(want.block_scales)
    assert_same(to_numpy(q.block_scales), expected)
