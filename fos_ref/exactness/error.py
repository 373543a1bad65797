"""`fos_ref.exact_error`: what each block of a quantized tensor costs, exact until one rounding at the end.

Everything is a whole number times a power of two. Where the whole numbers of a row of a block fit 57 bits,
NumPy squares and adds them in int64; elsewhere Python's own integers do. Python divides an int by an int with
one rounding, to nearest even, so the float64 that comes out is the exact error's nearest.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fos_ref.engines.inputs import as_numpy
from fos_ref.engines.numpy_engine import row_chunks
from fos_ref.errors import InputError, ShapeError
from fos_ref.exactness.squares import Rows, Scaled, squares
from fos_ref.formats.arrays import AnyArray, F32, F64, U8
from fos_ref.formats.bits import widen
from fos_ref.formats.environment import check_float_environment
from fos_ref.model.dequantize import element_values, holds_second, scale_values
from fos_ref.model.elements import ELEMENT_FORMAT
from fos_ref.oracle.exact_error import AMAX_FORMS, ENCODE_FORMS
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.layout import one_a_byte
from fos_ref.storage.tensor import check_tensor, QuantizedTensor


def exact_error(x: Any, q: QuantizedTensor) -> F64:
    """Return the squared error of each block of `q` against `x`: exact, then rounded once.

    Shapes:   x as it was quantized -> the shape of q.block_scales: (..., C/16), for MX (..., C/32). A 16x16
              tile is one block; its error is on each of its 16 rows, so [::16] has every tile once.
    Dtypes:   x float32, float16 or bfloat16, taken exactly -> float64
    Values:   the sum over the block of (v - x)^2. v is q*s*A/C, q*s*D or q*s/S, whichever the recipe
              dequantizes by (N14), without its roundings; integers beside floats count in their unit.
    Rounding: once, at the end, to nearest even. Every error is 0 or a normal float64.
    Raises:   ShapeError for another shape than q's, or arrays of q that do not fit one another; DtypeError
              for another dtype; InputError for NaN and infinity in x, in a block scale or in a tensor scale.
    """
    check_tensor(q, "exact_error")
    r, array = q.recipe, as_numpy(x)
    check_float_environment()
    codes, block_scales = _matrices(q)
    matrix = _padded(array, q, codes.shape)
    if not matrix.size:
        return np.empty(q.block_scales.shape, dtype=np.float64)
    decode = _decode(q)
    _check_finite(matrix, block_scales, decode, r)
    out = np.empty(block_scales.shape, dtype=np.float64)
    for c in row_chunks(codes.shape[0], codes.shape[1], r.block_rows):
        part = decode.rows(c)
        rows = _rows(widen(matrix[c]), codes[c], block_scales[c], part, r)
        out[c] = _errors(squares(rows), part.factor, block_scales[c].shape, r.block_rows)
    return out.reshape(q.block_scales.shape)


@dataclass(frozen=True, slots=True)
class _Decode:
    """A code times its block scale is worth `worth` / `factor`: (1, 1) or (rows, 1) each."""

    worth: F64
    factor: F64

    def rows(self, c: slice) -> _Decode:
        """Return the part for the rows c."""
        return self if self.worth.size == 1 else _Decode(self.worth[c], self.factor[c])


def _matrices(q: QuantizedTensor) -> tuple[U8, U8]:
    """Return codes (rows, C) and block scales (rows, C / block columns)."""
    rows = math.prod(q.codes.shape[:-1])
    codes = one_a_byte(q.codes.reshape(rows, q.codes.shape[-1]), q.recipe)
    return codes, q.block_scales.reshape(rows, q.block_scales.shape[-1])


def _padded(x: AnyArray, q: QuantizedTensor, shape: tuple[int, ...]) -> AnyArray:
    """Return x as a matrix of `shape`: with zeros where quantization padded with zeros."""
    if x.shape != q.shape:
        msg = f"x of shape {x.shape}: q was made from {q.shape}"
        raise ShapeError(msg)
    rows, cols = math.prod(x.shape[:-1]), x.shape[-1]
    if (rows, cols) == shape:
        return x.reshape(shape)
    padded = np.zeros(shape, dtype=x.dtype)
    padded[:rows, :cols] = x.reshape(rows, cols)
    return padded


def _decode(q: QuantizedTensor) -> _Decode:
    """Return N14's own A/C, D/1 or 1/S."""
    amax, encode, decode = (
        np.asarray(v, dtype=np.float64).reshape(-1, 1)
        for v in (q.tensor_amax, q.encode_scale, q.decode_scale)
    )
    if q.recipe.dequantize in AMAX_FORMS:
        return _Decode(amax, np.full_like(amax, q.recipe.range_max))
    if q.recipe.dequantize in ENCODE_FORMS:
        return _Decode(np.ones_like(encode), encode)
    return _Decode(decode, np.ones_like(decode))


def _check_finite(x: AnyArray, block_scales: U8, decode: _Decode, r: Recipe) -> None:
    """Raise InputError for a value that no exact error can be made of."""
    if not np.isfinite(x).all():
        msg = "x has a NaN or an infinity: an exact error takes finite values"
        raise InputError(msg)
    bad = np.argwhere(~np.isfinite(scale_values(block_scales, r)))
    if bad.size:
        row, col = bad[0].tolist()
        byte = f"block scale byte {block_scales[row, col]:#04x} at ({row}, {col})"
        msg = f"{byte} is NaN or infinite: an exact error takes finite scales"
        raise InputError(msg)
    if not (np.isfinite(decode.worth).all() and np.isfinite(decode.factor).all() and decode.factor.all()):
        form = r.dequantize.value
        msg = f"recipe {r.name!r}: {form} with a tensor scale that is not finite has no exact error"
        raise InputError(msg)


def _rows(x: F32, codes: U8, block_scales: U8, decode: _Decode, r: Recipe) -> Rows:
    """Return the rows of all blocks: steps, what a step is worth, inputs. All products are exact.

    A step is the first format's smallest value, 2^-k, of which integers beside floats are multiples too.
    A block scale has 4 significant bits, the tensor scale 24 and the integers' unit 24: 52 in float64's 53.
    An input has 24 and R at most 24. The exponents stay between -298 and 257.
    """
    first, second = ELEMENT_FORMAT[r.element_format]
    is_second = holds_second(block_scales, r)
    unit = np.where(is_second, np.float64(second.unit), 1.0)
    k = first.format.fraction_bits - first.format.emin
    step = scale_values(block_scales, r).astype(np.float64) * decode.worth * unit * 2.0**-k
    blocks = codes.reshape(*block_scales.shape, r.block_cols)
    steps = np.ldexp(element_values(blocks, is_second[..., None], r).astype(np.float64), k)
    if not np.isfinite(steps).all():
        msg = f"a code of {r.element_format.value} is NaN or infinite: an exact error takes finite values"
        raise InputError(msg)
    n = block_scales.size
    return Rows(
        steps=steps.astype(np.int64).reshape(n, r.block_cols),
        worth=step.reshape(n),
        x=(x.astype(np.float64) * decode.factor).reshape(n, r.block_cols),
        digits=max(int(g.values[g.format.max_code] * 2**k) for g in (first, second)).bit_length(),
    )


def _errors(sums: Sequence[Scaled], factor: F64, shape: tuple[int, ...], block_rows: int) -> F64:
    """Return the error of each block (rows, B), rounded once: its sum over the square of R.

    sums: of rows * B rows of blocks; factor: R, (1, 1) or (rows, 1), which a tile's rows share.
    """
    rows, cols = shape
    tiles = [
        _total(sums[(row + i) * cols + col] for i in range(block_rows))
        for row in range(0, rows, block_rows)
        for col in range(cols)
    ]
    divisors = [_square(f) for f in factor.ravel().tolist()]
    per_divisor = cols if len(divisors) > 1 else rows * cols
    values = [_rounded(*s, *divisors[i // per_divisor]) for i, s in enumerate(tiles)]
    return np.repeat(np.array(values, dtype=np.float64).reshape(rows // block_rows, cols), block_rows, axis=0)


def _total(sums: Iterable[Scaled]) -> Scaled:
    """Return the exact sum of numbers N * 2^E in the same form."""
    terms = list(sums)
    low = min(e for _, e in terms)
    return sum(n << (e - low) for n, e in terms), low


def _square(factor: float) -> Scaled:
    """Return the square of a float as N * 2^E."""
    n, d = factor.as_integer_ratio()
    return n * n, -2 * (d.bit_length() - 1)


def _rounded(n: int, e: int, divisor: int, divisor_e: int) -> float:
    """Return n * 2^e / (divisor * 2^divisor_e) as the nearest float64, ties to even.

    int / int is one rounding of the exact ratio. The ratio is 0 or lies between 2^-852 and 2^820, where
    float64 is normal: differences are multiples of 2^-298 below 2^257, R lies between 2^-149 and 2^128.
    """
    shift = e - divisor_e
    return (n << shift) / divisor if shift >= 0 else n / (divisor << -shift)
