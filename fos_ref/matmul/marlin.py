"""Block scales as Marlin's W4A16 kernels store and read them: S0E5M3, and which scales that loses."""

from __future__ import annotations

from typing import Any

import numpy as np

from fos_ref.arguments import one_of
from fos_ref.errors import DtypeError, InputError
from fos_ref.formats.arrays import F32, U8
from fos_ref.model.dequantize import element_values, scale_values
from fos_ref.recipes.axes import ElementFormat, ScaleFormat
from fos_ref.storage.layout import unpack_nibbles
from fos_ref.storage.tensor import check_tensor, QuantizedTensor

FACTORS = (1, 2, 4, 8)  #: that the program multiplies the scales by before it stores them
_WIDENED = np.float16(128)
_TOP, _FRACTIONS, _BIAS = 0x80, 3, 15
_TOO_SMALL = -112  #: the power of two that is missing where the top bit is 0


def stored_scales(scales: F32, factor: int = 1) -> U8:
    """Return the bytes that Marlin keeps of block scales.

    factor:   1, 2, 4 or 8; the program takes it from the smallest scale of a tensor that is not 0
    Rounding: scale * factor and the product by 128, each to float16; infinity from 65,520 on. The byte is
              the exponent and the upper three fraction bits: nothing is cut, a scale has four digits.
    Specials: NaN gives FC, infinity F8.
    Raises:   InputError for another factor; DtypeError for other scales than float32.
    Source:   vllm-project/vllm@00d52e9:vllm/model_executor/layers/quantization/utils/marlin_utils_fp4.py::
              nvfp4_marlin_process_scales
    """
    one_of(str(factor), tuple(map(str, FACTORS)), "factor")
    if scales.dtype != np.float32:
        msg = f"scales of {scales.dtype}: float32 is allowed"
        raise DtypeError(msg)
    with np.errstate(all="ignore"):
        half = (scales * np.float32(factor)).astype(np.float16) * _WIDENED
    bits = half.view(np.uint16).astype(np.uint32) << 1
    found: U8 = (bits >> 8 & 0xFF).astype(np.uint8)
    return found


def read_scales(stored: U8, factor: int = 1) -> F32:
    """Return what a bfloat16 kernel takes stored bytes for, without its powers of two.

    Rounding: none.
    Specials: it moves the top bit of the exponent to that of bfloat16. Where it is 0, the value is 2^-112 of
              what was meant: too small to count. Infinity is read as 65,536.
    Source:   vllm-project/vllm@c77aff2:csrc/quantization/marlin/dequant.h
    """
    exponent, fraction = (stored >> _FRACTIONS).astype(np.int64), (stored & 7).astype(np.int64)
    normal = np.ldexp((8 + fraction) / 8.0, (exponent - _BIAS).astype(np.int32))
    subnormal = np.ldexp(fraction / 8.0, np.full(stored.shape, 1 - _BIAS, dtype=np.int32))
    meant = np.where(exponent == 0, subnormal, normal)
    seen = np.where(stored & _TOP, meant, np.ldexp(meant, _TOO_SMALL))
    found: F32 = (seen / (float(_WIDENED) * factor)).astype(np.float32)
    return found


def factor_of(scales: F32) -> int:
    """Return the factor that this version of the program takes: from the smallest scale that is not 0.

    The smallest of 1, 2, 4 and 8 with which it is 2^-6 at least; 8 where none is.
    """
    some = scales[scales > 0]
    least = float(some.min()) if some.size else 1.0
    return next((f for f in FACTORS if least * f >= 2.0**-6), FACTORS[-1])


def lost(factor: int) -> tuple[int, ...]:
    """Return the scale bytes 01 to 7E that do not come back as they were."""
    stored = np.arange(1, 0x7F, dtype=np.uint8)
    scales = _e4m3(stored)
    back = read_scales(stored_scales(scales, factor), factor)
    return tuple(stored[back != scales].tolist())


def marlin_values(q: Any, factor: int | None = None) -> F32:
    """Return codes times block scales as Marlin's kernel has them, before the tensor scale.

    factor:   None: as `factor_of` takes it
    Shapes:   q (R, K) -> (R, K)
    Rounding: none beyond that of the scales: element times scale is exact in bfloat16.
    Raises:   InputError for other tensors than E2M1 in E4M3 scales.
    """
    q = check_tensor(q, "marlin_values")
    _check(q)
    r = q.recipe
    scales = scale_values(q.block_scales, r)
    taken = factor_of(scales) if factor is None else factor
    read = read_scales(stored_scales(scales, taken), taken)
    codes = unpack_nibbles(q.codes).reshape(*q.block_scales.shape, r.block_cols)
    values = element_values(codes, np.zeros((*q.block_scales.shape, 1), dtype=np.bool_), r)
    found: F32 = (values * read[..., None]).reshape(*q.codes.shape[:-1], -1)
    return found


def _check(q: QuantizedTensor) -> None:
    if q.recipe.element_format is not ElementFormat.E2M1 or q.recipe.scale_format is not ScaleFormat.E4M3:
        msg = f"marlin_values of {q.recipe.name}: E2M1 under E4M3 scales is allowed"
        raise InputError(msg)


def _e4m3(stored: U8) -> F32:
    field, fraction = (stored >> 3).astype(np.int64), (stored & 7).astype(np.int64)
    whole = np.where(field == 0, fraction, 8 + fraction).astype(np.float32)
    found: F32 = np.ldexp(whole, (np.maximum(field, 1) - 10).astype(np.int32))
    return found
