"""The public calls: quantize, dequantize, trace. Everything is validated here, once."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from fos_ref.arguments import one_of
from fos_ref.engines.empty import nothing, scales_of_nothing
from fos_ref.engines.given import check_finite, Fixed
from fos_ref.engines.inputs import ALLOWED_DTYPES, as_numpy, check_shape
from fos_ref.engines.on_device import quantize_on_device
from fos_ref.engines.random_bits import random_bits_of
from fos_ref.engines.registry import check_engine, get_engine
from fos_ref.errors import DtypeError
from fos_ref.foreign import foreign, shown
from fos_ref.formats.arrays import AnyArray, Bool, F32, U8
from fos_ref.formats.bits import canonical_nan, widen
from fos_ref.formats.environment import check_float_environment
from fos_ref.model.dequantize import dequantize_matrix
from fos_ref.model.quantize import quantize_matrix, tensor_amax, tensor_scales
from fos_ref.model.random_bits import RandomBits
from fos_ref.model.trace import Scales, Trace
from fos_ref.recipes.catalog import recipe as get_recipe
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.layout import one_a_byte
from fos_ref.storage.tensor import check_tensor, QuantizedTensor

Padding = Literal["error", "zero"]
PADDINGS = ("error", "zero")


def quantize(
    x: Any,
    recipe: Recipe | str = "4over6",
    *,
    amax: Any = None,
    tensor_scale: float | None = None,
    encode_scale: Any = None,
    random_bits: Any = None,
    engine: str = "auto",
    padding: Padding = "error",
) -> QuantizedTensor:
    """Quantize `x` by `recipe`: return the bits that the named implementation gives.

    recipe:   the name of a preset (`fos recipes` lists them), a `Recipe`, or the path of a recipe's JSON
    amax:     the tensor amax to use, (), or (rows,) for row-scaled recipes; finite float32 values, not
              negative (-0 counts as 0). 0.1 and 2**24 + 1 are none, so they are refused. None: max|x|
    tensor_scale: the decode scale D, instead of an amax: a positive normal float32, at most FLT_MAX / C.
              1.0 bypasses tensor scaling. Not for row-scaled recipes
    encode_scale: the encode scale S, as FlashInfer, vLLM, SGLang and TensorRT-LLM pass it: () or (rows,) for
              row-scaled recipes, float32 values from C / FLT_MAX on; D = 1/S. At most one of the three
    random_bits: for a stochastic recipe alone: words (R, G), or (map, seed, offset), as in docs/training.md
    engine:   "auto", "numpy", "numba" or "cuda": all give the same bits. "auto" takes "numba" from 2^20
              values on where it can run, else "numpy"
    padding:  "error": C, and the rows of a 16x16 recipe, must be whole blocks; "zero": pad with zeros
    Shapes:   x (..., C), blocked along the last axis; 16x16 recipes tile the rows of x seen as (rows, C)
              -> codes (..., C/2), or (..., C) where an element is not 4 bits wide; block_scales and picked4
              (..., C/16), for MX (..., C/32), for blocks of 8 (..., C/8); C of the padded x
    Dtypes:   float32, float16, bfloat16, widened to float32 exactly; NumPy, torch, CuPy, JAX, DLPack -> NumPy
    Rounding: in the order of docs/numerics.md: N3 tensor scale, N5 and N6 block scale, N7 its cast, N8
              scaled value, N9 element cast, N10 to N12 error. Each as the recipe's axes say.
    Specials: NaN and infinity are refused or carried (N2), -0 keeps or loses its sign (N9), as the recipe
              says; subnormals are kept. A NaN in tensor_amax, S or D is 7FC00000. An empty x gives empty
              arrays. Approximate reciprocals divide (N8).
    Raises:   RecipeError, ShapeError, DtypeError; InputError for a value out of its domain; ToolchainError
              for an engine that cannot run here, for a thread that flushes subnormals or rounds otherwise
    Spec:     docs/numerics.md; the recipe's `source` names the implementation.
    """
    r, fixed = get_recipe(recipe), Fixed(amax, tensor_scale, encode_scale)
    one_of(padding, PADDINGS, "padding")
    if (
        check_engine(engine) == "cuda"
        and (padding, random_bits) == ("error", None)
        and (there := quantize_on_device(x, r, fixed)) is not None
    ):
        return there
    array = as_numpy(x)
    matrix = _matrix(array, r, padding)
    check_float_environment()
    chosen = get_engine(engine, r, matrix.size)
    bits = _random(random_bits, r, matrix)
    scales = _scales(chosen.amax, fixed, r, matrix)
    more = () if bits is None else (bits,)
    found = (chosen.quantize if matrix.size else nothing)(matrix, scales, r, *more)
    lead = array.shape[:-1] if matrix.shape[0] == _rows(array.shape) else matrix.shape[:1]
    return _made(found, scales, r, lead, array.shape)


def _made(
    found: tuple[U8, U8, Bool], scales: Scales, r: Recipe, lead: tuple[int, ...], shape: tuple[int, ...]
) -> QuantizedTensor:
    """Return what an engine found, its arrays with the leading axes of x, or those of the padded x."""
    codes, block_scales, picked4 = found
    flat = scales.amax.shape[:1]
    return QuantizedTensor(
        codes=codes.reshape(*lead, codes.shape[1]),
        block_scales=block_scales.reshape(*lead, block_scales.shape[1]),
        tensor_amax=scales.amax.reshape(flat),
        encode_scale=scales.encode.reshape(flat),
        decode_scale=scales.decode.reshape(flat),
        picked4=picked4.reshape(*lead, picked4.shape[1]),
        recipe=r,
        shape=shape,
    )


def trace(
    x: Any,
    recipe: Recipe | str = "4over6",
    *,
    amax: Any = None,
    tensor_scale: float | None = None,
    encode_scale: Any = None,
    random_bits: Any = None,
    padding: Padding = "error",
) -> Trace:
    """Quantize `x` by the NumPy model and return every intermediate, by name, as a `Trace`.

    Arguments, dtypes, rounding, specials and errors are those of `quantize`; there is no engine to choose.
    Shapes:   x (..., C), seen as (R, C) -> blocks (T, B) with T = R / block rows and B = C / block columns;
              codes (R, C), one a byte, not packed; block_scales and picked4 (R, B). A candidate of a
              stochastic recipe has its random numbers, nu and up: (T, B, n); `random_bits` has the words.
    Spec:     docs/numerics.md N2 to N13.
    """
    r, fixed = get_recipe(recipe), Fixed(amax, tensor_scale, encode_scale)
    one_of(padding, PADDINGS, "padding")
    matrix = _matrix(as_numpy(x), r, padding)
    check_float_environment()
    bits = _random(random_bits, r, matrix)
    scales = _scales(_model_amax, fixed, r, matrix)
    if matrix.size:
        return quantize_matrix(widen(matrix), scales, r, bits)
    return replace(quantize_matrix(widen(matrix), scales.rows(slice(1)), r, bits), scales=scales)


def dequantize(q: QuantizedTensor, dtype: Any = np.float32) -> AnyArray:
    """Return the values of `q` by its recipe's own expression (N14).

    Shapes:   q of `quantize` -> q.shape, the shape of the input; padding is cropped
    Dtypes:   -> float32, float16 or bfloat16
    Rounding: as the recipe's axis `dequantize` lists (docs/numerics.md N14), in float32; float16 and bfloat16
              by one more rounding, to nearest even.
    Specials: a NaN scale makes its block NaN: 7FC00000, 7FC0 (bfloat16) or 7E00 (float16). float16
              overflows to infinity.
    Raises:   DtypeError for another dtype, and for a q that is no QuantizedTensor; ShapeError for one whose
              parts do not fit; ToolchainError for a thread that flushes subnormals or rounds
              otherwise than to nearest.
    """
    check_tensor(q, "dequantize")
    what, allowed = f"dequantize: dtype {shown(dtype)}", "float32, float16 or bfloat16 is allowed"
    with foreign(what, allowed, DtypeError):
        wanted = np.dtype(dtype)
    if wanted not in ALLOWED_DTYPES:
        msg = f"{what}: {allowed}"
        raise DtypeError(msg)
    check_float_environment()
    codes = one_a_byte(q.codes.reshape(_rows(q.codes.shape), q.codes.shape[-1]), q.recipe)
    scales = q.block_scales.reshape(codes.shape[0], q.block_scales.shape[-1])
    values = canonical_nan(dequantize_matrix(codes, scales, _scales_of(q), q.recipe))
    cropped = values[: _rows(q.shape), : q.shape[-1]].reshape(q.shape)
    with np.errstate(over="ignore"):  # float16 overflows to infinity, as a cast does
        return cropped.astype(wanted, copy=False)


def _scales_of(q: QuantizedTensor) -> Scales:
    """Return the tensor scales that a quantized tensor carries; the input's dtype is not needed again."""
    return Scales(
        amax=q.tensor_amax,
        encode=q.encode_scale,
        decode=q.decode_scale,
        range_max=np.float32(q.recipe.range_max),
        dtype=np.dtype(np.float32),
    )


def _rows(shape: tuple[int, ...]) -> int:
    """Return how many rows an array of `shape` has when all but its last axis are flattened."""
    return math.prod(shape[:-1])


def _matrix(x: AnyArray, r: Recipe, padding: Padding) -> AnyArray:
    """Return x as (rows, C), padded with zeros only if that was asked for by name."""
    if padding == "error" or not x.shape:
        check_shape(x.shape, r.block_rows, r.group)
    rows = _rows(x.shape)
    matrix = x.reshape(rows, x.shape[-1])
    extra_rows, extra_cols = -rows % r.block_rows, -x.shape[-1] % r.group
    if extra_rows or extra_cols:
        padded = np.zeros((rows + extra_rows, x.shape[-1] + extra_cols), dtype=x.dtype)
        padded[:rows, : x.shape[-1]] = matrix
        return padded
    return matrix


def _random(given: Any, r: Recipe, matrix: AnyArray) -> RandomBits | None:
    """Return the random bits of a matrix, None for a recipe that takes none."""
    rows, cols = matrix.shape
    return random_bits_of(given, r, (rows, cols))


def _scales(amax_of: Callable[[AnyArray, Recipe], F32], fixed: Fixed, r: Recipe, x: AnyArray) -> Scales:
    """Return the tensor scales that the caller fixes, else those of the tensor's own amax."""
    own = amax_of(x, r) if x.size else None
    if own is not None:
        check_finite(own, r)
    given = fixed.scales(r, x.shape[0], x.dtype)
    if given is not None:
        return given
    return scales_of_nothing(r, x.shape[0], x.dtype) if own is None else tensor_scales(own, r, x.dtype)


def _model_amax(x: AnyArray, r: Recipe) -> F32:
    return tensor_amax(widen(x), r, x.dtype)
